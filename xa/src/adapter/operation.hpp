// Operation: one call on a branch, between the check of the tables and the move.
//
//   check     in the calling thread: the tables are asked, the claim is taken. What is refused is
//             answered here; what may go on becomes an Operation.
//   ask       the server. No table is touched, so any thread may perform() it, or the session
//             sends it and receives the answer later.
//   conclude  in the thread that learns the answer: the tables move. Questions that follow from
//             the answer, which is rare, are asked here, and are waited for.
//
// A synchronous call is all three at once; with TMASYNC xa_complete concludes, see outstanding.hpp.
// Destroying an Operation gives up its claim; one that was never asked leaves all as it was.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <xabridge/rm/session.hpp>

#include "arguments.hpp"

namespace xabridge::rm {

/// Calls the server. A driver that throws has left the branch in a state nobody knows: `unknown` is
/// the code that says so for this call, and the tables go on from there.
template <class Call>
auto ask_server(int unknown, Call call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return refused(unknown, std::string("the driver failed: ") + exception.what());
  }
}

/// The answer with the name of the server that gave it. Out of memory it has none, which is "cannot
/// tell": the answer itself stays.
template <class A>
A signed_by(const Session& session, A answer) noexcept {
  try {
    if constexpr (std::is_same_v<A, Answer>) {
      answer.server = session.server();
    } else if (answer) {
      answer->server = session.server();
    }
  } catch (const std::exception&) {
  }
  return answer;
}

class Operation {
 public:
  /// `request` of `session`; null for an operation with a perform() of its own.
  Operation(Session* session, Request request, const Xid& xid, int unknown) noexcept
      : session_(session), request_(request), xid_(xid), unknown_(unknown) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  virtual ~Operation() = default;

  /// May perform() wait? What does not, having no session to ask, is done when xa_complete asks.
  [[nodiscard]] virtual bool waits() const noexcept { return session_ != nullptr; }
  /// Asks and waits for the answer.
  virtual Answer perform() {
    return signed_by(*session_, ask_server(unknown_, [&] {
      return rm::perform(*session_, request_, xid());
    }));
  }
  /// Or: hands the request to the server, where the session can; see Session::send().
  virtual bool send() { return session_ != nullptr && session_->send(request_, xid()); }
  std::optional<Answer> receive(Patience patience) {
    return signed_by(*session_,
                     ask_server(unknown_, [&] { return session_->receive(patience); }));
  }
  /// Once, with what perform() or receive() has answered; gives the answer of the call.
  virtual Answer conclude(Answer answer) = 0;

  /// The code that says: nobody knows what the driver did.
  [[nodiscard]] int unknown() const noexcept { return unknown_; }

 protected:
  /// What is not one request on a branch: xa_open, xa_close.
  explicit Operation(int unknown) noexcept : unknown_(unknown) {}
  [[nodiscard]] const Xid& xid() const noexcept { return *xid_; }

 private:
  Session* const session_ = nullptr;
  const Request request_{};
  const std::optional<Xid> xid_;
  const int unknown_;
};

/// The outcome of a check.
using Checked = std::variant<Answer, std::unique_ptr<Operation>>;

/// The rest of a synchronous call.
inline Answer finish(Checked checked) {
  if (auto* const answer = std::get_if<Answer>(&checked)) return std::move(*answer);
  Operation& operation = *std::get<std::unique_ptr<Operation>>(checked);
  return operation.conclude(operation.perform());
}

}  // namespace xabridge::rm
