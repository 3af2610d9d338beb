// Loads a configuration of the documentation as the library would, its open strings as the drivers
// would.
//
// usage: docs-check-toml FILE NAME [--defaults]     NAME: for messages; --defaults: and every value
// in it is the default
#include <fstream>
#include <iostream>
#include <regex>
#include <sstream>
#include <xabridge/config.hpp>

#include "options.hpp"
#include "settings.hpp"

namespace {

/// The password file of an example exists nowhere.
std::string without_file(const std::string& open) {
  return std::regex_replace(open, std::regex("passwordfile=\\S+"), "password=x");
}

/// Empty: nothing is wrong.
std::string open_string_fault(const xabridge::ResourceManagerConfig& rm) {
  std::string fault;
  if (rm.driver == "postgresql") {
    const auto read = xabridge::postgresql::Options::parse(without_file(rm.open));
    if (!read) fault = read.error().to_string();
  } else if (rm.driver == "mysql") {
    const auto read = xabridge::mysql::parse_settings(without_file(rm.open));
    if (!read) fault = read.error().to_string();
  }
  return fault.empty() ? fault : rm.name + ": " + fault;
}

bool same(const xabridge::Backoff& a, const xabridge::Backoff& b) {
  return a.initial == b.initial && a.maximum == b.maximum;
}

/// Empty: everything optional is as if it were not there.
std::string not_default(const xabridge::Config& c) {
  const xabridge::Config d;
  if (c.log_segment_size != d.log_segment_size) return "log.segment_size";
  if (c.timeout != d.timeout) return "transaction.timeout";
  if (c.completion_timeout != d.completion_timeout) return "transaction.completion_timeout";
  if (c.max_retries != d.max_retries) return "transaction.max_retries";
  if (!same(c.retry_backoff, d.retry_backoff)) return "transaction.retry_backoff_*";
  if (c.recovery_start_timeout != d.recovery_start_timeout) return "recovery.start_timeout";
  if (c.recovery_interval != d.recovery_interval) return "recovery.interval";
  if (c.recovery_backoff_maximum != d.recovery_backoff_maximum) return "recovery.backoff_maximum";
  if (c.recovery_background != d.recovery_background) return "recovery.background";
  if (c.logging_level != d.logging_level) return "logging.level";
  return {};
}

int fail(const std::string& text) {
  std::cerr << text << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail("usage: docs-check-toml FILE NAME [--defaults]");
  std::ostringstream text;
  text << std::ifstream(argv[1]).rdbuf();
  const auto config = xabridge::Config::try_parse(text.str(), argv[2]);
  if (!config) return fail(config.error().to_string());
  for (const auto& rm : config->resource_managers) {
    if (const auto fault = open_string_fault(rm); !fault.empty()) return fail(fault);
  }
  if (argc > 3) {
    const std::string key = not_default(*config);
    if (!key.empty()) return fail(key + " is not the default");
  }
  return 0;
}
