// Completing a branch that the server refuses for want of rights: under its owner's role, where the
// login role may take that, and otherwise with the name of who can.
//
// Only after a refusal, so it costs the others nothing: COMMIT PREPARED, who owns it, SET ROLE,
// COMMIT PREPARED, RESET ROLE. One message each, because COMMIT PREPARED must be alone in its own.

#include "ownership.hpp"
#include "session.hpp"

namespace xabridge::postgresql {

using rm::Answer;

// The session may be another role than its login's: an application that kept the connection beyond
// its branch can have set one.
void Session::ask_for_owner(Error refusal) {
  call_->refusal = std::move(refusal);
  ask(std::string(be_yourself) + "; " + select_holdings + " WHERE x.gid = '" + call_->xid.to_gid() +
          "'",
      &Session::found_owner);
}

void Session::found_owner(Reply reply) {
  Error& refusal = *call_->refusal;
  if (!reply.whole || !connected())
    return conclude(lost(refusal.operation.c_str(), &call_->xid, true));
  if (reply.refusal() != nullptr) {
    reuse_ = false;
    return conclude(std::move(refusal));
  }
  const PGresult* const row = reply.row();
  if (row == nullptr) {
    refusal.xa_code = XA_RETRY;
    refusal.message = "the branch is being completed by another session; it will be tried again";
    return conclude(std::move(refusal));
  }
  const Holding holding = read_holding(row, 0);
  if (!holding.completable()) {
    refusal.message = holding.obstacle();
    return conclude(std::move(refusal));
  }
  call_->as_owner = true;
  if (holding.role->empty()) return ask_to_complete();
  ask("SET ROLE " + *holding.role, &Session::became_owner);
}

void Session::became_owner(Reply reply) {
  if (!reply.whole || !connected())
    return conclude(lost(call_->refusal->operation.c_str(), &call_->xid, true));
  if (reply.refusal() != nullptr) return conclude(*std::move(call_->refusal));
  ask_to_complete();
}

// The answer to phase two, once the session is its login role again.
void Session::settle(Answer answer) {
  if (!call_->as_owner || !connected()) return conclude(std::move(answer));
  call_->settled = std::move(answer);
  ask("RESET ROLE", &Session::left_owner);
}

void Session::left_owner(Reply reply) {
  if (reply.done("RESET") == nullptr || !connected()) reuse_ = false;
  conclude(*std::move(call_->settled));
}

}  // namespace xabridge::postgresql
