// What the examples bind to a statement's placeholders: a number or a text. Values never become
// part of the SQL text.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace examples {

using Parameter = std::variant<std::int64_t, std::string>;
using Parameters = std::vector<Parameter>;

}  // namespace examples
