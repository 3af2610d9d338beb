// Disks that are full and disks that fail. The question is always: what may the caller believe, and
// what goes on.

#include <catch.hpp>
#include <cerrno>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

TEST_CASE("failed_sync_leaves_the_decision_unknown_and_the_log_refusing") {
  LogFixture f;
  auto log = f.open();
  const std::string before = gtrid_of(*log, 1);
  const std::string during = gtrid_of(*log, 2);
  const std::string after = gtrid_of(*log, 3);
  REQUIRE(commits(*log, before));

  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "sync" ? EIO : 0;
  };
  const auto unknown = log->decide(during, two_branches(), Decision::commit);
  f.files.fault = {};
  REQUIRE_FALSE(unknown);
  CHECK_FALSE(unknown.error().outcome_known);
  CHECK(unknown.error().sys_errno == EIO);

  const auto refused = log->decide(after, two_branches(), Decision::commit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome_known);
  CHECK(mentions(refused.error(), "/log/slots/0000"));

  // Nobody may act on the unknown one, the others are what they were.
  CHECK_FALSE(log->decide(during, {}, Decision::rollback));
  CHECK_FALSE(log->owner_of(*Gtrid::decode(during)));
  CHECK_THROWS_AS(log->decision(during), Exception);
  CHECK(log->decision(before));
  CHECK(log->owner_of(*Gtrid::decode(after)).value() == Owner::self);

  const bool power = GENERATE(false, true);
  if (power)
    f.files.lose_power(1);
  else
    f.files.kill_process();
  log.reset();
  log = f.open();
  CHECK(log->decision(before));
  // In the cache it was whole, on the disk it never came.
  CHECK(log->decision(during).has_value() == !power);
  CHECK_FALSE(log->decision(after));
  // What was found once stays: opening made it durable.
  const bool found = log->decision(during).has_value();
  f.files.lose_power(2);
  log.reset();
  CHECK(f.open()->decision(during).has_value() == found);
}

TEST_CASE("failed_write_leaves_the_decision_unknown_and_the_log_refusing") {
  LogFixture f;
  const auto log = f.open();
  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "write" ? EIO : 0;
  };
  const auto unknown = log->decide(gtrid_of(*log, 1), {}, Decision::commit);
  f.files.fault = {};
  REQUIRE_FALSE(unknown);
  CHECK_FALSE(unknown.error().outcome_known);
  CHECK_FALSE(commits(*log, gtrid_of(*log, 2)));
}

TEST_CASE("disk_full_in_a_batch_records_nothing_and_the_log_goes_on_when_there_is_space") {
  LogFixture f;
  // More than half of a batch: what is missing of it is not there already.
  std::vector<Participant> branches = two_branches();
  for (const char* name : {"orders", "letters"}) branches.push_back({name, make_bqual(3, name)});
  auto log = f.open();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "write" ? ENOSPC : 0;
  };
  const auto full = log->decide(gtrid_of(*log, 2), branches, Decision::commit);
  REQUIRE_FALSE(full);
  CHECK(full.error().outcome_known);
  CHECK(full.error().sys_errno == ENOSPC);
  CHECK(mentions(full.error(), "nothing was recorded"));
  CHECK(log->decide(gtrid_of(*log, 2), {}, Decision::rollback).value() == Decision::rollback);
  f.files.fault = {};
  REQUIRE(commits(*log, gtrid_of(*log, 3)));
  f.files.kill_process();
  log.reset();
  log = f.open();
  CHECK(log->unfinished().size() == 2);
  CHECK(f.reports.empty());
}

// Half of the batch is written, and the other half is zeros as the unused segment is: the next
// reader finds a decision, so the caller must not be told that there is none.
TEST_CASE("disk_full_behind_the_last_byte_that_counts_is_no_refusal") {
  LogFixture f;
  auto log = f.open();
  const std::string gtrid = gtrid_of(*log, 1);
  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "write" ? ENOSPC : 0;
  };
  CHECK(commits(*log, gtrid));
  f.files.fault = {};
  f.files.lose_power(1);
  log.reset();
  log = f.open();
  CHECK(log->decision(gtrid));
}

TEST_CASE("disk_full_at_any_operation_never_loses_or_invents_a_decision") {
  // Many undone decisions, so that rotations need new and larger segments.
  std::uint64_t total = 0;
  for (std::uint64_t failing = 1; total == 0 || failing <= total; ++failing) {
    LogFixture f;
    f.options.segment_size = 2048;
    auto log = f.open();
    const auto start = f.files.operations();
    std::uint64_t countdown = failing;
    f.files.fault = [&countdown](const std::string& operation, const auto&) {
      if (operation == "open" || operation == "lock" || operation.starts_with("sync")) return 0;
      return --countdown == 0 ? ENOSPC : 0;
    };
    std::vector<std::string> promised;
    std::vector<std::string> refused;
    for (std::uint64_t i = 0; i < 40; ++i) {
      const std::string gtrid = gtrid_of(*log, i);
      const auto decided = log->decide(gtrid, two_branches(), Decision::commit);
      if (decided) {
        promised.push_back(gtrid);
      } else if (decided.error().outcome_known) {
        refused.push_back(gtrid);
      }
    }
    if (total == 0) total = f.files.operations() - start;
    f.files.fault = {};
    if (promised.size() < 39 && refused.empty()) FAIL("failing " << failing);
    f.files.lose_power(static_cast<unsigned>(failing));
    log.reset();
    log = f.open();
    for (const std::string& gtrid : promised)
      if (!log->decision(gtrid)) FAIL("lost, failing " << failing);
    for (const std::string& gtrid : refused)
      if (log->decision(gtrid)) FAIL("invented, failing " << failing);
  }
}

TEST_CASE("disk_full_at_start_says_where_and_how_much") {
  LogFixture f;
  f.files.fault = [](const std::string& operation, const std::filesystem::path& path) {
    return operation == "write" && path.extension() == ".log" ? ENOSPC : 0;
  };
  const auto log = f.try_open();
  REQUIRE_FALSE(log);
  CHECK(log.error().sys_errno == ENOSPC);
  CHECK(mentions(log.error(), "/log/slots/0000"));
  CHECK(mentions(log.error(), std::to_string(LogFixture::kSegmentSize) + " bytes"));
  f.files.fault = {};
  f.files.kill_process();
  CHECK(f.try_open());
}

TEST_CASE("disk_full_while_making_the_next_segment_records_nothing_and_stays_usable") {
  LogFixture f;
  f.options.segment_size = 2048;
  const auto log = f.open();
  f.files.fault = [](const std::string& operation, const std::filesystem::path& path) {
    return operation == "write" && path.filename() == "spare.log" ? ENOSPC : 0;
  };
  std::uint64_t sequence = 0;
  while (commits(*log, gtrid_of(*log, sequence))) REQUIRE(++sequence < 10);
  const auto full = log->decide(gtrid_of(*log, 100), {}, Decision::commit);
  REQUIRE_FALSE(full);
  CHECK(full.error().outcome_known);
  f.files.fault = {};
  CHECK(commits(*log, gtrid_of(*log, 101)));
  CHECK(log->unfinished().size() == sequence + 1);
}
