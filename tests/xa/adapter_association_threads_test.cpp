// Threads that share a branch: who waits, what wakes them, and what becomes of the branch when one
// of them ends or loses its resource manager.

#include <atomic>
#include <future>
#include <latch>
#include <random>
#include <stdexcept>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

/// Runs `waiting` in its own thread of the scenario while `meanwhile` happens.
int result_of_waiting(Scenario& scenario, const std::string& waiting,
                      const std::string& meanwhile) {
  auto result = std::async(std::launch::async, [&] { return scenario.call(waiting); });
  std::this_thread::yield();
  scenario.run("meanwhile", meanwhile);
  return result.get();
}

}  // namespace

TEST_CASE("A thread that joins waits until the active one has ended or is suspended") {
  for (const char* ending : {"end X SUCCESS", "end X SUSPEND"}) {
    Scenario scenario;
    scenario.run("active", "open; 2:open; start X");
    CHECK(result_of_waiting(scenario, "2:start X JOIN", ending) == XA_OK);
    CHECK(scenario.world.violations().empty());  // resumed after it had ended, not before
    scenario.run("works", "2:end X SUCCESS");
  }
}

TEST_CASE("A thread that resumes waits for the active one and may take the branch over") {
  Scenario scenario;
  scenario.run("active", "open; 2:open; start X; end X SUSPEND; 2:start X JOIN");
  CHECK(result_of_waiting(scenario, "start X RESUME", "2:end X SUCCESS") == XA_OK);
  scenario.run("migrate", "3:open; end X SUSPEND|MIGRATE; 2:start X JOIN");
  CHECK(result_of_waiting(scenario, "3:start X RESUME", "2:end X SUSPEND") == XA_OK);
  scenario.run("done", "end X SUCCESS = PROTO; 2:end X SUCCESS; 3:end X SUCCESS; 3:prepare X");
  CHECK(scenario.world.violations().empty());
}

TEST_CASE("A waiting thread learns that the branch can only be rolled back") {
  Scenario scenario;
  scenario.run("active", "open; 2:open; start X");
  CHECK(result_of_waiting(scenario, "2:start X JOIN", "end X FAIL = RB") == XA_RBROLLBACK);
  scenario.run("rolled back", "2:rollback X");
}

TEST_CASE("A waiting thread learns that the branch is gone") {
  for (const char* end : {"exit", "end X SUCCESS = RMFAIL"}) {
    Scenario scenario;
    scenario.run("active", "open; 2:open; start X");
    if (end != std::string("exit")) scenario.world.script("end", XAER_RMFAIL);
    CHECK(result_of_waiting(scenario, "2:start X JOIN", end) == XAER_NOTA);
    scenario.run("free", "2:start X");
  }
}

TEST_CASE("A thread that waits for a branch keeps nobody else from it") {
  Scenario scenario;
  scenario.run("active", "open; 2:open; 3:open; start X; end X SUSPEND; 3:start X JOIN");
  CHECK(result_of_waiting(scenario, "2:start X JOIN",
                          "start X RESUME|NOWAIT = RETRY; end X SUCCESS; prepare X = PROTO; "
                          "rollback X = PROTO; 3:end X SUCCESS") == XA_OK);
}

TEST_CASE("A name is taken while another thread finishes the branch and free afterwards") {
  Scenario scenario;
  scenario.run("prepared", "open; 2:open; start X; end X SUCCESS; prepare X");
  int meanwhile = XA_OK;
  scenario.world.during("commit_prepared", [&] { meanwhile = scenario.call("2:start X"); });
  scenario.run("finished", "commit X; 2:start X");
  CHECK(meanwhile == XAER_DUPID);
}

TEST_CASE("A thread that ends leaves nothing of what it had for itself") {
  for (const char* steps :
       {"2:open; 2:start X; 2:exit", "2:open; 2:start X; 2:end X SUSPEND; 2:exit",
        "2:open; 2:start X; 2:end X SUSPEND|MIGRATE; 2:exit",
        "start X; end X SUCCESS; 2:open; 2:start X JOIN; 2:exit",
        "2:open; 2:start X; 2:end X SUSPEND; 2:start Y; 2:exit; rollback Y = NOTA"}) {
    Scenario scenario;
    INFO(steps);
    scenario.run("ends", std::string("open; ") + steps);
    scenario.run("E50", "recover 9 START|END = 0; rollback X = NOTA; start X");
    CHECK(scenario.world.count("rollback") >= 1);  // asked, so its session serves again
    CHECK(scenario.world.violations().empty());
  }
}

