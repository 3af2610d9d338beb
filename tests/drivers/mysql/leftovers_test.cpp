// What an application leaves on its connection: settings, locks, open transactions, tables, and
// what of it the next user of the connection meets.
#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

enum class Ending { one_phase, two_phases, rollback };

/// One branch that does `sql` and ends one way or the other.
void branch(Fixture& f, MysqlSession& session, const std::vector<std::string>& statements,
            Ending ending) {
  const Xid xid = f.xid();
  REQUIRE(session.begin(xid).code == XA_OK);
  for (const std::string& sql : statements) {
    CAPTURE(sql);
    REQUIRE(Fixture::work(session, sql) == 0);
  }
  REQUIRE(session.end(xid).code == XA_OK);
  if (ending == Ending::rollback) {
    REQUIRE(session.rollback(xid).code == XA_OK);
  } else if (ending == Ending::one_phase) {
    REQUIRE(session.commit_one_phase(xid).code == XA_OK);
  } else {
    REQUIRE(session.prepare(xid).code == XA_OK);
    REQUIRE(session.commit_prepared(xid).code == XA_OK);
  }
}

/// Statements the server has executed for this session; COM_PING is not among them.
long statements_of(MysqlSession& session) {
  const auto rows = session.query("SHOW SESSION STATUS LIKE 'Questions'").value();
  return std::stol(rows.at(0).at(1).value());
}

std::string autocommit_of(MysqlSession& session) {
  return session.query("SELECT @@autocommit").value().at(0).at(0).value();
}

}  // namespace

TEST_CASE("a setting that stayed behind keeps the connection from every other branch") {
  Fixture f;
  const std::string isolation = on_mariadb() ? "tx_isolation" : "transaction_isolation";
  std::vector<std::string> changes = {"USE information_schema",
                                      "SET sql_mode = ''",
                                      "SET foreign_key_checks = 0",
                                      "SET unique_checks = 0",
                                      "SET time_zone = '+09:00'",
                                      "SET timestamp = 86400",
                                      "SET insert_id = 7",
                                      "SET sql_select_limit = 0",
                                      "SET group_concat_max_len = 4",
                                      "SET lc_time_names = 'de_DE'",
                                      "SET max_join_size = 1",
                                      "SET wait_timeout = 1",
                                      "SET innodb_lock_wait_timeout = 1",
                                      "SET auto_increment_increment = 2",
                                      "SET completion_type = 'RELEASE'",
                                      "SET sort_buffer_size = 65536",
                                      "SET join_buffer_size = 65536",
                                      "SET tmp_table_size = 65536",
                                      "SET optimizer_switch = 'index_merge=off'",
                                      "SET net_read_timeout = 1",
                                      "SET NAMES latin1",
                                      "SET collation_database = 'latin1_bin'",
                                      "SET SESSION " + isolation + " = 'READ-UNCOMMITTED'",
                                      "SET SESSION TRANSACTION READ ONLY"};
  if (on_mariadb()) {
    for (const char* more :
         {"SET check_constraint_checks = 0", "SET system_versioning_asof = '2001-01-01'",
          "SET idle_transaction_timeout = 1", "SET max_statement_time = 5",
          "SET idle_write_transaction_timeout = 1", "SET default_regex_flags = 'DOTALL'",
          "SET max_recursive_iterations = 1"}) {
      changes.emplace_back(more);
    }
  } else {
    changes.emplace_back("SET max_execution_time = 5000");
    changes.emplace_back("SET default_collation_for_utf8mb4 = 'utf8mb4_general_ci'");
    changes.emplace_back("SET block_encryption_mode = 'aes-256-cbc'");
    changes.emplace_back("SET cte_max_recursion_depth = 1");
    changes.emplace_back("SET windowing_use_high_precision = OFF");
  }
  for (const std::string& change : changes) {
    for (const Ending ending : {Ending::one_phase, Ending::two_phases, Ending::rollback}) {
      if (ending != Ending::two_phases && &change != &changes.front()) continue;
      CAPTURE(change);
      auto session = f.session();
      branch(f, *session, {f.set(1, 1), change}, ending);
      CHECK(!session->reusable());
    }
  }
}

