// The decision log's bytes: segments of batches of records. What writer, reader and viewer share.
//
// A slot's log is one current segment, `<16 decimal digits>.log`; of several, the highest number
// counts.
//
//   segment  := carry-over batch, { batch }, unused space
//   batch    := header, { record }, zeros up to a multiple of 512
//   record   := type u8, length u32, body
//
// A batch is the unit of writing: one write and one sync, and the next batch is written only after
// that sync. Padding keeps a sector that was synced from ever being written again. All integers are
// little-endian, times are nanoseconds since 1970 (i64), `s8`/`s16` are bytes after a length of 1/2
// bytes.
//
//   header, 48 bytes                       record bodies
//    0  4 magic "XABL"                       1 segment       size u64, register id 16, slot u16,
//    4  4 CRC-32C of the batch from byte 8,                  created time
//         padding included                   2 decided       time, gtrid s8, count u16, count times
//    8  2 format version (2)                                 (resource manager s8, bqual s8)
//   10  2 kind: 1 carry-over, 2 ordinary     3 done          gtrid s8
//   12  4 length of header and records       4 heuristic     time, gtrid s8, resource manager s8,
//   16  8 segment number                                     bqual s8, decision u8 (0 commit,
//   24  8 salt                                               1 rollback), XA code i32, text s16
//   32  8 batch number, over all segments    5 acknowledged  time, gtrid s8, who s8
//   40  4 number of records                  6 decided       time, gtrid s8, count u16, count times
//   44  4 zero                                               (resource manager s8, bqual s8,
//                                                            server s8)
//                                            7 finished      time, gtrid s8
//                                            8 given up      time, gtrid s8, resource manager s8,
//                                                            bqual s8, who s8
//                                            9 evidence      gtrid s8, resource manager s8,
//                                                            bqual s8, server s8
//
// Type 2 is what versions before 6 wrote, and is written only where such a record is carried over.
// `finished` is a decision that is done, kept readable for a while (live_records.hpp). `given up`
// is an operator's word that a participant's server is gone for good; its heuristic record is in
// the same batch. `evidence` takes the place of a participant's server in its decision.
//
// Example, golden in tests/register/file/format_test.cpp:
// `done` of gtrid "g" as batch 7 of segment 2, salt 5.
//   58 41 42 4c  07 9e a7 30  02 00  02 00  37 00 00 00  magic, CRC, version, kind, length 55
//   02 00 00 00 00 00 00 00   05 00 00 00 00 00 00 00    segment, salt
//   07 00 00 00 00 00 00 00   01 00 00 00  00 00 00 00   batch number, one record, zero
//   03 02 00 00 00  01 67                                type, length 2, gtrid
//   457 times 00                                         up to 512 bytes
//
// Which batches count. Segments are reused without being cleared, so space after the last batch
// holds anything. A batch belongs to a segment when CRC, segment number and salt (random, new for
// each segment) fit: nothing stale can look current. The log is the longest run of such batches
// with consecutive numbers from the start.
//
// Where it ends. Suppose the run stops at offset P.
//  * P = 0: damage. A segment gets its name only after its first batch was synced.
//  * A batch of this segment with a higher number lies after P: damage, since that one was written
//    only after the batch at P had been synced.
//  * Otherwise P is the end. If a header of this segment stands there, its batch was being written
//    when the process or machine died: a torn tail. Nobody was told of it, and it is cut.
// A file shorter than its segment record says is damage. Damage is never skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "../decision_register.hpp"

