// Many threads and a server that is not there: how often it is tried, and who waits how long.

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "expectations.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;
using namespace std::chrono_literals;

namespace {

/// Asks again and again until `condition` holds; false after ten seconds.
template <class Condition>
bool eventually(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Threads that all do the same, after all of them have begun.
class Crowd {
 public:
  template <class Body>
  Crowd(int size, Body body) : started_(size) {
    for (int i = 0; i < size; ++i)
      threads_.emplace_back([this, i, body] {
        started_.arrive_and_wait();
        body(i);
      });
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::latch started_;
  std::vector<std::thread> threads_;
};

XID xid(int number) { return Xid::make(7, "branch " + std::to_string(number), "b")->raw(); }

constexpr int crowd = 8;

}  // namespace

TEST_CASE("Threads that wait for a first open share its failure") {
  Expectations threads_expect;
  Scenario scenario;
  scenario.world.set_reachable(false);
  scenario.world.hold("connect");
  std::atomic<int> waiting = 0;
  std::atomic<int> refused = 0;
  {
    const Crowd threads(crowd, [&](int) {
      ++waiting;
      if (scenario.rm.open("db=a", 1, 0) == XAER_RMERR) ++refused;
      xabridge_rm_error error{};
      threads_expect.expect(scenario.rm.last_error(1, &error) == XA_OK, "last_error");
      threads_expect.expect(std::string(error.server_text) == "connection refused", "its text");
    });
    scenario.world.await_held("connect");
    REQUIRE(eventually([&] { return waiting == crowd; }));
    // Those that are not in xa_open yet make an attempt of their own, later.
    scenario.world.release("connect");
  }
  CHECK(threads_expect.unmet() == "");
  CHECK(refused == crowd);
  CHECK(scenario.world.most_connecting() == 1);
  CHECK(scenario.world.connects() < crowd);
}

TEST_CASE("A server that went away is tried by one thread at a time for all that need it") {
  Expectations threads_expect;
  Scenario scenario;
  scenario.world.set_pool(crowd, 60s);
  std::latch opened(crowd);
  std::atomic<int> failed = 0;
  std::atomic<int> begun = 0;
  {
    const Crowd threads(crowd, [&](int i) {
      threads_expect.expect(scenario.rm.open("db=a", 1, 0) == XA_OK, "open");
      opened.arrive_and_wait();
      if (i == 0) {
        scenario.world.cut_sessions();
        scenario.world.set_reachable(false);
        const XID first = xid(100);
        threads_expect.expect(scenario.rm.start(&first, 1, 0) == XAER_RMFAIL, "start");
        scenario.world.hold("connect");
        begun = 1;
        return;
      }
      threads_expect.expect(eventually([&] { return begun >= 1; }), "the first has begun");
      const XID mine = xid(i);
      ++begun;
      if (scenario.rm.start(&mine, 1, 0) == XAER_RMFAIL) ++failed;
    });
    scenario.world.await_held("connect");
    REQUIRE(eventually([&] { return begun == crowd; }));
    scenario.world.release("connect");
  }
  CHECK(threads_expect.unmet() == "");
  CHECK(failed == crowd - 1);
  CHECK(scenario.world.most_connecting() == 1);
}

TEST_CASE("Threads that need a connection beside the pool share a failure too") {
  Expectations threads_expect;
  Scenario scenario;
  std::atomic<int> refused = 0;
  std::atomic<int> begun = 0;
  std::latch opened(crowd);
  {
    const Crowd threads(crowd, [&](int i) {
      threads_expect.expect(scenario.rm.open("db=a", 1, 0) == XA_OK, "open");
      opened.arrive_and_wait();
      if (i == 0) {
        scenario.world.cut_sessions();
        scenario.world.set_reachable(false);
        threads_expect.expect(scenario.rm.recover(nullptr, 0, 1, TMSTARTRSCAN) == XAER_RMFAIL,
                              "recover");
        scenario.world.hold("connect");
        begun = 1;
        return;
      }
      threads_expect.expect(eventually([&] { return begun >= 1; }), "the first has begun");
      ++begun;
      if (scenario.rm.recover(nullptr, 0, 1, TMSTARTRSCAN) == XAER_RMFAIL) ++refused;
    });
    scenario.world.await_held("connect");
    REQUIRE(eventually([&] { return begun == crowd; }));
    scenario.world.release("connect");
  }
  CHECK(threads_expect.unmet() == "");
  CHECK(refused == crowd - 1);
  CHECK(scenario.world.most_connecting() == 1);
}

TEST_CASE("While a server answers, threads connect side by side") {
  Scenario scenario;
  scenario.run("open", "open; 2:open; 3:open");
  scenario.world.hold("connect");
  scenario.run("the session that is there", "start X");
  std::atomic<int> begun = 0;
  {
    const Crowd threads(2, [&](int i) {
      const std::string step = std::to_string(i + 2) + (i == 0 ? ":start Y" : ":start Z");
      if (scenario.call(step) == XA_OK) ++begun;
    });
    scenario.world.await_held("connect", 2);
    scenario.world.release("connect");
  }
  CHECK(begun == 2);
}

TEST_CASE("Who waits for another's attempt to connect waits until the deadline of the call") {
  Scenario scenario;
  scenario.world.hold("connect");
  int opened = XAER_RMERR;
  std::thread first([&] { opened = scenario.call("open"); });
  scenario.world.await_held("connect");
  scenario.run("second", "2:deadline 20; 2:open = RMERR");
  CHECK(std::string(scenario.last_error(1, 2).message).find("time for this call") !=
        std::string::npos);
  scenario.run("and goes on", "2:deadline -1; letgo connect; 2:open");
  first.join();
  CHECK(opened == XA_OK);
}

TEST_CASE("A place in the pool is waited for until the deadline of the call") {
  Scenario scenario;
  scenario.world.set_pool(1, 60s);
  scenario.run("taken", "open; 2:open; start X; 2:deadline 20; 2:start Y = RMERR");
  CHECK(std::string(scenario.last_error(1, 2).message).find("time for this call") !=
        std::string::npos);
}

TEST_CASE("Who had less time to connect than others fails alone") {
  Scenario scenario;
  scenario.world.hold("connect");
  scenario.world.script("connect", XAER_RMFAIL);
  // The scripted driver fails after the deadline of the first thread is over.
  std::thread first([&] {
    scenario.run("short", "deadline 1");
    CHECK(scenario.call("open") == XAER_RMERR);
  });
  scenario.world.await_held("connect");
  std::atomic<int> second = -1;
  std::thread other([&] { second = scenario.call("2:open"); });
  const auto over = std::chrono::steady_clock::now() + 5ms;
  REQUIRE(eventually([&] { return std::chrono::steady_clock::now() > over; }));
  scenario.world.release("connect");
  first.join();
  other.join();
  CHECK(second == XA_OK);
}
