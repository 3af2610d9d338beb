// Many clients; see the header.
#include "clients.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "stop_signal.hpp"

namespace examples {
namespace {

void show_progress(const std::stop_token& stop, const Tally& tally, long items) {
  using namespace std::chrono_literals;
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    never.wait_for(lock, stop, 1s, [] { return false; });
    if (stop.stop_requested()) return;
    const Answers so_far = tally.so_far();
    std::cout << "  " << std::setw(6) << so_far.asked << " of " << items
              << " answered: " << so_far.committed << " committed, " << so_far.rolled_back
              << " rolled back" << std::endl;
  }
}

/// The first exception of several threads.
class FirstException {
 public:
  void keep_current() {
    const std::scoped_lock lock(mutex_);
    if (!exception_) exception_ = std::current_exception();
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr exception_;
};

}  // namespace

std::optional<long> Items::next() {
  if (stopped_ || StopSignal::received() != 0) return std::nullopt;
  const long item = next_++;
  return item < count_ ? std::optional(item) : std::nullopt;
}

Answers run_clients(int clients, long items, const Client& client) {
  const auto started = std::chrono::steady_clock::now();
  const StopSignal stop_signal;
  Items work(items);
  Tally tally;
  FirstException first;
  {
    const std::jthread progress(
        [&](const std::stop_token& stop) { show_progress(stop, tally, items); });
    std::vector<std::jthread> threads;
    for (int i = 0; i < clients; ++i) {
      threads.emplace_back([&, i] {
        try {
          client(i, work, tally);
        } catch (...) {
          first.keep_current();
          work.stop();
        }
      });
    }
  }
  first.rethrow();
  Answers answers = tally.so_far();
  answers.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (work.left()) answers.stopped_by = StopSignal::received();
  return answers;
}

}  // namespace examples
