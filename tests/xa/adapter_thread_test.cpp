// Several threads, and several processes: claims, interrupts, threads that end, fork().

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>
#include <random>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

TEST_CASE("A second thread waits until the first is done with the branch") {
  Scenario scenario;
  scenario.run("idle", "open; 2:open; start X; end X SUCCESS");
  std::thread second;
  std::atomic<int> second_result = -1;
  scenario.world.during("prepare", [&] {
    second = std::thread([&] { second_result = scenario.call("2:rollback X"); });
    std::this_thread::yield();
  });
  scenario.run("first", "prepare X");
  second.join();
  CHECK(second_result == XA_OK);
  // Seen before the prepare, the branch would have been rolled back as work.
  CHECK(scenario.world.count("rollback") == 0);
  CHECK(scenario.world.count("rollback_prepared") == 1);
}

TEST_CASE("TMNOWAIT does not wait for a thread that works on the branch") {
  Scenario scenario;
  scenario.run("prepared", "open; 2:open; start X; end X SUCCESS; prepare X");
  int meanwhile = XA_OK;
  scenario.world.during("commit_prepared", [&] { meanwhile = scenario.call("2:commit X NOWAIT"); });
  scenario.run("commit", "commit X");
  CHECK(meanwhile == XA_RETRY);
}

TEST_CASE("A blocked statement can be interrupted while its thread is in the server") {
  Scenario scenario;
  const XID x = xid_named("X").raw();
  std::promise<void> interrupted;
  std::atomic<int> result = -1;
  scenario.run("idle", "open; start X; end X SUCCESS");
  scenario.world.during("interrupt", [&] { interrupted.set_value(); });
  scenario.world.during("prepare", [&] {
    std::thread other([&] { result = scenario.rm.interrupt(&x, 1); });
    interrupted.get_future().wait();  // the claim is ours, and still it gets through
    other.join();
  });
  scenario.world.script("prepare", XA_RBTIMEOUT);
  scenario.run("interrupted", "prepare X = RBTIMEOUT; start Y");
  CHECK(result == XA_OK);
  CHECK(scenario.world.made() == 2);  // the interrupted session serves nobody any more
  CHECK(scenario.world.violations().empty());
}

TEST_CASE("A session stays out of the pool while it is being interrupted") {
  Scenario scenario;
  const XID x = xid_named("X").raw();
  scenario.run("idle", "open; 2:open; start X; end X SUCCESS");
  std::promise<void> committed;
  std::atomic<int> commit_result = -1, start_result = -1;
  std::thread committing;
  scenario.world.during("commit_one_phase", [&] { committed.set_value(); });
  scenario.world.during("interrupt", [&] {
    committing = std::thread([&] { commit_result = scenario.call("commit X ONEPHASE"); });
    committed.get_future().wait();
    start_result = scenario.call("2:start Y");  // another branch meanwhile
  });
  CHECK(scenario.rm.interrupt(&x, 1) == XA_OK);
  committing.join();
  CHECK(commit_result == XA_OK);
  CHECK(start_result == XA_OK);
  CHECK(scenario.world.made() == 2);  // Y did not get the session of X
  CHECK(scenario.world.violations().empty());
  CHECK(scenario.rm.interrupt(&x, 1) == XAER_NOTA);
}

TEST_CASE("A prepared branch is not interrupted") {
  Scenario scenario;
  const XID x = xid_named("X").raw();
  CHECK(scenario.rm.interrupt(&x, 1) == XAER_PROTO);
  CHECK(scenario.rm.interrupt(nullptr, 1) == XAER_INVAL);
  scenario.run("prepared", "open; start X; end X SUCCESS; prepare X");
  CHECK(scenario.rm.interrupt(&x, 1) == XAER_PROTO);
  scenario.run("commit", "commit X; start Y");
  CHECK(scenario.world.made() == 1);
}

TEST_CASE("Interrupts at any moment never hit the next branch") {
  Scenario scenario;
  std::atomic<bool> stop = false;
  const XID x = xid_named("X").raw();
  scenario.run("open", "open");
  std::thread interrupter([&] {
    while (!stop) (void)scenario.rm.interrupt(&x, 1);
  });
  for (int i = 0; i < 300; ++i)
    scenario.run("round",
                 "start X; end X SUCCESS; commit X ONEPHASE; start Y; end Y SUCCESS; "
                 "rollback Y");
  stop = true;
  interrupter.join();
  CHECK(scenario.world.violations().empty());
}

