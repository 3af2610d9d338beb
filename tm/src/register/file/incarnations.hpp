// The `incarnations` file of a slot: every incarnation that ever owned it, each recorded and synced
// before its first XID exists. An XID whose incarnation is not in here was made by a copy of the
// log root.
//
// Entries of 56 bytes, little-endian, appended, never removed:
//   0 4 magic "XABI"     4 4 CRC-32C of bytes 8..55
//   8 8 incarnation     16 8 start, nanoseconds since 1970
//  24 32 identity of the slot's lock as the owner held it, zeros where unknown
// A last entry that is not whole was never used and is cut. One before a whole one is damage.
#pragma once

#include <chrono>
#include <vector>

#include "../../environment.hpp"
#include "../identity.hpp"

namespace xabridge::tm {

struct IncarnationEntry {
  Incarnation incarnation{};
  std::chrono::system_clock::time_point started_at;
  LockIdentity lock{};
};

struct IncarnationList {
  std::vector<IncarnationEntry> entries;
  bool torn = false;

  /// Null: never recorded here.
  [[nodiscard]] const IncarnationEntry* find(const Incarnation& incarnation) const noexcept;
};

/// May be called while the slot's owner appends. A missing file is an empty list.
[[nodiscard]] Result<IncarnationList> read_incarnations(FileSystem& files,
                                                        const std::filesystem::path& slot);

/// Appends `entry` behind `known`, cutting a torn one; durable on return. By the slot's owner only.
[[nodiscard]] Result<void> record_incarnation(FileSystem& files, const std::filesystem::path& slot,
                                              const IncarnationList& known,
                                              const IncarnationEntry& entry);

}  // namespace xabridge::tm
