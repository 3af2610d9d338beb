// The nearest of some known words, for "did you mean" in messages about what a person typed.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace xabridge {

/// The first known word that begins with `word`, else the one with the smallest edit distance;
/// nullopt when none is near enough to be a typing mistake of `word`: a wrong hint is worse than
/// none.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> known);

}  // namespace xabridge
