// How a trial gets a branch into a state, and sees in which it is.
#include "engine/other_process.hpp"
#include "engine/trial.hpp"
#include "engine/vocabulary.hpp"

namespace xabridge::conformance {

void Trial::active(Actor& actor, XID& xid, Writes writes, int rmid) {
  const bool can_write = subject_.work != nullptr && subject_.work->write != nullptr;
  if (subject_.dynamic()) {
    begun(xid);
    const int before = actor.registrations();
    actor.arm(TM_OK, xid);
    actor.touch(rmid);
    check(actor.registrations() == before + 1, "the resource manager did not call ax_reg");
  } else {
    actor.start(&xid, TMNOFLAGS, rmid).must(XA_OK);
  }
  if (writes == Writes::yes && can_write) actor.write(xid, rmid);
}

void Trial::idle(Actor& actor, XID& xid, Writes writes, int rmid) {
  active(actor, xid, writes, rmid);
  actor.end(&xid, TMSUCCESS, rmid).must(XA_OK);
}

void Trial::suspended(Actor& actor, XID& xid) {
  active(actor, xid);
  actor.end(&xid, TMSUSPEND).must(XA_OK);
}

void Trial::prepared(Actor& actor, XID& xid, int rmid) {
  idle(actor, xid, Writes::yes, rmid);
  const Answer answer = actor.prepare(&xid, TMNOFLAGS, rmid);
  if (answer.code == XA_RDONLY && (subject_.work == nullptr || subject_.work->write == nullptr))
    not_applicable("a branch that wrote nothing is not prepared: needs --work: write");
  answer.must(XA_OK);
}

void Trial::doom(Actor& actor, XID& xid) {
  active(actor, xid);
  doom_now(actor, xid);
}

void Trial::doom_now(Actor& actor, XID& xid) {
  if (has_hook("doom"))
    hook("doom", &xid);
  else
    actor.doom();
}

void Trial::cut_session(Actor& actor, XID& xid) {
  if (has_hook("cut-session"))
    hook("cut-session", &xid);
  else
    actor.cut_session(xid);
}

void Trial::doomed(Actor& actor, XID& xid) {
  active(actor, xid);
  if (actor.end(&xid, TMFAIL).is(RB)) return;
  // This resource manager does not mark the branch then; it was free not to.
  actor.rollback(&xid).must({XA_OK, RB});
  doom(actor, xid);
  actor.end(&xid, TMSUCCESS).must(RB);
}

int Trial::outstanding(Actor& actor, XID& xid) {
  Answer answer{};
  if (subject_.dynamic()) {
    idle(actor, xid);
    answer = actor.prepare(&xid, TMASYNC);
  } else {
    answer = actor.start(&xid, TMASYNC);
  }
  check(answer.code > 0, "must return a handle above 0");
  return answer.code;
}

void Trial::prepared_elsewhere(XID& xid, bool keep) {
  begun(xid);
  other_process_ = start_preparing(subject_, xid);
  note("another process prepared " + name_of(&xid));
  if (!keep) kill_other_process();
}

void Trial::kill_other_process() {
  if (other_process_ < 0) return;
  kill_process(other_process_);
  other_process_ = -1;
  note("the other process was killed");
}

void Trial::is_active(Actor& actor, XID& xid, int rmid) {
  actor.end(&xid, TMSUCCESS, rmid).must(XA_OK);
}

void Trial::is_idle(Actor& actor, XID& xid, int rmid) {
  actor.commit(&xid, TMNOFLAGS, rmid).must(XAER_PROTO);
  actor.prepare(&xid, TMNOFLAGS, rmid).must({XA_OK, XA_RDONLY});
}

void Trial::is_suspended(Actor& actor, XID& xid) {
  actor.prepare(&xid).must(XAER_PROTO);
  if (subject_.dynamic()) {
    actor.end(&xid, TMSUCCESS).must(XA_OK);
    return;
  }
  actor.start(&xid, TMRESUME).must(XA_OK);
  actor.end(&xid, TMSUCCESS).must(XA_OK);
}

void Trial::is_prepared(Actor& actor, XID& xid) {
  check(lists(actor, xid), name_of(&xid) + " must be listed by xa_recover");
  actor.prepare(&xid).must(XAER_PROTO);
}

void Trial::is_gone(Actor& actor, XID& xid) {
  check(!lists(actor, xid), name_of(&xid) + " must not be listed by xa_recover");
  actor.prepare(&xid).must(XAER_NOTA);
}

void Trial::is_free(Actor& actor) {
  active(actor, z, Writes::no);
  is_active(actor, z);
  actor.rollback(&z).must({XA_OK, RB});
}

void Trial::is_closed(Actor& actor) {
  actor.recover(1, TMSTARTRSCAN | TMENDRSCAN).must(XAER_PROTO);
}

bool Trial::lists(Actor& actor, const XID& xid) {
  const Answer answer = actor.recover(1000, TMSTARTRSCAN | TMENDRSCAN);
  check(answer.code >= 0, "xa_recover must return a number of XIDs");
  for (const XID& found : actor.found()) {
    if (same(found, xid)) return true;
  }
  return false;
}

bool Trial::can_look_outside() const {
  return subject_.work != nullptr && subject_.work->write != nullptr &&
         subject_.work->read_outside != nullptr;
}

void Trial::visible(const XID& xid, bool wanted) {
  if (!can_look_outside()) {
    if (wanted) not_applicable("needs --work: write and read_outside");
    return;
  }
  const bool found = outside_.reads_outside(xid);
  check(found == wanted,
        "what " + name_of(&xid) + " wrote must" + (wanted ? "" : " not") + " be seen elsewhere");
}

}  // namespace xabridge::conformance