TEST_CASE("a role, a database or a setting is found without the query that the server keeps, too") {
  Fixture f;
  Plain admin(server_setting("_ADMIN"));
  const std::string role = unique_name("r").substr(0, 30);
  const std::string account = f.observer.value("SELECT CURRENT_USER()");
  const auto at = account.find('@');
  const std::string quoted = "'" + account.substr(0, at) + "'@'" + account.substr(at + 1) + "'";
  admin.run("CREATE ROLE " + role);
  admin.run("GRANT " + role + " TO " + quoted);
  for (const std::string& change : {"SET ROLE " + role, std::string("USE information_schema"),
                                    std::string("SET sql_mode = ''"), std::string("DO 0")}) {
    for (const bool kept : {true, false}) {
      CAPTURE(change, kept);
      auto session = f.session();
      if (!kept) REQUIRE(Fixture::work(*session, "DEALLOCATE PREPARE xabridge_check") == 0);
      branch(f, *session, {change}, Ending::two_phases);
      CHECK(session->reusable() == (change == "DO 0"));
    }
  }
  admin.run("DROP ROLE " + role);
}

TEST_CASE("a setting put back before the branch ended is no reason to close the connection") {
  Fixture f;
  auto session = f.session();
  branch(f, *session, {"SET foreign_key_checks = 0", f.set(1, 1), "SET foreign_key_checks = 1"},
         Ending::two_phases);
  CHECK(session->reusable());
}

TEST_CASE("locks of GET_LOCK end with the branch and the connection goes on") {
  Fixture f;
  const std::string lock = unique_name("lock");
  for (const Ending ending : {Ending::one_phase, Ending::two_phases, Ending::rollback}) {
    auto session = f.session();
    branch(f, *session,
           {"SELECT GET_LOCK('" + lock + "', 0)", "SELECT GET_LOCK('" + lock + "', 0)",
            "DO GET_LOCK('" + lock + "2', 0)"},
           ending);
    REQUIRE(session->reusable());
    CHECK(f.observer.value("SELECT IS_FREE_LOCK('" + lock + "')") == "1");
    CHECK(f.observer.value("SELECT IS_FREE_LOCK('" + lock + "2')") == "1");
  }
}

TEST_CASE("the number that an earlier branch was given last is not the next one's") {
  Fixture f;
  for (const Ending ending : {Ending::one_phase, Ending::two_phases, Ending::rollback}) {
    auto session = f.session();
    branch(f, *session, {"SELECT LAST_INSERT_ID(4711)"}, ending);
    REQUIRE(session->reusable());
    CHECK(session->query("SELECT LAST_INSERT_ID()").value().at(0).at(0).value() == "0");
  }
}

TEST_CASE("locks on tables and the server are refused inside a branch") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(f.work(*session, "LOCK TABLES " + f.table + " READ") == 1399);
  REQUIRE(session->rollback(xid).code == XA_OK);
  // Through a connection kept after its branch: found like any other work outside a branch.
  REQUIRE(f.work(*session, "LOCK TABLES " + f.table + " READ") == 0);
  CHECK(session->begin(xid).code == XAER_OUTSIDE);
  REQUIRE(f.work(*session, "UNLOCK TABLES") == 0);
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(session->rollback(xid).code == XA_OK);
}

TEST_CASE("temporary tables are refused inside a branch by MySQL") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(f.work(*session, "CREATE TEMPORARY TABLE " + unique_name("tmp") + " (i INT)") ==
        (on_mariadb() ? 0 : 4091));
  REQUIRE(session->rollback(xid).code == XA_OK);
}

TEST_CASE("a branch costs one statement beside those of XA") {
  Fixture f;
  auto session = f.session();
  const auto cost = [&](Ending ending) {
    const long before = statements_of(*session);
    branch(f, *session, {f.set(1, 1)}, ending);
    REQUIRE(session->reusable());
    // Counted as well: the first count's own ROLLBACK and the second count.
    return statements_of(*session) - before - 2;
  };
  const int work = 1;
  const int guard = 1;
  CHECK(cost(Ending::one_phase) == work + guard + 3);   // XA START, XA END, XA COMMIT
  CHECK(cost(Ending::two_phases) == work + guard + 4);  // XA PREPARE
  CHECK(cost(Ending::rollback) == work + guard + 3);
}

