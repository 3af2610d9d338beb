// Drawing the picture: the servers are asked first, so that no branch looks undecided that was
// decided.
#include "picture.hpp"

#include <algorithm>

#include "../src/identity.hpp"
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

/// Register id, slot and incarnation take 27 bytes of our gtrid; incarnation and sequence tell its
/// transactions apart, and can be searched for in the full text.
std::string short_form(const std::string& hex) {
  constexpr std::size_t kIncarnation = 2 * 19;
  constexpr std::size_t kLength = 2 * 16;
  return hex.substr(kIncarnation, kLength);
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
  const bool done = std::any_of(
      slot.finished.begin(), slot.finished.end(),
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
  branch.short_gtrid = branch.gtrid;
  if (branch.listed.xid->format_id() != tm::kFormatId) return branch;
  const auto gtrid = Gtrid::decode(branch.listed.xid->gtrid());
  if (!gtrid) return branch;
  branch.short_gtrid = short_form(branch.gtrid);
  branch.host = gtrid->host;
  if (!log || gtrid->register_id != log->id) return branch;
  branch.owner = BranchOwner::stranger;
  if (const SlotView* slot = find_slot(*log, gtrid->slot)) judge_ours(branch, *gtrid, *slot);
  return branch;
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

void add_misplaced(Picture& picture, const SlotView& slot) {
  for (const tm::DecisionRecord& decision : slot.unfinished) {
    for (const tm::Participant& one : decision.participants) {
      for (const PicturedResourceManager& rm : picture.resource_managers) {
        const bool asked = rm.name == one.resource_manager && !rm.error && !one.server.empty();
        if (!asked || tm::same_server(rm.server, one.server)) continue;
        picture.misplaced.push_back({decision.gtrid, one, rm.server});
      }
    }
  }
}

}  // namespace

Picture draw(const Config& config) {
  struct Listed {
    std::string name;
    std::optional<Error> error;
    std::vector<tm::ListedBranch> branches;
    std::string server{};
  };
  std::vector<Listed> all;
  for (Looked& looked : load_resource_managers(config)) {
    Listed one{looked.name, looked.error, {}, {}};
    if (looked.resource_manager) {
      auto branches = looked.resource_manager->in_doubt();
      if (branches) {
        one.branches = std::move(*branches);
        one.server = looked.resource_manager->answered_by();
      } else {
        one.error = branches.error();
      }
    }
    all.push_back(std::move(one));
  }

  Picture picture;
  std::error_code ignored;
  if (std::filesystem::exists(config.log_directory, ignored)) {
    auto log = tm::read_log(tm::posix_environment(), config.log_directory);
    if (log) {
      picture.log = std::move(*log);
    } else {
      picture.log_error = log.error();
    }
  }
  for (Listed& one : all) {
    PicturedResourceManager rm{one.name, one.error, one.server, {}};
    for (auto& branch : one.branches) rm.branches.push_back(judge(std::move(branch), picture.log));
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
