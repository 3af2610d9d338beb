// What is remembered of branches, and its text.
#include "prepared_log.hpp"

#include <charconv>

namespace xabridge::mysql {
namespace {

constexpr std::string_view kLsn = " lsn=";
constexpr std::string_view kDoubted = " doubted";

}  // namespace

void PreparedLog::note(const Xid& xid, Place place) {
  if (place.lsn == 0) return;
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(xid);
  if (known != places_.end()) {
    known->second.doubted |= place.doubted;
    return;
  }
  if (places_.size() >= limit_) {
    places_.erase(by_age_.front());
    by_age_.pop_front();
  }
  by_age_.push_back(xid);
  places_.emplace(xid, place);
}

std::optional<PreparedLog::Place> PreparedLog::find(const Xid& xid) const {
  const std::lock_guard lock(mutex_);
  const auto known = places_.find(xid);
  if (known == places_.end()) return std::nullopt;
  return known->second;
}

std::string PreparedLog::text(const std::string& server, Place place) {
  if (place.lsn == 0) return server;
  std::string text = server;
  text.append(kLsn).append(std::to_string(place.lsn));
  if (place.doubted) text.append(kDoubted);
  return text;
}

std::optional<PreparedLog::Place> PreparedLog::parse(std::string_view text) {
  const auto at = text.find(kLsn);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kLsn.size());
  Place place;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, place.lsn);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  if (code != std::errc() || place.lsn == 0 || (!rest.empty() && rest != kDoubted))
    return std::nullopt;
  place.doubted = !rest.empty();
  return place;
}

}  // namespace xabridge::mysql
