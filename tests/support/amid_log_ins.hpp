// A child made while other threads log in.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "in_child.hpp"

/// How many of `rounds` children could not do `work`: each is made while other threads do the same
/// again and again. `work` returns whether it was done. A child that hangs is killed.
template <class Work>
int failures_amid_log_ins(int rounds, Work work) {
  std::atomic<bool> over{false};
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!over) {
        (void)work();
        ++done;
      }
    });
  }
  int failures = 0;
  for (int round = 0; round < rounds; ++round) {
    const int before = done;
    while (done == before) std::this_thread::yield();
    const int result = in_child([&] {
      ::alarm(60);
      return work() ? 0 : 1;
    });
    if (result != 0) ++failures;
  }
  over = true;
  for (auto& thread : threads) thread.join();
  return failures;
}
