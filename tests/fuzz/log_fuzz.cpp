// The decision log's files with any bytes in them: damage is told, never a crash, and never a
// record that was not written.
//
// Random bytes do not get past a checksum. The first byte of an input therefore says what the rest
// is: a file as it stands, or the inside of batches that are sealed as the writer does.

#include <register/file/fields.hpp>
#include <register/file/incarnations.hpp>
#include <register/file/live_records.hpp>
#include <register/file/log_format.hpp>
#include <register/file/register_file.hpp>
#include <register/file/segment_reader.hpp>
#include <string>
#include <tests/register/file/crash_fs.hpp>

#include "input.hpp"

namespace {

using namespace xabridge::tm;
using xabridge::fuzz::Input;
using xabridge::fuzz::require;

constexpr std::uint64_t kSegment = 3;
constexpr std::uint64_t kSalt = 5;

std::string encoded(const Record& record) {
  std::string bytes;
  const bool fits = std::visit([&](const auto& r) { return append_record(bytes, r); }, record);
  require(fits, "a record was read that cannot be written");
  return bytes;
}

void read_records(std::string_view bytes) {
  while (true) {
    const std::string_view before = bytes;
    const auto record = take_record(bytes);
    if (!record) return;
    const std::string_view taken = before.substr(0, before.size() - bytes.size());
    require(encoded(*record) == taken, "a record is read from bytes that do not mean it");
  }
}

void scan(const std::string& bytes) {
  LiveRecords live;
  std::uint64_t last = 0;
  const auto found = scan_segment("/log/3.log", kSegment, bytes, [&](std::uint64_t at, Record r) {
    require(at >= last && at < bytes.size(), "a record stands outside of the file");
    last = at;
    live.apply(std::move(r));
  });
  std::string carried;
  begin_batch(carried);
  (void)live.write(carried);
  if (!found) {
    require(found.error().message.find("/log/3.log") != std::string::npos,
            "damage without the name of the file");
    return;
  }
  require(found->end <= bytes.size() && found->end > 0, "the log ends outside of the file");
}

// Batches of any content, whole by their checksum; between them anything.
std::string sealed(Input& in) {
  std::string file;
  std::uint64_t number = 1;
  while (!in.empty()) {
    const std::uint8_t kind = in.byte();
    const std::size_t size = in.byte() + std::size_t{256} * (kind & 3U);
    std::string batch;
    begin_batch(batch);
    BatchHeader header;
    if (file.empty()) {
      require(append_record(batch, SegmentRecord{in.byte() * kSectorSize, {}, 0, {}}),
              "a segment record does not fit");
      header.records = 1;
      header.kind = BatchKind::carry_over;
    }
    batch += in.bytes(size);
    header.records += in.byte() % 4U;
    header.segment = kSegment;
    header.salt = kSalt;
    header.number = (kind & 8U) != 0 ? number + in.byte() : number;
    if ((kind & 16U) != 0) header.version = 2;
    if ((kind & 32U) != 0) header.kind = BatchKind::carry_over;
    number = header.number + 1;
    seal_batch(batch, header);
    if ((kind & 64U) != 0) batch[in.byte() % batch.size()] ^= 1;
    if ((kind & 128U) != 0) batch.resize(batch.size() / 2);
    file += batch;
  }
  return file;
}

void small_files(const std::string& bytes) {
  xabridge::test::CrashFs files;
  require(files.create_directories("/log").ok(), "no directory");
  for (const char* name : {"/log/register", "/log/incarnations"}) {
    require(files.open(name, OpenMode::create_new).ok(), "no file");
    files.change(name, bytes);
  }
  (void)read_register_file(files, "/log");
  const auto list = read_incarnations(files, "/log");
  if (!list) return;
  require(list->entries.size() * 56 <= bytes.size(), "more incarnations than bytes");
  IncarnationEntry entry;
  entry.incarnation.fill(7);
  require(record_incarnation(files, "/log", *list, entry).ok(), "an incarnation is not recorded");
  const auto again = read_incarnations(files, "/log");
  require(again.ok() && !again->torn && again->entries.size() == list->entries.size() + 1,
          "an incarnation written behind a torn one is not read");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input in(data, size);
  switch (in.byte() % 4) {
    case 0:
      scan(sealed(in));
      break;
    case 1:
      read_records(in.all());
      break;
    case 2:
      small_files(std::string(in.all()));
      break;
    default:
      scan(std::string(in.all()));
  }
  return 0;
}
