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

struct Recovery::Pass {
  Recovery& recovery;
  const IsLive& is_live;
  const Stop& stop;
  PassReport report;

  /// A configured resource manager in this pass.
  struct Source {
    ResourceManagerPort* port = nullptr;
    bool listed = false;  // `xids` is a complete list, made after the decisions were read
    std::set<Xid> xids;
    std::vector<std::pair<std::size_t, Phase>> to_confirm;  // index into report.branches
  };
  std::map<std::string, Source> sources;

  /// A decision read before the lists were made, of a transaction nobody is at work on.
  struct Known {
    DecisionRecord record;
    Whose whose = Whose::dead;
  };
  std::vector<Known> decisions;
  std::set<std::pair<std::string, std::string>> recorded;  // (resource manager, gtrid + bqual)
  std::set<std::pair<std::string, Xid>> finished;          // acted on and gone, by resource manager
  std::map<std::string, OwnerSessions> owners;             // by owner tag, asked once a pass
  bool found_new_decision = false;

  void run(std::span<ResourceManagerPort* const> ports);

  // recovery.cpp: the pass
  void read_decisions();
  void list(Source& source);
  void finish_decisions();
  void finish_decision(const Known& known);
  void finish_report();
  [[nodiscard]] std::string said_of(const std::string& resource_manager, const Xid& xid) const;
  [[nodiscard]] bool at_work(std::string_view gtrid) const;
  [[nodiscard]] bool no_commit_arrived(const Xid& xid) const;
  void commit_may_have_arrived(const Xid& xid);
  [[nodiscard]] bool stopped();

  // recovery_branch.cpp: one branch
  void visit(Source& source, const Xid& xid);
  void ask_unlisted(Source& source);
  void ask_unlisted(Source& source, const Known& known, const Participant& participant);
  [[nodiscard]] static Whose whose_of(Owner owner) noexcept;
  [[nodiscard]] Result<Whose> whose(const Xid& xid) const;
  [[nodiscard]] Sight sight(const Source& source, const Xid& xid, const std::string& name) const;
  [[nodiscard]] bool listed_by_another(const Xid& xid, const std::string& name) const;
  [[nodiscard]] OwnerSessions sessions(const Xid& xid);
  void act(Source& source, BranchReport& branch, Phase phase, Verb verb);
  void confirm(Source& source);
  void judge(Source& source, std::size_t index, Phase phase, Verb verb, CallAnswer answer);
  void end_sessions_of_owner(Source& source, const BranchReport& branch);
  void heuristic(Source& source, BranchReport& branch, const OutcomeRow& row, Answered answered,
                 int code);
  void tell(EventKind kind, const BranchReport& branch) const;
  void tell_once(EventKind kind, const Source& source, const BranchReport& branch) const;
};

}  // namespace xabridge::tm
