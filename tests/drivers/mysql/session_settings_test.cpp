// What a session is set to: isolation, character set, how long the server keeps it, and by which
// mark a dead owner's sessions are ended.
#include <unistd.h>

#include "fixture.hpp"

namespace xabridge::mysql::test {

TEST_CASE("the isolation level of the open string is that of every branch") {
  Fixture f;
  auto writer = f.session();
  for (const bool committed : {true, false}) {
    const auto settings = std::make_shared<const Settings>(
        parse_settings(open_string_with("isolation",
                                        committed ? "read-committed" : "REPEATABLE_READ"))
            .value());
    auto reader = MysqlSession::open(settings, "").value();
    for (int branch = 0; branch < 2; ++branch) {
      const auto value = [&] {
        auto* connection = static_cast<sql::Connection*>(reader->native());
        const std::unique_ptr<sql::Statement> statement(connection->createStatement());
        const std::unique_ptr<sql::ResultSet> row(
            statement->executeQuery("SELECT v FROM " + f.table + " WHERE id = 1"));
        REQUIRE(row->next());
        return row->getInt(1);
      };
      const Xid xid = f.xid();
      REQUIRE(reader->begin(xid).code == XA_OK);
      const int before = value();
      f.observer.run("UPDATE " + f.table + " SET v = v + 1 WHERE id = 1");
      CHECK(value() == (committed ? before + 1 : before));
      CHECK(reader->rollback(xid).code == XA_OK);
      CHECK(reader->reusable());
    }
  }
}

TEST_CASE("a level that the application chooses in a branch does not stay for the next") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  // Refused by the server; for the session, which is what the library asks for, it is allowed.
  CHECK(Fixture::work(*session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE") == 1568);
  static_cast<sql::Connection*>(session->native())
      ->setTransactionIsolation(sql::TRANSACTION_SERIALIZABLE);
  CHECK(session->rollback(xid).code == XA_OK);
  CHECK(!session->reusable());
}

TEST_CASE("a character set that does not exist is named as the reason") {
  for (const char* name : {"utf9", "latin99"}) {
    const auto refused =
        open_connection(parse_settings(open_string_with("charset", name)).value(), "");
    REQUIRE(!refused);
    INFO(refused.error().to_string());
    CHECK(refused.error().xa_code == XAER_RMERR);
    CHECK(refused.error().message.find("charset") != std::string::npos);
  }
}

TEST_CASE("a session whose client is silent for ever is kept as long as its branch may last") {
  Fixture f;
  const auto kept = [](MysqlSession& session) {
    auto* connection = static_cast<sql::Connection*>(session.native());
    const std::unique_ptr<sql::Statement> statement(connection->createStatement());
    const std::unique_ptr<sql::ResultSet> row(statement->executeQuery("SELECT @@wait_timeout"));
    REQUIRE(row->next());
    return std::chrono::seconds(row->getInt64(1));
  };
  auto session = f.session();
  const auto usual = kept(*session);
  const auto branch = [&](std::chrono::steady_clock::time_point deadline) {
    const rm::CallDeadline limit(deadline);
    const Xid xid = f.xid();
    REQUIRE(session->begin(xid).code == XA_OK);
    const auto seconds = kept(*session);
    REQUIRE(session->rollback(xid).code == XA_OK);
    CHECK(session->reusable());
    return seconds;
  };
  const auto now = std::chrono::steady_clock::now();
  CHECK(branch(now + std::chrono::minutes(1)) == std::chrono::minutes(15));
  const auto longer = branch(now + std::chrono::minutes(60));
  CHECK(longer >= std::chrono::minutes(60));
  CHECK(longer <= std::chrono::minutes(70));
  CHECK(branch(std::chrono::steady_clock::time_point::max()) == usual);
}

TEST_CASE("the sessions of a dead owner are ended, and nobody else's") {
  Fixture f;
  MysqlServer server(parse_settings(open_string()).value());
  const auto tag = [](char c) {
    return "xabridge/" + std::string(31, '0') + c + "/" + std::to_string(::getpid());
  };
  auto control = server.connect("").value();
  auto bystander = server.connect(tag('b')).value();
  std::vector<std::unique_ptr<rm::Session>> dead;
  for (int i = 0; i < 3; ++i) dead.push_back(server.connect(tag('a')).value());
  // One has a branch, and the lock of one is given away.
  const Xid xid = f.xid();
  auto& worker = dynamic_cast<MysqlSession&>(*dead[0]);
  REQUIRE(worker.begin(xid).code == XA_OK);
  REQUIRE(Fixture::work(worker, f.set(1, 1)) == 0);
  REQUIRE(Fixture::work(dynamic_cast<MysqlSession&>(*dead[1]), "DO RELEASE_ALL_LOCKS()") == 0);
  const auto ended = server.end_sessions_tagged(*control, tag('a'));
  REQUIRE(ended);
  REQUIRE(ended->has_value());
  const bool attributes = f.observer.value("SELECT @@performance_schema") == "1";
  CHECK(**ended == (attributes ? 3 : 2));
  CHECK(f.observer.failure(f.set(1, 5)) == 0);  // once the branch's locks are gone
  CHECK(!dead[0]->alive());
  CHECK(!dead[2]->alive());
  CHECK(bystander->alive());
  CHECK(control->alive());
}

}  // namespace xabridge::mysql::test
