// xa_start and xa_end: associations, and how a branch gets its session.

#include "impl.hpp"

namespace xabridge::rm {
namespace {

class StartNew final : public Operation {
 public:
  StartNew(const Call& call, const Xid& xid, Claim claim, Lease lease)
      : Operation(lease.get(), Request::begin, xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        lease_(std::move(lease)) {}
  ~StartNew() override { lease_.give_back(); }

  Answer perform() override {
    if (lease_) return begin();
    return connect_and_begin();
  }

  // A session that the server or a firewall closed while it was idle fails at its first use;
  // nothing was begun then, so it is replaced without a word. Once: if a fresh one fails too, the
  // server is not there.
  Answer conclude(Answer answer) override {
    if (answer.code == XAER_RMFAIL && lease_ && !lease_.fresh()) answer = connect_and_begin();
    if (answer.code == XA_OK) {
      claim_.adopt(std::move(lease_));
      claim_.moved(call_.thread.token(), Verb::start, Mode::plain, XA_OK);
      call_.rm.active = xid();
    } else if (answer.code == XAER_RMERR) {
      lease_.close();  // perhaps of a driver that threw, and left it as nobody knows
    }
    return answer;
  }

 private:
  Answer begin() {
    return ask_server(unknown(), [&] { return lease_->begin(xid()); });
  }
  Answer connect_and_begin() {
    return ask_server(unknown(), [&]() -> Answer {
      if (auto connected = lease_.replace(); !connected) return std::move(connected.error());
      return lease_->begin(xid());
    });
  }

  const Call call_;
  Claim claim_;
  Lease lease_;
};

Checked start_new(const Call& call, const Xid& xid, Pool::Wait wait) {
  auto claim = call.instance.branches().create(xid);
  if (!claim) return refused(XAER_DUPID, "a branch with this XID exists here already");
  auto lease = call.instance.pool().reserve(wait);
  if (!lease) return Answer(std::move(lease.error()));
  return std::make_unique<StartNew>(call, xid, *std::move(claim), *std::move(lease));
}

Checked start_existing(const Call& call, const Xid& xid, Mode mode) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return refused(XAER_NOTA, "there is no such branch to join or resume");
  const Branch& branch = *claim->operator->();
  const T association = branch.association(call.thread.token());
  const int allowed = may(association, Verb::start, mode);
  if (allowed != XA_OK ||
      (mode == Mode::resume && association == T::T0 && !branch.left_to_migrate()))
    return refused(XAER_PROTO, "this thread has not suspended the branch");
  if (const int code = may(branch.state(), Verb::start, mode); code != XA_OK)
    return refused(code, "the branch is in a state that admits no xa_start");
  return refuse_unsupported(Verb::start, mode);
}

class End final : public Operation {
 public:
  End(const Call& call, const Xid& xid, Claim claim, Mode mode, bool failed)
      : Operation(claim.session(), Request::end, xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        mode_(mode),
        failed_(failed) {}

  Answer perform() override { return failed_ ? mark() : Operation::perform(); }

  Answer conclude(Answer answer) override {
    const ThreadToken thread = call_.thread.token();
    claim_.moved(thread, Verb::end, mode_, answer.code);
    if (claim_->association(thread) != T::T1) call_.rm.active.reset();
    return answer;
  }

 private:
  // TMFAIL. The mark is ours; the server is asked nothing, xa_rollback will tell it.
  Answer mark() {
    const int reason = claim_.session()->doomed();
    return refused(is_rollback(reason) ? reason : XA_RBROLLBACK,
                   "the branch was ended with TMFAIL and can only be rolled back");
  }

  const Call call_;
  Claim claim_;
  const Mode mode_;
  const bool failed_;
};

}  // namespace

Checked start(const Call& call, const Xid& xid, Mode mode, Pool::Wait wait) {
  if (call.rm.active)
    return refused(XAER_PROTO, "this thread is associated with branch " +
                                   call.rm.active->to_string() + "; xa_end it first");
  if (mode == Mode::plain) return start_new(call, xid, wait);
  return start_existing(call, xid, mode);
}

Checked end(const Call& call, const Xid& xid, long flags) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return refused(XAER_NOTA, "there is no such branch here");
  const Branch& branch = *claim->operator->();
  const Mode mode = (flags & TMSUSPEND) != 0 ? Mode::suspend : Mode::plain;
  const T association = branch.association(call.thread.token());
  if (may(association, Verb::end, mode) != XA_OK || may(branch.state(), Verb::end, mode) != XA_OK)
    return refused(XAER_PROTO, "this thread is not associated with the branch");
  if (Answer unsupported = refuse_unsupported(Verb::end, mode); unsupported.code != XA_OK)
    return unsupported;
  return std::make_unique<End>(call, xid, *std::move(claim), mode, (flags & TMFAIL) != 0);
}

}  // namespace xabridge::rm
