// What is set for a whole server, so that no other test may use it meanwhile.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fixture.hpp"

namespace xabridge::mysql::test {

TEST_CASE("a server that is full says so before its greeting") {
  struct Full {
    Plain admin{server_setting("_ADMIN")};
    const std::string usual = admin.value("SELECT @@GLOBAL.max_connections");
    std::vector<std::unique_ptr<Plain>> taken;
    Full() { admin.run("SET GLOBAL max_connections = 10"); }
    Full(const Full&) = delete;
    Full& operator=(const Full&) = delete;
    ~Full() { admin.run("SET GLOBAL max_connections = " + usual); }
  };
  Full full;
  std::optional<Error> refused;
  while (!refused && full.taken.size() < 20) {
    try {
      full.taken.push_back(std::make_unique<Plain>(open_string()));
    } catch (const std::exception&) {
      auto session = MysqlSession::open(
          std::make_shared<const Settings>(parse_settings(open_string()).value()), "");
      REQUIRE(!session);
      refused = session.error();
    }
  }
  REQUIRE(refused);
  CHECK(refused->vendor_code == 1040);
  CHECK(refused->xa_code == XAER_RMFAIL);
  CHECK(refused->message.find("max_connections") != std::string::npos);
}

// Which server it is, and which settings a session has, are rows.
TEST_CASE("a limit on rows that the server sets hides nothing from the driver") {
  struct Limit {
    Plain admin{server_setting("_ADMIN")};
    explicit Limit(const std::string& rows) { admin.run("SET GLOBAL sql_select_limit = " + rows); }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;
    ~Limit() { admin.run("SET GLOBAL sql_select_limit = DEFAULT"); }
  };
  Fixture f;
  const std::string usual = f.session()->server();
  CHECK(usual.size() > std::string("mariadb:").size());
  const std::string rows = GENERATE("0", "1", "5");
  const Limit limit(rows);
  auto session = f.session();
  CHECK(session->server() == usual);
  CHECK(session->query("SELECT id FROM " + f.table).value().size() > 1);
}

}  // namespace xabridge::mysql::test
