// Acknowledgements that wait for the owner of a slot. Only the owner writes its log, and a service
// may own its slot for months: whoever wants a heuristic record of it acknowledged leaves a file
// beside the log, and the owner takes it in its next recovery pass.
//
//   slots/0000/acknowledge-<gtrid, hex>-<resource manager>    holds who, and why
//   slots/0000/give-up-<gtrid, hex>-<resource manager>        the same after a line with the server
//                                                             that is gone; empty: any
//
// The second is the same word about a decision: that its branches there are nobody's to finish.
//
// The file appears whole or not at all (it is renamed), and is removed when the record of the
// acknowledgement is durable. Taken twice, after a crash between the two, it finds nothing to do.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../../environment.hpp"

namespace xabridge::tm {

struct Acknowledgement {
  std::string gtrid;  // bytes
  std::string resource_manager;
  std::string who;
  bool give_up = false;
  std::string server{};  // give_up only
};

/// Leaves one at a slot. The same one again replaces the first.
[[nodiscard]] Result<void> leave_acknowledgement(FileSystem& files,
                                                 const std::filesystem::path& slot,
                                                 const Acknowledgement& acknowledgement);

/// Those that wait at a slot. A file whose name says nothing is not ours to read.
[[nodiscard]] Result<std::vector<Acknowledgement>> waiting_acknowledgements(
    FileSystem& files, const std::filesystem::path& slot);

[[nodiscard]] Result<void> remove_acknowledgement(FileSystem& files,
                                                  const std::filesystem::path& slot,
                                                  const Acknowledgement& acknowledgement);

}  // namespace xabridge::tm
