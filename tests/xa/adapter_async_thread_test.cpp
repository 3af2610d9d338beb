// Asynchronous calls and threads: the pool of workers, threads that end with a call outstanding,
// fork(), and many threads at once.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

constexpr int most_threads = 8;

struct Asynchronous : Scenario {
  explicit Asynchronous(bool sending) : Scenario(TMUSEASYNC) {
    if (sending) world.set_sends();
  }
  ~Asynchronous() { CHECK(world.violations().empty()); }
};

/// Threads that each ask for the vote of a branch of their own at rmid 1, with TMASYNC.
class Preparing {
 public:
  Preparing(Scenario& scenario, int threads) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([&rm = scenario.rm, i, this] {
        const XID xid = Xid::make(7, "branch " + std::to_string(i), "b")->raw();
        int handle = 0;
        int vote = XAER_RMERR;
        const bool asked = rm.open("db=a", 1, 0) == XA_OK && rm.start(&xid, 1, 0) == XA_OK &&
                           rm.end(&xid, 1, TMSUCCESS) == XA_OK &&
                           (handle = rm.prepare(&xid, 1, TMASYNC)) > 0;
        if (asked && rm.complete(&handle, &vote, 1, 0) == XA_OK && vote == XA_OK) ++prepared_;
      });
  }
  Preparing(const Preparing&) = delete;
  Preparing& operator=(const Preparing&) = delete;
  ~Preparing() { join(); }
  int prepared() {
    join();
    return prepared_;
  }

 private:
  void join() {
    for (auto& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  std::atomic<int> prepared_ = 0;
  std::vector<std::thread> threads_;
};

// The thread sanitizer allows no new threads in a forked child, and the leak checker of the address
// sanitizer takes what the child inherited and leaves alone for a leak when it exits in good order.
#if defined(__SANITIZE_THREAD__)
constexpr bool threads_after_fork = false;
#else
constexpr bool threads_after_fork = true;
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr bool exit_after_fork = false;
#else
constexpr bool exit_after_fork = threads_after_fork;
#endif

/// Lets thread 2 end, meanwhile waits until a call of `verb` is held up in it or for it, and lets
/// that go.
void end_thread_during(Asynchronous& scenario, const std::string& verb) {
  std::thread ending([&] { scenario.run("exit", "2:exit"); });
  scenario.world.await_held(verb);
  scenario.world.release(verb);
  ending.join();
}

}  // namespace

TEST_CASE("A call that finds no free worker is made by its caller, and stands in nobody's way") {
  Asynchronous scenario(false);
  scenario.world.set_pool(most_threads + 1, std::chrono::minutes(1));
  scenario.run("idle", "open; start X; end X SUCCESS; open@2; start@2 Y; end@2 Y SUCCESS");
  scenario.run("held", "hold prepare");
  Preparing others(scenario, most_threads);
  scenario.world.await_held("prepare", most_threads);
  scenario.run("one too many", "prepare X ASYNC = ASYNC; complete = PROTO");
  scenario.run("and synchronously", "commit X ONEPHASE");
  scenario.run("and a connection is not lost by it", "start X ASYNC = ASYNC; start X");
  scenario.run("another server has workers of its own", "prepare@2 Y ASYNC = HANDLE");
  scenario.world.await_held("prepare", most_threads + 1);
  scenario.run("go on", "letgo prepare; result@2");
  CHECK(others.prepared() == most_threads);
  scenario.run("and workers are free again", "end X SUCCESS; prepare X ASYNC = HANDLE; result");
}

