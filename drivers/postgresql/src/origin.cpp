// The text of an Origin and the table in origin.hpp.

#include "origin.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace xabridge::postgresql {
namespace {

constexpr std::size_t timeline_digits = 8;

template <class Integer>
std::optional<Integer> hexadecimal(std::string_view text) noexcept {
  Integer value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value, 16);
  if (text.empty() || code != std::errc() || stop != end) return std::nullopt;
  return value;
}

bool only(std::string_view text, std::string_view allowed) noexcept {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// What follows `key` up to the next space, taken off the front of `text`; empty: not there.
std::string_view take(std::string_view& text, std::string_view key) noexcept {
  if (!text.starts_with(key)) return {};
  text.remove_prefix(key.size());
  const auto value = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), value.size() + 1));
  return value;
}

}  // namespace

std::optional<std::uint64_t> parse_lsn(std::string_view text) noexcept {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto high = hexadecimal<std::uint32_t>(text.substr(0, slash));
  const auto low = hexadecimal<std::uint32_t>(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return std::uint64_t{*high} << 32U | *low;
}

std::uint32_t timeline_of(std::string_view wal_file) noexcept {
  return hexadecimal<std::uint32_t>(wal_file.substr(0, timeline_digits)).value_or(0);
}

std::string Origin::text() const {
  char at[40];
  std::snprintf(at, sizeof at, "%08X:%X/%X", timeline, static_cast<unsigned>(lsn >> 32U),
                static_cast<unsigned>(lsn & 0xffffffffU));
  return server + " start=" + start + " at=" + at + " xid=" + transaction_id +
         (doubted ? " doubted" : "");
}

std::optional<Origin> Origin::parse(std::string_view text) {
  Origin origin;
  origin.server = take(text, "");
  origin.start = take(text, "start=");
  const std::string_view at = take(text, "at=");
  origin.transaction_id = take(text, "xid=");
  origin.doubted = text == "doubted";
  if (origin.doubted) text = {};
  const auto colon = at.find(':');
  if (!text.empty() || colon != timeline_digits) return std::nullopt;
  const auto lsn = parse_lsn(at.substr(colon + 1));
  origin.timeline = timeline_of(at);
  constexpr std::string_view digits = "0123456789";
  if (!lsn || !only(origin.start, "0123456789.") || !only(origin.transaction_id, digits))
    return std::nullopt;
  origin.lsn = *lsn;
  return origin;
}

History history(const Origin& origin, const ServerNow& now) noexcept {
  if (origin.server != now.server) return History::other_server;
  if (origin.start == now.start) return History::holds;
  if (origin.doubted) return History::cannot_tell;
  // One that was running before the branch's server started is another copy of its files.
  if (std::strtod(now.start.c_str(), nullptr) < std::strtod(origin.start.c_str(), nullptr))
    return History::cannot_tell;
  const bool replayed = now.replayed && *now.replayed >= origin.lsn;
  if (origin.timeline == 0 || now.timeline == 0) return History::cannot_tell;
  if (now.timeline == origin.timeline) {
    const bool shut_down = !now.replayed && now.shut_down && *now.shut_down >= origin.lsn;
    const bool reaches = now.lsn >= origin.lsn && (replayed || shut_down);
    return reaches ? History::holds : History::cannot_tell;
  }
  return now.timeline == origin.timeline + 1 && replayed ? History::holds : History::cannot_tell;
}

}  // namespace xabridge::postgresql
