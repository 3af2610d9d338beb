// xa_start and xa_end: associations, and how a branch gets its session.

#include "ending.hpp"

namespace xabridge::rm {
namespace {

// What a pooled session has for its first answer: this part of the caller's time, and no more than
// that. To begin takes a server a millisecond.
constexpr int kShare = 5;
constexpr std::chrono::seconds kMostForIdle{3};

class StartNew final : public Operation {
 public:
  /// `warned`: in this session xa_start has met work of the application's own before.
  StartNew(const Call& call, const Xid& xid, Claim claim, Lease lease, bool warned)
      : Operation(lease.get(), Request::begin, xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        lease_(std::move(lease)),
        warned_(warned) {}
  ~StartNew() override { lease_.give_back(); }

  [[nodiscard]] bool waits() const noexcept override { return true; }
  Answer perform() override {
    if (lease_) return begin();
    return connect_and_begin();
  }

  bool send() override {
    const BeginDeadline soon(begin_by());
    return Operation::send();
  }

  // A session that the server or a firewall closed while it was idle fails at its first use, or
  // does not answer; nothing was begun then, so it is replaced without a word. Once: if a fresh one
  // fails too, the server is not there.
  Answer conclude(Answer answer) override {
    if (answer.code == XAER_RMFAIL && lease_ && !lease_.fresh()) {
      const std::string before = answer.error ? answer.error->message : "it was lost";
      answer = connect_and_begin();
      if (answer.code == XAER_RMFAIL && answer.error)
        answer.error->message += "; before that, with an idle connection of the pool: " + before;
      if (answer.code == XAER_DUPID) answer = still_begun();
    }
    if (answer.code == XA_OK) {
      claim_.adopt(std::move(lease_));
      claim_.moved(call_.thread.token(), Verb::start, Mode::plain, XA_OK);
      call_.rm.active = xid();
    } else if (answer.code == XAER_OUTSIDE) {
      keep_once(answer);
    } else if (answer.code == XAER_RMERR) {
      lease_.close();  // perhaps of a driver that threw, and left it as nobody knows
    }
    return answer;
  }

 private:
  // Only the reply was lost: the server has not noticed yet that the session that began is gone.
  static Answer still_begun() {
    return refused(XAER_RMFAIL,
                   "the connection was lost while the branch began, and the server still has it; "
                   "it ends with that connection. Try again with another XID");
  }
  // Whoever left work open there can still end it. But it need not have been this thread, and may
  // never happen: met again, the session is closed, which rolls that work back.
  void keep_once(Answer& answer) {
    if (!warned_) {
      call_.rm.outside = std::move(lease_);
      return;
    }
    lease_.close();
    if (answer.error)
      answer.error->message += "; it was not ended since the last call, and is rolled back now";
  }
  [[nodiscard]] std::chrono::steady_clock::time_point begin_by() const noexcept {
    using Clock = std::chrono::steady_clock;
    if (lease_.fresh() || !lease_) return Clock::time_point::max();
    const Clock::time_point now = Clock::now();
    if (call_deadline() == Clock::time_point::max()) return now + kMostForIdle;
    return now + std::min<Clock::duration>((call_deadline() - now) / kShare, kMostForIdle);
  }
  Answer begin() {
    const BeginDeadline soon(begin_by());
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
  const bool warned_;
};

Checked start_new(const Call& call, const Xid& xid) {
  auto claim = call.instance.branches().create(xid);
  if (!claim) return refused(XAER_DUPID, "a branch with this XID exists here already");
  const bool warned = static_cast<bool>(call.rm.outside);
  auto lease = warned ? Result<Lease>(std::move(call.rm.outside))
                      : call.instance.pool().reserve(call.wait, call.since);
  if (!lease) return Answer(std::move(lease.error()));
  return std::make_unique<StartNew>(call, xid, *std::move(claim), *std::move(lease), warned);
}

// TMJOIN and TMRESUME: the branch and its session are there, and nobody is using them.
class Continue final : public Operation {
 public:
  Continue(const Call& call, const Xid& xid, Claim claim, Mode mode)
      : Operation(claim->rollback_reason() == XA_OK ? claim.session() : nullptr, Request::resume,
                  xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        mode_(mode) {}

  Answer perform() override {
    const int reason = claim_->rollback_reason();
    if (reason == XA_OK) return Operation::perform();
    return refused(reason, "the branch can only be rolled back");
  }

  Answer conclude(Answer answer) override {
    claim_.moved(call_.thread.token(), Verb::start, mode_, answer.code);
    if (answer.code == XA_OK) call_.rm.active = xid();
    return answer;
  }

 private:
  const Call call_;
  Claim claim_;
  const Mode mode_;
};

Answer may_continue(const Branch& branch, ThreadToken thread, Mode mode) {
  const T association = branch.association(thread);
  if (may(association, Verb::start, mode) != XA_OK)
    return refused(XAER_PROTO, "this thread has suspended the branch; resume it");
  if (mode == Mode::resume && association == T::T0 && !branch.left_to_migrate())
    return refused(XAER_PROTO,
                   "this thread has not suspended the branch, and none has with TMMIGRATE");
  if (branch.active_elsewhere(thread)) return XA_OK;  // asked again when that is over
  const int code = may(branch.state(), Verb::start, mode);
  return code == XA_OK ? XA_OK : refused(code, "the branch is in a state that admits no xa_start");
}

/// The session serves one thread at a time, so who comes second waits, holding nothing.
Checked start_existing(const Call& call, const Xid& xid, Mode mode) {
  BranchTable& branches = call.instance.branches();
  const ThreadToken thread = call.thread.token();
  for (;;) {
    auto [claim, busy] = branches.claim(xid, call.wait);
    if (busy) return busy_elsewhere();
    if (!claim) return not_in_this_process(call, xid, Verb::start, mode);
    const Branch& branch = *claim->operator->();
    if (Answer allowed = may_continue(branch, thread, mode); allowed.code != XA_OK) return allowed;
    if (!branch.active_elsewhere(thread))
      return std::make_unique<Continue>(call, xid, *std::move(claim), mode);
    if (call.wait == Pool::Wait::no) return busy_elsewhere();
    claim.reset();
    branches.wait_until_inactive(xid);
  }
}

class End final : public Operation {
 public:
  End(const Call& call, const Xid& xid, Claim claim, const Ending& ending)
      : Operation(ending.asks_server(*claim.operator->()) ? claim.session() : nullptr, Request::end,
                  xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        ending_(ending) {}

  Answer perform() override {
    if (ending_.asks_server(*claim_.operator->())) return Operation::perform();
    return ending_.without_server(claim_, call_.thread.token());
  }

  Answer conclude(Answer answer) override {
    const ThreadToken thread = call_.thread.token();
    claim_.moved(thread, Verb::end, ending_.mode, answer.code);
    if (ending_.migrate) claim_.let_migrate(thread);
    if (claim_->association(thread) != T::T1 && call_.rm.active == xid()) call_.rm.active.reset();
    return answer;
  }

 private:
  const Call call_;
  Claim claim_;
  const Ending ending_;
};

}  // namespace

Answer Ending::without_server(const Claim& claim, ThreadToken thread) const {
  int reason = claim->rollback_reason();
  // While another thread is active in the branch, the session is not ours to ask.
  if (reason == XA_OK && !claim->active_elsewhere(thread)) {
    const int seen = claim.session()->doomed();
    if (is_rollback(seen)) reason = seen;
  }
  if (reason == XA_OK && failed) reason = XA_RBROLLBACK;
  if (reason == XA_OK) return XA_OK;
  return refused(reason, failed ? "the branch was ended with TMFAIL and can only be rolled back"
                                : "the branch can only be rolled back");
}

Checked start(const Call& call, const Xid& xid, Mode mode) {
  if (call.rm.active)
    return refused(XAER_PROTO, "this thread is associated with branch " +
                                   call.rm.active->to_string() + "; xa_end it first");
  if (mode == Mode::plain) return start_new(call, xid);
  return start_existing(call, xid, mode);
}

Checked end(const Call& call, const Xid& xid, long flags) {
  auto [claim, busy] = call.instance.branches().claim(xid, call.wait);
  if (busy) return busy_elsewhere();
  const Mode mode = (flags & TMSUSPEND) != 0 ? Mode::suspend : Mode::plain;
  if (!claim) return not_in_this_process(call, xid, Verb::end, mode);
  const Branch& branch = *claim->operator->();
  const ThreadToken thread = call.thread.token();
  const Ending ending{branch.association(thread), mode, (flags & TMFAIL) != 0,
                      (flags & TMMIGRATE) != 0};
  if (may(ending.association, Verb::end, mode) != XA_OK ||
      may(branch.state(), Verb::end, mode) != XA_OK)
    return refused(XAER_PROTO, ending.association == T::T2
                                   ? "the association is suspended already"
                                   : "this thread is not associated with the branch");
  if (call.instance.prepares_at_end() && mode == Mode::plain &&
      !branch.associated_elsewhere(thread))
    return end_and_prepare(call, xid, *std::move(claim), ending);
  return std::make_unique<End>(call, xid, *std::move(claim), ending);
}

}  // namespace xabridge::rm
