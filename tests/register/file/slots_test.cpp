// Several registers on one root: who owns what, and who takes over from the dead.

#include <algorithm>
#include <catch.hpp>
#include <cerrno>
#include <utility>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

TEST_CASE("registers_on_one_root_share_its_id_and_take_different_slots") {
  LogFixture f;
  const auto first = f.open();
  const auto second = f.open();
  CHECK(first->id() == second->id());
  CHECK(first->slot() == 0);
  CHECK(second->slot() == 1);
  CHECK(first->incarnation() != second->incarnation());
  REQUIRE(commits(*first, gtrid_of(*first, 1)));
  REQUIRE(commits(*second, gtrid_of(*second, 1)));
  CHECK(first->unfinished().size() == 1);
}

TEST_CASE("root_with_every_slot_owned_says_so") {
  LogFixture f;
  std::vector<std::unique_ptr<FileRegister>> all;
  for (int i = 0; i < f.options.max_slots; ++i) all.push_back(f.open());
  const auto one_more = f.try_open();
  REQUIRE_FALSE(one_more);
  CHECK(mentions(one_more.error(), "all 4 slots of /log are owned"));
  all.pop_back();
  CHECK(f.try_open());
}

TEST_CASE("owner_of_tells_self_live_dead_stranger_and_foreign_apart") {
  LogFixture f;
  const auto earlier = f.open()->incarnation();  // of slot 0, ended
  const auto log = f.open();
  const auto other = f.open();
  auto ended = f.open();
  const Gtrid of_ended = *Gtrid::decode(gtrid_of(*ended, 1));
  ended.reset();
  const Gtrid self = *Gtrid::decode(gtrid_of(*log, 1));
  const Gtrid live = *Gtrid::decode(gtrid_of(*other, 1));
  const auto changed = [](Gtrid gtrid, auto change) {
    change(gtrid);
    return gtrid;
  };
  const auto owner = [&](const Gtrid& gtrid) { return log->owner_of(gtrid).value(); };

  REQUIRE(log->begin_pass());
  CHECK(owner(self) == Owner::self);
  CHECK(owner(changed(self, [&](Gtrid& g) { g.incarnation = earlier; })) == Owner::dead);
  CHECK(owner(live) == Owner::live);
  CHECK(owner(of_ended) == Owner::dead);
  for (const Gtrid& gtrid : {self, live, of_ended}) {
    CHECK(owner(changed(gtrid, [](Gtrid& g) { g.incarnation[7] ^= 1; })) == Owner::stranger);
    CHECK(owner(changed(gtrid, [](Gtrid& g) { g.slot = 77; })) == Owner::stranger);
    CHECK(owner(changed(gtrid, [](Gtrid& g) { g.register_id[15] ^= 1; })) == Owner::foreign);
  }
  log->end_pass();
}

TEST_CASE("owner_under_another_boot_or_machine_is_vanished_not_dead") {
  LogFixture f;
  const Gtrid gtrid = *Gtrid::decode(gtrid_of(*f.open(), 1));
  f.files.machine = {2};
  CHECK(f.open()->owner_of(gtrid).value() == Owner::vanished);
  f.files.machine = {};  // cannot be told
  const Gtrid untold = *Gtrid::decode(gtrid_of(*f.open(), 1));
  CHECK(f.open()->owner_of(untold).value() == Owner::vanished);
}

TEST_CASE("dead_stays_true_until_the_pass_ends") {
  LogFixture f;
  const auto log = f.open();
  auto ended = f.open();
  const Gtrid gtrid = *Gtrid::decode(gtrid_of(*ended, 1));
  ended.reset();
  REQUIRE(log->begin_pass());
  REQUIRE(log->owner_of(gtrid).value() == Owner::dead);
  const auto newcomer = f.open();
  CHECK(newcomer->slot() == 2);  // not 1, which is held for the pass
  CHECK(log->owner_of(gtrid).value() == Owner::dead);
  CHECK_FALSE(log->decision(gtrid.encode()));
  log->end_pass();
  CHECK(f.open()->slot() == 1);
}

TEST_CASE("slot_taken_by_a_new_process_is_live_again_and_the_old_incarnation_is_its_business") {
  LogFixture f;
  const auto log = f.open();
  auto ended = f.open();
  const Gtrid old = *Gtrid::decode(gtrid_of(*ended, 1));
  ended.reset();
  REQUIRE(log->begin_pass());
  log->end_pass();
  const auto successor = f.open();
  REQUIRE(successor->slot() == old.slot);
  CHECK(log->owner_of(old).value() == Owner::live);
  CHECK(successor->owner_of(old).value() == Owner::dead);
}

