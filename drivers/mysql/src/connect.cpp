// Connection options, and what they really do.
//
// The library's TLS options depend on what it was built on. Seen with Debian's 1.1.12 on
// libmariadb: OPT_SSL_MODE is ignored without a word; sslEnforce makes TLS compulsory; sslCA makes
// TLS compulsory for the authority named (a wrong one fails with 2026); sslVerify adds the check of
// the host name (an address that is not in the certificate fails with 2026). On Oracle's libraries
// OPT_SSL_MODE is the one that counts. Both are set, and a session that had to be encrypted and is
// not is refused.
#include "connect.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <utility>
#include <xabridge/rm/children.hpp>
#include <xabridge/rm/session.hpp>

#include "call_limit.hpp"
#include "errors.hpp"
#include "socket_of.hpp"

namespace xabridge::mysql {
namespace {

constexpr const char* kOperation = "connect";
constexpr int kTlsError = 2026;
constexpr int kServerIsFull = 1040;

/// One log-in, of perhaps two connections.
struct Attempt {
  std::chrono::steady_clock::time_point deadline;
  std::atomic<bool> late{false};

  /// For the library's own limit, which holds until the server's first word.
  [[nodiscard]] int seconds_left() const {
    const auto left = std::chrono::ceil<std::chrono::seconds>(deadline -
                                                              std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::chrono::seconds::rep>(left.count(), 1));
  }
};

sql::SQLString text(const std::string& value) { return sql::SQLString(value); }

void set_address(const Settings& settings, sql::ConnectOptionsMap& options) {
  if (!settings.socket.empty()) {
    options["hostName"] = text("unix://" + settings.socket);
    return;
  }
  const bool bare_ipv6 = settings.host.find(':') != std::string::npos;
  options["hostName"] = text("tcp://" + (bare_ipv6 ? "[" + settings.host + "]" : settings.host));
  options["port"] = settings.port;
}

void set_tls(const Settings& settings, SslMode mode, sql::ConnectOptionsMap& options) {
  const sql::ssl_mode native[] = {sql::SSL_MODE_DISABLED, sql::SSL_MODE_PREFERRED,
                                  sql::SSL_MODE_REQUIRED, sql::SSL_MODE_VERIFY_CA,
                                  sql::SSL_MODE_VERIFY_IDENTITY};
#if !__has_include(<mysql/jdbc.h>)
  // Oracle's newer libraries take these two as other words for OPT_SSL_MODE and would weaken it.
  options["sslEnforce"] = mode >= SslMode::prefer;
  options["sslVerify"] = mode == SslMode::verify_full;
#endif
  options["OPT_SSL_MODE"] = static_cast<int>(native[static_cast<std::size_t>(mode)]);
  if (mode == SslMode::disable) return;
  if (!settings.ssl_ca.empty()) options["sslCA"] = text(settings.ssl_ca);
  if (!settings.ssl_cert.empty()) options["sslCert"] = text(settings.ssl_cert);
  if (!settings.ssl_key.empty()) options["sslKey"] = text(settings.ssl_key);
}

std::unique_ptr<sql::Connection> log_in(const Settings& settings, SslMode mode,
                                        const std::string& owner_tag, const Attempt& attempt) {
  sql::ConnectOptionsMap options;
  set_address(settings, options);
  set_tls(settings, mode, options);
  options["userName"] = text(settings.user);
  options["password"] = text(settings.password);
  options["schema"] = text(settings.dbname);
  options["OPT_CONNECT_TIMEOUT"] = attempt.seconds_left();
  options["OPT_RECONNECT"] = false;
  // A limit of the server, or of init_connect, would cut what the library and we ask: which server
  // it is, which settings there are. It would cut what the application asks, too, without a word.
  options["preInit"] = text("SET SESSION sql_select_limit = 18446744073709551615");
  options["OPT_CHARSET_NAME"] = text(settings.charset);
  options["characterSetResults"] = text(settings.charset);
#if __has_include(<mysql/jdbc.h>)
  // Without TLS caching_sha2_password needs the server's key; libmariadb always asks for it.
  options["OPT_GET_SERVER_PUBLIC_KEY"] = true;
#endif
  std::map<sql::SQLString, sql::SQLString> attributes;
  attributes["program_name"] = "xabridge";
  if (!owner_tag.empty()) attributes[kOwnerAttribute] = text(owner_tag);
  options["OPT_CONNECT_ATTR_ADD"] = attributes;
  return std::unique_ptr<sql::Connection>(connector().connect(options));
}

std::string cipher(sql::Connection& connection) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  const std::unique_ptr<sql::ResultSet> row(
      statement->executeQuery("SHOW SESSION STATUS LIKE 'Ssl_cipher'"));
  return row->next() ? std::string(row->getString(2)) : std::string();
}

/// Told before the greeting, the library makes a failure of its own of it (2002), and cites it.
bool says_full(const sql::SQLException& failure) {
  return std::string_view(failure.what()).find("Too many connections") != std::string_view::npos;
}

Error describe(const sql::SQLException& failure, const Settings& settings, bool late) {
  Error error = make_error(failure, kOperation, nullptr);
  if (says_full(failure)) {
    const ErrorRow& full = error_row(kServerIsFull);
    error.vendor_code = kServerIsFull;
    error.message = "connect failed: " + std::string(full.reason) + "; " + std::string(full.advice);
  }
  // The server is there; it is the protection that does not come about.
  if (error.vendor_code == kTlsError) error.xa_code = XAER_RMERR;
  if (late) tell_late(error);
  error.message += " (" + settings.address() + ")";
  return error;
}

std::unique_ptr<sql::Connection> log_in_as_preferred(const Settings& settings,
                                                     const std::string& owner_tag,
                                                     const Attempt& attempt) {
  if (settings.ssl_mode != SslMode::prefer)
    return log_in(settings, settings.ssl_mode, owner_tag, attempt);
  // A socket never leaves the host: encryption would only cost.
  if (!settings.socket.empty()) return log_in(settings, SslMode::disable, owner_tag, attempt);
  try {
    return log_in(settings, SslMode::prefer, owner_tag, attempt);
  } catch (const sql::SQLException& failure) {
    if (failure.getErrorCode() != kTlsError || attempt.late) throw;
  }
  return log_in(settings, SslMode::disable, owner_tag, attempt);
}

/// A server's host that vanishes says no word. The kernel asks after a minute of silence, and ends
/// what waits after another; the library leaves it at the system's two hours.
void notice_vanished_host(const Socket& socket) noexcept {
  constexpr int kSilence = 60;
  constexpr int kBetween = 10;
  constexpr int kTries = 6;
  ::setsockopt(socket.fd, IPPROTO_TCP, TCP_KEEPIDLE, &kSilence, sizeof kSilence);
  ::setsockopt(socket.fd, IPPROTO_TCP, TCP_KEEPINTVL, &kBetween, sizeof kBetween);
  ::setsockopt(socket.fd, IPPROTO_TCP, TCP_KEEPCNT, &kTries, sizeof kTries);
}

}  // namespace

