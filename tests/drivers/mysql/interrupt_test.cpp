// Interruptions reach their session, and nobody else: after a restart of the server, at a server
// that is full, and without a log-in for each.
#include <future>

#include <xabridge/codes.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

struct Blocked {
  std::unique_ptr<rm::Session> session;
  Xid xid;
  std::future<int> statement;
};

MysqlSession& own(rm::Session& session) { return static_cast<MysqlSession&>(session); }

/// A branch whose statement waits for a row that `holder` has.
Blocked blocked(Fixture& f, std::unique_ptr<rm::Session> session) {
  Blocked b{std::move(session), f.xid(), {}};
  REQUIRE(b.session->begin(b.xid).code == XA_OK);
  b.statement = std::async(std::launch::async, [&f, s = b.session.get()] {
    return Fixture::work(own(*s), f.set(1, 2));
  });
  REQUIRE(eventually([&] {
    return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                            b.session->server_id() + " AND command = 'Query'") == "1";
  }));
  return b;
}

}  // namespace

TEST_CASE("an interruption at a full server reaches the statement") {
  Fixture f;
  MysqlServer server(parse_settings(open_string()).value());
  auto holder = f.session();
  const Xid held = f.xid();
  REQUIRE(holder->begin(held).code == XA_OK);
  REQUIRE(Fixture::work(*holder, f.set(1, 1)) == 0);
  auto waiter = blocked(f, server.connect("").value());
  Plain admin(server_setting("_ADMIN"));
  const std::string usual = admin.value("SELECT @@GLOBAL.max_connections");
  // MariaDB does not go below ten.
  admin.run("SET GLOBAL max_connections = 10");
  std::vector<std::unique_ptr<Plain>> crowd;
  bool full = false;
  for (int i = 0; i < 20 && !full; ++i) {
    try {
      crowd.push_back(std::make_unique<Plain>(open_string()));
    } catch (const std::exception&) {
      full = true;
    }
  }
  CHECK(full);
  waiter.session->interrupt();
  CHECK(waiter.statement.get() == 1317);
  admin.run("SET GLOBAL max_connections = " + usual);
  crowd.clear();
  CHECK(waiter.session->rollback(waiter.xid).code == XA_OK);
  CHECK(holder->rollback(held).code == XA_OK);
}

TEST_CASE("repeated interruptions log in once") {
  Fixture f;
  MysqlServer server(parse_settings(open_string()).value());
  auto session = server.connect("").value();
  REQUIRE(session->begin(f.xid()).code == XA_OK);
  const auto logins = [&] {
    std::istringstream line(f.observer.value("SELECT CONCAT(variable_value) FROM " +
                                             std::string(on_mariadb() ? "information_schema"
                                                                      : "performance_schema") +
                                             ".global_status WHERE variable_name = 'Connections'"));
    long number = 0;
    line >> number;
    return number;
  };
  const long before = logins();
  for (int i = 0; i < 20; ++i) session->interrupt();
  CHECK(logins() == before);
}

TEST_CASE("after a restart of the server an interruption hits no stranger with the session's id") {
  control("restart");  // ids begin anew, so that they are soon reached again
  auto f = std::make_unique<Fixture>();
  MysqlServer server(parse_settings(open_string()).value());
  // So high that it is a stranger's some time after the restart.
  std::vector<std::unique_ptr<Plain>> earlier;
  for (int i = 0; i < 10; ++i) earlier.push_back(std::make_unique<Plain>(open_string()));
  auto session = server.connect("").value();
  REQUIRE(session->begin(f->xid()).code == XA_OK);
  earlier.clear();
  const long id = std::stol(session->server_id());
  control("restart");
  f->observer = Plain(open_string());

  std::vector<std::unique_ptr<Plain>> strangers;
  long newest = 0;
  while (newest < id) {
    strangers.push_back(std::make_unique<Plain>(open_string()));
    newest = std::stol(strangers.back()->value("SELECT CONNECTION_ID()"));
    if (strangers.size() > 30) strangers.erase(strangers.begin());
  }
  REQUIRE(newest == id);
  auto statement = std::async(std::launch::async, [&] {
    return strangers.back()->value("SELECT SLEEP(2)");  // 1 or an error: interrupted
  });
  REQUIRE(eventually([&] {
    return f->observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                             std::to_string(id) + " AND command = 'Query'") == "1";
  }));
  session->interrupt();
  CHECK(statement.get() == "0");
}

}  // namespace xabridge::mysql::test
