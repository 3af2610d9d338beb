// Doubles of what the core calls: resource managers that answer by script, a register in memory, a
// clock by hand, and the thin loop. They write every call into one journal, because the order of
// calls is part of the result.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>
#include <xabridge/codes.hpp>

#include "core/coordinator.hpp"
#include "register/decision_register.hpp"
#include "environment.hpp"
#include "register/identity.hpp"
#include "ports.hpp"

namespace xabridge::tm::test {

using Journal = std::vector<std::string>;

inline std::size_t position(const Journal& journal, const std::string& entry) {
  return static_cast<std::size_t>(std::find(journal.begin(), journal.end(), entry) -
                                  journal.begin());
}
inline bool contains(const Journal& journal, const std::string& entry) {
  return position(journal, entry) != journal.size();
}

inline Gtrid gtrid_of(std::uint64_t sequence, std::uint8_t incarnation = 1, std::uint8_t reg = 7) {
  Gtrid gtrid;
  gtrid.register_id.fill(reg);
  gtrid.incarnation.fill(incarnation);
  gtrid.sequence = sequence;
  gtrid.host = "test";
  return gtrid;
}

inline Xid xid_of(const Gtrid& gtrid, std::uint8_t number, std::string_view name) {
  return *Xid::make(kFormatId, gtrid.encode(), make_bqual(number, name));
}

inline std::vector<BranchInfo> branches_of(const Gtrid& gtrid,
                                           const std::vector<std::string>& names) {
  std::vector<BranchInfo> result;
  std::uint8_t number = 0;
  for (const std::string& name : names) {
    ++number;
    result.push_back({name, xid_of(gtrid, number, name)});
  }
  return result;
}

/// A lost connection: the request may (known = false) or cannot (true) have arrived.
inline CallAnswer lost(bool known) {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.outcome_known = known;
  error.connection_usable = false;
  error.server_text = "server closed the connection";
  return {XAER_RMFAIL, error};
}

inline CallAnswer said(int code, std::string text) {
  Error error;
  error.xa_code = code;
  error.server_text = std::move(text);
  return {code, error};
}

/// Answers each verb from its queue, then XA_OK for ever. Lists what `listed` holds.
class ScriptedPort : public ResourceManagerPort {
 public:
  ScriptedPort(std::string name, Journal& journal) : name_(std::move(name)), journal_(journal) {}

  const std::string& name() const noexcept override { return name_; }
  CallAnswer call(Verb verb, const Xid& xid) override {
    journal_.push_back(name_ + " " + std::string(to_string(verb)));
    calls.emplace_back(verb, xid);
    const bool known =
        !knows_only_listed || std::find(listed.begin(), listed.end(), xid) != listed.end();
    if (on_call) on_call(verb, xid);
    std::deque<CallAnswer>& queue = script[verb];
    if (queue.empty()) return {known ? XA_OK : XAER_NOTA, {}, server};
    CallAnswer answer = queue.front();
    queue.pop_front();
    answer.server = server;
    return answer;
  }
  Result<std::vector<Xid>> list() override {
    ++lists;
    if (on_list) on_list();
    if (!reachable) return *lost(true).error;
    return std::vector<Xid>(listed.begin(), listed.end());
  }
  Result<std::vector<OutOfReach>> out_of_reach() override {
    if (out_of_reach_error) return *out_of_reach_error;
    return held;
  }
  std::optional<long> owner_sessions(const std::string&) override { return sessions; }
  std::string late() const override { return is_late; }
  std::string answered_by() override { return server; }
  bool prepared_at(const Xid&, const std::string& where) override {
    told.push_back(where);
    return takes_word;
  }

  [[nodiscard]] int count(Verb verb) const {
    int n = 0;
    for (const auto& call : calls) n += call.first == verb ? 1 : 0;
    return n;
  }

