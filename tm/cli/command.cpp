// Columns and ages as people read them.
#include "command.hpp"

#include <algorithm>
#include <ostream>

namespace xabridge::cli {

std::vector<Looked> load_resource_managers(const Config& config) {
  std::vector<Looked> all;
  for (const ResourceManagerConfig& rm : config.resource_managers) {
    auto loaded = tm::ResourceManager::load(rm, "xabridge-tool");
    if (loaded) {
      all.push_back({rm.name, *loaded, std::nullopt});
    } else {
      all.push_back({rm.name, nullptr, loaded.error()});
    }
  }
  return all;
}

std::string not_configured(const Config& config, const std::string& name) {
  const auto& all = config.resource_managers;
  const bool known =
      std::any_of(all.begin(), all.end(), [&](const auto& rm) { return rm.name == name; });
  if (name.empty() || known) return {};
  std::string text = "; " + name + " is not configured, there are:";
  for (const ResourceManagerConfig& rm : all) text += " " + rm.name;
  return text;
}

Columns::Columns(std::vector<std::string> header) : header_(std::move(header)) {}

void Columns::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

void Columns::print(std::ostream& out, const std::string& indent) const {
  std::vector<std::size_t> width;
  const auto measure = [&](const std::vector<std::string>& row) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  };
  measure(header_);
  for (const auto& row : rows_) measure(row);
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text = indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(width[i] - row[i].size() + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  if (!header_.empty()) line(header_);
  for (const auto& row : rows_) line(row);
}

std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) out += c >= ' ' && c < 0x7f ? c : '?';
  return out;
}

std::string age_text(long seconds) {
  if (seconds < 0) return "?";
  constexpr long kMinute = 60;
  constexpr long kHour = 60 * kMinute;
  constexpr long kDay = 24 * kHour;
  const auto two = [](long a, const char* big, long b, const char* small) {
    return std::to_string(a) + big + (b == 0 ? "" : " " + std::to_string(b) + small);
  };
  if (seconds < kMinute) return std::to_string(seconds) + "s";
  if (seconds < kHour) return two(seconds / kMinute, "m", seconds % kMinute, "s");
  if (seconds < kDay) return two(seconds / kHour, "h", seconds % kHour / kMinute, "m");
  return two(seconds / kDay, "d", seconds % kDay / kHour, "h");
}

std::string count_text(std::size_t n, const std::string& singular, const std::string& plural) {
  return std::to_string(n) + " " + (n == 1 ? singular : plural);
}

}  // namespace xabridge::cli