Result<std::unique_ptr<sql::Connection>> open_connection(const Settings& settings,
                                                         const std::string& owner_tag,
                                                         Socket* socket) {
  const auto now = std::chrono::steady_clock::now();
  Attempt attempt{
      std::min(rm::call_deadline(), now + std::chrono::seconds(settings.connect_timeout))};
  if (attempt.deadline <= now) {
    return make_error(XAER_RMFAIL, kOperation, nullptr,
                      "connect not tried: the time for the call is over (" + settings.address() +
                          ")");
  }
  try {
    const rm::LogIn under_way(attempt.deadline);
    if (const char* const why = under_way.refused(); why != nullptr) {
      return make_error(XAER_RMFAIL, kOperation, nullptr,
                        std::string("connect not tried: ") + why + " (" + settings.address() + ")");
    }
    CallLimit limit(attempt.deadline);
    // From the server's greeting on, when nobody is logged in yet.
    const SocketOf seen([&](const Socket& found) {
      rm::close_on_exec(found.fd);
      limit.watch(found, attempt.late);
    });
    auto connection =
        rm::connect_hidden([&] { return log_in_as_preferred(settings, owner_tag, attempt); },
                           [&](const sql::Connection&) { return seen.socket().fd; });
    if (settings.ssl_mode >= SslMode::require && cipher(*connection).empty()) {
      return make_error(XAER_RMERR, kOperation, nullptr,
                        "connect failed: sslmode demands TLS but the session is not encrypted (" +
                            settings.address() +
                            "); switch TLS on in the server (ssl_cert, ssl_key)");
    }
    if (settings.socket.empty() && seen.socket().known()) notice_vanished_host(seen.socket());
    if (socket != nullptr) *socket = seen.socket();
    return connection;
  } catch (const sql::SQLException& failure) {
    return describe(failure, settings, attempt.late);
  } catch (const std::exception& failure) {
    return make_error(
        XAER_RMERR, kOperation, nullptr,
        std::string("connect failed: ") + failure.what() + " (" + settings.address() + ")");
  }
}

}  // namespace xabridge::mysql
