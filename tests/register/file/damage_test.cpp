// Torn tails are cut and told; damage stops the register with file and offset. Nothing is skipped.

#include <catch.hpp>
#include <register/file/log_view.hpp>
#include <xabridge/xid.hpp>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

namespace {

constexpr std::size_t kSector = 512;

// A log of `count` decisions, one batch each, whose owner died.
struct Written : LogFixture {
  std::vector<std::string> gtrids;
  std::filesystem::path path;
  std::string bytes;

  explicit Written(std::uint64_t count) {
    const auto log = open();
    for (std::uint64_t i = 0; i < count; ++i) {
      gtrids.push_back(gtrid_of(*log, i));
      REQUIRE(commits(*log, gtrids.back()));
    }
    files.kill_process();
    path = segment();
    bytes = files.contents(path);
  }

  // What reopening finds in a copy of this log with other bytes. The files are put back afterwards.
  std::size_t decisions_in(const std::string& changed) {
    std::map<std::string, std::string> saved;
    for (const std::string& name : files.files()) saved[name] = files.contents(name);
    files.change(path, changed);
    reports.clear();
    std::size_t found = 0;
    {
      const auto log = open();
      found = log->unfinished().size();
      for (std::size_t i = 0; i < found; ++i) CHECK(log->decision(gtrids[i]));
    }
    files.kill_process();
    for (const std::string& name : files.files())
      if (!saved.contains(name)) REQUIRE(files.remove(name));
    for (const auto& [name, contents] : saved) {
      if (!files.exists(name).value()) REQUIRE(files.open(name, OpenMode::create_new));
      files.change(name, contents);
    }
    return found;
  }

  void check_damaged(const std::string& changed, std::size_t offset) {
    files.change(path, changed);
    const auto log = try_open();
    REQUIRE_FALSE(log);
    CHECK(mentions(log.error(), "damaged"));
    CHECK(mentions(log.error(), "do not put an older copy back"));
    CHECK(mentions(log.error(), path.string() + " at offset " + std::to_string(offset) + ":"));
    CHECK(files.contents(path) == changed);
    files.kill_process();
  }
};

}  // namespace

TEST_CASE("last_batch_cut_at_any_byte_is_a_torn_tail") {
  Written f(3);
  const std::size_t last = 3 * kSector;  // behind carry-over and two decisions
  std::size_t used = kSector;
  while (used > 0 && f.bytes[last + used - 1] == 0) --used;
  for (std::size_t kept = 0; kept <= kSector; ++kept) {
    std::string changed = f.bytes;
    changed.replace(last + kept, kSector - kept, kSector - kept, '\0');
    const bool whole = kept >= used;
    if (f.decisions_in(changed) != (whole ? 3 : 2)) FAIL("kept " << kept);
    const bool told =
        f.reports.size() == 1 &&
        f.reports[0].find(f.path.string() + ":" + std::to_string(last)) != std::string::npos;
    // Nothing shows that a batch was begun before its salt is there.
    if (whole || kept < 32 ? told : kept >= 48 && !told) FAIL("kept " << kept << " told " << told);
  }
}

TEST_CASE("last_batch_with_any_byte_changed_is_a_torn_tail") {
  Written f(2);
  for (std::size_t i = 0; i < kSector; ++i) {
    std::string changed = f.bytes;
    changed[2 * kSector + i] = static_cast<char>(changed[2 * kSector + i] ^ 0x40);
    if (f.decisions_in(changed) != 1) FAIL("byte " << i);
  }
}

TEST_CASE("torn_tail_is_cut_once_and_the_log_goes_on_behind_it") {
  Written f(2);
  f.bytes[2 * kSector + 100] = static_cast<char>(f.bytes[2 * kSector + 100] ^ 1);
  f.files.change(f.path, f.bytes);
  {
    const auto log = f.open();
    CHECK(f.reports.size() == 1);
    REQUIRE(commits(*log, gtrid_of(*log, 77)));
  }
  f.reports.clear();
  CHECK(f.open()->unfinished().size() == 2);
  CHECK(f.reports.empty());
}

TEST_CASE("damage_before_the_last_batch_stops_the_register_with_file_and_offset") {
  Written f(5);
  for (std::size_t i = 0; i < 5 * kSector; i += 37) {
    std::string changed = f.bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    f.check_damaged(changed, i / kSector * kSector);
  }
}

