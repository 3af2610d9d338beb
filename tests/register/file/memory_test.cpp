// Memory that runs out at any place inside a call of the log: the caller may see an exception or an
// error, but later calls come back, and nothing that was promised is missing afterwards.

#include <catch.hpp>
#include <cstdlib>
#include <new>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;

namespace {

// How many allocations of this thread still succeed; negative: all.
thread_local long allocations_left = -1;

struct FailingFrom {
  explicit FailingFrom(long allocation) { allocations_left = allocation; }
  FailingFrom(const FailingFrom&) = delete;
  FailingFrom& operator=(const FailingFrom&) = delete;
  ~FailingFrom() { allocations_left = -1; }
};

void* allocate(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Runs `call` with memory for 0, 1, 2, ... allocations until it ends as with enough of it; after
// each, `check` is told whether it succeeded.
void with_less_and_less_memory(const std::function<bool(FileRegister&)>& call,
                               const std::function<void(LogFixture&, bool)>& check,
                               const std::function<void(FileRegister&)>& before = {}) {
  for (long allocations = 0;; ++allocations) {
    LogFixture f;
    auto log = f.open();
    if (before) before(*log);
    bool succeeded = false;
    bool ran_out = false;
    {
      const FailingFrom limit(allocations);
      try {
        succeeded = call(*log);
      } catch (const std::bad_alloc&) {
      }
      ran_out = allocations_left == 0;
    }
    // Comes back, whatever it says; and what it promises is kept.
    const std::string later = gtrid_of(*log, 99);
    const bool promised = commits(*log, later);
    log.reset();
    f.files.kill_process();
    INFO("allocations: " << allocations);
    {
      const auto again = f.open();
      if (promised) CHECK(again->decision(later));
    }
    check(f, succeeded);
    if (!ran_out) {
      CHECK(succeeded);
      return;
    }
  }
}

}  // namespace

// The sanitizer's own operators, which are not all replaced here, know nothing of ours.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "alloc_dealloc_mismatch=0";
}

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("memory_that_runs_out_in_a_decision_breaks_no_promise_and_stops_no_later_call") {
  std::string gtrid;
  with_less_and_less_memory([&](FileRegister& log) { return commits(log, gtrid); },
                            [&](LogFixture& f, bool succeeded) {
                              const auto log = f.open();
                              if (succeeded) CHECK(log->decision(gtrid));
                            },
                            [&](FileRegister& log) { gtrid = gtrid_of(log, 1); });
}

TEST_CASE("memory_that_runs_out_in_a_heuristic_record_breaks_no_promise_and_stops_no_later_call") {
  HeuristicRecord record;
  with_less_and_less_memory([&](FileRegister& log) { return log.heuristic(record).ok(); },
                            [&](LogFixture& f, bool succeeded) {
                              if (succeeded) CHECK(f.open()->heuristics().size() == 1);
                            },
                            [&](FileRegister& log) {
                              record = {gtrid_of(log, 1), "stock", "bqual", Decision::commit,
                                        XA_HEURRB,        "text",  {}};
                            });
}

TEST_CASE("memory_that_runs_out_in_an_acknowledgement_never_takes_another_record_along") {
  std::string gtrid;
  with_less_and_less_memory(
      [&](FileRegister& log) { return log.acknowledge(gtrid, "stock", "anna").ok(); },
      [&](LogFixture& f, bool succeeded) {
        const auto kept = f.open()->heuristics();
        REQUIRE(kept.size() >= 2);
        CHECK(kept.size() == (succeeded ? 2 : kept.size()));
        for (const HeuristicRecord& one : kept)
          CHECK((one.resource_manager != "stock" || !succeeded));
      },
      [&](FileRegister& log) {
        gtrid = gtrid_of(log, 1);
        for (const char* name : {"accounts", "orders", "stock"})
          REQUIRE(log.heuristic({gtrid, name, name, Decision::commit, XA_HEURRB, {}, {}}));
      });
}
