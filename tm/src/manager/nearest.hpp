// The nearest of some known words, for "did you mean" in messages about configuration.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace xabridge::tm {

/// "; did you mean 'timeout'? allowed: timeout, max_retries", the question only where one is near.
[[nodiscard]] std::string nearest_text(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace xabridge::tm
