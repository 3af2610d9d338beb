// xa_start and xa_end: associations, and how a branch gets its session.

#include "impl.hpp"

namespace xabridge::rm {
namespace {

// Begins the branch in a pooled session. One that the server or a firewall closed while it was idle
// fails at its first use; nothing was begun then, so it is replaced without a word. Once: if a
// fresh one fails too, the server is not there.
Answer begin(Lease& lease, const Xid& xid) {
  Answer answer = lease->begin(xid);
  if (answer.code != XAER_RMFAIL || lease.fresh()) return answer;
  if (auto replaced = lease.replace(); !replaced) return std::move(replaced.error());
  return lease->begin(xid);
}

Answer start_new(const Call& call, const Xid& xid, Pool::Wait wait) {
  auto claim = call.instance.branches().create(xid);
  if (!claim) return refused(XAER_DUPID, "a branch with this XID exists here already");
  auto lease = call.instance.pool().acquire(wait);
  if (!lease) return std::move(lease.error());
  Answer answer = begin(*lease, xid);
  if (answer.code == XA_OK) {
    claim->adopt(*std::move(lease));
    claim->moved(call.thread.token(), Verb::start, Mode::plain, XA_OK);
    call.rm.active = xid;
  } else {
    lease->give_back();
  }
  return answer;
}

Answer start_existing(const Call& call, const Xid& xid, Mode mode) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return refused(XAER_NOTA, "there is no such branch to join or resume");
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.association(call.thread.token()), Verb::start, mode);
  if (allowed != XA_OK) return refused(allowed, "this thread has not suspended the branch");
  if (const int code = may(branch.state(), Verb::start, mode); code != XA_OK)
    return refused(code, "the branch is in a state that admits no xa_start");
  return refuse_unsupported(Verb::start, mode);
}

}  // namespace

Answer start(const Call& call, const Xid& xid, Mode mode, Pool::Wait wait) {
  if (call.rm.active)
    return refused(XAER_PROTO, "this thread is associated with branch " +
                                   call.rm.active->to_string() + "; xa_end it first");
  if (mode == Mode::plain) return start_new(call, xid, wait);
  return start_existing(call, xid, mode);
}

Answer end(const Call& call, const Xid& xid, long flags) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return refused(XAER_NOTA, "there is no such branch here");
  const Branch& branch = *claim->operator->();
  const Mode mode = (flags & TMSUSPEND) != 0 ? Mode::suspend : Mode::plain;
  const T association = branch.association(call.thread.token());
  if (may(association, Verb::end, mode) != XA_OK || may(branch.state(), Verb::end, mode) != XA_OK)
    return refused(XAER_PROTO, "this thread is not associated with the branch");
  if (Answer unsupported = refuse_unsupported(Verb::end, mode); unsupported.code != XA_OK)
    return unsupported;

  Answer answer;
  if ((flags & TMFAIL) != 0) {
    // The mark is ours; the server is asked nothing, xa_rollback will tell it.
    const int reason = claim->session()->doomed();
    answer = refused(is_rollback(reason) ? reason : XA_RBROLLBACK,
                     "the branch was ended with TMFAIL and can only be rolled back");
  } else {
    answer = ask_server(XAER_RMERR, [&] { return claim->session()->end(xid); });
  }
  claim->moved(call.thread.token(), Verb::end, mode, answer.code);
  if (branch.association(call.thread.token()) != T::T1) call.rm.active.reset();
  return answer;
}

}  // namespace xabridge::rm
