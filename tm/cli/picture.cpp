// Drawing the picture: the servers are asked first, so that no branch looks undecided that was
// decided.
#include "picture.hpp"

#include <algorithm>

#include "../src/register/file/register_file.hpp"
#include "../src/register/identity.hpp"
#include "ask_all.hpp"
#include "command.hpp"

namespace xabridge::cli {
namespace {

using tm::Gtrid;
using tm::LogView;
using tm::SlotView;

long seconds_since(std::chrono::system_clock::time_point then) {
  const auto now = tm::posix_environment().clock.wall();
  return std::max(
      0L, static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(now - then).count()));
}

const SlotView* find_slot(const LogView& log, std::uint16_t number) {
  const auto it = std::find_if(log.slots.begin(), log.slots.end(),
                               [&](const SlotView& s) { return s.slot == number; });
  return it == log.slots.end() ? nullptr : &*it;
}

void judge_ours(PicturedBranch& branch, const Gtrid& gtrid, const SlotView& slot) {
  const auto& known = slot.incarnations;
  const auto entry = std::find_if(known.begin(), known.end(), [&](const auto& e) {
    return e.incarnation == gtrid.incarnation;
  });
  if (entry == known.end()) {
    branch.owner = BranchOwner::stranger;
    return;
  }
  const bool current = entry + 1 == known.end();
  branch.owner = slot.owned && current ? BranchOwner::live : BranchOwner::dead;
  const auto decision =
      std::find_if(slot.unfinished.begin(), slot.unfinished.end(),
                   [&](const auto& d) { return to_hex(d.gtrid) == branch.gtrid; });
  const bool done =
      std::any_of(slot.finished.begin(), slot.finished.end(),
                  [&](const tm::FinishedRecord& d) { return to_hex(d.gtrid) == branch.gtrid; });
  if (decision != slot.unfinished.end() || done) {
    branch.decision = DecisionOnRecord::commit;
  } else if (slot.error) {
    branch.decision = DecisionOnRecord::not_known;
  } else {
    branch.decision =
        branch.owner == BranchOwner::live ? DecisionOnRecord::none_yet : DecisionOnRecord::rollback;
  }
  if (branch.age_seconds >= 0) return;
  branch.age_is_limit = decision == slot.unfinished.end();
  branch.age_seconds =
      seconds_since(branch.age_is_limit ? entry->started_at : decision->decided_at);
}

PicturedBranch judge(tm::ListedBranch listed, const std::optional<LogView>& log) {
  PicturedBranch branch;
  branch.age_seconds = listed.age_seconds;
  branch.listed = std::move(listed);
  if (!branch.listed.xid) return branch;
  branch.gtrid = to_hex(branch.listed.xid->gtrid());
  branch.transaction = branch.gtrid;
  if (branch.listed.xid->format_id() != tm::kFormatId) return branch;
  const auto gtrid = Gtrid::decode(branch.listed.xid->gtrid());
  if (!gtrid) return branch;
  branch.transaction = tm::transaction_text(branch.listed.xid->gtrid());
  branch.host = gtrid->host;
  if (!log || gtrid->register_id != log->id) return branch;
  branch.owner = BranchOwner::stranger;
  if (const SlotView* slot = find_slot(*log, gtrid->slot)) judge_ours(branch, *gtrid, *slot);
  return branch;
}

/// The resource manager under which a branch out of reach is shown: the one in its name, else the
/// first that shows it. Empty: one lists it, and that is where it is completed.
std::string speaker(const std::vector<Listed>& all, const Xid& xid) {
  const auto name = tm::bqual_name(xid.bqual());
  std::string first;
  for (const Listed& one : all) {
    for (const auto& branch : one.branches)
      if (branch.xid == xid) return {};
    const bool shows = std::any_of(one.out_of_reach.begin(), one.out_of_reach.end(),
                                   [&](const auto& branch) { return branch.xid == xid; });
    if (shows && (first.empty() || name == one.name)) first = one.name;
  }
  return first;
}

}  // namespace

const char* to_string(BranchOwner owner) noexcept {
  switch (owner) {
    case BranchOwner::live:
      return "live";
    case BranchOwner::dead:
      return "dead";
    case BranchOwner::stranger:
      return "stranger";
    case BranchOwner::foreign:
      return "foreign";
  }
  return "?";
}

