// What threads of a test expect. Catch2's assertions belong to the test's own thread, so the others
// note what did not hold, and the test checks afterwards: CHECK(expectations.unmet() == "").
#pragma once

#include <mutex>
#include <string>

class Expectations {
 public:
  void expect(bool holds, const std::string& what) {
    if (holds) return;
    const std::lock_guard lock(mutex_);
    unmet_ += what + "; ";
  }
  [[nodiscard]] std::string unmet() const {
    const std::lock_guard lock(mutex_);
    return unmet_;
  }

 private:
  mutable std::mutex mutex_;
  std::string unmet_;
};
