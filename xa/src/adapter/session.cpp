// The calls of a Session by name, and what the calling thread said about its next ones: when their
// waits end, and how isolated a branch is. See rm/session.hpp.

#include <algorithm>
#include <array>
#include <xabridge/rm/session.hpp>

namespace xabridge::rm {
namespace {

thread_local std::chrono::steady_clock::time_point deadline_here =
    std::chrono::steady_clock::time_point::max();
thread_local std::chrono::steady_clock::time_point begin_deadline_here =
    std::chrono::steady_clock::time_point::max();

constexpr std::array<std::string_view, 5> levels{"", "READ UNCOMMITTED", "READ COMMITTED",
                                                 "REPEATABLE READ", "SERIALIZABLE"};
thread_local std::string_view isolation_here;  // one of `levels`

}  // namespace

std::chrono::steady_clock::time_point call_deadline() noexcept { return deadline_here; }

std::chrono::steady_clock::time_point begin_deadline() noexcept {
  return std::min(deadline_here, begin_deadline_here);
}

BeginDeadline::BeginDeadline(std::chrono::steady_clock::time_point deadline) noexcept {
  begin_deadline_here = deadline;
}

BeginDeadline::~BeginDeadline() {
  begin_deadline_here = std::chrono::steady_clock::time_point::max();
}

CallDeadline::CallDeadline(std::chrono::steady_clock::time_point deadline) noexcept
    : before_(deadline_here) {
  deadline_here = deadline;
}

CallDeadline::~CallDeadline() { deadline_here = before_; }

void CallDeadline::set(std::chrono::steady_clock::time_point deadline) noexcept {
  deadline_here = deadline;
}

std::string_view branch_isolation() noexcept { return isolation_here; }

bool set_branch_isolation(std::string_view level) noexcept {
  const auto* const known = std::find(levels.begin(), levels.end(), level);
  if (known == levels.end()) return false;
  isolation_here = *known;
  return true;
}

Answer perform(Session& session, Request request, const Xid& xid) {
  switch (request) {
    case Request::begin:
      return session.begin(xid);
    case Request::end:
      return session.end(xid);
    case Request::resume:
      return session.resume(xid);
    case Request::prepare:
      return session.prepare(xid);
    case Request::commit_one_phase:
      return session.commit_one_phase(xid);
    case Request::rollback:
      return session.rollback(xid);
    case Request::commit_prepared:
      return session.commit_prepared(xid);
    case Request::rollback_prepared:
      return session.rollback_prepared(xid);
  }
  return XAER_INVAL;
}

}  // namespace xabridge::rm