TEST_CASE("A thread that ends with a call outstanding leaves what the call made of it") {
  for (const bool sending : {false, true}) {
    const std::string idle = "open; 2:open; 2:start X; 2:end X SUCCESS; ";
    Asynchronous prepared(sending);
    prepared.run("prepare", idle + "hold prepare; 2:prepare X ASYNC = HANDLE");
    end_thread_during(prepared, "prepare");
    prepared.run("prepared branches stay", "recover 9 START|END = 1; commit X");

    Asynchronous committed(sending);
    committed.run("commit", idle + "hold commit_one_phase; 2:commit X ONEPHASE|ASYNC = HANDLE");
    end_thread_during(committed, "commit_one_phase");
    committed.run("gone", "commit X ONEPHASE = NOTA; start Y");
    CHECK(committed.world.made() == 1);

    Asynchronous started(sending);
    started.run("start", "open; 2:open; hold begin; 2:start X ASYNC = HANDLE");
    end_thread_during(started, "begin");
    started.run("active work is rolled back", "commit X = NOTA; start X");
    CHECK(started.world.count("rollback") == 1);

    Asynchronous ended(sending);
    ended.run("end", "open; 2:open; 2:start X; hold end; 2:end X SUCCESS|ASYNC = HANDLE");
    end_thread_during(ended, "end");
    ended.run("ended work is there for others", "commit X ONEPHASE");

    Asynchronous failed(sending);
    failed.world.script("prepare", XAER_RMFAIL);
    failed.run("prepare", idle + "hold prepare; 2:prepare X ASYNC = HANDLE");
    end_thread_during(failed, "prepare");
    failed.run("lost work is gone", "prepare X = NOTA");
    CHECK(failed.world.connected() <= 1);

    Asynchronous opened(sending);
    opened.run("open", "hold connect; 2:open ASYNC = HANDLE");
    end_thread_during(opened, "connect");
    CHECK(opened.world.connected() == 0);
    opened.run("the rmid is free", "open other");
  }
}

TEST_CASE("What was never asked of a server does not happen when its thread ends") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.run("put off, and for xa_complete to do",
                 "open; 2:open; 3:open; 4:open; start X; 2:start X JOIN|ASYNC = HANDLE; "
                 "3:close ASYNC = HANDLE; 4:start Y; 4:end Y FAIL|ASYNC = HANDLE; "
                 "2:exit; 3:exit; 4:exit; end X SUCCESS; rollback Y = NOTA; prepare X; commit X");
    scenario.run("all others have closed", "close; open other");
  }
}

TEST_CASE("A child of fork has no call outstanding and its parent still has") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    auto& rm = scenario.rm;
    const XID x = xid_named("X").raw();
    int retval = 0;
    REQUIRE(rm.open("db=a", 1, 0) == XA_OK);
    REQUIRE(rm.start(&x, 1, 0) == XA_OK);
    REQUIRE(rm.end(&x, 1, TMSUCCESS) == XA_OK);
    scenario.world.hold("prepare");
    int handle = rm.prepare(&x, 1, TMASYNC);
    REQUIRE(handle > 0);
    if (!sending) scenario.world.await_held("prepare");
    const pid_t child = ::fork();
    if (child == 0) {
      int failures = 0;
      failures += rm.complete(&handle, &retval, 1, 0) == XAER_PROTO ? 0 : 1;
      failures += rm.open("db=a", 1, 0) == XA_OK ? 0 : 2;
      failures += rm.complete(&handle, &retval, 1, TMMULTIPLE) == XAER_PROTO ? 0 : 4;
      if (sending || threads_after_fork) {
        int own = rm.start(&x, 1, TMASYNC);
        failures += own > 0 && rm.complete(&own, &retval, 1, 0) == XA_OK ? 0 : 8;
        failures += retval == XA_OK && rm.end(&x, 1, TMSUCCESS) == XA_OK ? 0 : 16;
        failures += rm.rollback(&x, 1, 0) == XA_OK ? 0 : 32;
      }
      failures += rm.close("", 1, 0) == XA_OK ? 0 : 64;
      ::_exit(failures);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(rm.complete(&handle, &retval, 1, TMNOWAIT) == XA_RETRY);
    scenario.world.release("prepare");
    CHECK(rm.complete(&handle, &retval, 1, 0) == XA_OK);
    CHECK(retval == XA_OK);
    CHECK(rm.commit(&x, 1, 0) == XA_OK);
    CHECK(rm.close("", 1, 0) == XA_OK);
  }
}

