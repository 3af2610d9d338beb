// The isolation level of one branch, seen by what it reads while another transaction commits.
#include <optional>

#include "catch.hpp"
#include "real_servers.hpp"

using xabridge::Isolation;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

struct IsolationServers : RealServers {
  /// One session each, so that what a branch leaves behind meets the next one.
  [[nodiscard]] xabridge::Config one_session() const {
    xabridge::Config c = config();
    for (auto& rm : c.resource_managers) rm.open += " pool_size=1";
    return c;
  }
  [[nodiscard]] static long read(PGconn* connection, const std::string& sql) {
    PGresult* rows = PQexec(connection, sql.c_str());
    const long value = PQntuples(rows) == 1 ? std::stol(PQgetvalue(rows, 0, 0)) : -1;
    PQclear(rows);
    return value;
  }
  [[nodiscard]] static long read(sql::Connection& connection, const std::string& sql) {
    const std::unique_ptr<sql::Statement> statement(connection.createStatement());
    const std::unique_ptr<sql::ResultSet> rows(statement->executeQuery(sql));
    return rows->next() ? static_cast<long>(rows->getInt64(1)) : -1;
  }
  /// Whether a branch sees what was committed after its first look.
  bool sees_commits(TransactionManager& tm, const std::string& name,
                    std::optional<Isolation> level) {
    const std::string look = "SELECT balance FROM " + account + " WHERE id = 2";
    const std::string change = "UPDATE " + account + " SET balance = balance + 1 WHERE id = 2";
    const bool postgresql = name == "accounts";
    Transaction tx = tm.begin();
    if (level) tx.enlist(name, *level);
    const auto now = [&] {
      return postgresql ? read(tx.postgresql(name), look)
                        : read(tx.mysql(name), look);
    };
    const long before = now();
    postgresql ? pg_admin(change) : my_admin(change);
    const long after = now();
    CHECK(tx.commit().committed());
    return after != before;
  }
};

}  // namespace

TEST_CASE_METHOD(IsolationServers,
                 "A branch is as isolated as it was enlisted, the next as usual") {
  TransactionManager tm(one_session());
  CHECK(sees_commits(tm, "accounts", {}));
  CHECK_FALSE(sees_commits(tm, "accounts", Isolation::repeatable_read));
  CHECK(sees_commits(tm, "accounts", {}));
  CHECK_FALSE(sees_commits(tm, "accounts", Isolation::serializable));
  CHECK_FALSE(sees_commits(tm, "ledger", {}));
  CHECK(sees_commits(tm, "ledger", Isolation::read_committed));
  CHECK_FALSE(sees_commits(tm, "ledger", {}));
  CHECK(sees_commits(tm, "ledger", Isolation::read_uncommitted));
}

TEST_CASE_METHOD(IsolationServers, "A branch that has begun keeps its isolation level") {
  TransactionManager tm(one_session());
  Transaction tx = tm.begin();
  move(tx, 1, 100);
  for (const char* name : {"accounts", "ledger"}) {
    try {
      tx.enlist(name, Isolation::serializable);
      FAIL_CHECK(name << " took it");
    } catch (const xabridge::Exception& e) {
      CHECK(e.error().xa_code == XAER_PROTO);
      CHECK(e.error().message.find("before its first use") != std::string::npos);
    }
  }
  CHECK(tx.commit().committed());
  CHECK(pg_balance(1) == 900);
  CHECK(my_balance(1) == 1100);
}

TEST_CASE_METHOD(IsolationServers, "Both phases work at every level") {
  TransactionManager tm(one_session());
  for (const Isolation level : {Isolation::read_uncommitted, Isolation::read_committed,
                                Isolation::repeatable_read, Isolation::serializable}) {
    Transaction tx = tm.begin();
    tx.enlist("accounts", level);
    tx.enlist("ledger", level);
    move(tx, 1, 100);
    CHECK(tx.commit().committed());
  }
  CHECK(pg_balance(1) == 600);
  CHECK(my_balance(1) == 1400);
}
