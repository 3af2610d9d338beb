// Threads that commit at once share syncs, and each is told the truth about its own decision.

#include <catch.hpp>
#include <cerrno>
#include <register/file/log_format.hpp>
#include <new>
#include <thread>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

namespace {

constexpr int kThreads = 8;
constexpr std::uint64_t kRounds = 200;

void on_threads(const std::function<void(std::uint64_t)>& body) {
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

// Decisions in an ordinary batch; 0 for anything else that is written.
int decisions_in(const std::string& batch) {
  const auto header = read_header(batch);
  if (!header || header->kind != BatchKind::ordinary) return 0;
  std::string_view records = std::string_view(batch).substr(kBatchHeaderSize);
  int count = 0;
  for (std::uint32_t i = 0; i < header->records; ++i)
    count += std::holds_alternative<DecisionRecord>(take_record(records).value()) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("eight_threads_share_syncs_and_every_decision_is_durable") {
  LogFixture f;
  auto log = f.open();
  std::atomic<int> started = 0;
  std::atomic<int> at_work = kThreads;
  std::atomic<int> failures = 0;
  int durable = 0;
  int batches = 0;
  // A disk so slow that everybody has something to decide before a sync ends.
  f.files.during_sync = [&](const std::string& batch) {
    const int decisions = decisions_in(batch);
    if (decisions == 0) return;
    while (started - durable < at_work) std::this_thread::yield();
    durable += decisions;
    ++batches;
  };
  on_threads([&](std::uint64_t t) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::string gtrid = gtrid_of(*log, t * kRounds + i);
      ++started;
      failures += commits(*log, gtrid) ? 0 : 1;
      if (i % 4 != 0) log->done(gtrid);
    }
    --at_work;
  });
  f.files.during_sync = {};
  CHECK(failures == 0);
  CHECK(durable == kThreads * static_cast<int>(kRounds));
  CHECK(batches < durable / 3);
  f.files.lose_power(1);
  log.reset();
  log = f.open();
  for (std::uint64_t i = 0; i < kThreads * kRounds; i += 4) {
    Gtrid gtrid = *Gtrid::decode(log->unfinished().at(0).gtrid);
    gtrid.sequence = i;
    if (!log->decision(gtrid.encode())) FAIL("lost " << i);
  }
}

TEST_CASE("threads_that_race_for_one_transaction_all_get_the_same_decision") {
  LogFixture f;
  const auto log = f.open();
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    const std::string gtrid = gtrid_of(*log, i);
    std::atomic<int> committed = 0;
    on_threads([&](std::uint64_t t) {
      const auto proposed = t % 2 == 0 ? Decision::commit : Decision::rollback;
      committed += log->decide(gtrid, two_branches(), proposed).value() == Decision::commit ? 1 : 0;
    });
    if (committed != 0 && committed != kThreads) FAIL("split decision");
    CHECK(log->decision(gtrid).has_value() == (committed == kThreads));
  }
}

TEST_CASE("sync_that_fails_under_load_leaves_every_promise_true") {
  LogFixture f;
  auto log = f.open();
  std::atomic<int> syncs = 0;
  f.files.fault = [&](const std::string& operation, const auto&) {
    return operation == "sync" && ++syncs == 40 ? EIO : 0;
  };
  std::mutex mutex;
  std::vector<std::string> promised;
  std::vector<std::string> refused;
  on_threads([&](std::uint64_t t) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::string gtrid = gtrid_of(*log, t * kRounds + i);
      const auto decided = log->decide(gtrid, two_branches(), Decision::commit);
      const std::lock_guard guard(mutex);
      if (decided)
        promised.push_back(gtrid);
      else if (decided.error().outcome_known)
        refused.push_back(gtrid);
    }
  });
  f.files.fault = {};
  CHECK_FALSE(refused.empty());
  f.files.kill_process();
  log.reset();
  log = f.open();
  for (const std::string& gtrid : promised)
    if (!log->decision(gtrid)) FAIL("lost");
  for (const std::string& gtrid : refused)
    if (log->decision(gtrid)) FAIL("invented");
}

TEST_CASE("an_exception_in_the_writing_thread_leaves_its_batch_unknown_and_wakes_everybody") {
  LogFixture f;
  auto log = f.open();
  const char* const where = GENERATE("write", "sync");
  CAPTURE(where);
  std::atomic<int> calls = 0;
  f.files.fault = [&](const std::string& operation, const auto&) {
    if (operation == where && ++calls == 40) throw std::bad_alloc();
    return 0;
  };
  std::mutex mutex;
  std::vector<std::string> promised;
  std::vector<std::string> refused;
  std::vector<std::string> unknown;
  on_threads([&](std::uint64_t t) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::string gtrid = gtrid_of(*log, t * kRounds + i);
      const auto decided = log->decide(gtrid, two_branches(), Decision::commit);
      const std::lock_guard guard(mutex);
      auto& group = decided ? promised : decided.error().outcome_known ? refused : unknown;
      group.push_back(gtrid);
    }
  });
  f.files.fault = {};
  CHECK_FALSE(unknown.empty());
  CHECK_FALSE(refused.empty());
  for (const std::string& gtrid : unknown) {
    const auto asked = log->decide(gtrid, {}, Decision::rollback);
    if (asked || asked.error().outcome_known) FAIL("unknown, then known");
    if (log->owner_of(*Gtrid::decode(gtrid))) FAIL("recovery would act on it");
  }
  f.files.kill_process();
  log.reset();
  log = f.open();
  for (const std::string& gtrid : promised)
    if (!log->decision(gtrid)) FAIL("lost");
  for (const std::string& gtrid : refused)
    if (log->decision(gtrid)) FAIL("invented");
}

TEST_CASE("recovery_calls_run_beside_commits") {
  LogFixture f;
  const auto dead = f.open();
  REQUIRE(commits(*dead, gtrid_of(*dead, 1)));
  f.files.kill_process();
  f.open();  // takes the slot of `dead` and leaves it again
  const auto log = f.open();
  std::atomic<int> at_work = kThreads - 1;
  on_threads([&](std::uint64_t t) {
    if (t == 0) {
      while (at_work > 0) {
        REQUIRE(log->begin_pass());
        for (const DecisionRecord& record : log->unfinished())
          (void)log->owner_of(*Gtrid::decode(record.gtrid));
        (void)log->heuristics();
        log->end_pass();
      }
      return;
    }
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      const std::string gtrid = gtrid_of(*log, t * kRounds + i);
      if (commits(*log, gtrid)) log->done(gtrid);
    }
    --at_work;
  });
  REQUIRE(log->begin_pass());
  CHECK(log->unfinished().size() == 1);
}