TEST_CASE("A process may exit with calls outstanding") {
  const pid_t child = exit_after_fork ? ::fork() : -1;
  if (child == 0) {
    static auto* const scenario = new Asynchronous(false);
    // The main thread waits for its own call; the other thread's call outlives static destruction.
    scenario->run("held", "hold prepare; 2:open; 2:start X; 2:end X SUCCESS");
    scenario->run("outstanding", "2:prepare X ASYNC = HANDLE");
    scenario->world.await_held("prepare");
    ::exit(17);
  }
  if (child < 0) return;
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 17);
}

namespace {

/// One thread's branches, each call made in either manner; counts what does not answer as it must.
class Caller {
 public:
  Caller(Scenario& scenario, unsigned number)
      : rm_(scenario.rm), number_(number), random_(number) {}

  int run(int rounds) {
    expect(rm_.open("db=a", 1, 0), 0);
    for (int i = 0; i < rounds; ++i) branch(i);
    expect(rm_.close("", 1, 0), 0);
    return wrong_;
  }

 private:
  void branch(int i) {
    const XID xid = Xid::make(7, std::to_string(number_) + "/" + std::to_string(i), "b")->raw();
    call([&](long flags) { return rm_.start(&xid, 1, flags); });
    call([&](long flags) { return rm_.end(&xid, 1, TMSUCCESS | flags); });
    const auto kind = random_() % 4;
    if (kind == 0) call([&](long flags) { return rm_.commit(&xid, 1, TMONEPHASE | flags); });
    if (kind == 1) call([&](long flags) { return rm_.rollback(&xid, 1, flags); });
    if (kind >= 2) call([&](long flags) { return rm_.prepare(&xid, 1, flags); });
    if (kind == 2) call([&](long flags) { return rm_.commit(&xid, 1, flags); });
    if (kind == 3) call([&](long flags) { return rm_.rollback(&xid, 1, flags); });
  }

  template <class Entry>
  void call(Entry entry) {
    if (random_() % 3 == 0) return expect(entry(0), 0);
    int handle = entry(TMASYNC);
    if (handle == XAER_ASYNC) return expect(entry(0), 0);
    int retval = -1;
    int completed = XA_RETRY;
    if (random_() % 2 == 0) completed = rm_.complete(&handle, &retval, 1, TMNOWAIT);
    if (completed == XA_RETRY) completed = rm_.complete(&handle, &retval, 1, TMMULTIPLE);
    expect(completed, 0);
    expect(retval, 0);
  }

  void expect(int code, int wanted) { wrong_ += code == wanted ? 0 : 1; }

  rm::Switch& rm_;
  const unsigned number_;
  std::mt19937 random_;
  int wrong_ = 0;
};

}  // namespace

TEST_CASE("Many threads with asynchronous calls share a small pool and leave nothing behind") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.set_pool(3, std::chrono::minutes(1));
    scenario.run("open", "open");
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < 12; ++number)
      threads.emplace_back([&, number] { wrong += Caller(scenario, number).run(60); });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    CHECK(scenario.world.most_connected() <= 3);
    scenario.run("nothing left", "recover 9 START|END = 0; close");
    CHECK(scenario.world.connected() == 0);
  }
}

TEST_CASE("A worker's answers do not depend on which thread it served before") {
  Asynchronous scenario(false);
  scenario.world.script("prepare", XAER_RMFAIL);
  scenario.run("one thread loses its server",
               "open; 2:open; start X; end X SUCCESS; prepare X ASYNC = HANDLE; result = RMFAIL; "
               "start Y = PROTO");
  scenario.run("and the other one does not",
               "2:start Y ASYNC = HANDLE; 2:result; 2:end Y SUCCESS; 2:prepare Y ASYNC = HANDLE; "
               "2:result; 2:commit Y");
  CHECK(scenario.last_error(1, 2).xa_code == 0);
}