TEST_CASE("A thread that ends has its branch rolled back and its connection kept") {
  Scenario scenario;
  scenario.run("ends", "open; 2:open; 2:start X; 2:exit; end X SUCCESS = NOTA; start X");
  CHECK(scenario.world.count("rollback") == 1);
  CHECK(scenario.world.made() == 1);
  Scenario last;
  last.run("the only thread ends", "2:open; 2:start X; 2:exit");
  CHECK(last.world.connected() == 0);
}

TEST_CASE("Threads that open one rmid at once connect once") {
  Scenario scenario;
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  std::latch all_open(8);  // a thread that ended earlier would close what the next one opens anew
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      opened += scenario.rm.open("db=a", 1, 0) == XA_OK ? 1 : 0;
      all_open.arrive_and_wait();
    });
  for (auto& thread : threads) thread.join();
  CHECK(opened == 8);
  CHECK(scenario.world.made() == 1);
  CHECK(scenario.world.connected() == 0);  // every thread has ended
}

TEST_CASE("Many threads share a small pool and leave nothing behind") {
  Scenario scenario;
  scenario.world.set_pool(3, std::chrono::minutes(1));
  scenario.run("open", "open");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < 8; ++number)
    threads.emplace_back([&, number] {
      auto& rm = scenario.rm;
      std::mt19937 random(number);
      const auto expect = [&](int code) { wrong += code == XA_OK ? 0 : 1; };
      expect(rm.open("db=a", 1, 0));
      for (int i = 0; i < 100; ++i) {
        const XID xid = Xid::make(7, std::to_string(number) + "/" + std::to_string(i), "b")->raw();
        expect(rm.start(&xid, 1, 0));
        expect(rm.end(&xid, 1, TMSUCCESS));
        const auto kind = random() % 4;
        if (kind == 0) expect(rm.commit(&xid, 1, TMONEPHASE));
        if (kind == 1) expect(rm.rollback(&xid, 1, 0));
        if (kind >= 2) expect(rm.prepare(&xid, 1, 0));
        if (kind == 2) expect(rm.commit(&xid, 1, 0));
        if (kind == 3) expect(rm.rollback(&xid, 1, 0));
      }
      expect(rm.close("", 1, 0));
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(scenario.world.most_connected() <= 3);
  CHECK(scenario.world.violations().empty());
  scenario.run("nothing left", "recover 9 START|END = 0");
}

TEST_CASE("A forked child leaves the connections of its parent alone and opens its own") {
  Scenario scenario;
  auto& rm = scenario.rm;
  const XID x = xid_named("X").raw();
  REQUIRE(rm.open("db=a", 1, 0) == XA_OK);
  REQUIRE(rm.start(&x, 1, 0) == XA_OK);
  const pid_t child = ::fork();
  if (child == 0) {
    xabridge_rm_error error{};
    int failures = 0;
    failures += rm.connection(1) == nullptr ? 0 : 1;
    failures += rm.end(&x, 1, TMSUCCESS) == XAER_PROTO ? 0 : 2;
    failures += rm.last_error(1, &error) == XA_OK ? 0 : 4;
    failures += std::string(error.message).find("fork") != std::string::npos ? 0 : 8;
    failures += rm.open("db=a", 1, 0) == XA_OK && scenario.world.made() == 2 ? 0 : 16;
    failures += rm.start(&x, 1, 0) == XA_OK && rm.end(&x, 1, TMSUCCESS) == XA_OK ? 0 : 32;
    failures += rm.rollback(&x, 1, 0) == XA_OK && rm.close("", 1, 0) == XA_OK ? 0 : 64;
    failures += scenario.world.connected() == 1 ? 0 : 128;  // the parent's, never closed
    ::_exit(failures);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(rm.end(&x, 1, TMSUCCESS) == XA_OK);
  CHECK(rm.rollback(&x, 1, 0) == XA_OK);
  CHECK(rm.close("", 1, 0) == XA_OK);
}
