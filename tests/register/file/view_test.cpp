// Looking at a log root without owning any of it.

#include <catch.hpp>
#include <functional>
#include <register/file/log_view.hpp>
#include <thread>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

TEST_CASE("view_shows_slots_owners_records_and_what_is_unfinished") {
  LogFixture f;
  const auto live = f.open();
  auto dead = f.open();
  REQUIRE(commits(*live, gtrid_of(*live, 1)));
  REQUIRE(commits(*dead, gtrid_of(*dead, 1)));
  REQUIRE(commits(*dead, gtrid_of(*dead, 2)));
  dead->done(gtrid_of(*dead, 1));
  REQUIRE(dead->heuristic({gtrid_of(*dead, 2), "stock", "b", Decision::commit, XA_HEURRB, "", {}}));
  dead.reset();
  const auto before = f.files.operations();

  const LogView view = read_log(f.environment, "/log").value();
  CHECK(f.files.operations() == before);
  CHECK(view.id == live->id());
  REQUIRE(view.slots.size() == 2);
  CHECK(view.slots[0].owned);
  CHECK(view.slots[0].unfinished.size() == 1);
  CHECK(view.slots[0].incarnations.size() == 1);
  CHECK(view.slots[0].incarnations[0].incarnation == live->incarnation());
  const SlotView& ended = view.slots[1];
  CHECK_FALSE(ended.owned);
  CHECK(ended.unfinished.size() == 1);
  CHECK(ended.heuristics.size() == 1);
  REQUIRE(ended.records.size() == 5);
  CHECK(std::holds_alternative<SegmentRecord>(ended.records[0].record));
  CHECK(std::holds_alternative<DecisionRecord>(ended.records[1].record));
  CHECK(ended.records[1].offset == 512);
  CHECK(ended.records[1].file == f.segment(1));
  CHECK_FALSE(ended.torn_at);
  CHECK_FALSE(ended.error);
  // Nothing was taken: the owner is still at work.
  CHECK(commits(*live, gtrid_of(*live, 2)));
}

TEST_CASE("view_of_a_damaged_slot_shows_what_stands_before_the_damage") {
  LogFixture f;
  auto log = f.open();
  for (std::uint64_t i = 0; i < 4; ++i) REQUIRE(commits(*log, gtrid_of(*log, i)));
  log.reset();
  const auto path = f.segment();
  std::string bytes = f.files.contents(path);
  bytes[2 * 512 + 99] = static_cast<char>(bytes[2 * 512 + 99] ^ 1);
  f.files.change(path, bytes);
  const LogView view = read_log(f.environment, "/log").value();
  REQUIRE(view.slots.at(0).error);
  CHECK(mentions(*view.slots[0].error, path.string() + " at offset 1024"));
  CHECK(view.slots[0].unfinished.size() == 1);
}

TEST_CASE("view_of_a_torn_tail_says_where") {
  LogFixture f;
  auto log = f.open();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  log.reset();
  std::string bytes = f.files.contents(f.segment());
  bytes[512 + 99] = static_cast<char>(bytes[512 + 99] ^ 1);
  f.files.change(f.segment(), bytes);
  CHECK(read_log(f.environment, "/log").value().slots.at(0).torn_at == 512U);
}

TEST_CASE("view_where_there_is_no_log_says_so_and_makes_none") {
  LogFixture f;
  const auto view = read_log(f.environment, "/log");
  REQUIRE_FALSE(view);
  CHECK(mentions(view.error(), "no decision log in /log"));
  CHECK(f.files.files().empty());
}

TEST_CASE("view_of_a_slot_at_work_never_looks_damaged_and_misses_no_decision") {
  LogFixture f;
  f.options.segment_size = 4096;  // rotations all the time
  const auto log = f.open();
  const std::string kept = gtrid_of(*log, 1'000'000);
  REQUIRE(commits(*log, kept));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::uint64_t i = 0; !stop; ++i) {
      (void)commits(*log, gtrid_of(*log, i));
      log->done(gtrid_of(*log, i));
    }
  });
  int wrong = 0;
  for (int i = 0; i < 300; ++i) {
    const LogView view = read_log(f.environment, "/log").value();
    const SlotView& slot = view.slots.at(0);
    bool found = false;
    for (const DecisionRecord& record : slot.unfinished) found |= record.gtrid == kept;
    wrong += !found || slot.error || !slot.owned ? 1 : 0;
  }
  stop = true;
  writer.join();
  CHECK(wrong == 0);
}

namespace {

/// Files at which something happens before one of a reader's operations.
class Meanwhile final : public FileSystem {
 public:
  using Path = std::filesystem::path;
  Meanwhile(FileSystem& files, int operation, std::function<void()> happens)
      : files_(files), left_(operation), happens_(std::move(happens)) {}
  [[nodiscard]] bool happened() const { return left_ < 0; }

  Result<std::unique_ptr<File>> open(const Path& path, OpenMode mode) override {
    return at().open(path, mode);
  }
  Result<void> create_directories(const Path& p) override { return at().create_directories(p); }
  Result<std::vector<std::string>> list(const Path& p) override { return at().list(p); }
  Result<bool> exists(const Path& p) override { return at().exists(p); }
  Result<void> rename(const Path& from, const Path& to) override { return at().rename(from, to); }
  Result<void> remove(const Path& p) override { return at().remove(p); }
  Result<void> sync_directory(const Path& p) override { return at().sync_directory(p); }
  Result<std::unique_ptr<FileLock>> try_lock(const Path& p) override { return at().try_lock(p); }
  Result<bool> is_locked(const Path& p) override { return at().is_locked(p); }

 private:
  FileSystem& at() {
    if (left_-- == 0) happens_();
    return files_;
  }
  FileSystem& files_;
  int left_;
  std::function<void()> happens_;
};

}  // namespace

// "Dead, none: rollback" would make somebody who completes branches by hand undo a commit.
TEST_CASE("view_of_an_owner_that_decides_and_dies_meanwhile_never_says_undecided_and_gone") {
  const bool succeeded = GENERATE(false, true);  // by another owner, before the view is there
  bool during = true;
  int looked_at = 0;
  for (int operation = 0; during; ++operation) {
    LogFixture f;
    auto owner = f.open();
    std::unique_ptr<FileRegister> next;
    const std::string gtrid = gtrid_of(*owner, 1);
    const Incarnation incarnation = owner->incarnation();
    Meanwhile files(f.files, operation, [&] {
      REQUIRE(commits(*owner, gtrid));
      owner.reset();
      if (succeeded) next = f.open();
    });
    Environment environment{files, f.clock, f.entropy, "host"};
    const LogView view = read_log(environment, "/log").value();
    during = files.happened();
    if (!during) break;
    ++looked_at;
    CAPTURE(operation, succeeded);
    const SlotView& slot = view.slots.at(0);
    CHECK_FALSE(slot.error);
    const bool last = slot.incarnations.back().incarnation == incarnation;
    const bool gone = !slot.owned || !last;
    CHECK((!gone || slot.unfinished.size() == 1));
  }
  CHECK(looked_at > 5);
}

TEST_CASE("view_of_a_slot_whose_segment_was_deleted_says_so") {
  LogFixture f;
  const auto log = f.open();
  REQUIRE(f.files.remove(f.segment()));
  const auto view = read_log(f.environment, "/log");
  REQUIRE(view);
  REQUIRE(view->slots.size() == 1);
  CHECK(view->slots[0].owned);
  REQUIRE(view->slots[0].error);
  CHECK(mentions(*view->slots[0].error, "its segment is missing"));
}
