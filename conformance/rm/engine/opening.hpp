// Whether the switch can be opened at all: with a wrong open string every statement fails, and none
// of them says why.
#pragma once

#include <optional>
#include <string>

#include "engine/subject.hpp"

namespace xabridge::conformance {

/// Opens and closes once, in a thread of its own. The reason, for the command line; nullopt: it can
/// be opened, or its answer is a matter for the statements.
[[nodiscard]] std::optional<std::string> cannot_open(const Subject& subject);

}  // namespace xabridge::conformance
