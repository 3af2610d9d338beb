// xa_prepare, xa_commit, xa_rollback, xa_forget: what becomes of a branch.
//
// The table is asked first, the server answers, then the state moves; see state_tables.hpp. A
// branch this process does not know may still be prepared at the server, by another process or an
// earlier life of this one: phase two of it goes through a control session, and the server is the
// authority.

#include "impl.hpp"

namespace xabridge::rm {
namespace {

Answer wrong_state(const Branch& branch, int code) {
  if (branch.associated())
    return refused(code, "a thread is still associated with the branch; xa_end comes first");
  static constexpr const char* texts[] = {"is unknown",
                                          "is active",
                                          "is idle and not prepared",
                                          "is prepared",
                                          "can only be rolled back",
                                          "was completed heuristically; xa_forget it"};
  return refused(code,
                 std::string("the branch ") + texts[static_cast<std::size_t>(branch.state())]);
}

/// The session contract's XAER_RMERR in phase two says "refused, and still listed": rights, the
/// wrong database. To a transaction manager xa_commit's XAER_RMERR says "was rolled back" (XA 5),
/// which is the one thing it must not believe here. XA_RETRY keeps the branch and the decision, and
/// an administrator can repair what the text names. The contract has no XA_RB* for a prepared
/// branch either: it would be the reason of a statement that failed on the way, such as a cancel.
///
/// One phase knows no XA_RETRY, and whoever asked for it keeps no decision to come back with: it is
/// told that the outcome is open. The branch stays prepared until it is committed or rolled back.
Answer commit_answer(Answer answer, Mode mode) {
  if (answer.code == XAER_RMERR || is_rollback(answer.code)) answer.code = XA_RETRY;
  if (answer.code != XA_RETRY || mode != Mode::one_phase) return answer;
  answer.code = XAER_RMFAIL;
  if (!answer.error)
    answer.error = refused(XAER_RMFAIL, "the branch could not be committed now").error;
  answer.error->outcome_known = false;
  answer.error->message += "; it is still prepared: xa_recover lists it, commit or roll it back";
  return answer;
}

Answer kept_heuristic(const Claim& claim) {
  return refused(claim.heuristic(),
                 "the server had completed the branch by itself; record the "
                 "outcome, then xa_forget it");
}

/// The reply to a one-phase commit that did not come: with a known outcome it would have been RB*.
void mark_unknown(Answer& answer) {
  if (!answer.error) answer = refused(XAER_RMFAIL, "the connection was lost during COMMIT");
  answer.error->outcome_known = false;
}

class Prepare final : public Operation {
 public:
  Prepare(const Call& call, const Xid& xid, Claim claim)
      : Operation(claim.session(), Request::prepare, xid, XAER_RMERR),
        thread_(call.thread.token()),
        claim_(std::move(claim)) {}

  Answer conclude(Answer answer) override {
    claim_.moved(thread_, Verb::prepare, Mode::plain, answer.code);
    return answer;
  }

 private:
  const ThreadToken thread_;
  Claim claim_;
};

class CommitOnePhase final : public Operation {
 public:
  CommitOnePhase(const Call& call, const Xid& xid, Claim claim)
      : Operation(claim.session(), Request::commit_one_phase, xid, XAER_RMFAIL),
        thread_(call.thread.token()),
        claim_(std::move(claim)) {}

  Answer conclude(Answer answer) override {
    if (answer.code == XAER_RMFAIL) mark_unknown(answer);
    claim_.moved(thread_, Verb::commit, Mode::one_phase, answer.code);
    return answer;
  }

 private:
  const ThreadToken thread_;
  Claim claim_;
};

/// Unprepared work, ended or doomed.
class RollBackWork final : public Operation {
 public:
  RollBackWork(const Call& call, const Xid& xid, Claim claim)
      : Operation(claim.session(), Request::rollback, xid, XAER_RMFAIL),
        thread_(call.thread.token()),
        claim_(std::move(claim)) {}

  Answer conclude(Answer answer) override {
    if (claim_.prepare_failed() && (answer.code == XA_OK || is_rollback(answer.code))) {
      // xa_prepare had answered XAER_RMERR, so the branch may be prepared after all.
      Answer prepared =
          signed_by(*claim_.session(), ask_server(unknown(), [&] {
            return claim_.session()->rollback_prepared(xid());
          }));
      if (prepared.code != XAER_NOTA) answer = std::move(prepared);
    }
    claim_.moved(thread_, Verb::rollback, Mode::plain, answer.code);
    return answer;
  }

 private:
  const ThreadToken thread_;
  Claim claim_;
};

/// A prepared branch: through the session that prepared it, while there is one (MariaDB lets no
/// other session near it, and the others save themselves the wait for a connection), else through a
/// control session. Without a claim it is a branch that this process does not know.
class PhaseTwo final : public Operation {
 public:
  PhaseTwo(const Call& call, const Xid& xid, Verb verb, Mode mode, std::optional<Claim> claim)
      : Operation(claim ? claim->session() : nullptr, request(verb), xid, XAER_RMERR),
        call_(call),
        verb_(verb),
        mode_(mode),
        claim_(std::move(claim)) {}

