// The bytes of the log, pinned: a later version has to read what this one wrote.

#include <catch.hpp>
#include <register/file/crc32c.hpp>
#include <register/file/live_records.hpp>
#include <register/file/log_format.hpp>
#include <register/file/segment_reader.hpp>
#include <xabridge/xid.hpp>

using namespace xabridge;
using namespace xabridge::tm;
using std::chrono::nanoseconds;
using std::chrono::system_clock;

namespace {

system_clock::time_point at(std::int64_t ns) {
  return system_clock::time_point(
      std::chrono::duration_cast<system_clock::duration>(nanoseconds(ns)));
}

template <class R>
std::string bytes_of(const R& record) {
  std::string out;
  REQUIRE(append_record(out, record));
  return out;
}

// Encode, decode, encode again: the same bytes, and the value in between.
template <class R>
R round_trip(const R& record) {
  const std::string bytes = bytes_of(record);
  std::string_view rest = bytes;
  const auto decoded = take_record(rest);
  REQUIRE(decoded);
  CHECK(rest.empty());
  REQUIRE(std::holds_alternative<R>(*decoded));
  CHECK(bytes_of(std::get<R>(*decoded)) == bytes);
  return std::get<R>(*decoded);
}

const DecisionRecord kDecision{
    "gt", {{"pg", "\x01pg", "server 7"}, {"my", "\x02my", ""}}, at(0x0102)};
const std::string kOldDecision = "021b0000000201000000000000026774020002706703017067026d7903026d79";
const HeuristicRecord kHeuristic{"gt", "pg", "\x01pg", Decision::rollback, -7, "text", at(3)};

}  // namespace

TEST_CASE("crc32c_gives_the_published_check_value") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c("6789", crc32c("12345")) == 0xe3069283);
  CHECK(crc32c("") == 0);
}

TEST_CASE("records_have_the_documented_bytes") {
  CHECK(to_hex(bytes_of(kDecision)) ==
        "0625000000020100000000000002677402000270670301706708736572766572203702"
        "6d7903026d7900");
  CHECK(to_hex(bytes_of(FinishedRecord{at(4), "g"})) == "070a00000004000000000000000167");
  CHECK(to_hex(bytes_of(GivenUpRecord{at(5), "g", "pg", "\x01pg", "me"})) ==
        "0814000000050000000000000001670270670301706702"
        "6d65");
  CHECK(to_hex(bytes_of(EvidenceRecord{"g", "pg", "b", "s"})) == "0909000000016702706701620173");
  CHECK(to_hex(bytes_of(DoneRecord{"g"})) == "03020000000167");
  CHECK(to_hex(bytes_of(kHeuristic)) ==
        "041d0000000300000000000000026774027067030170670"
        "1f9ffffff040074657874");
  CHECK(to_hex(bytes_of(AcknowledgedRecord{at(1), "g", "me"})) ==
        "050d00000001000000000000000167026d65");
  SegmentRecord segment{1024, {}, 3, at(2)};
  segment.register_id[15] = 0xff;
  CHECK(to_hex(bytes_of(segment)) ==
        "01220000000004000000000000000000000000000000000000000000ff03000200000000000000");
}

TEST_CASE("records_survive_a_round_trip") {
  const auto decision = round_trip(kDecision);
  CHECK(decision.gtrid == kDecision.gtrid);
  CHECK(decision.participants == kDecision.participants);
  CHECK(decision.decided_at == kDecision.decided_at);
  const auto heuristic = round_trip(kHeuristic);
  CHECK(heuristic.code == -7);
  CHECK(heuristic.decision == Decision::rollback);
  CHECK(heuristic.text == "text");
  CHECK(round_trip(DoneRecord{std::string(64, 'g')}).gtrid.size() == 64);
  CHECK(round_trip(AcknowledgedRecord{at(9), "g", "operator"}).who == "operator");
  CHECK(round_trip(FinishedRecord{at(9), "g"}).decided_at == at(9));
  CHECK(round_trip(GivenUpRecord{at(9), "g", "pg", "b", "operator"}).bqual == "b");
  CHECK(round_trip(EvidenceRecord{"g", "pg", "b", "server"}).server == "server");
}

