// Reading a segment: where its batches end, and whether it ends as a crash may leave it or is
// damaged. The rules are at the top of log_format.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "../../environment.hpp"
#include "log_format.hpp"

namespace xabridge::tm {

/// A readable segment.
struct SegmentScan {
  SegmentRecord segment;
  std::uint64_t end = 0;          // offset behind the last batch
  std::uint64_t last_number = 0;  // of the last batch
  std::uint64_t salt = 0;
  bool torn = false;  // a batch had been begun at `end`
};

/// Called for each record of the batches that count, in order; the offset is its batch's in the
/// file.
using RecordVisitor = std::function<void(std::uint64_t offset, Record record)>;

/// `path` and `number` are the segment's, `bytes` the whole file. Error: damage, with file and
/// offset; the records before it have been visited.
[[nodiscard]] Result<SegmentScan> scan_segment(const std::filesystem::path& path,
                                               std::uint64_t number, std::string_view bytes,
                                               const RecordVisitor& visit);

/// A whole file; some are recycled, so the size is only known at the time of the call.
[[nodiscard]] Result<std::string> read_whole_file(FileSystem& files,
                                                  const std::filesystem::path& path);

/// Damage as an Error: `what` was found at `offset` of `path`.
[[nodiscard]] Error damaged(const std::filesystem::path& path, std::uint64_t offset,
                            const std::string& what);

}  // namespace xabridge::tm