  std::string server;  // who is at its address now
  std::vector<std::string> told;  // what prepared_at() said
  bool takes_word = true;  // prepared_at()
  std::map<Verb, std::deque<CallAnswer>> script;
  std::vector<std::pair<Verb, Xid>> calls;
  std::vector<Xid> listed;
  std::vector<OutOfReach> held;  // and cannot complete
  std::optional<Error> out_of_reach_error;
  bool reachable = true;
  bool knows_only_listed = false;  // answers XAER_NOTA for others, where the script says nothing
  std::optional<long> sessions = 0;
  int lists = 0;
  std::string is_late;  // what late() answers
  std::function<void(Verb, const Xid&)> on_call;
  std::function<void()> on_list;

 private:
  std::string name_;
  Journal& journal_;
};

/// The register as a map. Survives the "processes" of a test, which differ in `own`.
class MemoryRegister : public DecisionRegister {
 public:
  explicit MemoryRegister(std::uint8_t own = 1) { restart(own); }

  /// A new process on the same storage; the one before is dead.
  void restart(std::uint8_t own) {
    own_.fill(own);
    incarnations.insert(own);
  }

  const RegisterId& id() const noexcept override { return id_; }
  std::uint16_t slot() const noexcept override { return 0; }
  const Incarnation& incarnation() const noexcept override { return own_; }

  Result<Decision> decide(const std::string& gtrid, const std::vector<Participant>& participants,
                          Decision proposed) override {
    if (before_decide) before_decide();
    if (decide_error && decide_error->outcome_known) return *decide_error;
    if (stands) return *stands;
    if (proposed == Decision::commit && !decide_error) {
      commits[gtrid] = {gtrid, participants, {}};
    }
    if (decide_error) {
      if (lost_decision_is_on_disk) commits[gtrid] = {gtrid, participants, {}};
      return *decide_error;
    }
    return proposed;
  }
  void done(const std::string& gtrid) noexcept override {
    commits.erase(gtrid);
    dones.insert(gtrid);
  }
  Result<void> heuristic(const HeuristicRecord& record) override {
    if (heuristic_error) return *heuristic_error;
    records.push_back(record);
    return {};
  }
  Result<void> begin_pass() override {
    if (pass_error) return *pass_error;
    open = true;
    return {};
  }
  Result<Owner> owner_of(const Gtrid& gtrid) override {
    if (gtrid.register_id != id_) return Owner::foreign;
    if (owner_error) return *owner_error;
    if (gtrid.incarnation == own_) return Owner::self;
    if (live.count(gtrid.incarnation[0]) != 0) return Owner::live;
    return incarnations.count(gtrid.incarnation[0]) == 0 ? Owner::stranger
           : lock_proves                                 ? Owner::dead
                                                         : Owner::vanished;
  }
  std::optional<DecisionRecord> decision(const std::string& gtrid) override {
    if (before_decision) before_decision();
    const auto it = commits.find(gtrid);
    if (it != commits.end()) return it->second;
    if (dones.count(gtrid) != 0) return DecisionRecord{gtrid, {}, {}};
    return std::nullopt;
  }
  Result<void> evidence(const std::string& gtrid, const Participant& participant) override {
    for (Participant& one : commits[gtrid].participants) {
      if (one.resource_manager == participant.resource_manager && one.bqual == participant.bqual)
        one.server = participant.server;
    }
    return {};
  }
  std::vector<DecisionRecord> unfinished() override {
    std::vector<DecisionRecord> result;
    for (const auto& [gtrid, record] : commits) result.push_back(record);
    return result;
  }
  std::vector<HeuristicRecord> heuristics() override { return records; }
  void end_pass() noexcept override {
    open = false;
    ++passes_ended;
  }

  std::map<std::string, DecisionRecord> commits;
  std::set<std::string> dones;
  std::vector<HeuristicRecord> records;
  std::set<std::uint8_t> incarnations;
  bool lock_proves = true;  // false: owners that ended have vanished
  std::set<std::uint8_t> live;
  std::optional<Error> decide_error;
  bool lost_decision_is_on_disk = false;
  std::optional<Decision> stands;
  std::optional<Error> heuristic_error;
  std::optional<Error> pass_error;
  std::optional<Error> owner_error;  // a damaged slot: nobody knows whose its branches are
  std::function<void()> before_decide;
  std::function<void()> before_decision;
  int passes_ended = 0;
  bool open = false;  // between begin_pass() and end_pass()

