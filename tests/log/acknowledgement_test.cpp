// Acknowledgements left at the slot of a running process: taken once, durable, and only what was
// meant.
#include <catch.hpp>
#include <log/acknowledgements.hpp>
#include <log/log_view.hpp>

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