TEST_CASE("work outside any transaction commits as the server does by itself") {
  Fixture f;
  auto session = f.session();
  REQUIRE(session->begin_native().code == XA_OK);
  CHECK(autocommit_of(*session) == f.observer.value("SELECT @@GLOBAL.autocommit"));
  REQUIRE(f.work(*session, f.set(1, 5)) == 0);
  CHECK(f.v(1) == 5);
  REQUIRE(f.work(*session, "START TRANSACTION") == 0);
  REQUIRE(f.work(*session, f.set(2, 6)) == 0);
  REQUIRE(f.work(*session, "COMMIT") == 0);
  CHECK(session->end_native().code == XA_OK);
  CHECK(f.v(2) == 6);
  CHECK(session->reusable());
  CHECK(autocommit_of(*session) == "0");
  branch(f, *session, {f.set(1, 7)}, Ending::two_phases);
  CHECK(f.v(1) == 7);
}

TEST_CASE("a transaction left open outside any global one is rolled back and reported") {
  Fixture f;
  auto session = f.session();
  REQUIRE(session->begin_native().code == XA_OK);
  const std::string open = GENERATE(std::string("START TRANSACTION"), std::string("BEGIN"),
                                    std::string("SET autocommit = 0"));
  CAPTURE(open);
  REQUIRE(f.work(*session, open) == 0);
  REQUIRE(f.work(*session, f.set(1, 5)) == 0);
  const auto answer = session->end_native();
  CHECK(answer.code == XA_RBROLLBACK);
  REQUIRE(answer.error);
  CHECK(f.v(1) == 0);
  CHECK(session->reusable());
  branch(f, *session, {f.set(1, 7)}, Ending::one_phase);
}

TEST_CASE("what outside work leaves on a connection reaches no branch") {
  Fixture f;
  auto session = f.session();
  const std::string name = unique_name("tmp");
  const std::vector<std::string> statements = {
      "SET sql_mode = ''",
      "CREATE TEMPORARY TABLE " + name + " (i INT)",
      "LOCK TABLES " + f.table + " WRITE",
      "HANDLER " + f.table + " OPEN",
  };
  for (const std::string& statement : statements) {
    CAPTURE(statement);
    session = f.session();
    REQUIRE(session->begin_native().code == XA_OK);
    REQUIRE(f.work(*session, statement) == 0);
    CHECK(session->end_native().code == XA_OK);
    CHECK(!session->reusable());
  }
  session = f.session();
  REQUIRE(session->begin_native().code == XA_OK);
  REQUIRE(f.work(*session, "SET TRANSACTION READ ONLY") == 0);
  CHECK(session->end_native().code == XA_OK);
  REQUIRE(session->reusable());
  branch(f, *session, {f.set(1, 9)}, Ending::one_phase);
  CHECK(f.v(1) == 9);
}

TEST_CASE("temporary tables made by a procedure outside any transaction are found too") {
  Fixture f;
  const std::string procedure = unique_name("p");
  f.observer.run("CREATE PROCEDURE " + procedure +
                 "() BEGIN CREATE TEMPORARY TABLE xabridge_hidden (i INT); END");
  auto session = f.session();
  REQUIRE(session->begin_native().code == XA_OK);
  REQUIRE(f.work(*session, "CALL " + procedure + "()") == 0);
  CHECK(session->end_native().code == XA_OK);
  CHECK(!session->reusable());
  f.observer.run("DROP PROCEDURE " + procedure);
}

TEST_CASE("a stray transaction is not committed by the start of outside work") {
  Fixture f;
  auto session = f.session();
  REQUIRE(f.work(*session, f.set(1, 99)) == 0);
  REQUIRE(session->begin_native().code == XA_OK);
  CHECK(f.v(1) == 0);
  CHECK(session->end_native().code == XA_OK);
}

TEST_CASE("a lost connection is noticed at the start and the end of outside work") {
  Fixture f;
  auto session = f.session();
  SECTION("start") {
    f.kill(*session);
    CHECK(session->begin_native().code == XAER_RMFAIL);
  }
  SECTION("end") {
    REQUIRE(session->begin_native().code == XA_OK);
    f.kill(*session);
    CHECK(session->end_native().code == XAER_RMFAIL);
  }
  CHECK(!session->reusable());
}

}  // namespace xabridge::mysql::test
