// Connector/C++ start-up: the driver object once per process, threadInit/threadEnd once per thread.
#include "connector.hpp"

#include <atomic>
#include <xabridge/rm/children.hpp>

namespace xabridge::mysql {
namespace {

// The library destroys its driver object at exit, when threads of the application may still run;
// theirs must not call threadEnd on it then.
std::atomic<bool> process_is_exiting{false};

struct ExitMark {
  ~ExitMark() { process_is_exiting = true; }
};

sql::Driver& driver_object() {
  static sql::Driver* const driver = sql::mysql::get_driver_instance();
  static const ExitMark mark;  // made after the driver object, so destroyed before it
  [[maybe_unused]] static const bool log_ins_end = (rm::LogIn::end_before_teardown(), true);
  return *driver;
}

struct ThreadRegistration {
  ThreadRegistration() { driver_object().threadInit(); }
  ~ThreadRegistration() {
    if (!process_is_exiting) driver_object().threadEnd();
  }
};

}  // namespace

sql::Driver& connector() {
  thread_local const ThreadRegistration registration;
  return driver_object();
}

}  // namespace xabridge::mysql
