// Judging, telling, and cleaning up.
#include "engine/trial.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>

#include "engine/proxy.hpp"
#include "engine/vocabulary.hpp"

namespace xabridge::conformance {

bool Answer::is(int wanted) const {
  if (wanted == RB) return is_rollback(code);
  if (wanted == HEUR) return is_heuristic(code);
  return code == wanted;
}

void Answer::must(std::initializer_list<int> codes) const {
  if (std::any_of(codes.begin(), codes.end(), [&](int wanted) { return is(wanted); })) return;
  std::string wanted;
  for (const int one : codes) wanted += (wanted.empty() ? "" : " or ") + code_text(one);
  throw Failed{trial->story() + "\n" + call + " returned " + code_text(code) + ", must return " +
               wanted};
}

Trial::Trial(const Subject& subject, const Statement& statement, int rmid)
    : th1(*this, "th1"),
      th2(*this, "th2"),
      x(fresh_xid()),
      y(fresh_xid()),
      z(fresh_xid()),
      subject_(subject),
      statement_(statement),
      rmid_(rmid),
      outside_(*this, "elsewhere") {}

Trial::~Trial() { kill_other_process(); }

std::string Trial::name_of(const XID* xid) const {
  if (xid == nullptr) return "NULL";
  if (xid->formatID == -1) return "null XID";
  if (same(*xid, x)) return "X";
  if (same(*xid, y)) return "Y";
  return same(*xid, z) ? "Z" : "another XID";
}

std::string Trial::at(int rmid) const {
  return rmid == rmid_ ? "" : ", rmid " + std::to_string(rmid);
}

std::string Trial::story() const {
  std::string text;
  for (const std::string& line : trace_) text += (text.empty() ? "" : "\n") + line;
  return text;
}

void Trial::check(bool holds, const std::string& what) {
  if (!holds) throw Failed{story() + (trace_.empty() ? "" : "\n") + what};
}

void Trial::seen(const Answer& answer, std::initializer_list<int> expected) {
  const bool among =
      std::any_of(expected.begin(), expected.end(), [&](int code) { return answer.is(code); });
  throw Seen{"seen: " + code_text(answer.code) +
             (among ? "" : ", which the statement does not name")};
}

void Trial::needs(const std::string& capability) {
  if (!subject_.capabilities.contains(capability))
    not_applicable("capability " + capability + " not claimed");
}

void Trial::needs_write() {
  if (subject_.work == nullptr || subject_.work->write == nullptr)
    not_applicable("needs --work: write");
}

Actor& Trial::opened_th2() {
  th2.open().must(XA_OK);
  return th2;
}

Answer Trial::patiently(const std::function<Answer()>& call) {
  const auto deadline = std::chrono::steady_clock::now() + subject_.limit;
  const std::size_t before = trace_.size();
  Answer answer = call();
  while (answer.code == XA_RETRY && std::chrono::steady_clock::now() < deadline) {
    trace_.resize(before);
    std::this_thread::yield();
    answer = call();
  }
  return answer;
}

void Trial::not_applicable(std::string reason) { throw NotApplicable{std::move(reason)}; }

void Trial::only_static() {
  if (subject_.dynamic()) not_applicable("xa_start is not for switches with TMREGISTER");
}

void Trial::only_dynamic() {
  if (!subject_.dynamic()) not_applicable("the switch has no TMREGISTER");
}

void Trial::only_synchronous() {
  if (subject_.asynchronous()) not_applicable("the switch has TMUSEASYNC");
}

/// Ends what an actor is in the middle of: calls outstanding, native work, associations.
void Trial::end_branches(Actor& actor) {
  if (actor.hung() || actor.executor_ == nullptr) return;
  if (actor.native_) actor.native_end();
  actor.disarm();
  const auto waiting = actor.outstanding_;
  for (auto [rmid, handle] : waiting) {
    int value = 0;
    (void)actor.complete(&handle, &value, TMNOFLAGS, rmid);
  }
  for (const int rmid : actor.opened_) {
    for (XID& xid : begun_) (void)actor.end(&xid, TMFAIL, rmid);
  }
}

/// Rolls back and forgets, in the first thread, whatever is left of the branches.
void Trial::finish_branches(std::string& left) {
  if (th1.hung() || begun_.empty()) return;
  if (th1.open().code != XA_OK) {
    left = "the resource manager cannot be opened again";
    return;
  }
  const auto deadline = std::chrono::steady_clock::now() + subject_.limit;
  for (XID& xid : begun_) {
    for (const int rmid : std::set<int>(th1.opened_)) {
      Answer answer = th1.rollback(&xid, TMNOFLAGS, rmid);
      while (answer.code == XA_RETRY && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
        answer = th1.rollback(&xid, TMNOFLAGS, rmid);
      }
      if (is_heuristic(answer.code)) (void)th1.forget(&xid, TMNOFLAGS, rmid);
    }
  }
  if (th1.recover(1000, TMSTARTRSCAN | TMENDRSCAN).code < 0) return;
  for (const XID& listed : th1.found()) {
    if (std::any_of(begun_.begin(), begun_.end(), [&](const XID& b) { return same(b, listed); }))
      left = "still prepared: " + xid_text(listed);
  }
}

std::string Trial::clean_up() {
  std::string left;
  kill_other_process();
  trace_.clear();
  try {
    if (proxy_ != nullptr) proxy_->restore();
    end_branches(th2);
    end_branches(th1);
    finish_branches(left);
    for (Actor* actor : {&th2, &th1}) {
      if (actor->hung()) continue;
      for (const int rmid : std::set<int>(actor->opened_)) {
        const Answer closed = actor->close(TMNOFLAGS, rmid);
        if (closed.code != XA_OK) left = "xa_close returned " + code_text(closed.code);
      }
      actor->executor_.reset();
    }
  } catch (const Failed& failure) {
    left = failure.text;
  } catch (const NotApplicable& reason) {
    left = reason.reason;
  }
  if (left.empty()) return {};
  return "cleaning up: " + left + (trace_.empty() ? "" : "\n" + story());
}

}  // namespace xabridge::conformance
