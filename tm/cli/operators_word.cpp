// See operators_word.hpp.
#include "operators_word.hpp"

#include <chrono>
#include <iostream>
#include <thread>

#include "../src/environment.hpp"

namespace xabridge::cli {

Result<std::unique_ptr<tm::FileRegister>> open_log(const Config& config) {
  tm::FileRegister::Options options;
  options.directory = config.log_directory;
  options.segment_size = config.log_segment_size;
  options.make = false;
  options.report = [](const std::string& text) { std::cerr << "xabridge: " << text << '\n'; };
  return tm::FileRegister::open(tm::posix_environment(), options);
}

// A pass may take a moment itself, and comes at an interval.
void wait_until_taken(const Config& config, const std::function<bool()>& taken) {
  using Clock = std::chrono::steady_clock;
  const auto patience = Clock::now() + config.recovery_interval + std::chrono::seconds(2);
  while (!taken() && Clock::now() <= patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

void tell_left(const std::string& record) {
  std::cout << "left: " << record
            << ": the running process that keeps it has been asked, and takes it in its next "
               "recovery pass\n";
}

}  // namespace xabridge::cli
