// LogView: a log root as it is right now, for `xabridge status`, `check` and `log dump`. Takes
// nothing over and changes nothing; slots may be written to and rotated meanwhile.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "../../environment.hpp"
#include "incarnations.hpp"
#include "live_records.hpp"

namespace xabridge::tm {

/// A record and where it stands.
struct LoggedRecord {
  std::filesystem::path file;
  std::uint64_t offset = 0;  // of its batch
  Record record;
};

struct SlotView {
  std::uint16_t slot = 0;
  std::filesystem::path directory;
  bool owned = false;  // a process held it before all below was read; false: all that its owners
                       // have ever decided is below
  std::vector<IncarnationEntry> incarnations;
  std::vector<LoggedRecord> records;  // of the current segment, in order
  std::vector<DecisionRecord>
      unfinished;  // decided, not done; `done` is not forced, so an owned slot may
                   // show finished ones until its owner's next write
  std::vector<FinishedRecord> finished;     // decided and done, not long ago
  std::vector<HeuristicRecord> heuristics;  // not acknowledged
  std::optional<std::uint64_t>
      torn_at;                 // offset of a batch not whole: being written if owned, else torn
  std::optional<Error> error;  // damage, or no permission; what stands before it is above
};

struct LogView {
  RegisterId id{};
  std::vector<SlotView> slots;  // by number
};

/// Error: no log root there, or one of another version. What concerns one slot is in that slot.
/// Nobody who starts or recovers meanwhile is kept from a slot by this.
[[nodiscard]] Result<LogView> read_log(Environment& environment, const std::filesystem::path& root);

}  // namespace xabridge::tm