TEST_CASE("slot_of_a_dead_owner_is_taken_over_finished_and_given_back") {
  LogFixture f;
  const auto log = f.open();
  auto dead = f.open();
  const std::string decided = gtrid_of(*dead, 1);
  const std::string undecided = gtrid_of(*dead, 2);
  REQUIRE(commits(*dead, decided));
  dead.reset();

  REQUIRE(log->begin_pass());
  REQUIRE(log->unfinished().size() == 1);
  CHECK(log->owner_of(*Gtrid::decode(decided)).value() == Owner::dead);
  CHECK(log->decision(decided)->participants == two_branches());
  CHECK_FALSE(log->decision(undecided));
  log->end_pass();
  CHECK(f.open()->unfinished().size() == 1);  // not held between passes, and not lost

  REQUIRE(log->begin_pass());
  CHECK(log->unfinished().size() == 1);
  const HeuristicRecord record{undecided, "stock", "b", Decision::rollback, XA_HEURCOM, "", {}};
  REQUIRE(log->heuristic(record));
  log->done(decided);
  CHECK(log->unfinished().empty());
  REQUIRE(log->acknowledge(undecided, {}, "operator"));
  log->end_pass();

  const auto successor = f.open();
  CHECK(successor->slot() == 1);
  CHECK(successor->unfinished().empty());
  CHECK(successor->heuristics().empty());
}

TEST_CASE("heuristic_record_of_a_taken_over_slot_stays_in_that_slot") {
  LogFixture f;
  auto log = f.open();
  auto dead = f.open();
  const std::string gtrid = gtrid_of(*dead, 1);
  dead.reset();
  REQUIRE(log->begin_pass());
  REQUIRE(log->owner_of(*Gtrid::decode(gtrid)).value() == Owner::dead);
  REQUIRE(log->heuristic({gtrid, "stock", "b", Decision::rollback, XA_HEURCOM, "", {}}));
  log->end_pass();
  log.reset();
  const auto slot_zero = f.open();
  CHECK(slot_zero->heuristics().empty());
  CHECK(f.open()->heuristics().size() == 1);
}

TEST_CASE("taking_over_makes_durable_what_was_only_in_the_cache") {
  LogFixture f;
  const auto log = f.open();
  auto dead = f.open();
  const std::string gtrid = gtrid_of(*dead, 1);
  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "sync" ? EIO : 0;
  };
  REQUIRE_FALSE(dead->decide(gtrid, two_branches(), Decision::commit));
  f.files.fault = {};
  dead.reset();
  REQUIRE(log->begin_pass());
  REQUIRE(log->decision(gtrid));  // acted on from here
  f.files.lose_power(3);
  f.open();
  const auto later = f.open();
  REQUIRE(later->begin_pass());
  bool found = false;
  for (const DecisionRecord& record : later->unfinished()) found |= record.gtrid == gtrid;
  CHECK(found);
}

TEST_CASE("damaged_slot_of_a_dead_owner_is_told_once_and_its_branches_left_alone") {
  LogFixture f;
  const auto log = f.open();
  auto damaged = f.open();
  auto dead = f.open();
  const std::string in_damaged = gtrid_of(*damaged, 1);
  const std::string in_dead = gtrid_of(*dead, 1);
  REQUIRE(commits(*damaged, in_damaged));
  REQUIRE(commits(*dead, in_dead));
  const auto path = f.segment(1);
  damaged.reset();
  dead.reset();
  std::string bytes = f.files.contents(path);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  f.files.change(path, bytes);

  for (int pass = 0; pass < 2; ++pass) {
    REQUIRE(log->begin_pass());
    const auto owner = log->owner_of(*Gtrid::decode(in_damaged));
    REQUIRE_FALSE(owner);
    CHECK(mentions(owner.error(), path.string() + " at offset 0"));
    CHECK(log->decision(in_dead));
    log->end_pass();
  }
  REQUIRE(f.reports.size() == 1);
  CHECK(f.reports[0].find(path.string()) != std::string::npos);
}

TEST_CASE("pass_over_free_slots_where_nothing_changed_reads_no_segment_again") {
  LogFixture f;
  const auto log = f.open();
  f.open();
  REQUIRE(log->begin_pass());
  log->end_pass();
  int opened = 0;
  f.files.fault = [&](const std::string& operation, const std::filesystem::path& path) {
    opened += operation == "open" && path.extension() == ".log" ? 1 : 0;
    return 0;
  };
  REQUIRE(log->begin_pass());
  log->end_pass();
  CHECK(opened == 0);
}

