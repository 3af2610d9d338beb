// Catching SIGINT and SIGTERM once; see the header.
#include "stop_signal.hpp"

#include <atomic>

namespace examples {
namespace {

std::atomic<int> received_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "set in a signal handler");

extern "C" void remember_signal(int signal) { received_signal = signal; }

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  struct sigaction once {};
  once.sa_handler = remember_signal;
  // One handler for both, one time: whoever asks twice means it. SA_RESTART: a client in the middle
  // of a transaction does not notice.
  once.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&once.sa_mask);
  sigaction(SIGINT, &once, &before_int_);
  sigaction(SIGTERM, &once, &before_term_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
}

int StopSignal::received() noexcept { return received_signal; }

}  // namespace examples