namespace xabridge::tm {

/// 2 has record types 6 to 9. Version 1 is read, and never written.
inline constexpr std::uint16_t kLogVersion = 2;
inline constexpr std::uint16_t kOldestLogVersion = 1;
inline constexpr std::size_t kSectorSize = 512;
inline constexpr std::size_t kBatchHeaderSize = 48;

/// First record of every segment: what it is and whose. A segment copied elsewhere does not fit.
struct SegmentRecord {
  std::uint64_t size = 0;
  RegisterId register_id{};
  std::uint16_t slot = 0;
  std::chrono::system_clock::time_point created_at;
  friend bool operator==(const SegmentRecord&, const SegmentRecord&) = default;
};

/// A decision of a version that did not record servers; servers_recorded is false.
struct OldDecisionRecord : DecisionRecord {};

struct DoneRecord {
  std::string gtrid;
  friend bool operator==(const DoneRecord&, const DoneRecord&) = default;
};

/// An operator has seen the heuristic records of gtrid: they need not be kept.
struct AcknowledgedRecord {
  std::chrono::system_clock::time_point at;
  std::string gtrid;
  std::string who;
  friend bool operator==(const AcknowledgedRecord&, const AcknowledgedRecord&) = default;
};

/// A commit decision all of whose branches are finished.
struct FinishedRecord {
  std::chrono::system_clock::time_point decided_at;
  std::string gtrid;
  friend bool operator==(const FinishedRecord&, const FinishedRecord&) = default;
};

/// A participant that nobody can complete any more: an operator says that its server is gone.
struct GivenUpRecord {
  std::chrono::system_clock::time_point at;
  std::string gtrid;
  std::string resource_manager;
  std::string bqual;
  std::string who;
  friend bool operator==(const GivenUpRecord&, const GivenUpRecord&) = default;
};

/// What is known of the server at which a participant was prepared, from now on.
struct EvidenceRecord {
  std::string gtrid;
  std::string resource_manager;
  std::string bqual;
  std::string server;
  friend bool operator==(const EvidenceRecord&, const EvidenceRecord&) = default;
};

/// The alternative's index + 1 is the type on disk: append only.
using Record =
    std::variant<SegmentRecord, OldDecisionRecord, DoneRecord, HeuristicRecord, AcknowledgedRecord,
                 DecisionRecord, FinishedRecord, GivenUpRecord, EvidenceRecord>;

/// Appends one record to a batch under construction. False, and `batch` unchanged: a field is too
/// long.
[[nodiscard]] bool append_record(std::string& batch, const SegmentRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const DecisionRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const DoneRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const HeuristicRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const AcknowledgedRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const FinishedRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const GivenUpRecord& record);
[[nodiscard]] bool append_record(std::string& batch, const EvidenceRecord& record);

/// Takes the next record off the front of `records`; nullopt: malformed, or of a type not known
/// here.
[[nodiscard]] std::optional<Record> take_record(std::string_view& records);

enum class BatchKind : std::uint16_t { carry_over = 1, ordinary = 2 };

struct BatchHeader {
  std::uint32_t crc = 0;  // computed by seal_batch
  std::uint16_t version = kLogVersion;
  BatchKind kind = BatchKind::ordinary;
  std::uint32_t length = 0;  // computed by seal_batch
  std::uint64_t segment = 0;
  std::uint64_t salt = 0;
  std::uint64_t number = 0;
  std::uint32_t records = 0;
};

[[nodiscard]] constexpr std::uint64_t round_up_to_sector(std::uint64_t size) noexcept {
  return (size + kSectorSize - 1) / kSectorSize * kSectorSize;
}

/// Empties `batch` and leaves room for the header; append_record() follows, seal_batch() ends it.
void begin_batch(std::string& batch);
/// Pads, writes the header, computes the CRC. `batch` is then what goes to disk.
void seal_batch(std::string& batch, BatchHeader header);

/// The header at the start of `bytes` if magic and length allow one; the CRC is not looked at.
[[nodiscard]] std::optional<BatchHeader> read_header(std::string_view bytes);
/// The batch this header starts is whole: `bytes` holds it and the CRC fits.
[[nodiscard]] bool batch_is_whole(std::string_view bytes, const BatchHeader& header) noexcept;

}  // namespace xabridge::tm