namespace {

const std::filesystem::path kFirstSlot = "/log/slots/0000";

void unfinished_are(FileRegister& log, std::vector<std::string> expected) {
  std::vector<std::string> found;
  for (const DecisionRecord& record : log.unfinished()) found.push_back(record.gtrid);
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  CHECK(found == expected);
}

/// How a second process may come to own a slot while the first is alive.
void lose_the_lock(CrashFs& files, bool deleted) {
  if (deleted)
    REQUIRE(files.remove(kFirstSlot / "lock"));
  else
    files.forget_locks();
}

}  // namespace

TEST_CASE("owner_that_lost_its_lock_is_never_told_that_a_decision_is_durable") {
  LogFixture f;
  const bool deleted = GENERATE(true, false);
  CAPTURE(deleted);
  auto first = f.open();
  const std::string before = gtrid_of(*first, 1);
  REQUIRE(commits(*first, before));
  lose_the_lock(f.files, deleted);
  auto second = f.open();
  REQUIRE(second->slot() == 0);
  unfinished_are(*second, {before});
  const std::string of_second = gtrid_of(*second, 1);
  REQUIRE(commits(*second, of_second));

  const auto lost = first->decide(gtrid_of(*first, 2), two_branches(), Decision::commit);
  REQUIRE_FALSE(lost);
  CHECK_FALSE(lost.error().outcome_known);
  CHECK(mentions(lost.error(), "/log/slots/0000"));
  CHECK(mentions(lost.error(), "deleted or replaced"));
  const auto refused = first->decide(gtrid_of(*first, 3), two_branches(), Decision::commit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome_known);

  const std::string later = gtrid_of(*second, 2);
  CHECK(commits(*second, later));
  first.reset();
  second.reset();
  unfinished_are(*f.open(), {before, of_second, later});
}

TEST_CASE("owner_without_its_lock_file_refuses_even_if_nobody_took_the_slot") {
  LogFixture f;
  const auto log = f.open();
  const char* const name = GENERATE("lock", "segment");
  CAPTURE(name);
  const auto path = name == std::string("lock") ? kFirstSlot / "lock" : f.segment();
  const bool renamed = GENERATE(true, false);
  const auto gone = renamed ? f.files.rename(path, "/log/elsewhere") : f.files.remove(path);
  REQUIRE(gone);
  const auto decided = log->decide(gtrid_of(*log, 1), two_branches(), Decision::commit);
  REQUIRE_FALSE(decided);
  CHECK_FALSE(decided.error().outcome_known);
  CHECK(mentions(decided.error(), path.string()));
}

// Whichever comes first: what is told to be durable is read by the taker.
TEST_CASE("slot_taken_in_the_middle_of_a_sync_has_the_decision_or_the_decision_is_unknown") {
  LogFixture f;
  const bool deleted = GENERATE(true, false);
  CAPTURE(deleted);
  auto first = f.open();
  std::unique_ptr<FileRegister> second;
  const std::string gtrid = gtrid_of(*first, 1);
  bool begun = false;
  f.files.during_sync = [&](const std::string&) {
    if (std::exchange(begun, true)) return;
    lose_the_lock(f.files, deleted);
    second = f.open();
  };
  const auto decided = first->decide(gtrid, two_branches(), Decision::commit);
  REQUIRE(second);
  REQUIRE_FALSE(decided);
  CHECK_FALSE(decided.error().outcome_known);
  // It was written before the taker read it: so it stands, and stays.
  unfinished_are(*second, {gtrid});
  first.reset();
  second.reset();
  unfinished_are(*f.open(), {gtrid});
}

TEST_CASE("batch_that_came_after_the_taker_had_read_is_not_found_by_a_third") {
  LogFixture f;
  const auto other = f.open();  // slot 0, so that slot 1 is adopted, and given back
  auto first = f.open();
  REQUIRE(first->slot() == 1);
  f.files.forget_locks();
  REQUIRE(other->begin_pass());
  other->end_pass();
  const std::string gtrid = gtrid_of(*first, 1);
  CHECK_FALSE(first->decide(gtrid, two_branches(), Decision::commit));
  first.reset();
  const bool power = GENERATE(true, false);
  if (power) f.files.lose_power(7);
  const auto third = f.open();
  CHECK(third->unfinished().empty());
}

