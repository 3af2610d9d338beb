// What is remembered of branches, and its text.
#include "prepared_log.hpp"

#include <charconv>

namespace xabridge::mysql {
namespace {

constexpr std::string_view kLsn = " lsn=";
constexpr std::string_view kAt = " at=";
constexpr std::string_view kDoubted = " doubted";

/// The number behind `key` at the start of `text`, taken off it.
bool take(std::string_view& text, std::string_view key, std::uint64_t& value) {
  if (!text.starts_with(key)) return false;
  text.remove_prefix(key.size());
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return code == std::errc();
}

}  // namespace

void PreparedLog::note(const Xid& xid, const std::string& server, Place place) {
  if (place.lsn == 0) return;
  const std::lock_guard lock(mutex_);
  Prepared* const known = branches_.find(xid);
  if (known != nullptr && known->server == server) {
    known->place.doubted |= place.doubted;
  } else {
    branches_.set(xid, Prepared{server, place});
  }
}

void PreparedLog::finished(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  branches_.erase(xid);
}

std::optional<PreparedLog::Place> PreparedLog::find(const Xid& xid,
                                                    const std::string& server) const {
  const std::lock_guard lock(mutex_);
  const Prepared* const known = branches_.find(xid);
  if (known == nullptr || known->server != server) return std::nullopt;
  return known->place;
}

std::string PreparedLog::text(const std::string& server, Place place) {
  if (place.lsn == 0) return server;
  std::string text = server;
  text.append(kLsn).append(std::to_string(place.lsn));
  text.append(kAt).append(std::to_string(place.at));
  if (place.doubted) text.append(kDoubted);
  return text;
}

std::optional<PreparedLog::Place> PreparedLog::parse(std::string_view text) {
  const auto found = text.find(kLsn);
  if (found == std::string_view::npos) return std::nullopt;
  text.remove_prefix(found);
  Place place;
  if (!take(text, kLsn, place.lsn) || !take(text, kAt, place.at) || place.lsn == 0)
    return std::nullopt;
  place.doubted = text == kDoubted;
  if (!place.doubted && !text.empty()) return std::nullopt;
  return place;
}

}  // namespace xabridge::mysql
