// The deadline of a call, as the driver sees it: that of the thread that makes the call, also where
// a worker of the adapter waits in its place.

#include <chrono>
#include <limits>
#include <optional>
#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;
using namespace std::chrono_literals;

namespace {

using Time = std::chrono::steady_clock::time_point;

struct Deadlines : Scenario {
  using Scenario::Scenario;

  /// What the driver is told in the call of `verb` that `steps` make.
  Time seen_in(const std::string& verb, const std::string& steps) {
    std::optional<Time> seen;
    world.during(verb, [&] { seen = rm::call_deadline(); });
    run(verb, steps);
    REQUIRE(seen);
    return *seen;
  }
};

}  // namespace

TEST_CASE("A driver is told when the waits of a call have to end") {
  Deadlines scenario;
  CHECK(scenario.seen_in("begin", "open; start X") == Time::max());
  const Time before = std::chrono::steady_clock::now();
  scenario.run("set", "deadline 5000");
  const Time end = scenario.seen_in("end", "end X SUCCESS");
  CHECK(end >= before + 5s);
  CHECK(end <= std::chrono::steady_clock::now() + 5s);
  CHECK(scenario.seen_in("prepare", "prepare X") == end);
  scenario.run("none", "deadline -1");
  CHECK(scenario.seen_in("commit_prepared", "commit X") == Time::max());
}

TEST_CASE("A worker waits as long as the thread that asked for the call") {
  Deadlines scenario(TMUSEASYNC);
  scenario.run("idle", "open; start X; end X SUCCESS; hold prepare");
  std::optional<Time> seen;
  scenario.world.during("prepare", [&] { seen = rm::call_deadline(); });
  scenario.run("set", "deadline 60000");
  scenario.run("asked", "prepare X ASYNC = HANDLE");
  scenario.run("none", "deadline -1");
  scenario.run("answered", "letgo prepare; result");
  REQUIRE(seen);
  CHECK(*seen > std::chrono::steady_clock::now());
  CHECK(*seen < Time::max());
  CHECK(scenario.seen_in("commit_prepared", "commit X ASYNC = HANDLE; result") == Time::max());
}

TEST_CASE("A deadline beyond the clock's reach is none") {
  Deadlines scenario;
  scenario.run("set", "deadline " + std::to_string(std::numeric_limits<long>::max()));
  CHECK(scenario.seen_in("begin", "open; start X") == Time::max());
  scenario.run("none", "deadline -1");
}
