// LastWords: a switch that crashes takes the program with it; this names the statement and the call
// that were under way, on standard error, before it dies by the same signal (or the same exit).
#pragma once

#include <string>
#include <string_view>

namespace xabridge::conformance {

/// Installs the handlers; once, before the first call of a switch.
void leave_last_words() noexcept;
/// What is under way from now on. Neither may throw: they are called at every statement and call.
void now_trying(std::string_view statement) noexcept;
void now_calling(std::string_view call) noexcept;

}  // namespace xabridge::conformance
