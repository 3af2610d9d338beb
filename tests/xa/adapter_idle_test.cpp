// How long sessions are kept: their age, how long they were not used, what they have seen of their
// server, and what stays after the last xa_close.

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;
using namespace std::chrono_literals;

namespace {

constexpr auto none = 0ms;
constexpr auto long_time = std::chrono::milliseconds(10min);

template <class Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

const std::string two_branches =
    "start X; end X SUCCESS; start Y; end Y SUCCESS; commit X ONEPHASE; commit Y ONEPHASE";

}  // namespace

TEST_CASE("A session that is not used is closed, and nobody has to do something for it") {
  Scenario scenario;
  scenario.world.set_limits(none, 20ms);
  scenario.run("two", "open; " + two_branches + "; recover 9 START|END = 0");
  CHECK(scenario.world.most_connected() == 3);
  CHECK(eventually([&] { return scenario.world.connected() == 0; }));
  scenario.run("and others are made when they are needed", two_branches);
  CHECK(eventually([&] { return scenario.world.connected() == 0; }));
}

TEST_CASE("Sessions that are used stay") {
  Scenario scenario;
  scenario.world.set_limits(none, long_time);
  scenario.run("two", "open; " + two_branches + "; " + two_branches);
  CHECK(scenario.world.made() == 2);
  CHECK(scenario.world.connected() == 2);
}

TEST_CASE("A session that is too old serves no other branch") {
  Scenario scenario;
  scenario.world.set_limits(1ms, none);
  scenario.run("begun", "open; start X");
  const int made = scenario.world.made();
  const auto later = std::chrono::steady_clock::now() + 2ms;
  CHECK(eventually([&] { return std::chrono::steady_clock::now() > later; }));
  scenario.run("its own it serves to the end", "end X SUCCESS; prepare X; commit X");
  CHECK(scenario.world.count("commit_prepared") == 1);
  CHECK(scenario.world.made() == made);
  CHECK(eventually([&] { return scenario.world.connected() == 0; }));
}

TEST_CASE("What one session sees of its server ends all that are as old") {
  Scenario scenario;
  scenario.run("two, and one beside the pool",
               "open; " + two_branches + "; recover 9 START|END = 0");
  REQUIRE(scenario.world.made() == 3);
  scenario.run("used", "start X");
  scenario.world.outdate(2);
  scenario.run("is not reused", "end X SUCCESS; rollback X; start X; start@1 Y = PROTO");
  CHECK(scenario.world.made() == 4);
  scenario.run("nor beside the pool", "recover 9 START|END = 0");
  CHECK(scenario.world.made() == 5);
  scenario.run("the new ones are", "end X SUCCESS; commit X ONEPHASE; start X");
  CHECK(scenario.world.made() == 5);
  CHECK(eventually([&] { return scenario.world.connected() == 2; }));
}

TEST_CASE("A session that was lent meanwhile is not kept either") {
  Scenario scenario;
  scenario.run("both lent", "open; start X; end X SUCCESS; start Y; end Y SUCCESS");
  scenario.world.outdate(1);
  scenario.run("first", "rollback X; commit Y ONEPHASE");
  CHECK(scenario.world.connected() == 0);
}

TEST_CASE("An exception tells it where no session has seen it") {
  Scenario scenario;
  REQUIRE(scenario.rm.open("db=a", 1, 0) == XA_OK);
  const XID x = xid_named("X").raw();
  REQUIRE(scenario.rm.start(&x, 1, 0) == XA_OK);
  REQUIRE(scenario.rm.end(&x, 1, TMFAIL) != XAER_PROTO);
  REQUIRE(scenario.rm.rollback(&x, 1, 0) == XA_OK);
  const std::runtime_error other("something else");
  (void)scenario.rm.classify(&static_cast<const std::exception&>(other));
  REQUIRE(scenario.rm.start(&x, 1, 0) == XA_OK);
  CHECK(scenario.world.made() == 1);
  REQUIRE(scenario.rm.end(&x, 1, TMFAIL) != XAER_PROTO);
  REQUIRE(scenario.rm.rollback(&x, 1, 0) == XA_OK);
  const std::runtime_error thrown("read-only");
  (void)scenario.rm.classify(&static_cast<const std::exception&>(thrown));
  REQUIRE(scenario.rm.start(&x, 1, 0) == XA_OK);
  CHECK(scenario.world.made() == 2);
  CHECK(scenario.rm.close("", 1, 0) != XA_OK);
  REQUIRE(scenario.rm.end(&x, 1, TMFAIL) != XAER_PROTO);
  CHECK(scenario.rm.close("", 1, 0) == XA_OK);
}

TEST_CASE("Idle sessions outlive the last close where that is asked for, and not for ever") {
  Scenario scenario;
  REQUIRE(scenario.rm.keep_sessions(1, 600'000) == XA_OK);
  for (int i = 0; i < 3; ++i)
    scenario.run("a thread comes and goes",
                 "2:open; 2:start X; 2:end X SUCCESS; 2:prepare X; 2:commit X; 2:exit");
  CHECK(scenario.world.made() == 1);
  CHECK(scenario.world.connected() == 1);
  SECTION("until the time is over") {
    REQUIRE(scenario.rm.keep_sessions(1, 20) == XA_OK);
    scenario.run("once more", "2:open; 2:exit");
    CHECK(eventually([&] { return scenario.world.connected() == 0; }));
  }
  SECTION("until they are not wanted any more") {
    REQUIRE(scenario.rm.keep_sessions(1, 0) == XA_OK);
    CHECK(scenario.world.connected() == 0);
    scenario.run("as before", "2:open; 2:exit");
    CHECK(scenario.world.connected() == 0);
  }
  SECTION("for the same server and owner only") {
    scenario.run("another text", "2:open other");
    CHECK(scenario.world.connected() == 1);
    CHECK(scenario.world.made() == 2);
  }
  SECTION("no longer than unused sessions are kept at all") {
    scenario.world.set_limits(none, 20ms);
    scenario.run("once more", "2:open; 2:exit");
    CHECK(eventually([&] { return scenario.world.connected() == 0; }));
  }
  SECTION("and a dead one is replaced at its first use") {
    scenario.run("cut", "cut; 2:open; 2:start X");
    CHECK(scenario.world.made() == 2);
  }
  CHECK(scenario.rm.keep_sessions(1, -1) == XAER_INVAL);
}

TEST_CASE("No branch outlives the last close in a session that is kept") {
  Scenario scenario;
  REQUIRE(scenario.rm.keep_sessions(1, 600'000) == XA_OK);
  scenario.run("ended, not prepared", "2:open; 2:start X; 2:end X SUCCESS; 2:close");
  CHECK(scenario.world.connected() == 0);
  scenario.run("gone", "2:open; 2:commit X ONEPHASE = NOTA");
}
