// Branches that a server shows and does not let us complete: another role prepared them, or they
// are of another database of the cluster, because the open string is no longer what it was. They
// are not gone, and they keep their locks: never finished here, always reported, with who can.
#include <algorithm>
#include <utility>

#include "recovery_pass.hpp"

namespace xabridge::tm {

/// Out of reach of at least one resource manager.
bool Recovery::Pass::shown_by_any(const Xid& xid) const {
  return std::any_of(sources.begin(), sources.end(), [&](const auto& source) {
    return source.second.out_of_reach.count(xid) != 0;
  });
}

/// Every resource manager of one cluster shows the branch. The one in its name speaks, else the
/// first.
bool Recovery::Pass::speaks_for(const Source& source, const Xid& xid) const {
  const auto shows = [&](const Source& other) { return other.out_of_reach.count(xid) != 0; };
  if (const std::optional<std::string> name = bqual_name(xid.bqual())) {
    const auto named = sources.find(*name);
    if (named != sources.end() && shows(named->second)) return &named->second == &source;
  }
  const auto first = std::find_if(sources.begin(), sources.end(),
                                  [&](const auto& other) { return shows(other.second); });
  return first != sources.end() && &first->second == &source;
}

void Recovery::Pass::visit_out_of_reach(const Source& source, const Xid& xid,
                                        const std::string& obstacle) {
  // One that another resource manager can complete is visited there.
  if (!speaks_for(source, xid) || listed_by_another(xid, {})) return;
  BranchReport branch;
  branch.resource_manager = source.port->name();
  branch.xid = xid;
  branch.gtrid = std::string(xid.gtrid());
  branch.sight = Sight::out_of_reach;

  Result<Whose> who = whose(xid);
  if (!who) {
    branch.whose = Whose::live;  // as good as: somebody may be at work on it
    branch.action = RecoveryAction::report;
    branch.text = "the decision log cannot say whose it is; " + obstacle;
    branch.error = std::move(who.error());
    tell_once(EventKind::warning, source, branch);
    report.branches.push_back(std::move(branch));
    return;
  }
  branch.whose = *who;
  if (is_ours(*who)) {
    const std::optional<std::string> name = bqual_name(xid.bqual());
    const auto named = name ? sources.find(*name) : sources.end();
    branch.sight = named == sources.end() ? Sight::unnamed : sight(named->second, xid, *name);
    // Away, not out of reach: what it shows when it is back tells more.
    if (branch.sight == Sight::unreachable) return;
    branch.commit_decided = recovery.decisions_.decision(branch.gtrid).has_value();
  }
  const OnRecord on_record = branch.commit_decided ? OnRecord::commit : OnRecord::none;
  const RecoveryRow& row = recovery_row({*who, on_record, branch.sight});
  // Somebody else's, in the same cluster: not even news.
  if (row.action == RecoveryAction::leave) return;
  branch.action = row.action;
  branch.text = std::string(row.story) + ": " + obstacle;
  tell_once(EventKind::warning, source, branch);
  report.branches.push_back(std::move(branch));
}

}  // namespace xabridge::tm
