// prepare_at_end=1: xa_end that prepares, and calls on branches that only the server knows. What
// follows what is in state_tables/prepare_at_end.hpp.

#include <algorithm>
#include <vector>

#include "ending.hpp"

namespace xabridge::rm {
namespace {

/// Nobody would roll back here what xa_end has refused: the transaction manager asks for it in
/// another process, which does not know the branch.
class EndAndPrepare final : public Operation {
 public:
  /// Several questions, and so none that could be sent: with TMASYNC a worker asks them.
  EndAndPrepare(const Call& call, const Xid& xid, Claim claim, const Ending& ending)
      : Operation(nullptr, Request::end, xid, XAER_RMERR),
        call_(call),
        claim_(std::move(claim)),
        ending_(ending) {}

  [[nodiscard]] bool waits() const noexcept override { return true; }

  Answer perform() override {
    S state = claim_->state();
    Verb verb = Verb::end;
    for (Then next = Then::nothing;;
         verb = next == Then::prepare ? Verb::prepare : Verb::rollback) {
      Answer answer = ask(verb);
      state = after(state, verb, Mode::plain, answer.code);
      next = then_after(verb, state);
      steps_.push_back({verb, std::move(answer)});
      if (next == Then::nothing || next == Then::leave) break;
    }
    return outcome();
  }

  Answer conclude(Answer answer) override {
    const ThreadToken thread = call_.thread.token();
    for (const Step& step : steps_) {
      claim_.moved(thread, step.verb, Mode::plain, step.answer.code);
      if (step.verb == Verb::prepare && step.answer.code == XA_OK)
        call_.instance.branches().remember_evidence(xid(), step.answer.server);
    }
    if (then_after(steps_.back().verb, claim_->state()) == Then::leave)
      claim_.moved(thread, Verb::close, Mode::plain,
                   claim_->state() == S::S3 ? XA_OK : XAER_RMFAIL);
    if (call_.rm.active == xid()) call_.rm.active.reset();
    return answer;
  }

 private:
  struct Step {
    Verb verb;
    Answer answer;
  };

  Answer ask(Verb verb) {
    Session& session = *claim_.session();
    if (verb == Verb::prepare)
      return signed_by(session, ask_server(unknown(), [&] { return session.prepare(xid()); }));
    if (verb == Verb::rollback)
      return ask_server(XAER_RMFAIL, [&] { return session.rollback(xid()); });
    if (!ending_.asks_server(*claim_.operator->()))
      return ending_.without_server(claim_, call_.thread.token());
    return ask_server(unknown(), [&] { return session.end(xid()); });
  }

  /// The first refusal, because the rest followed from it; unless the rollback after it found that
  /// the server had decided by itself. That it failed says nothing more: the session is closed,
  /// which rolls back.
  [[nodiscard]] Answer outcome() const {
    const Step& last = steps_.back();
    if (last.verb == Verb::rollback && is_heuristic(last.answer.code)) {
      Answer answer = last.answer;
      if (answer.error) answer.error->xa_code = XAER_RMERR;
      answer.code = XAER_RMERR;
      return answer;
    }
    const auto refusal = std::find_if(steps_.begin(), steps_.end(),
                                      [](const Step& step) { return step.answer.code != XA_OK; });
    return refusal == steps_.end() ? Answer(XA_OK) : refusal->answer;
  }

  const Call call_;
  Claim claim_;
  const Ending ending_;
  std::vector<Step> steps_;
};

/// A call that makes sense, or is out of place, only if the branch is prepared: the server knows.
class LookForPrepared final : public Operation {
 public:
  LookForPrepared(const Call& call, const Xid& xid, Unknown what)
      : Operation(nullptr, Request::prepare, xid, XAER_RMERR), call_(call), what_(what) {}

  [[nodiscard]] bool waits() const noexcept override { return true; }
  Answer perform() override {
    return ask_server(unknown(), [&] { return look(); });
  }
  Answer conclude(Answer answer) override { return answer; }

 private:
  Answer look() {
    auto control = call_.instance.control_session();
    if (!control) return std::move(control.error());
    const auto listed = control->get()->prepared(false);
    if (!listed) {
      if (listed.error().xa_code != XAER_RMFAIL) control->give_back();
      return listed.error();
    }
    const std::string server = control->get()->server();
    control->give_back();
    const bool prepared = std::any_of(listed->begin(), listed->end(),
                                      [&](const InDoubt& branch) { return branch.xid == xid(); });
    Answer answer;
    if (!prepared)
      answer =
          refused(XAER_NOTA, "there is no such branch here, and none prepared at the server");
    else if (what_ != Unknown::has_voted)
      answer = refused(XAER_PROTO, "the branch was prepared when it was ended (prepare_at_end)");
    // With what its history is known by, if the branch was prepared here and there.
    const std::string evidence = call_.instance.branches().take_evidence(xid());
    const bool same = evidence.substr(0, evidence.find(' ')) == server;
    answer.server = prepared && same ? evidence : server;
    return answer;
  }

  const Call call_;
  const Unknown what_;
};

}  // namespace

Checked end_and_prepare(const Call& call, const Xid& xid, Claim claim, const Ending& ending) {
  return std::make_unique<EndAndPrepare>(call, xid, std::move(claim), ending);
}

Checked not_in_this_process(const Call& call, const Xid& xid, Verb verb, Mode mode) {
  const Unknown what = of_unknown(verb, mode, call.instance.prepares_at_end());
  switch (what) {
    case Unknown::second_phase:
      return second_phase(call, xid, verb, mode);
    case Unknown::out_of_place:
    case Unknown::has_voted:
      return std::make_unique<LookForPrepared>(call, xid, what);
    case Unknown::not_known:
      break;
  }
  return refused(XAER_NOTA, "there is no such branch here");
}

}  // namespace xabridge::rm
