// The calls of a Session by name, and when the waits of the calling thread end: see rm/session.hpp.

#include <xabridge/rm/session.hpp>

namespace xabridge::rm {
namespace {

thread_local std::chrono::steady_clock::time_point deadline_here =
    std::chrono::steady_clock::time_point::max();

}  // namespace

std::chrono::steady_clock::time_point call_deadline() noexcept { return deadline_here; }

CallDeadline::CallDeadline(std::chrono::steady_clock::time_point deadline) noexcept
    : before_(deadline_here) {
  deadline_here = deadline;
}

CallDeadline::~CallDeadline() { deadline_here = before_; }

void CallDeadline::set(std::chrono::steady_clock::time_point deadline) noexcept {
  deadline_here = deadline;
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
