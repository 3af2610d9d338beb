// FileRegister as a DecisionRegister: first writer wins, decisions survive, the log stays small.

#include <catch.hpp>
#include <register/file/log_view.hpp>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

TEST_CASE("commit_decision_is_on_record_after_a_restart_with_all_it_was_given") {
  LogFixture f;
  auto log = f.open();
  const std::string gtrid = gtrid_of(*log, 1);
  REQUIRE(commits(*log, gtrid));
  log.reset();

  log = f.open();
  const auto record = log->decision(gtrid);
  REQUIRE(record);
  CHECK(record->gtrid == gtrid);
  CHECK(record->participants == two_branches());
  CHECK(record->decided_at == f.clock.wall());
  CHECK(log->unfinished().size() == 1);
  CHECK(f.reports.empty());
}

TEST_CASE("first_decision_stands") {
  LogFixture f;
  const auto log = f.open();
  const std::string committed = gtrid_of(*log, 1);
  const std::string refused = gtrid_of(*log, 2);
  REQUIRE(commits(*log, committed));
  CHECK(log->decide(committed, {}, Decision::rollback).value() == Decision::commit);
  CHECK(log->decide(committed, {}, Decision::commit).value() == Decision::commit);
  CHECK(log->decision(committed)->participants == two_branches());

  CHECK(log->decide(refused, {}, Decision::rollback).value() == Decision::rollback);
  CHECK(log->decide(refused, two_branches(), Decision::commit).value() == Decision::rollback);
  CHECK_FALSE(log->decision(refused));
}

TEST_CASE("rollback_needs_no_record") {
  LogFixture f;
  const auto log = f.open();
  const auto before = f.files.operations();
  CHECK(log->decide(gtrid_of(*log, 1), {}, Decision::rollback).value() == Decision::rollback);
  CHECK(f.files.operations() == before);
}

TEST_CASE("one_decision_is_one_write_and_one_sync") {
  LogFixture f;
  const auto log = f.open();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  const auto before = f.files.operations();
  const auto syncs = f.files.syncs();
  log->done(gtrid_of(*log, 1));
  REQUIRE(commits(*log, gtrid_of(*log, 2)));
  CHECK(f.files.operations() - before == 2);
  CHECK(f.files.syncs() - syncs == 1);
}

TEST_CASE("done_takes_a_decision_off_the_record") {
  LogFixture f;
  auto log = f.open();
  const std::string first = gtrid_of(*log, 1);
  const std::string second = gtrid_of(*log, 2);
  REQUIRE(commits(*log, first));
  log->done(first);
  REQUIRE(commits(*log, second));
  log->done(second);  // only buffered: written when the log closes
  CHECK(log->unfinished().empty());
  log.reset();
  log = f.open();
  CHECK(log->unfinished().empty());
}

TEST_CASE("decision_that_is_done_stays_readable_over_restarts_and_is_not_unfinished") {
  LogFixture f;
  auto log = f.open();
  const std::string gtrid = gtrid_of(*log, 1);
  REQUIRE(commits(*log, gtrid));
  log->done(gtrid);
  for (int restart = 0; restart < 3; ++restart) {
    INFO(restart);
    CHECK(log->unfinished().empty());
    const auto decision = log->decision(gtrid);
    REQUIRE(decision);
    CHECK(decision->participants.empty());
    CHECK(decision->decided_at == f.clock.wall());
    log.reset();
    log = f.open();
  }
  CHECK_FALSE(log->decision(gtrid_of(*log, 2)));
}

TEST_CASE("decisions_that_are_done_are_kept_through_a_segment_and_bounded") {
  LogFixture f;
  f.options.segment_size = 64U << 10U;
  const std::size_t kept = kept_finished(f.options.segment_size);
  auto log = f.open();
  std::vector<std::string> gtrids;
  for (std::uint64_t i = 0; i < 3 * kept; ++i) {
    gtrids.push_back(gtrid_of(*log, i));
    REQUIRE(commits(*log, gtrids.back()));
    log->done(gtrids.back());
    CHECK(log->decision(gtrids.back()));
  }
  CHECK(log->decision(gtrids[2 * kept]));
  CHECK_FALSE(log->decision(gtrids[2 * kept - 1]));
  log.reset();
  log = f.open();
  CHECK(log->decision(gtrids[2 * kept]));
  CHECK_FALSE(log->decision(gtrids[2 * kept - 1]));
  const auto view = read_log(f.environment, "/log").value();
  CHECK(view.slots.at(0).finished.size() == kept);
  CHECK(f.files.open(f.segment(), OpenMode::read).value()->size().value() ==
        f.options.segment_size);
}

