// Reading and checking an open string. Everything that can be known to be wrong without the server
// is refused here; in particular no TLS setting is silently without effect.
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <optional>
#include <utility>
#include <xabridge/rm/open_string.hpp>

#include "errors.hpp"

namespace xabridge::mysql {
namespace {

constexpr std::string_view kOperation = "read open string";

constexpr auto kKeys =
    std::to_array<std::string_view>({"host", "port", "socket", "user", "password", "passwordfile",
                                     "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey",
                                     "connect_timeout", "charset", "isolation", "idle_limit",
                                     "pool_size", "pool_timeout", "max_age", "max_idle",
                                     "prepare_at_end"});

constexpr std::pair<std::string_view, SslMode> kModes[] = {
    {"disable", SslMode::disable},         {"prefer", SslMode::prefer},
    {"require", SslMode::require},         {"verify-ca", SslMode::verify_ca},
    {"verify-full", SslMode::verify_full},
};

Error invalid(std::string message) {
  return make_error(XAER_INVAL, kOperation, nullptr, std::move(message));
}

std::optional<SslMode> mode_named(std::string_view name) {
  for (const auto& [text, mode] : kModes) {
    if (text == name) return mode;
  }
  return std::nullopt;
}

/// A socket replaces host and port; a host with URI characters would be read as something else.
std::optional<Error> read_address(const rm::OpenString& text, Settings& settings) {
  if (auto host = text.get("host"); host && !host->empty()) settings.host = *host;
  if (auto socket = text.get("socket"); socket && !socket->empty()) settings.socket = *socket;
  if (settings.host.front() == '/') {
    if (!settings.socket.empty()) {
      return invalid(
          "host begins with '/' and so names a socket, but socket is given too: keep one");
    }
    settings.socket = settings.host;
    settings.host = "localhost";
  }
  if (settings.host.find_first_of("/?#@[] \t") != std::string::npos) {
    return invalid("host=" + settings.host +
                   " is neither a host name, an address nor a socket path");
  }
  auto port = text.number("port", 1, 65535, settings.port);
  if (!port) return port.error();
  settings.port = static_cast<int>(*port);
  return std::nullopt;
}

std::optional<Error> read_login(const rm::OpenString& text, Settings& settings) {
  settings.user = text.get("user").value_or("");
  if (settings.user.empty()) return invalid("user is missing: add user=<account name>");
  settings.dbname = text.get("dbname").value_or("");
  if (settings.dbname.empty()) return invalid("dbname is missing: add dbname=<database>");
  auto password = text.password();
  if (!password) return password.error();
  settings.password = (*password).value_or("");
  if (auto charset = text.get("charset"); charset && !charset->empty()) settings.charset = *charset;
  return std::nullopt;
}

std::optional<Error> read_tls(const rm::OpenString& text, Settings& settings) {
  if (auto name = text.get("sslmode")) {
    const auto mode = mode_named(*name);
    if (!mode) {
      return invalid("sslmode=" + *name +
                     " is unknown: use disable, prefer, require, verify-ca or verify-full");
    }
    settings.ssl_mode = *mode;
  }
  settings.ssl_ca = text.get("sslrootcert").value_or("");
  settings.ssl_cert = text.get("sslcert").value_or("");
  settings.ssl_key = text.get("sslkey").value_or("");

  const bool verify = settings.ssl_mode >= SslMode::verify_ca;
  if (verify && settings.ssl_ca.empty()) {
    return invalid("sslmode=verify-ca and verify-full need sslrootcert=<file of the authority>");
  }
  if (settings.ssl_mode < SslMode::require && !settings.ssl_ca.empty()) {
    return invalid(
        "sslrootcert would not be used with sslmode=disable or prefer: use verify-ca or "
        "verify-full");
  }
  if (settings.ssl_mode == SslMode::verify_full && !settings.socket.empty()) {
    return invalid("sslmode=verify-full checks a host name and a socket has none: use verify-ca");
  }
  if (settings.ssl_cert.empty() != settings.ssl_key.empty()) {
    return invalid("sslcert and sslkey belong together: one of them is missing");
  }
  // libpq's rule: whoever names an authority wants it checked.
  if (settings.ssl_mode == SslMode::require && !settings.ssl_ca.empty()) {
    settings.ssl_mode = SslMode::verify_ca;
  }
  return std::nullopt;
}

/// `read committed`, in any case, with space, hyphen or underscore.
std::optional<Error> read_isolation(const rm::OpenString& text, Settings& settings) {
  std::string name = text.get("isolation").value_or("");
  if (name.empty()) return std::nullopt;
  std::ranges::transform(name, name.begin(), [](unsigned char c) {
    return c == ' ' || c == '_' ? '-' : static_cast<char>(std::toupper(c));
  });
  constexpr std::string_view kLevels[] = {"READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ",
                                          "SERIALIZABLE"};
  if (std::ranges::find(kLevels, name) == std::end(kLevels)) {
    return invalid("isolation=" + *text.get("isolation") +
                   " is unknown: use read-uncommitted, read-committed, repeatable-read or "
                   "serializable");
  }
  settings.isolation = name;
  return std::nullopt;
}

std::optional<Error> read_limits(const rm::OpenString& text, Settings& settings) {
  auto timeout = text.number("connect_timeout", 1, 3600, settings.connect_timeout);
  if (!timeout) return timeout.error();
  settings.connect_timeout = static_cast<int>(*timeout);
  auto idle = text.number("idle_limit", 0, 31536000, settings.idle_limit);
  if (!idle) return idle.error();
  settings.idle_limit = static_cast<int>(*idle);
  auto size = text.number("pool_size", 1, 10000, static_cast<long>(settings.pool_size));
  if (!size) return size.error();
  settings.pool_size = static_cast<std::size_t>(*size);
  auto wait = text.number("pool_timeout", 1, 86400, settings.pool_timeout.count() / 1000);
  if (!wait) return wait.error();
  settings.pool_timeout = std::chrono::seconds(*wait);
  constexpr long thirty_days = 30 * 86400;
  auto age = text.number("max_age", 0, thirty_days, settings.max_age.count() / 1000);
  if (!age) return age.error();
  settings.max_age = std::chrono::seconds(*age);
  auto unused = text.number("max_idle", 0, thirty_days, settings.max_idle.count() / 1000);
  if (!unused) return unused.error();
  settings.max_idle = std::chrono::seconds(*unused);
  auto at_end = text.number("prepare_at_end", 0, 1, 0);
  if (!at_end) return at_end.error();
  settings.prepare_at_end = *at_end == 1;
  return std::nullopt;
}

}  // namespace

std::string Settings::address() const {
  const std::string place = socket.empty() ? host + ":" + std::to_string(port) : socket;
  return user + "@" + place + "/" + dbname;
}

Result<Settings> parse_settings(std::string_view open_string) {
  auto text = rm::OpenString::parse(open_string, kKeys);
  if (!text) return text.error();
  Settings settings;
  for (auto* read : {read_address, read_login, read_tls, read_isolation, read_limits}) {
    if (auto error = read(*text, settings)) return *std::move(error);
  }
  return settings;
}

}  // namespace xabridge::mysql