TEST_CASE("owner_that_lost_its_lock_leaves_the_segments_of_the_next_alone") {
  LogFixture f;
  f.options.segment_size = 2048;
  auto first = f.open();
  REQUIRE(commits(*first, gtrid_of(*first, 1)));
  REQUIRE(commits(*first, gtrid_of(*first, 2)));
  REQUIRE(commits(*first, gtrid_of(*first, 3)));  // what comes next needs another segment
  const auto full = f.segment();
  lose_the_lock(f.files, true);
  auto second = f.open();
  const std::string gtrid = gtrid_of(*second, 1);
  REQUIRE(commits(*second, gtrid));
  const auto lost = first->decide(gtrid_of(*first, 4), two_branches(), Decision::commit);
  REQUIRE_FALSE(lost);
  CHECK(f.segment() != full);
  first.reset();
  for (std::uint64_t i = 2; i < 20; ++i) REQUIRE(commits(*second, gtrid_of(*second, i)));
  second.reset();
  CHECK(f.open()->unfinished().size() == 3 + 19);
}

TEST_CASE("slot_that_may_not_be_opened_is_left_out_and_told") {
  LogFixture f;
  const auto lock = std::filesystem::path("/log/slots/0000/lock");
  const auto other = f.open();
  const Gtrid gtrid = *Gtrid::decode(gtrid_of(*other, 1));
  REQUIRE(commits(*other, gtrid.encode()));
  const int code = GENERATE(EACCES, EPERM, ELOOP);
  f.files.fault = [&](const std::string& operation, const std::filesystem::path& path) {
    return operation == "lock" && path == lock ? code : 0;
  };
  const auto log = f.open();
  CHECK(log->slot() == 1);
  REQUIRE(f.reports.size() == 1);
  CHECK(f.reports[0].find("slot 0000") != std::string::npos);
  CHECK(f.reports[0].find("cannot be opened") != std::string::npos);
  // Not "nothing is there": nobody may act on what it decided.
  REQUIRE(log->begin_pass());
  CHECK_FALSE(log->owner_of(gtrid));
  CHECK_THROWS_AS(log->decision(gtrid.encode()), Exception);
  log->end_pass();
  CHECK(commits(*log, gtrid_of(*log, 1)));
}

TEST_CASE("root_none_of_whose_slots_may_be_opened_says_why") {
  LogFixture f;
  f.open();  // makes the register
  f.files.fault = [](const std::string& operation, const auto&) {
    return operation == "lock" ? EACCES : 0;
  };
  const auto log = f.try_open();
  REQUIRE_FALSE(log);
  CHECK(log.error().sys_errno == EACCES);
}

TEST_CASE("pass_over_many_branches_of_one_owner_asks_once_for_its_slot") {
  LogFixture f;
  const auto log = f.open();
  const auto running = f.open();
  auto damaged = f.open();
  const Gtrid of_running = *Gtrid::decode(gtrid_of(*running, 1));
  const Gtrid of_damaged = *Gtrid::decode(gtrid_of(*damaged, 1));
  const auto path = f.segment(2);
  damaged.reset();
  std::string bytes = f.files.contents(path);
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  f.files.change(path, bytes);
  Gtrid stranger = of_running;
  stranger.incarnation[7] ^= 1;

  int asked = 0;
  f.files.fault = [&](const std::string& operation, const std::filesystem::path& file) {
    asked += operation == "lock" || operation == "open" || file.extension() == ".log" ? 1 : 0;
    return 0;
  };
  for (int pass = 0; pass < 2; ++pass) {
    REQUIRE(log->begin_pass());
    int first = 0;
    for (std::uint64_t branch = 0; branch < 50; ++branch) {
      for (Gtrid gtrid : {of_running, of_damaged, stranger}) {
        gtrid.sequence = branch;
        const auto owner = log->owner_of(gtrid);
        CHECK(owner.ok() == (gtrid.slot == of_running.slot));
        if (owner)
          CHECK(*owner ==
                (gtrid.incarnation == stranger.incarnation ? Owner::stranger : Owner::live));
      }
      if (branch == 0) first = asked;
    }
    CHECK(asked == first);
    log->end_pass();
  }
}

// What was told about a slot in a pass must not hide a process that came to own it meanwhile.
TEST_CASE("incarnation_that_was_recorded_in_the_middle_of_a_pass_is_found") {
  LogFixture f;
  const auto log = f.open();
  auto first = f.open();
  const Gtrid before = *Gtrid::decode(gtrid_of(*first, 1));
  REQUIRE(log->begin_pass());
  REQUIRE(log->owner_of(before).value() == Owner::live);
  first.reset();
  const auto second = f.open();
  REQUIRE(second->slot() == before.slot);
  CHECK(log->owner_of(*Gtrid::decode(gtrid_of(*second, 1))).value() == Owner::live);
  log->end_pass();
}
