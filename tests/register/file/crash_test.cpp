// The machine stops at every operation on the files, the disk keeps what it likes of what was not
// synced, and the log is opened again. Always: what was promised is there, what is there was
// proposed.

#include <catch.hpp>
#include <set>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

namespace {

// What the callers of the log know of it, over any number of crashes.
struct Callers {
  std::set<std::string> proposed;      // decide(commit) was called
  std::set<std::string> promised;      // and answered commit; done() was not called
  std::set<std::string> heuristics;    // recorded
  std::set<std::string> acknowledged;  // acknowledge() was called
  std::vector<Gtrid> owners;           // one of each incarnation that opened
  std::set<RegisterId> ids;
  std::uint64_t next = 0;

  void open(const FileRegister& log) {
    ids.insert(log.id());
    owners.push_back(*Gtrid::decode(gtrid_of(log, 0)));
  }

  // Some life: rotations come every few transactions, some stay undone for long.
  void work(LogFixture& f, FileRegister& log) {
    for (int i = 0; i < 14 && !f.files.crashed(); ++i) {
      const std::string gtrid = gtrid_of(log, ++next);
      proposed.insert(gtrid);
      if (commits(log, gtrid)) promised.insert(gtrid);
      if (f.files.crashed()) return;
      if (i % 3 != 0) {
        promised.erase(gtrid);
        log.done(gtrid);
      }
      if (i % 5 == 0) note_heuristic(log, gtrid);
      if (i == 11 && !heuristics.empty()) {
        acknowledged.insert(*heuristics.begin());
        (void)log.acknowledge(*heuristics.begin(), {}, "operator");
      }
    }
  }

  void note_heuristic(FileRegister& log, const std::string& gtrid) {
    const HeuristicRecord record{gtrid, "stock", "b", Decision::commit, XA_HEURRB, "", {}};
    if (log.heuristic(record)) heuristics.insert(gtrid);
  }

  void check(FileRegister& log) const {
    for (const std::string& gtrid : promised)
      if (!log.decision(gtrid)) FAIL("a promised decision is lost");
    for (const DecisionRecord& record : log.unfinished()) {
      if (!proposed.contains(record.gtrid)) FAIL("a decision nobody made");
      if (record.participants != two_branches()) FAIL("a decision changed");
    }
    std::set<std::string> there;
    for (const HeuristicRecord& record : log.heuristics()) there.insert(record.gtrid);
    for (const std::string& gtrid : heuristics)
      if (!there.contains(gtrid) && !acknowledged.contains(gtrid))
        FAIL("a heuristic record is lost");
    for (const Gtrid& gtrid : owners)
      if (*log.owner_of(gtrid) == Owner::stranger) FAIL("an incarnation is forgotten");
    if (ids.size() > 1) FAIL("the register id changed");
  }
};

// One life of a process: opens, works, closes; false when the machine stopped meanwhile.
bool live(LogFixture& f, Callers& callers) {
  auto log = f.try_open();
  if (!log) {
    if (!f.files.crashed()) FAIL("cannot open: " << log.error().to_string());
    return false;
  }
  callers.open(**log);
  callers.check(**log);
  callers.work(f, **log);
  log->reset();
  return !f.files.crashed();
}

struct SmallLog : LogFixture {
  SmallLog() { options.segment_size = 3072; }
};

std::uint64_t operations_of_two_lives() {
  SmallLog f;
  Callers callers;
  REQUIRE(live(f, callers));
  REQUIRE(live(f, callers));
  return f.files.operations();
}

}  // namespace

TEST_CASE("power_lost_at_any_operation_loses_and_invents_nothing") {
  const std::uint64_t total = operations_of_two_lives();
  REQUIRE(total > 100);
  for (std::uint64_t at = 1; at <= total; ++at) {
    for (unsigned seed = 0; seed < 6; ++seed) {
      INFO("operation " << at << " seed " << seed);
      SmallLog f;
      Callers callers;
      f.files.crash_at(at);
      if (live(f, callers)) (void)live(f, callers);
      f.files.lose_power(seed * 1000 + static_cast<unsigned>(at));
      REQUIRE(live(f, callers));
      f.files.lose_power(seed);
      REQUIRE(live(f, callers));
    }
  }
}

TEST_CASE("process_killed_at_any_operation_loses_and_invents_nothing") {
  const std::uint64_t total = operations_of_two_lives();
  for (std::uint64_t at = 1; at <= total; ++at) {
    INFO("operation " << at);
    SmallLog f;
    Callers callers;
    f.files.crash_at(at);
    if (live(f, callers)) (void)live(f, callers);
    f.files.kill_process();
    REQUIRE(live(f, callers));
    REQUIRE(live(f, callers));
  }
}

TEST_CASE("power_lost_again_while_the_log_is_opened_after_a_crash") {
  const std::uint64_t total = operations_of_two_lives();
  for (std::uint64_t at = 1; at <= total; at += 7) {
    for (std::uint64_t again = 1; again <= 24; ++again) {
      INFO("operation " << at << " then " << again);
      SmallLog f;
      Callers callers;
      f.files.crash_at(at);
      if (live(f, callers)) (void)live(f, callers);
      f.files.lose_power(static_cast<unsigned>(at));
      f.files.crash_at(f.files.operations() + again);
      (void)live(f, callers);
      f.files.lose_power(static_cast<unsigned>(again));
      REQUIRE(live(f, callers));
    }
  }
}

TEST_CASE("power_lost_while_names_change_and_again_while_the_log_is_opened") {
  // Were a file to keep two names, the second life would write over the segment it has just read.
  std::vector<std::uint64_t> renames;
  {
    SmallLog f;
    Callers callers;
    REQUIRE(live(f, callers));
    renames = f.files.renames();
  }
  REQUIRE(renames.size() > 6);
  for (const std::uint64_t at : renames) {
    for (unsigned seed = 0; seed < 8; ++seed) {
      for (std::uint64_t again = 1; again <= 6; ++again) {
        INFO("rename " << at << " seed " << seed << " then " << again);
        SmallLog f;
        Callers callers;
        f.files.crash_at(at + 1);
        (void)live(f, callers);
        f.files.lose_power(seed);
        f.files.crash_at(f.files.operations() + again);
        (void)live(f, callers);
        f.files.lose_power(seed + 100);
        REQUIRE(live(f, callers));
      }
    }
  }
}

TEST_CASE("failed_sync_at_any_time_then_power_loss_loses_and_invents_nothing") {
  SmallLog counting;
  Callers unused;
  REQUIRE(live(counting, unused));
  REQUIRE(live(counting, unused));
  for (std::uint64_t failing = 1; failing <= counting.files.operations(); ++failing) {
    INFO("operation " << failing);
    SmallLog f;
    Callers callers;
    std::uint64_t countdown = failing;
    f.files.fault = [&countdown](const std::string& operation, const auto&) {
      if (countdown > 0 && --countdown == 0 && operation.starts_with("sync")) return EIO;
      return 0;
    };
    for (int life = 0; life < 2; ++life) {
      auto log = f.try_open();
      if (!log) continue;
      callers.open(**log);
      callers.work(f, **log);
    }
    if (failing % 2 == 0)
      f.files.kill_process();
    else
      f.files.lose_power(static_cast<unsigned>(failing));
    REQUIRE(live(f, callers));
    f.files.lose_power(7);
    REQUIRE(live(f, callers));
  }
}