  [[nodiscard]] bool waits() const noexcept override { return true; }
  Answer perform() override {
    if (claim_ && claim_->session() != nullptr) return Operation::perform();
    auto control = call_.instance.control_session();
    if (!control) return std::move(control.error());
    return perform_in(*control);
  }

  Answer conclude(Answer answer) override {
    if (answer.code == XAER_RMFAIL && claim_ && claim_->session() != nullptr)
      answer = without_its_session(std::move(answer));
    if (verb_ == Verb::commit) answer = commit_answer(std::move(answer), mode_);
    if (claim_)
      claim_->moved(call_.thread.token(), verb_, Mode::plain, answer.code);
    else if (is_heuristic(answer.code))
      call_.instance.branches().remember_heuristic(xid(), answer.code);
    return answer;
  }

 private:
  Answer perform_in(Lease& control) {
    Answer answer = signed_by(*control.get(), ask_server(unknown(), [&] {
      return rm::perform(*control.get(), request(verb_), xid());
    }));
    if (answer.code != XAER_RMFAIL) control.give_back();
    return answer;
  }

  // The session that prepared the branch is lost, which says nothing about the server: a prepared
  // branch needs no session. Only when the server cannot be reached has the resource manager
  // failed. The outcome is known only if both calls' is: a branch that is not there any more, or
  // cannot be completed now, may have been completed by the first call; and a second call without
  // an answer may have arrived, whatever is known of the first.
  Answer without_its_session(Answer first) {
    claim_->take_session().close();
    auto control = call_.instance.control_session();
    if (!control) return first;
    Answer second = perform_in(*control);
    const bool may_be_done = !first.error || !first.error->outcome_known;
    const bool may_be_done_now = second.error && !second.error->outcome_known;
    const bool settles = second.code != XAER_NOTA && second.code != XA_RETRY;
    const bool better =
        second.code == XAER_RMFAIL ? may_be_done_now : settles || !may_be_done;
    return better ? std::move(second) : std::move(first);
  }

  static constexpr Request request(Verb verb) noexcept {
    return verb == Verb::commit ? Request::commit_prepared : Request::rollback_prepared;
  }

  const Call call_;
  const Verb verb_;
  const Mode mode_;
  std::optional<Claim> claim_;
};

class Forget final : public Operation {
 public:
  Forget(const Call& call, Claim claim)
      : Operation(XAER_RMERR), thread_(call.thread.token()), claim_(std::move(claim)) {}

  Answer perform() override { return XA_OK; }
  Answer conclude(Answer answer) override {
    claim_.moved(thread_, Verb::forget, Mode::plain, answer.code);
    return answer;
  }

 private:
  const ThreadToken thread_;
  Claim claim_;
};

}  // namespace

Checked prepare(const Call& call, const Xid& xid) {
  auto [claim, busy] = call.instance.branches().claim(xid, call.wait);
  if (busy) return busy_elsewhere();
  if (!claim) return not_in_this_process(call, xid, Verb::prepare, Mode::plain);
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::prepare, Mode::plain);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  return std::make_unique<Prepare>(call, xid, *std::move(claim));
}

Checked commit(const Call& call, const Xid& xid, long flags) {
  const Mode mode = (flags & TMONEPHASE) != 0 ? Mode::one_phase : Mode::plain;
  auto [claim, busy] = call.instance.branches().claim(xid, call.wait);
  if (busy) return busy_elsewhere();
  if (!claim) return not_in_this_process(call, xid, Verb::commit, mode);
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::commit, mode);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  if (branch.state() == S::S5) return kept_heuristic(*claim);
  if (mode == Mode::one_phase)
    return std::make_unique<CommitOnePhase>(call, xid, *std::move(claim));
  return std::make_unique<PhaseTwo>(call, xid, Verb::commit, mode, std::move(claim));
}

Checked rollback(const Call& call, const Xid& xid) {
  auto [claim, busy] = call.instance.branches().claim(xid, call.wait);
  if (busy) return busy_elsewhere();
  if (!claim) return not_in_this_process(call, xid, Verb::rollback, Mode::plain);
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::rollback, Mode::plain);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  if (branch.state() == S::S5) return kept_heuristic(*claim);
  if (branch.state() != S::S3) return std::make_unique<RollBackWork>(call, xid, *std::move(claim));
  return std::make_unique<PhaseTwo>(call, xid, Verb::rollback, Mode::plain, std::move(claim));
}

Checked second_phase(const Call& call, const Xid& xid, Verb verb, Mode mode) {
  return std::make_unique<PhaseTwo>(call, xid, verb, mode, std::nullopt);
}

Checked forget(const Call& call, const Xid& xid) {
  auto [claim, busy] = call.instance.branches().claim(xid, call.wait);
  if (busy) return busy_elsewhere();
  if (!claim) return not_in_this_process(call, xid, Verb::forget, Mode::plain);
  const Branch& branch = *claim->operator->();
  if (const int code = may(branch.state(), Verb::forget, Mode::plain); code != XA_OK)
    return refused(code, "only a heuristically completed branch can be forgotten");
  return std::make_unique<Forget>(call, *std::move(claim));
}

}  // namespace xabridge::rm
