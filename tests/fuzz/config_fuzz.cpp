// Configuration files: a Config, or an error that names the source and says what is wrong.

#include <string>
#include <xabridge/config.hpp>

#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using xabridge::fuzz::require;
  const auto config = xabridge::Config::try_parse(xabridge::fuzz::as_text(data, size), "bank.toml");
  if (!config) {
    require(config.error().xa_code == XAER_INVAL, "a wrong configuration is not XAER_INVAL");
    require(config.error().message.starts_with("bank.toml"), "an error does not name the file");
    require(config.error().message.size() > sizeof "bank.toml: ", "an error without a reason");
    return 0;
  }
  require(!config->resource_managers.empty(), "a configuration without resource managers");
  require(!config->log_directory.empty(), "a configuration without a log directory");
  for (const auto& rm : config->resource_managers) {
    require(!rm.name.empty() && rm.name.size() <= 32, "a name no bqual has room for");
    require(rm.open.size() < MAXINFOSIZE, "an open string longer than xa_info");
  }
  require(config->timeout.count() >= 0 && config->max_retries >= 0, "a negative limit");
  return 0;
}
