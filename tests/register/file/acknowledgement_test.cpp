// Acknowledgements left at the slot of a running process: taken once, durable, and only what was
// meant.
#include <atomic>
#include <catch.hpp>
#include <functional>
#include <register/file/acknowledgements.hpp>
#include <register/file/log_view.hpp>
#include <set>
#include <thread>

#include "expectations.hpp"
#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

namespace {

const std::filesystem::path kSlot = "/log/slots/0000";

/// A transaction two resource managers of which decided by themselves.
struct Heuristic : LogFixture {
  std::unique_ptr<FileRegister> log = open();
  const std::string gtrid = gtrid_of(*log, 1);

  Heuristic() {
    for (const Participant& p : two_branches()) {
      REQUIRE(log->heuristic(
          {gtrid, p.resource_manager, p.bqual, Decision::commit, XA_HEURRB, {}, clock.wall()}));
    }
  }
  void pass() {
    REQUIRE(log->begin_pass());
    log->end_pass();
  }
  std::size_t waiting() { return waiting_acknowledgements(files, kSlot).value().size(); }
};

}  // namespace

TEST_CASE("the_owner_of_a_slot_takes_an_acknowledgement_in_its_recovery_pass") {
  Heuristic f;
  REQUIRE(leave_acknowledgement(f.files, kSlot, {f.gtrid, "stock", "anna: booked by hand"}));
  REQUIRE(leave_acknowledgement(f.files, kSlot, {f.gtrid, "stock", "anna: booked twice"}));
  CHECK(f.waiting() == 1);
  CHECK(f.log->heuristics().size() == 2);
  f.pass();
  CHECK(f.waiting() == 0);
  REQUIRE(f.log->heuristics().size() == 1);
  CHECK(f.log->heuristics()[0].resource_manager == "accounts");
  f.log.reset();
  f.log = f.open();
  CHECK(f.log->heuristics().size() == 1);
  CHECK(f.reports.empty());
}

TEST_CASE("an_acknowledgement_whose_removal_failed_is_taken_again_without_effect") {
  Heuristic f;
  REQUIRE(leave_acknowledgement(f.files, kSlot, {f.gtrid, "stock", "anna"}));
  f.files.fault = [](const std::string& operation, const std::filesystem::path&) {
    return operation == "remove" ? EACCES : 0;
  };
  f.pass();
  f.pass();
  CHECK(f.log->heuristics().size() == 1);
  CHECK(f.waiting() == 1);
  CHECK(f.reports.size() == 1);  // once, not in every pass
  f.files.fault = nullptr;
  f.pass();
  CHECK(f.waiting() == 0);
  CHECK(f.log->heuristics().size() == 1);
}

TEST_CASE("an_acknowledgement_that_could_not_be_recorded_waits") {
  Heuristic f;
  REQUIRE(leave_acknowledgement(f.files, kSlot, {f.gtrid, "stock", "anna"}));
  f.files.fault = [](const std::string& operation, const std::filesystem::path& path) {
    return operation == "sync" && path.extension() == ".log" ? EIO : 0;
  };
  f.pass();
  CHECK(f.waiting() == 1);
  CHECK(f.reports.size() == 1);
  f.files.fault = nullptr;
  f.log.reset();
  f.log = f.open();
  f.pass();
  CHECK(f.waiting() == 0);
  CHECK(f.log->heuristics().size() == 1);
}

TEST_CASE("an_acknowledgement_of_what_is_not_there_is_removed_and_other_files_are_left_alone") {
  Heuristic f;
  REQUIRE(leave_acknowledgement(f.files, kSlot, {"no such", "stock", "anna"}));
  REQUIRE(leave_acknowledgement(f.files, kSlot, {f.gtrid, "stock.2-x", "anna"}));
  for (const char* name : {"acknowledge-", "acknowledge-zz-stock", "acknowledge-00-", "notes"}) {
    REQUIRE(f.files.open(kSlot / name, OpenMode::create_new));
  }
  CHECK(f.waiting() == 2);
  f.pass();
  CHECK(f.waiting() == 0);
  CHECK(f.log->heuristics().size() == 2);
  CHECK(f.files.exists(kSlot / "notes").value());
  CHECK(f.files.exists(kSlot / "acknowledge-00-").value());
}

namespace {

// Tells in wall() that a thread has come to write the time into a record.
class TellingClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return {}; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    ++asked;
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  }
  mutable std::atomic<int> asked = 0;
};

// A log on which one call can be made while the record of another is being synced.
struct BesideSync : LogFixture {
  TellingClock telling;
  Environment with_clock{files, telling, entropy, "host"};
  std::unique_ptr<DecisionLog> log = take();
  const std::string gtrid = "gtrid";

  std::unique_ptr<DecisionLog> take() {
    REQUIRE(files.create_directories(kSlot));
    auto slot = Slot::try_take(with_clock, {.directory = kSlot,
                                            .register_id = {},
                                            .number = 0,
                                            .segment_size = kSegmentSize,
                                            .report = {}});
    auto taken = std::make_unique<DecisionLog>(with_clock, std::move(slot).value());
    REQUIRE(taken->rotate());
    REQUIRE(taken->start({}));
    return taken;
  }
  HeuristicRecord record(const std::string& resource_manager) const {
    return {gtrid, resource_manager, resource_manager, Decision::commit, XA_HEURRB, {}, {}};
  }
  /// `second` reads the clock under the log's mutex; only then does the sync of `first` go on.
  void during_the_sync_of(const std::function<void()>& first, const std::function<void()>& second) {
    std::atomic<bool> begun = false;
    std::thread other;
    files.during_sync = [&](const std::string&) {
      if (begun.exchange(true)) return;
      const int before = telling.asked;
      other = std::thread(second);
      while (telling.asked == before) std::this_thread::yield();
    };
    first();
    other.join();
    files.during_sync = nullptr;
  }
  [[nodiscard]] std::set<std::string> kept() {
    std::set<std::string> names;
    for (const HeuristicRecord& one : log->heuristics()) names.insert(one.resource_manager);
    return names;
  }
  void restart() {
    files.lose_power(1);
    log.reset();
    log = take();
  }
};

}  // namespace

TEST_CASE("an_acknowledgement_keeps_the_record_of_another_branch_that_is_being_synced") {
  BesideSync f;
  REQUIRE(f.log->heuristic(f.record("stock")));
  Expectations both;
  f.during_the_sync_of(
      [&] { both.expect(f.log->heuristic(f.record("accounts")).ok(), "record"); },
      [&] { both.expect(f.log->acknowledge(f.gtrid, "stock", "anna").ok(), "acknowledge"); });
  CHECK(both.unmet() == "");
  const std::set<std::string> expected{"accounts"};
  CHECK(f.kept() == expected);
  f.restart();
  CHECK(f.kept() == expected);
}

TEST_CASE("acknowledgements_of_two_branches_at_once_do_not_bring_each_other_back") {
  BesideSync f;
  REQUIRE(f.log->heuristic(f.record("stock")));
  REQUIRE(f.log->heuristic(f.record("accounts")));
  Expectations both;
  f.during_the_sync_of(
      [&] { both.expect(f.log->acknowledge(f.gtrid, "stock", "anna").ok(), "stock"); },
      [&] { both.expect(f.log->acknowledge(f.gtrid, "accounts", "anna").ok(), "accounts"); });
  CHECK(both.unmet() == "");
  CHECK(f.kept().empty());
  f.restart();
  CHECK(f.kept().empty());
}