TEST_CASE("A thread that ends lets go of its branches whatever the driver does") {
  Scenario scenario;
  scenario.run("two", "open; 2:open; 2:start X; 2:end X SUSPEND; 2:start Y");
  scenario.world.during("rollback", [] { throw std::runtime_error("bang"); });
  scenario.world.during("rollback", [] { throw std::runtime_error("bang"); });
  scenario.run("ends", "2:exit; rollback X = NOTA; rollback Y = NOTA; close");
  CHECK(scenario.world.connected() == 0);
}

TEST_CASE("What a thread had ended stays when it ends") {
  Scenario scenario;
  scenario.run("idle", "open; 2:open; 2:start X; 2:end X SUCCESS; 2:exit; prepare X; commit X");
}

TEST_CASE("A thread that ends dooms the branches it shares") {
  static constexpr const char* endings[] = {
      // suspended, the other works; works, the other suspended; both suspended
      "2:start X; 2:end X SUSPEND; start X JOIN; 2:exit; prepare X = PROTO; end X SUCCESS = RB",
      "2:start X; 2:end X SUSPEND; start X JOIN; 2:exit; end X SUSPEND = RB",
      "start X; end X SUSPEND; 2:start X JOIN; 2:exit; start X RESUME = RB",
      "start X; end X SUSPEND; 2:start X JOIN; 2:exit; prepare X = PROTO; end X SUCCESS = RB",
      "start X; end X SUSPEND; 2:start X JOIN; 2:end X SUSPEND; 2:exit; end X SUCCESS = RB",
  };
  for (const char* steps : endings) {
    Scenario scenario;
    INFO(steps);
    scenario.run("ends", std::string("open; 2:open; ") + steps);
    scenario.run("rollback only",
                 "prepare X = PROTO; commit X ONEPHASE = PROTO; rollback X; rollback X = NOTA");
    CHECK(scenario.world.violations().empty());
  }
}

TEST_CASE("A thread that loses its resource manager dooms what it shares and loses the rest") {
  Scenario scenario;
  scenario.run("three branches",
               "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; start Y; end Y SUSPEND; "
               "start Z");
  scenario.world.script("end", XAER_RMFAIL);
  scenario.run("lost",
               "end Z SUCCESS = RMFAIL; 2:rollback Z = NOTA; 2:rollback Y = NOTA; "
               "2:end X SUCCESS = RB; 2:rollback X; open; start X; start Y = PROTO");
  CHECK(scenario.world.violations().empty());
}

TEST_CASE("Threads that share branches at random use each session one at a time") {
  Scenario scenario;
  scenario.world.set_pool(8, std::chrono::minutes(1));
  const XID names[] = {xid_named("X").raw(), xid_named("Y").raw()};
  std::vector<std::thread> threads;
  std::atomic<int> unexpected = 0;
  for (unsigned number = 0; number < 6; ++number)
    threads.emplace_back([&, number] {
      auto& rm = scenario.rm;
      std::mt19937 random(number);
      const auto any = [&](auto... choices) {
        const long all[] = {choices...};
        return all[random() % sizeof...(choices)];
      };
      // Legal or not depends on the others; what counts is that nobody hangs or collides.
      const auto note = [&](int code) {
        unexpected += code == XAER_RMERR || code == XAER_RMFAIL || code == XAER_INVAL ? 1 : 0;
      };
      note(rm.open("db=a", 1, 0));
      for (int i = 0; i < 400; ++i) {
        const XID& xid = names[random() % 2];
        switch (random() % 6) {
          case 0:
          case 1:
            note(rm.start(&xid, 1, any(TMNOFLAGS, TMJOIN, TMRESUME, TMJOIN | TMNOWAIT)));
            break;
          case 2:
          case 3:
            note(rm.end(&xid, 1, any(TMSUCCESS, TMFAIL, TMSUSPEND, TMSUSPEND | TMMIGRATE)));
            break;
          case 4:
            note(rm.prepare(&xid, 1, 0));
            break;
          default:
            note(any(0, 1) == 0 ? rm.rollback(&xid, 1, 0) : rm.commit(&xid, 1, 0));
        }
      }
      for (const XID& xid : names) (void)rm.end(&xid, 1, TMSUCCESS);
      note(rm.close("", 1, 0));
    });
  for (auto& thread : threads) thread.join();
  CHECK(unexpected == 0);
  CHECK(scenario.world.violations().empty());
}