TEST_CASE("zeros_in_the_middle_are_damage") {
  Written f(5);
  std::string changed = f.bytes;
  changed.replace(2 * kSector, 2 * kSector, 2 * kSector, '\0');
  f.check_damaged(changed, 2 * kSector);
}

TEST_CASE("segment_without_its_first_batch_is_damage_even_when_nothing_follows") {
  Written f(0);
  f.check_damaged(std::string(f.bytes.size(), '\0'), 0);
}

TEST_CASE("segment_cut_short_is_damage") {
  Written f(3);
  f.check_damaged(f.bytes.substr(0, 2 * kSector), 2 * kSector);
}

TEST_CASE("segment_of_another_log_root_is_refused") {
  Written f(1);
  LogFixture other;
  other.entropy.fill(std::as_writable_bytes(std::span(f.gtrids[0])));
  other.open();
  f.check_damaged(other.files.contents(other.segment()), 0);
}

TEST_CASE("missing_segment_of_a_used_slot_is_damage") {
  Written f(1);
  REQUIRE(f.files.remove(f.path));
  const auto log = f.try_open();
  REQUIRE_FALSE(log);
  CHECK(mentions(log.error(), "/log/slots/0000"));
  CHECK(mentions(log.error(), "segment is missing"));
}

TEST_CASE("stale_batches_of_a_recycled_segment_are_never_current") {
  // Three generations in two files; the last one has a single batch in front of older ones.
  LogFixture f;
  f.options.segment_size = 4 * kSector;
  auto log = f.open();
  for (std::uint64_t i = 0; i < 7; ++i) {
    REQUIRE(commits(*log, gtrid_of(*log, i)));
    log->done(gtrid_of(*log, i));
  }
  const std::string bytes = f.files.contents(f.segment());
  CHECK(bytes.find("XABL", 2 * kSector) != std::string::npos);
  f.files.kill_process();
  log.reset();
  log = f.open();
  CHECK(log->unfinished().size() <= 1);
  CHECK(f.reports.empty());
}

TEST_CASE("damaged_register_file_and_other_versions_are_refused") {
  LogFixture f;
  f.open();
  const std::string good = f.files.contents("/log/register");
  std::string changed = good;
  changed[8] = 3;
  f.files.change("/log/register", changed);
  CHECK(mentions(f.try_open().error(), "layout version 3"));
  changed = good;
  changed[20] = static_cast<char>(changed[20] ^ 1);
  f.files.change("/log/register", changed);
  CHECK(mentions(f.try_open().error(), "/log/register"));
  f.files.change("/log/register", "something else");
  CHECK(mentions(f.try_open().error(), "not the register file"));
  REQUIRE(f.files.remove("/log/register"));
  CHECK(mentions(f.try_open().error(), "no file `register`"));
}

// Its decisions are on XIDs that would be foreign ones now: left alone, with their locks, for ever.
TEST_CASE("register_of_an_earlier_xid_layout_is_refused_with_what_to_do") {
  LogFixture f;
  REQUIRE(f.files.create_directories("/log"));
  REQUIRE(f.files.open("/log/register", OpenMode::create_new));
  f.files.change("/log/register", *from_hex("786162726964676501000000"
                                            "000102030405060708090a0b0c0d0e0f"
                                            "00000000"));
  const auto refused = f.try_open();
  REQUIRE_FALSE(refused);
  CHECK(mentions(refused.error(), "the log root /log"));
  CHECK(mentions(refused.error(), "formatID 1480671826"));
  CHECK(mentions(refused.error(), "`xabridge recover`"));
  CHECK_FALSE(f.files.exists("/log/slots").value());
  CHECK_FALSE(read_log(f.environment, "/log"));
}

TEST_CASE("torn_incarnation_is_cut_and_a_damaged_one_refused") {
  LogFixture f;
  const std::string path = "/log/slots/0000/incarnations";
  f.open();
  f.open();
  const std::string good = f.files.contents(path);
  REQUIRE(good.size() == 112);
  f.files.change(path, good.substr(0, 100));
  const auto incarnation = f.open()->incarnation();
  CHECK(f.reports.size() == 1);
  CHECK(f.files.contents(path).size() == 112);
  CHECK(f.files.contents(path).substr(64, 8) ==
        std::string(incarnation.begin(), incarnation.end()));

  std::string changed = good;
  changed[9] = static_cast<char>(changed[9] ^ 1);
  f.files.change(path, changed);
  CHECK(mentions(f.try_open().error(), path + " at offset 0"));
}
