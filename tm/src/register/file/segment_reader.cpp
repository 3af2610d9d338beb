// The run of valid batches, then the question whether anything valid follows it.

#include "segment_reader.hpp"

namespace xabridge::tm {
namespace {

bool belongs(const BatchHeader& header, std::uint64_t segment, std::uint64_t salt) {
  return header.segment == segment && header.salt == salt;
}

// A whole batch of this segment with a number above `number`, at any sector after `from`.
std::optional<std::uint64_t> later_batch(std::string_view bytes, std::uint64_t from,
                                         const SegmentScan& scan, std::uint64_t segment) {
  for (std::uint64_t at = from; at + kSectorSize <= bytes.size(); at += kSectorSize) {
    const auto header = read_header(bytes.substr(at));
    if (header && belongs(*header, segment, scan.salt) && header->number > scan.last_number &&
        batch_is_whole(bytes.substr(at), *header))
      return at;
  }
  return {};
}

class Scanner {
 public:
  Scanner(const std::filesystem::path& path, std::uint64_t number, std::string_view bytes,
          const RecordVisitor& visit)
      : path_(path), number_(number), bytes_(bytes), visit_(visit) {}

  Result<SegmentScan> run() {
    if (auto first = carry_over(); !first) return first.error();
    while (scan_.end < bytes_.size()) {
      const std::string_view rest = bytes_.substr(scan_.end);
      const auto header = read_header(rest);
      const bool ours = header && belongs(*header, number_, scan_.salt);
      if (!ours || header->number != scan_.last_number + 1 || !batch_is_whole(rest, *header)) {
        return stopped(ours);
      }
      if (header->kind != BatchKind::ordinary)
        return damaged(path_, scan_.end, "a second carry-over batch");
      if (auto taken = take(*header); !taken) return taken.error();
    }
    return scan_;
  }

 private:
  // The first batch was synced before the file got its name, so nothing a crash does spoils it.
  Result<void> carry_over() {
    const auto header = read_header(bytes_);
    if (!header || !batch_is_whole(bytes_, *header))
      return damaged(path_, 0, "the first batch is not whole");
    if (header->version < kOldestLogVersion || header->version > kLogVersion)
      return damaged(path_, 0,
                     "it has log format version " + std::to_string(header->version) +
                         ", this program reads versions up to " + std::to_string(kLogVersion));
    if (header->segment != number_ || header->kind != BatchKind::carry_over)
      return damaged(path_, 0, "it starts as segment " + std::to_string(header->segment));
    scan_.salt = header->salt;
    if (auto taken = take(*header); !taken) return taken;
    if (bytes_.size() < scan_.segment.size)
      return damaged(
          path_, bytes_.size(),
          "the file is cut: it was made with " + std::to_string(scan_.segment.size) + " bytes");
    return {};
  }

  Result<void> take(const BatchHeader& header) {
    std::string_view records =
        bytes_.substr(scan_.end + kBatchHeaderSize, header.length - kBatchHeaderSize);
    for (std::uint32_t i = 0; i < header.records; ++i) {
      auto record = take_record(records);
      const bool names_segment = record && std::holds_alternative<SegmentRecord>(*record);
      if (!record || names_segment != (scan_.end == 0 && i == 0))
        return damaged(path_, scan_.end,
                       "record " + std::to_string(i + 1) + " of a whole batch is malformed");
      if (names_segment) scan_.segment = std::get<SegmentRecord>(*record);
      if (visit_) visit_(scan_.end, std::move(*record));
    }
    if (!records.empty() || (scan_.end == 0 && header.records == 0))
      return damaged(path_, scan_.end, "a whole batch does not hold the records it should");
    scan_.last_number = header.number;
    scan_.end += round_up_to_sector(header.length);
    return {};
  }

  Result<SegmentScan> stopped(bool header_of_ours) {
    if (const auto later = later_batch(bytes_, scan_.end + kSectorSize, scan_, number_))
      return damaged(path_, scan_.end,
                     "batch " + std::to_string(scan_.last_number + 1) +
                         " is not whole, but a later one at offset " + std::to_string(*later) +
                         " is");
    scan_.torn = header_of_ours;
    return scan_;
  }

  const std::filesystem::path& path_;
  const std::uint64_t number_;
  const std::string_view bytes_;
  const RecordVisitor& visit_;
  SegmentScan scan_;
};

}  // namespace

Result<SegmentScan> scan_segment(const std::filesystem::path& path, std::uint64_t number,
                                 std::string_view bytes, const RecordVisitor& visit) {
  return Scanner(path, number, bytes, visit).run();
}

Result<std::string> read_whole_file(FileSystem& files, const std::filesystem::path& path) {
  auto file = files.open(path, OpenMode::read);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  std::string bytes(*size, '\0');
  const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(bytes)));
  if (!got) return got.error();
  bytes.resize(*got);
  return bytes;
}

Error damaged(const std::filesystem::path& path, std::uint64_t offset, const std::string& what) {
  Error error;
  error.operation = "read decision log";
  error.message =
      "decision log damaged: " + path.string() + " at offset " + std::to_string(offset) + ": " +
      what +
      "; nothing was changed. Do not delete it and do not put an older copy back: both lose "
      "decisions. `xabridge log dump` shows what can be read; what to do is in the operating "
      "guide, \"The log is damaged\"";
  return error;
}

}  // namespace xabridge::tm
