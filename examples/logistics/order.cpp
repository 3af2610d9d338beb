// Reading an order; see the header.
#include "order.hpp"

#include <algorithm>
#include <charconv>

namespace logistics {
namespace {

constexpr std::int64_t most_pieces = 1'000'000;

Line parse_line(std::string_view text) {
  const std::size_t colon = text.find(':');
  Line line{std::string(text.substr(0, colon)), 0};
  if (colon != std::string_view::npos && colon > 0) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), line.quantity);
    const bool is_number = error == std::errc() && end == digits.data() + digits.size();
    if (is_number && line.quantity > 0 && line.quantity <= most_pieces) return line;
  }
  throw Refused("'" + std::string(text) +
                "' is no order line: ARTICLE:QUANTITY is expected, such as pump:2, with a quantity"
                " from 1 to " +
                std::to_string(most_pieces));
}

}  // namespace

Order parse_order(std::int64_t customer, const std::vector<std::string>& lines) {
  Order order{customer, {}};
  for (const std::string& line : lines) order.lines.push_back(parse_line(line));
  if (order.lines.empty()) throw Refused("an order has at least one line");
  const auto by_article = [](const Line& a, const Line& b) { return a.article < b.article; };
  std::sort(order.lines.begin(), order.lines.end(), by_article);
  const auto same = [](const Line& a, const Line& b) { return a.article == b.article; };
  const auto twice = std::adjacent_find(order.lines.begin(), order.lines.end(), same);
  if (twice != order.lines.end()) throw Refused("article " + twice->article + " is there twice");
  return order;
}

}  // namespace logistics
