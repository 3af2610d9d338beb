// Open strings that cannot be right are refused before anything is connected, naming the key.

#include <cstdlib>
#include <string>

#include "catch.hpp"
#include "driver.hpp"
#include "options.hpp"

using xabridge::postgresql::driver;

namespace {
xabridge::Error refused(const std::string& open_string) {
  auto server = driver().parse(open_string);
  REQUIRE_FALSE(server.ok());
  INFO(server.error().message);
  CHECK(server.error().xa_code == XAER_INVAL);
  return server.error();
}
bool names(const xabridge::Error& error, const std::string& word) {
  return error.to_string().find(word) != std::string::npos;
}
}  // namespace

TEST_CASE("an unknown key is refused and the nearest one suggested") {
  const auto error = refused("hosst=db1 dbname=bank");
  CHECK(names(error, "hosst"));
  CHECK(names(error, "\"host\""));
}

TEST_CASE("a replication connection is refused") {
  CHECK(names(refused("replication=1"), "replication"));
}

TEST_CASE("a port that is no port is refused") {
  for (const char* port : {"0", "65536", "-1", "54x2", "5432,", "5432,0", "''"}) {
    INFO(port);
    CHECK(names(refused(std::string("port=") + port), "port"));
  }
  CHECK(driver().parse("host=a,b port=5432,5433").ok());
}

TEST_CASE("numbers out of range are refused by key") {
  CHECK(names(refused("connect_timeout=0"), "connect_timeout"));
  CHECK(names(refused("pool_size=0"), "pool_size"));
  CHECK(names(refused("pool_timeout=soon"), "pool_timeout"));
  CHECK(names(refused("max_age=-1"), "max_age"));
  CHECK(names(refused("max_idle=2592001"), "max_idle"));
}

TEST_CASE("pool limits have defaults and can be set") {
  auto plain = driver().parse("host=db1");
  REQUIRE(plain.ok());
  CHECK((*plain)->pool_size() == 64);
  CHECK((*plain)->pool_timeout() == std::chrono::seconds(30));
  CHECK((*plain)->max_age() == std::chrono::hours(1));
  CHECK((*plain)->max_idle() == std::chrono::minutes(5));
  auto set = driver().parse("host=db1 pool_size=3 pool_timeout=0 max_age=0 max_idle=7");
  REQUIRE(set.ok());
  CHECK((*set)->max_age() == std::chrono::seconds(0));
  CHECK((*set)->max_idle() == std::chrono::seconds(7));
  CHECK((*set)->pool_size() == 3);
  CHECK((*set)->pool_timeout() == std::chrono::seconds(0));
}

TEST_CASE("every connection keyword of a cluster set-up is accepted") {
  CHECK(
      driver()
          .parse("host=a hostaddr=127.0.0.1 port=1 user=u password=p dbname=d sslmode=verify-full "
                 "sslrootcert=/ca sslcert=/c sslkey=/k connect_timeout=3 "
                 "target_session_attrs=read-write options='-c work_mem=1MB' application_name=app "
                 "keepalives=1 keepalives_idle=5 tcp_user_timeout=1000 service=s passfile=/p")
          .ok());
}

TEST_CASE("what libpq marks as secret is not shown") {
  int secrets = 0;
  PQconninfoOption* const all = PQconndefaults();
  for (const PQconninfoOption* option = all; option->keyword != nullptr; ++option) {
    if (*option->dispchar != '*') continue;
    ++secrets;
    const std::string text = "host=db1 " + std::string(option->keyword) + "=hunter2secret";
    auto options = xabridge::postgresql::Options::parse(text);
    REQUIRE(options.ok());
    INFO(options->target());
    CHECK(options->target() == "host=db1 " + std::string(option->keyword) + "=***");
    CHECK_FALSE(names(refused(text + " more here"), "hunter2secret"));
  }
  PQconninfoFree(all);
  CHECK(secrets > 0);
}

TEST_CASE("a missing password file is named and no password is shown") {
  CHECK(names(refused("user=u passwordfile=/nowhere/secret"), "/nowhere/secret"));
  CHECK_FALSE(names(refused("password=hunter2secret prot=1"), "hunter2secret"));
  CHECK_FALSE(names(refused("password=hunter2secret port=x"), "hunter2secret"));
}
