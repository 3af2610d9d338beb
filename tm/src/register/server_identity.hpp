// What a server is, as switches say it (rm_extras.h, answered_by): a text whose first part, up to a
// space, names the server; behind it evidence about one branch may follow. The evidence ends in the
// word `doubted` once the server could not tell whether its history holds the branch.
#pragma once

#include <string_view>

namespace xabridge::tm {

/// Do both texts name the same server?
[[nodiscard]] constexpr bool same_server(std::string_view a, std::string_view b) noexcept {
  return a.substr(0, a.find(' ')) == b.substr(0, b.find(' '));
}

/// The server that is named could not tell what had become of the branch.
[[nodiscard]] constexpr bool is_doubted(std::string_view server) noexcept {
  return server.ends_with(" doubted");
}

}  // namespace xabridge::tm
