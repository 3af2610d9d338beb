// One pass of recovery, cut into its stages. Private to recovery*.cpp.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "outcome_table.hpp"
#include "recovery.hpp"

namespace xabridge::tm {

/// The register for one stage of one pass: what was taken over in it is given back at its end.
class Recovery::RegisterSection {
 public:
  explicit RegisterSection(Recovery& recovery);
  RegisterSection(const RegisterSection&) = delete;
  RegisterSection& operator=(const RegisterSection&) = delete;
  ~RegisterSection();
  [[nodiscard]] const Result<void>& begun() const noexcept { return begun_; }

 private:
  const std::lock_guard<std::mutex> alone_;
  DecisionRegister& decisions_;
  Result<void> begun_;
};

struct Recovery::Pass {
  Recovery& recovery;
  const IsLive& is_live;
  const Stop& stop;
  PassReport report{};

  /// A configured resource manager in this pass.
  struct Source {
    ResourceManagerPort* port = nullptr;  // null: another lane's; only what it listed is known
    bool listed = false;  // `xids` is a complete list, made after the decisions were read (or, of
                          // another lane, at `began`)
    Tick began = 0;
    std::string server{};  // that made the list; empty: it cannot say
    std::set<Xid> xids{};
    std::map<Xid, std::string> out_of_reach{};  // with the obstacle; likewise complete
    std::vector<Xid> postponed{};  // until it is known whether their owners are connected
    struct Todo {
      std::size_t branch;  // index into report.branches
      Phase phase;
      Verb verb;
      std::string server;  // that prepared it, as far as that is on record
    };
    std::vector<Todo> to_act{};
    struct ToConfirm {
      std::size_t branch;  // index into report.branches
      Phase phase;
      std::string server;  // whose list tells
    };
    std::vector<ToConfirm> to_confirm{};
    bool late = false;  // a call did not come back: no other is made in this pass
  };
  std::map<std::string, Source> sources{};

  /// A decision read before the lists were made, of a transaction nobody is at work on.
  struct Known {
    DecisionRecord record;
    Whose whose = Whose::dead;
    Tick read = 0;  // first, in whichever pass
  };
  std::vector<Known> decisions{};
  std::set<std::pair<std::string, std::string>> recorded{};  // (resource manager, gtrid + bqual)
  Tick lists_began = 0;                                      // of this pass
  /// By who lists them, and by their owner (tag); see note_another_log().
  struct AnotherLog {
    std::size_t branches = 0;
    std::string host;
  };
  std::map<std::string, std::map<std::string, AnotherLog>> of_another_log{};
  bool found_new_decision = false;
  bool may_postpone = true;  // the owners' sessions can still be asked for in this pass

  [[nodiscard]] bool run();

  // recovery.cpp: the pass
  bool in_register(void (Pass::*stage)());
  void read_decisions();
  void list(Source& source);
  void plan();
  void plan_postponed();
  void act_all();
  void notice_late(Source& source);
  void finish_decisions();
  void finish_decision(const Known& known);
  void finish_report();
  [[nodiscard]] bool at_work(std::string_view gtrid) const;
  [[nodiscard]] bool no_commit_arrived(const Xid& xid) const;
  void commit_may_have_arrived(const Xid& xid);
  [[nodiscard]] bool stopped();

  // recovery_lanes.cpp: what lanes know of each other
  void keep_list(Source& source, const Listing& listed, Tick began);
  void ask_for_sessions(Source& source);
  [[nodiscard]] OwnerSessions sessions(const Source& source, const Xid& xid, bool& not_asked);
  [[nodiscard]] bool too_old(const Source& named, const Source& source, const Xid& xid);
  [[nodiscard]] bool all_listed_since(const Known& known, const Source& source);
  void wait_for(const Source& waiting, const std::string& name);
  void keep_finished(const BranchReport& branch);
  [[nodiscard]] bool is_done(const std::string& gtrid) const;
  [[nodiscard]] bool done_meanwhile(const Known& known) const;
  [[nodiscard]] bool is_finished(const std::string& name, const Xid& xid);
  [[nodiscard]] std::string said_of(const std::string& resource_manager, const Xid& xid);
  void remember();

  // recovery_branch.cpp, recovery_reach.cpp: one branch
  void visit(Source& source, const Xid& xid);
  void note_another_log(const Source& source, const Xid& xid);
  void tell_of_another_log();
  void visit_out_of_reach(const Source& source, const Xid& xid, const std::string& obstacle);
  [[nodiscard]] bool shown_by_any(const Xid& xid) const;
  [[nodiscard]] bool speaks_for(const Source& source, const Xid& xid) const;
  void ask_unlisted(Source& source);
  void ask_unlisted(Source& source, const Known& known, const Participant& participant);
  [[nodiscard]] static Whose whose_of(Owner owner) noexcept;
  [[nodiscard]] Result<Whose> whose(const Xid& xid) const;
  /// `server`: that prepared it, as far as that is on record.
  [[nodiscard]] Sight sight(const Source& source, const Xid& xid, const std::string& name,
                            const std::string& server = {}) const;
  [[nodiscard]] static std::string prepared_by(const DecisionRecord* decision,
                                               const std::string& name, const Xid& xid);
  [[nodiscard]] bool listed_by_another(const Xid& xid, const std::string& name) const;
  void act(Source& source, BranchReport& branch, Phase phase, Verb verb,
           const std::string& server);
  void confirm(Source& source);
  void judge(Source& source, std::size_t index, Phase phase, Verb verb, CallAnswer answer,
             const std::string& server);
  void end_sessions_of_owner(Source& source, const BranchReport& branch);
  void keep_evidence(const BranchReport& branch, const std::string& on_record,
                     const CallAnswer& answer);
  void heuristic(Source& source, BranchReport& branch, const OutcomeRow& row, Answered answered,
                 int code);
  Result<void> record_heuristic(const HeuristicRecord& record);
  Result<void> in_slot_of(const std::string& gtrid,
                          const std::function<Result<void>(DecisionRegister&)>& record);
  void tell(EventKind kind, const BranchReport& branch) const;
  void tell_once(EventKind kind, const Source& source, const BranchReport& branch) const;
};

}  // namespace xabridge::tm