TEST_CASE("participant_given_up_is_a_hazard_on_record_and_holds_nothing_back") {
  LogFixture f;
  auto log = f.open();
  const std::string gtrid = gtrid_of(*log, 1);
  REQUIRE(log->decide(gtrid,
                      {{"accounts", make_bqual(1, "accounts"), "pg:1 xid=7"},
                       {"stock", make_bqual(2, "stock"), "my:2"},
                       {"stock", make_bqual(3, "stock"), "my:3"}},
                      Decision::commit));
  CHECK(log->give_up(gtrid, "stock", "my:9", "operator").value() == 0);
  CHECK(log->give_up(gtrid, "stock", "my:2", "operator: burnt").value() == 1);
  for (int restart = 0; restart < 2; ++restart) {
    REQUIRE(log->unfinished().size() == 1);
    const auto left = log->unfinished()[0].participants;
    REQUIRE(left.size() == 2);
    CHECK(left[0].server == "pg:1 xid=7");
    CHECK(left[1].server == "my:3");
    log.reset();
    log = f.open();
  }
  CHECK(log->give_up(gtrid, "stock", "", "operator").value() == 1);
  CHECK(log->give_up(gtrid, "accounts", "pg:1", "operator").value() == 1);
  CHECK(log->unfinished().empty());
  const auto records = log->heuristics();
  REQUIRE(records.size() == 3);
  for (const HeuristicRecord& record : records) {
    CHECK(record.code == XA_HEURHAZ);
    CHECK(record.decision == Decision::commit);
    CHECK(record.text.find("given up by operator") == 0);
  }
  CHECK(records[1].text == "given up by operator: burnt; prepared at my:2");
  CHECK(log->decision(gtrid));  // a branch that comes back all the same is committed
}

TEST_CASE("done_records_of_an_idle_process_reach_the_disk_in_the_next_pass") {
  LogFixture f;
  const auto log = f.open();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  log->done(gtrid_of(*log, 1));
  CHECK(read_log(f.environment, "/log").value().slots.at(0).unfinished.size() == 1);
  REQUIRE(log->begin_pass());
  log->end_pass();
  CHECK(read_log(f.environment, "/log").value().slots.at(0).unfinished.empty());
}

TEST_CASE("done_records_nobody_takes_along_do_not_pile_up_in_memory") {
  LogFixture f;
  f.options.segment_size = 4U << 20U;
  const auto log = f.open();
  for (std::uint64_t i = 0; i < 3000; ++i) REQUIRE(commits(*log, gtrid_of(*log, i)));
  const auto before = f.files.syncs();
  for (std::uint64_t i = 0; i < 3000; ++i) log->done(gtrid_of(*log, i));
  const auto syncs = f.files.syncs() - before;
  CHECK(syncs >= 1);
  CHECK(syncs < 10);
}

TEST_CASE("heuristic_record_is_kept_until_acknowledged") {
  LogFixture f;
  auto log = f.open();
  const HeuristicRecord record{gtrid_of(*log, 1), "stock",   make_bqual(2, "stock"),
                               Decision::commit,  XA_HEURRB, std::string(9000, 'x'),
                               f.clock.wall()};
  REQUIRE(log->heuristic(record));
  REQUIRE(log->heuristic(record));
  for (int i = 0; i < 3; ++i) {
    log.reset();
    log = f.open();
  }
  REQUIRE(log->heuristics().size() == 1);
  CHECK(log->heuristics()[0].code == XA_HEURRB);
  CHECK(log->heuristics()[0].text.size() == 2048);
  REQUIRE(log->acknowledge(record.gtrid, {}, "operator"));
  CHECK(log->heuristics().empty());
  log.reset();
  CHECK(f.open()->heuristics().empty());
}

