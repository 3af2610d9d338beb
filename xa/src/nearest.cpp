// Levenshtein distance; the words are keys of a dozen characters, so the plain form is enough.
#include <algorithm>
#include <numeric>
#include <vector>
#include <xabridge/nearest.hpp>

namespace xabridge {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> known) {
  // The beginning of a word is nearer to it than another word that is as long.
  const auto longer = std::find_if(known.begin(), known.end(), [&](auto one) {
    return word.size() >= 2 && one.starts_with(word);
  });
  if (longer != known.end()) return *longer;
  const auto best = std::min_element(known.begin(), known.end(), [&](auto a, auto b) {
    return distance(word, a) < distance(word, b);
  });
  if (best == known.end()) return std::nullopt;
  if (distance(word, *best) > std::max<std::size_t>(1, word.size() / 2)) return std::nullopt;
  return *best;
}

}  // namespace xabridge