TEST_CASE("decision_of_a_version_without_servers_is_read_and_carried_over_as_it_is") {
  const std::string bytes = *from_hex(kOldDecision);
  std::string_view rest = bytes;
  const auto decoded = take_record(rest);
  REQUIRE(decoded);
  const auto& decision = std::get<OldDecisionRecord>(*decoded);
  CHECK(decision.gtrid == "gt");
  CHECK(decision.participants == std::vector<Participant>{{"pg", "\x01pg"}, {"my", "\x02my"}});
  CHECK_FALSE(decision.servers_recorded);
  LiveRecords live;
  live.apply(*decoded);
  std::string carried;
  CHECK(live.write(carried) == 1);
  CHECK(to_hex(carried) == kOldDecision);
}

TEST_CASE("record_with_a_field_too_long_is_refused_and_leaves_the_batch_alone") {
  std::string batch = "before";
  CHECK_FALSE(append_record(batch, DoneRecord{std::string(256, 'g')}));
  CHECK(batch == "before");
}

TEST_CASE("malformed_records_are_not_decoded") {
  const auto refused = [](std::string bytes) {
    std::string_view rest = bytes;
    return !take_record(rest);
  };
  const std::string good = bytes_of(kHeuristic);
  CHECK_FALSE(refused(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK(refused(good.substr(0, cut)));
  std::string other = good;
  other[0] = 9;
  CHECK(refused(other));
  other = good;
  other[0] = 0;
  CHECK(refused(other));
  other = good;
  other[5 + 8 + 3 + 3 + 4] = 2;  // neither commit nor rollback
  CHECK(refused(other));
  CHECK(refused(*from_hex("0303000000016700")));  // a byte too many
}

TEST_CASE("batch_has_the_documented_bytes") {
  std::string batch;
  begin_batch(batch);
  REQUIRE(append_record(batch, DoneRecord{"g"}));
  seal_batch(batch,
             {.kind = BatchKind::ordinary, .segment = 2, .salt = 5, .number = 7, .records = 1});
  REQUIRE(batch.size() == 512);
  CHECK(to_hex(batch.substr(0, 4)) == "5841424c");
  CHECK(to_hex(batch.substr(4, 4)) == "079ea730");
  CHECK(to_hex(batch.substr(8, 48)) ==
        "020002003700000002000000000000000500000000000000070000000000000001000000"
        "0000000003020000000167"
        "00");
  CHECK(batch.substr(55) == std::string(457, '\0'));

  const auto header = read_header(batch);
  REQUIRE(header);
  CHECK(header->version == kLogVersion);
  CHECK(header->number == 7);
  CHECK(batch_is_whole(batch, *header));
}

TEST_CASE("segments_of_version_1_are_read_and_of_later_versions_refused") {
  for (std::uint16_t version = 0; version < 4; ++version) {
    std::string bytes;
    begin_batch(bytes);
    REQUIRE(append_record(bytes, SegmentRecord{512, {}, 0, at(2)}));
    bytes += *from_hex(kOldDecision);
    seal_batch(bytes, {.version = version,
                       .kind = BatchKind::carry_over,
                       .segment = 3,
                       .salt = 5,
                       .number = 7,
                       .records = 2});
    std::vector<Record> found;
    const auto scan = scan_segment("segment", 3, bytes, [&](std::uint64_t, Record record) {
      found.push_back(std::move(record));
    });
    INFO(version);
    CHECK(scan.ok() == (version == 1 || version == 2));
    if (scan) CHECK(std::get<OldDecisionRecord>(found.at(1)).gtrid == "gt");
    if (!scan) CHECK(scan.error().message.find("format version") != std::string::npos);
  }
}

TEST_CASE("no_changed_byte_of_a_batch_goes_unnoticed") {
  std::string batch;
  begin_batch(batch);
  REQUIRE(append_record(batch, kDecision));
  seal_batch(batch, {.segment = 1, .salt = 2, .number = 3, .records = 1});
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::string changed = batch;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    const auto header = read_header(changed);
    CHECK_FALSE((header && batch_is_whole(changed, *header)));
  }
}