TEST_CASE("acknowledging_one_resource_manager_keeps_the_records_of_the_others") {
  LogFixture f;
  auto log = f.open();
  const std::string gtrid = gtrid_of(*log, 1);
  for (const char* rm : {"accounts", "stock"}) {
    REQUIRE(log->heuristic(
        {gtrid, rm, make_bqual(1, rm), Decision::commit, XA_HEURRB, "said so", f.clock.wall()}));
  }
  REQUIRE(log->acknowledge(gtrid, "accounts", "operator"));
  CHECK_FALSE(log->acknowledge(gtrid, "accounts", "operator"));  // there is none any more
  CHECK_FALSE(log->acknowledge(gtrid_of(*log, 2), {}, "operator"));
  for (int i = 0; i < 2; ++i) {
    REQUIRE(log->heuristics().size() == 1);
    CHECK(log->heuristics()[0].resource_manager == "stock");
    CHECK(log->heuristics()[0].text == "said so");
    log.reset();
    log = f.open();
  }
}

TEST_CASE("two_hundred_thousand_transactions_leave_two_segments") {
  LogFixture f;
  f.options.segment_size = 64U << 10U;
  auto log = f.open();
  const std::string kept = gtrid_of(*log, 999'999'999);
  REQUIRE(commits(*log, kept));
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::string gtrid = gtrid_of(*log, i);
    if (!commits(*log, gtrid)) FAIL("transaction " << i);
    log->done(gtrid);
  }
  std::size_t bytes = 0;
  for (const std::string& path : f.files.files())
    if (path.ends_with(".log")) bytes += f.files.contents(path).size();
  CHECK(bytes == 2 * f.options.segment_size);
  log.reset();
  log = f.open();
  REQUIRE(log->unfinished().size() == 1);
  CHECK(log->unfinished()[0].gtrid == kept);
}

TEST_CASE("live_records_larger_than_a_segment_make_the_next_one_larger_and_later_small_again") {
  LogFixture f;
  auto log = f.open();
  std::vector<std::string> gtrids;
  for (std::uint64_t i = 0; i < 300; ++i) {
    gtrids.push_back(gtrid_of(*log, i));
    REQUIRE(commits(*log, gtrids.back()));
  }
  CHECK(f.files.contents(f.segment()).size() > 4 * LogFixture::kSegmentSize);
  log.reset();
  log = f.open();
  CHECK(log->unfinished().size() == 300);
  for (const std::string& gtrid : gtrids) log->done(gtrid);
  for (std::uint64_t i = 0; i < 500; ++i) {
    REQUIRE(commits(*log, gtrid_of(*log, i)));
    log->done(gtrid_of(*log, i));
  }
  CHECK(f.files.contents(f.segment()).size() == LogFixture::kSegmentSize);
}

TEST_CASE("decision_on_somebody_elses_transaction_is_refused_and_says_so") {
  LogFixture f;
  const auto log = f.open();
  Gtrid other = *Gtrid::decode(gtrid_of(*log, 1));
  other.register_id[0] ^= 1;
  const auto decided = log->decide(other.encode(), {}, Decision::commit);
  REQUIRE_FALSE(decided);
  CHECK(decided.error().outcome_known);
  CHECK(mentions(decided.error(), transaction_text(other.encode())));
  CHECK_FALSE(log->decide("not a gtrid", {}, Decision::commit));
  CHECK_THROWS_AS(log->decision(other.encode()), Exception);
}

TEST_CASE("dead_owners_undecided_transaction_can_only_be_rolled_back") {
  LogFixture f;
  auto log = f.open();
  const std::string decided = gtrid_of(*log, 1);
  const std::string undecided = gtrid_of(*log, 2);
  REQUIRE(commits(*log, decided));
  log.reset();
  log = f.open();
  CHECK(log->decide(decided, {}, Decision::rollback).value() == Decision::commit);
  CHECK(log->decide(undecided, two_branches(), Decision::commit).value() == Decision::rollback);
  CHECK_FALSE(log->decision(undecided));
}
