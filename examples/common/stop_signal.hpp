// StopSignal: while one exists, the first SIGINT or SIGTERM only asks to stop; the second ends the
// program as usual.
#pragma once

#include <csignal>

namespace examples {

class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The signal that asked to stop; 0: none did.
  [[nodiscard]] static int received() noexcept;

 private:
  struct sigaction before_int_ {};
  struct sigaction before_term_ {};
};

}  // namespace examples
