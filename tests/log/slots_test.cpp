// Several registers on one root: who owns what, and who takes over from the dead.

#include <catch.hpp>

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
