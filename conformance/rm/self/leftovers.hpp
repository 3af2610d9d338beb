// Branches that lie prepared on a test server although no test is running.
#pragma once

#include <string>

namespace xabridge::conformance {

/// Rolls them back, as `admin`, an open string of an account that may. Returns what there was, a
/// line each: some test before left it, and as long as it is there no statement that counts
/// branches can be tried.
[[nodiscard]] std::string roll_back_leftovers(bool postgresql, const std::string& admin);

}  // namespace xabridge::conformance
