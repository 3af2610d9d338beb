// Many clients at work at once, until all is done or SIGINT or SIGTERM asks to stop.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "tally.hpp"

namespace examples {

/// What the clients have to do: pieces of work, numbered from 0. Thread-safe.
class Items {
 public:
  explicit Items(long count) : count_(count) {}
  /// The next one; nullopt when there is none left or the program was asked to stop.
  [[nodiscard]] std::optional<long> next();
  [[nodiscard]] bool left() const { return next_ < count_; }
  void stop() { stopped_ = true; }

 private:
  const long count_;
  std::atomic<long> next_ = 0;
  std::atomic<bool> stopped_ = false;
};

/// What one client does: takes items until there are none. `client` is counted from 0.
using Client = std::function<void(int client, Items& items, Tally& tally)>;

/// Runs `clients` threads and prints the progress about once a second. The first SIGINT or SIGTERM
/// lets every client finish what it has begun, a second one ends the program at once. An exception
/// of a client stops the others and is thrown again here.
[[nodiscard]] Answers run_clients(int clients, long items, const Client& client);

}  // namespace examples
