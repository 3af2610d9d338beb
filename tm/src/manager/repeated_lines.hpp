// RepeatedLines: what recovery finds in every pass is said once, and then ever more rarely.
//
// Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace xabridge::tm {

class RepeatedLines {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The line to write now, with how often it was left out since the last time; nullopt: not now.
  [[nodiscard]] std::optional<std::string> say(const std::string& line, Time now);

 private:
  struct Said {
    Time last;
    std::chrono::seconds pause{};
    std::size_t left_out = 0;
  };
  void forget_old(Time now);

  std::mutex mutex_;
  std::map<std::string, Said> said_;
};

}  // namespace xabridge::tm
