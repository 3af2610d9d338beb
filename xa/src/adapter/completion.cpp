// xa_prepare, xa_commit, xa_rollback, xa_forget: what becomes of a branch.
//
// The table is asked first, the server answers, then the state moves; see state_tables.hpp. A
// branch this process does not know may still be prepared at the server, by another process or an
// earlier life of this one: phase two of it goes through a control session, and the server is the
// authority.

#include "impl.hpp"

namespace xabridge::rm {
namespace {

Answer not_known() { return refused(XAER_NOTA, "there is no such branch here"); }

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
/// an administrator can repair what the text names.
Answer commit_answer(Answer answer) {
  if (answer.code == XAER_RMERR) answer.code = XA_RETRY;
  return answer;
}

using PhaseTwo = Answer (Session::*)(const Xid&);

Answer through_control_session(const Call& call, const Xid& xid, PhaseTwo verb) {
  auto control = call.instance.control_session();
  if (!control) return std::move(control.error());
  Answer answer = ask_server(XAER_RMERR, [&] { return (control->get()->*verb)(xid); });
  if (answer.code != XAER_RMFAIL) control->give_back();
  return answer;
}

/// A prepared branch of ours: through the session that prepared it, while there is one. MariaDB
/// lets no other session near it, and the others save themselves the wait for a connection.
Answer phase_two(const Call& call, const Claim& claim, const Xid& xid, PhaseTwo verb) {
  if (Session* const session = claim.session())
    return ask_server(XAER_RMERR, [&] { return (session->*verb)(xid); });
  return through_control_session(call, xid, verb);
}

Answer of_another_process(const Call& call, const Xid& xid, PhaseTwo verb) {
  Answer answer = through_control_session(call, xid, verb);
  if (is_heuristic(answer.code)) call.instance.branches().remember_heuristic(xid, answer.code);
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

/// Unprepared work, ended or doomed.
Answer roll_back_work(const Claim& claim, const Xid& xid) {
  Answer answer = ask_server(XAER_RMFAIL, [&] { return claim.session()->rollback(xid); });
  if (!claim.prepare_failed() || (answer.code != XA_OK && !is_rollback(answer.code))) return answer;
  // xa_prepare had answered XAER_RMERR, so the branch may be prepared after all.
  Answer prepared =
      ask_server(XAER_RMFAIL, [&] { return claim.session()->rollback_prepared(xid); });
  return prepared.code == XAER_NOTA ? answer : prepared;
}

}  // namespace

Answer prepare(const Call& call, const Xid& xid) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return not_known();
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::prepare, Mode::plain);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  Answer answer = ask_server(XAER_RMERR, [&] { return claim->session()->prepare(xid); });
  claim->moved(call.thread.token(), Verb::prepare, Mode::plain, answer.code);
  return answer;
}

Answer commit(const Call& call, const Xid& xid, long flags) {
  const Mode mode = (flags & TMONEPHASE) != 0 ? Mode::one_phase : Mode::plain;
  if ((flags & TMNOWAIT) != 0 && mode == Mode::plain && call.instance.branches().is_claimed(xid))
    return refused(XA_RETRY, "another thread is working on the branch");
  auto claim = call.instance.branches().claim(xid);
  if (!claim && mode == Mode::one_phase) return not_known();
  if (!claim) return commit_answer(of_another_process(call, xid, &Session::commit_prepared));

  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::commit, mode);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  if (branch.state() == S::S5) return kept_heuristic(*claim);

  Answer answer;
  if (mode == Mode::one_phase) {
    answer = ask_server(XAER_RMFAIL, [&] { return claim->session()->commit_one_phase(xid); });
    if (answer.code == XAER_RMFAIL) mark_unknown(answer);
  } else {
    answer = commit_answer(phase_two(call, *claim, xid, &Session::commit_prepared));
  }
  claim->moved(call.thread.token(), Verb::commit, mode, answer.code);
  return answer;
}

Answer rollback(const Call& call, const Xid& xid) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return of_another_process(call, xid, &Session::rollback_prepared);
  const Branch& branch = *claim->operator->();
  const int allowed = may(branch.state(), Verb::rollback, Mode::plain);
  if (allowed != XA_OK || branch.associated())
    return wrong_state(branch, allowed != XA_OK ? allowed : XAER_PROTO);
  if (branch.state() == S::S5) return kept_heuristic(*claim);

  Answer answer = branch.state() == S::S3
                      ? phase_two(call, *claim, xid, &Session::rollback_prepared)
                      : roll_back_work(*claim, xid);
  claim->moved(call.thread.token(), Verb::rollback, Mode::plain, answer.code);
  return answer;
}

Answer forget(const Call& call, const Xid& xid) {
  auto claim = call.instance.branches().claim(xid);
  if (!claim) return not_known();
  const Branch& branch = *claim->operator->();
  if (const int code = may(branch.state(), Verb::forget, Mode::plain); code != XA_OK)
    return refused(code, "only a heuristically completed branch can be forgotten");
  claim->moved(call.thread.token(), Verb::forget, Mode::plain, XA_OK);
  return XA_OK;
}

}  // namespace xabridge::rm
