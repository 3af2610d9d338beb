// Walks the catalogue: one trial per statement, whatever the one before did.
#pragma once

#include <string>
#include <vector>

#include "engine/report.hpp"
#include "engine/subject.hpp"

namespace xabridge::conformance {

/// Tries every selected statement and reports it. Returns why it ended early, or nothing. A call
/// that hangs fails its statement, and the next one goes on with other rmids.
std::string run_statements(const Subject& subject, const std::vector<std::string>& only,
                           Report& report);

}  // namespace xabridge::conformance