const char* to_string(DecisionOnRecord decision) noexcept {
  switch (decision) {
    case DecisionOnRecord::commit:
      return "commit";
    case DecisionOnRecord::none_yet:
      return "none yet";
    case DecisionOnRecord::rollback:
      return "none: rollback";
    case DecisionOnRecord::not_known:
      return "not known here";
  }
  return "?";
}

namespace {

bool lists(const PicturedResourceManager& rm, const tm::DecisionRecord& decision,
           const tm::Participant& one) {
  return std::any_of(rm.branches.begin(), rm.branches.end(), [&](const PicturedBranch& branch) {
    const auto& xid = branch.listed.xid;
    return xid && xid->gtrid() == decision.gtrid && xid->bqual() == one.bqual;
  });
}

void add_misplaced(Picture& picture, const SlotView& slot) {
  for (const tm::DecisionRecord& decision : slot.unfinished) {
    for (const tm::Participant& one : decision.participants) {
      for (const PicturedResourceManager& rm : picture.resource_managers) {
        const bool asked = rm.name == one.resource_manager && !rm.error && !one.server.empty();
        if (!asked) continue;
        const bool same = tm::same_server(rm.server, one.server);
        // One that lists the branch need not tell: it is completed.
        const bool in_doubt = same && tm::is_doubted(one.server) && !lists(rm, decision, one);
        if (same && !in_doubt) continue;
        picture.misplaced.push_back({decision.gtrid, one, rm.server, in_doubt});
      }
    }
  }
}

}  // namespace

Listed list_of(tm::ResourceManager& resource_manager) {
  Listed one{resource_manager.name(), {}, {}, {}, {}};
  auto branches = resource_manager.in_doubt();
  auto out_of_reach = resource_manager.out_of_reach();
  if (branches && out_of_reach) {
    one.branches = std::move(*branches);
    one.out_of_reach = std::move(*out_of_reach);
    one.server = resource_manager.answered_by();
  } else {
    one.error = branches ? out_of_reach.error() : branches.error();
  }
  return one;
}

Picture draw(const Config& config) {
  std::vector<Listed> all;
  const std::vector<Looked> looked = load_resource_managers(config);
  auto answers =
      ask_all<Listed>(looked, config.recovery_call_timeout, "list in-doubt branches",
                      [](tm::ResourceManager& rm) -> Result<Listed> { return list_of(rm); });
  for (std::size_t i = 0; i < looked.size(); ++i) {
    all.push_back(answers[i] ? std::move(*answers[i])
                             : Listed{looked[i].name, answers[i].error(), {}, {}, {}});
  }
  Picture picture = draw(config, all);
  picture.another_log = find_another_log(config, looked, picture);
  return picture;
}

Picture draw(const Config& config, const std::vector<Listed>& all) {
  Picture picture;
  const auto unused = tm::is_unused(tm::posix_environment().files, config.log_directory);
  if (!unused) {
    picture.log_error = unused.error();
  } else if (!*unused) {
    auto log = tm::read_log(tm::posix_environment(), config.log_directory);
    if (log) {
      picture.log = std::move(*log);
    } else {
      picture.log_error = log.error();
    }
  }
  for (const Listed& one : all) {
    PicturedResourceManager rm{one.name, one.error, one.server, {}};
    for (const auto& branch : one.branches) rm.branches.push_back(judge(branch, picture.log));
    for (const auto& branch : one.out_of_reach) {
      if (speaker(all, branch.xid) != rm.name) continue;
      PicturedBranch judged = judge(
          {branch.xid, branch.xid.to_string(), branch.owner, branch.age_seconds}, picture.log);
      judged.obstacle = branch.obstacle;
      // Other transaction managers' in other databases of the cluster are none of ours.
      if (judged.owner != BranchOwner::foreign) rm.branches.push_back(std::move(judged));
    }
    picture.resource_managers.push_back(std::move(rm));
  }
  if (!picture.log) return picture;
  for (const SlotView& slot : picture.log->slots) {
    picture.heuristics.insert(picture.heuristics.end(), slot.heuristics.begin(),
                              slot.heuristics.end());
    add_misplaced(picture, slot);
    if (slot.owned) continue;
    picture.left_decisions.insert(picture.left_decisions.end(), slot.unfinished.begin(),
                                  slot.unfinished.end());
  }
  return picture;
}

}  // namespace xabridge::cli
