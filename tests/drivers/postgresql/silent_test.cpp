// A host that takes connections and says nothing: others of the open string are tried.

#include <chrono>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "proxy.hpp"

using namespace xabridge;
using namespace xabridge::test;
using namespace std::chrono_literals;

namespace {

std::string value_of(const std::string& open_string, const std::string& key) {
  const auto at = (" " + open_string).find(" " + key + "=");
  REQUIRE(at != std::string::npos);
  const auto begin = at + key.size() + 1;
  return open_string.substr(begin, open_string.find(' ', begin) - begin);
}

std::string with(std::string open_string, const std::string& key, const std::string& value) {
  const std::string old = key + "=" + value_of(open_string, key);
  return open_string.replace(open_string.find(old), old.size(), key + "=" + value);
}

struct Hosts {
  std::string real = environment("XABRIDGE_TEST_POSTGRESQL");
  Proxy silent{real};
  std::string silent_port = value_of(silent.open_string(), "port");
  std::string real_port = value_of(real, "port");
  Hosts() { silent.set(Proxy::Mode::stall); }
};

}  // namespace

TEST_CASE("a silent host is left for the next one after connect_timeout") {
  Hosts hosts;
  const std::string host = GENERATE("127.0.0.1,127.0.0.1", "127.0.0.1,localhost");
  std::string two = with(hosts.real, "host", host);
  two = with(two, "port", hosts.silent_port + "," + hosts.real_port) + " connect_timeout=2";
  SECTION("as given") {}
  SECTION("the primary is wanted") { two += " target_session_attrs=primary"; }
  SECTION("a standby would be liked better") { two += " target_session_attrs=prefer-standby"; }
  SECTION("with addresses") { two += " hostaddr=127.0.0.1,127.0.0.1"; }
  const SessionPtr session = open_session(two);
  CHECK(session->alive());
  CHECK(PQport(static_cast<PGconn*>(session->native())) == hosts.real_port);
}

TEST_CASE("a host that stays silent is an error within connect_timeout") {
  Hosts hosts;
  const std::string host = GENERATE("127.0.0.1", "localhost");
  const std::string one = with(hosts.silent.open_string(), "host", host) + " connect_timeout=2";
  const auto start = std::chrono::steady_clock::now();
  auto server = postgresql::driver().parse(one).value();
  const auto session = server->connect("test");
  REQUIRE_FALSE(session.ok());
  INFO(session.error().to_string());
  CHECK(session.error().xa_code == XAER_RMFAIL);
  CHECK(session.error().to_string().find("A firewall that drops") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < 60s);
}
