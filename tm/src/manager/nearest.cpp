// "Did you mean": the known word with the smallest edit distance.
#include "nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace xabridge::tm {
namespace {

/// Levenshtein distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_text(std::string_view word, std::span<const std::string_view> known) {
  std::string text;
  const auto best = std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
    return distance(word, a) < distance(word, b);
  });
  if (best != known.end() && distance(word, *best) <= std::max<std::size_t>(2, word.size() / 3)) {
    text = "; did you mean '" + std::string(*best) + "'?";
  }
  text += text.empty() ? "; allowed: " : " allowed: ";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::string(known[i]);
  return text;
}

}  // namespace xabridge::tm