 private:
  RegisterId id_ = gtrid_of(0).register_id;
  Incarnation own_{};
};

class ManualClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const noexcept override { return time; }
  std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'000'000));
  }
  std::chrono::steady_clock::time_point time{std::chrono::seconds(1000)};
};

/// The thin loop: performs steps until finished. `step_limit` is the crash: after that many actions
/// the "process" is gone, in the middle of whatever it did.
struct Loop {
  DecisionRegister& reg;
  std::map<std::string, ResourceManagerPort*> ports;
  Journal& journal;
  int step_limit = -1;  // actions left; -1: no limit
  int give_up_after_waits = 6;
  int waits = 0;

  bool crashed() { return step_limit == 0 || (step_limit > 0 && step_limit-- == 0); }

  /// False: crashed.
  bool run(Coordinator& c, Step step) {
    for (; step.kind != Step::Kind::finished; step = c.next()) {
      if (!perform_step(c, step)) return false;
    }
    return true;
  }

 private:
  bool perform_step(Coordinator& c, const Step& step) {
    if (step.kind == Step::Kind::call) {
      for (const Call& call : step.calls) {
        if (crashed()) return false;
        const BranchInfo& branch = c.branch(call.branch);
        if (call.verb == Verb::confirm) journal.push_back(branch.resource_manager + " confirm");
        c.answered(call, perform(*ports.at(branch.resource_manager), call.verb, branch.xid));
      }
      return true;
    }
    if (crashed()) return false;
    if (step.kind == Step::Kind::decide) {
      journal.push_back("decide");
      c.decided(reg.decide(c.gtrid(), c.participants(), Decision::commit));
    } else if (step.kind == Step::Kind::record_heuristic) {
      Result<void> result;
      for (const HeuristicRecord& record : c.heuristics()) {
        journal.push_back("record " + record.resource_manager);
        if (Result<void> one = reg.heuristic(record); !one) result = one;
      }
      c.recorded(result);
    } else if (step.kind == Step::Kind::done) {
      journal.push_back("done");
      reg.done(c.gtrid());
    } else if (step.kind == Step::Kind::wait) {
      if (waits >= give_up_after_waits) c.give_up();
      ++waits;
    }
    return true;
  }
};

/// A transaction over scripted resource managers "a", "b", "c"...
struct Scripted {
  explicit Scripted(int size) {
    for (int i = 0; i < size; ++i) {
      names.emplace_back(1, static_cast<char>('a' + i));
      ports.push_back(std::make_unique<ScriptedPort>(names.back(), journal));
    }
    gtrid = gtrid_of(1);
    coordinator = std::make_unique<Coordinator>(gtrid.encode(), branches_of(gtrid, names));
  }
  ScriptedPort& rm(std::size_t i) { return *ports[i]; }
  Loop loop() {
    Loop result{reg, {}, journal};
    result.give_up_after_waits = give_up_after_waits;
    for (auto& port : ports) result.ports[port->name()] = port.get();
    return result;
  }
  Outcome commit() {
    loop().run(*coordinator, coordinator->commit());
    return coordinator->outcome();
  }
  Outcome rollback(std::string reason = "asked to", int code = XA_RBROLLBACK) {
    loop().run(*coordinator, coordinator->rollback(std::move(reason), code));
    return coordinator->outcome();
  }

  int give_up_after_waits = 6;
  Journal journal;
  std::vector<std::string> names;
  std::vector<std::unique_ptr<ScriptedPort>> ports;
  MemoryRegister reg;
  Gtrid gtrid;
  std::unique_ptr<Coordinator> coordinator;
};

}  // namespace xabridge::tm::test
