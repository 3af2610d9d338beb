// Open strings, as an administrator or another program may have written them, through the common
// reader and both drivers' own. Nothing is connected to.
//
// A refusal names the mistake and never shows a password; what is accepted and holds none reads the
// same again from its canonical form.

#include <array>
#include <drivers/mysql/src/settings.hpp>
#include <drivers/postgresql/src/options.hpp>
#include <string>
#include <xabridge/rm/open_string.hpp>

#include "input.hpp"

namespace {

using xabridge::fuzz::require;
using xabridge::rm::OpenString;

constexpr std::array<std::string_view, 8> kKeys{"host",   "port",     "user",         "dbname",
                                                "socket", "password", "passwordfile", "sslmode"};

void read(std::string_view text) {
  auto parsed = OpenString::parse(text, kKeys);
  if (!parsed) {
    require(parsed.error().xa_code == XAER_INVAL, "a malformed open string is not XAER_INVAL");
    require(!parsed.error().message.empty(), "a refusal without a reason");
    return;
  }
  if (parsed->has("password")) return;
  const auto again = OpenString::parse(parsed->redacted(), kKeys);
  require(again.ok() && again->pairs() == parsed->pairs(),
          "the canonical form means another thing");
}

void keep_secret(std::string_view text) {
  static const std::string secret = "S3cr3t-that-nobody-may-see";
  if (text.find(secret) != std::string_view::npos) return;  // it then is no secret
  const std::string whole = "password=" + secret + std::string(text);
  const auto parsed = OpenString::parse(whole, kKeys);
  const std::string shown =
      parsed ? parsed->redacted() : parsed.error().message + parsed.error().server_text;
  require(shown.find(secret) == std::string::npos, "a password is shown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = xabridge::fuzz::as_text(data, size);
  read(text);
  keep_secret(text);
  if (const auto options = xabridge::postgresql::Options::parse(text))
    require(options->pool_size() > 0, "a pool without room is accepted");
  if (const auto settings = xabridge::mysql::parse_settings(text))
    require(settings->port > 0 && settings->port < 65536 && !settings->user.empty() &&
                settings->pool_size > 0,
            "settings are accepted that cannot work");
  return 0;
}
