// LogFixture: a register on a CrashFs, with a clock that stands still and random bytes that are not
// random.
#pragma once

#include <atomic>
#include <register/file/file_register.hpp>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "crash_fs.hpp"

namespace xabridge::test {

class StillClock final : public tm::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override { return {}; }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  }
};

class SeededEntropy final : public tm::Entropy {
 public:
  void fill(std::span<std::byte> bytes) override {
    const std::lock_guard guard(mutex_);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
  }

 private:
  std::mutex mutex_;
  std::mt19937 random_;
};

/// A global transaction of this register's incarnation.
inline std::string gtrid_of(const tm::DecisionRegister& log, std::uint64_t sequence) {
  return tm::Gtrid{log.id(), log.slot(), log.incarnation(), sequence, "host"}.encode();
}

inline std::vector<tm::Participant> two_branches() {
  return {{"accounts", tm::make_bqual(1, "accounts")}, {"stock", tm::make_bqual(2, "stock")}};
}

struct LogFixture {
  static constexpr std::uint64_t kSegmentSize = 8U << 10U;

  CrashFs files;
  StillClock clock;
  SeededEntropy entropy;
  tm::Environment environment{files, clock, entropy, "host"};
  std::vector<std::string> reports;
  tm::FileRegister::Options options{
      .directory = "/log",
      .segment_size = kSegmentSize,
      .max_slots = 4,
      .report = [this](const std::string& t) { reports.push_back(t); }};

  Result<std::unique_ptr<tm::FileRegister>> try_open() {
    return tm::FileRegister::open(environment, options);
  }
  std::unique_ptr<tm::FileRegister> open() { return try_open().value(); }

  /// The current segment of a slot.
  [[nodiscard]] std::filesystem::path segment(std::uint16_t slot = 0) {
    const auto directory = std::filesystem::path("/log/slots") / tm::slot_name(slot);
    return tm::current_segment(files, directory).value().path;
  }
};

/// decide(commit), which must be answered so.
inline bool commits(tm::DecisionRegister& log, const std::string& gtrid) {
  const auto decided = log.decide(gtrid, two_branches(), tm::Decision::commit);
  return decided && *decided == tm::Decision::commit;
}

inline bool mentions(const Error& error, const std::string& text) {
  return error.to_string().find(text) != std::string::npos;
}

}  // namespace xabridge::test
