// TX over real servers: one transaction at PostgreSQL, MySQL or MariaDB, and files.
#include <condition_variable>
#include <mutex>

#include "tx_servers.hpp"

namespace {

/// Statements that only an open lock stops.
struct Blocked {
  const char* where;
  std::function<void(RealServers&, const std::string&)> admin;
  std::function<void(const std::string&)> update;
};

const std::vector<Blocked>& blocked_at_either() {
  static const std::vector<Blocked> all{
      {"PostgreSQL", [](RealServers& s, const std::string& sql) { s.pg_admin(sql); },
       [](const std::string& sql) { CHECK(TxServers::postgresql(sql) == "57014"); }},
      {"the other", [](RealServers& s, const std::string& sql) { s.my_admin(sql); },
       [](const std::string& sql) {
         const Answer answer = mysql(sql);
         INFO(message(answer));
         CHECK(error(answer) == 1317);
       }}};
  return all;
}

class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace

TEST_CASE("a TX transaction commits and rolls back at both databases and the files") {
  const std::string registration = GENERATE("static", "dynamic");
  INFO(registration << " registration");
  TxServers tx(registration);
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(tx_commit() == TX_OK);
  CHECK(tx.where("one") == "111");
  REQUIRE(tx_begin() == TX_OK);
  tx.work("two");
  CHECK(tx_rollback() == TX_OK);
  CHECK(tx.where("two") == "000");
  REQUIRE(tx_begin() == TX_OK);
  tx.work("three");
  REQUIRE(foreign::put(tx.files, "positive.balance", "-1") == FILE_RM_OK);
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(last_error().find("files") != std::string::npos);
  CHECK(tx.where("three") == "000");
  CHECK(tx_close() == TX_OK);
}

TEST_CASE("chained TX transactions follow each other on the same servers") {
  TxServers tx(GENERATE("static", "dynamic"));
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(tx_commit() == TX_OK);
  tx.work("two");
  CHECK(tx_rollback() == TX_OK);
  tx.work("three");
  CHECK(tx_close() == TX_PROTOCOL_ERROR);
  CHECK(last_error().find("TX_UNCHAINED") != std::string::npos);
  REQUIRE(tx_set_transaction_control(TX_UNCHAINED) == TX_OK);
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_info(nullptr) == 0);
  CHECK(tx.where("one") == "111");
  CHECK(tx.where("two") == "000");
  CHECK(tx.where("three") == "111");
}

TEST_CASE("a failed statement at PostgreSQL that the program ignores rolls everything back") {
  TxServers tx;
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(TxServers::postgresql("SELECT no_such_column") == "42703");
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(tx.where("one") == "000");
}

TEST_CASE("a TX timeout interrupts the statement that waits and the transaction rolls back") {
  for (const Blocked& blocked : blocked_at_either()) {
    INFO(blocked.where);
    TxServers tx(GENERATE("static", "dynamic"));
    REQUIRE(tx_open() == TX_OK);
    REQUIRE(tx_set_transaction_timeout(1) == TX_OK);
    const std::string update = "UPDATE " + tx.servers.account + " SET balance = 0 WHERE id = 1";
    blocked.admin(tx.servers, "BEGIN");
    blocked.admin(tx.servers, update);
    REQUIRE(tx_begin() == TX_OK);
    blocked.update(update);
    CHECK(TxServers::info().transaction_state == TX_TIMEOUT_ROLLBACK_ONLY);
    CHECK(xabridge_postgresql_connection("accounts") == nullptr);
    CHECK(last_error().find("timed out") != std::string::npos);
    CHECK(error(mysql("SELECT 1")) == XA_RBTIMEOUT);
    CHECK(tx_info(nullptr) == 1);
    CHECK(tx_commit() == TX_ROLLBACK);
    blocked.admin(tx.servers, "ROLLBACK");
    CHECK(tx.servers.pg_balance(1) == 1000);
    CHECK(tx.servers.my_balance(1) == 1000);
    REQUIRE(tx_begin() == TX_OK);
    tx.work("after");
    CHECK(tx_commit() == TX_OK);
  }
}

TEST_CASE("a logged decision is TX_OK while both databases still have prepared branches") {
  TxServers tx;
  Gate gate;
  std::mutex mutex;
  std::string gtrid;
  tx.observe([&](const xabridge_tx_event& event) {
    if (event.kind == std::string("before_commit")) gate.wait();
    const std::lock_guard lock(mutex);
    if (event.kind == std::string("decided")) gtrid = event.gtrid;
  });
  REQUIRE(tx_open() == TX_OK);
  CHECK(xabridge_tx_observe(nullptr, nullptr) == TX_PROTOCOL_ERROR);
  REQUIRE(tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_info(nullptr) == 0);
  {
    const std::lock_guard lock(mutex);
    CHECK_FALSE(gtrid.empty());
  }
  CHECK(tx.where("one") == "000");
  CHECK(file_rm_prepared(tx.files.c_str()) == 1);
  gate.open();
  CHECK(comes_true([&] { return tx.where("one") == "111"; }));
}

TEST_CASE("a connection lost in phase two is TX_OK and the branch is committed later") {
  TxServers tx;
  bool cut = false;
  std::string pid;
  std::string id;
  tx.observe([&](const xabridge_tx_event& event) {
    if (event.kind != std::string("decided") || std::exchange(cut, true)) return;
    tx.servers.pg_admin("SELECT pg_terminate_backend(" + pid + ", 5000)");
    tx.kill_mysql(id);
    std::filesystem::rename(tx.files, tx.files.string() + ".away");
  });
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  pid = std::to_string(PQbackendPID(xabridge_postgresql_connection("accounts")));
  id = TxServers::mysql_session();
  CHECK(tx_commit() == TX_OK);
  CHECK(cut);
  std::filesystem::rename(tx.files.string() + ".away", tx.files);
  CHECK(comes_true([&] { return tx.where("one") == "111"; }));
}

TEST_CASE("a connection lost right before the only branch commits is no hazard") {
  const bool at_postgresql = GENERATE(true, false);
  INFO((at_postgresql ? "at PostgreSQL" : "at the other"));
  TxServers tx("dynamic");
  std::string session;
  tx.observe([&](const xabridge_tx_event& event) {
    if (event.kind != std::string("before_commit") || session.empty()) return;
    const std::string id = std::exchange(session, {});
    if (at_postgresql)
      tx.servers.pg_admin("SELECT pg_terminate_backend(" + id + ", 5000)");
    else
      tx.kill_mysql(id);
  });
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  if (at_postgresql) {
    REQUIRE(TxServers::postgresql(tx.insert("one")).empty());
    session = std::to_string(PQbackendPID(xabridge_postgresql_connection("accounts")));
  } else {
    REQUIRE(error(mysql(tx.insert("one"))) == 0);
    session = TxServers::mysql_session();
  }
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(session.empty());
  CHECK(tx.where("one") == "000");
}

TEST_CASE("a branch decided by hand against the commit is TX_MIXED and said so") {
  TxServers tx;
  const bool at_postgresql = GENERATE(true, false);
  INFO((at_postgresql ? "at PostgreSQL" : "at the files"));
  bool done = false;
  tx.observe([&](const xabridge_tx_event& event) {
    if (event.kind != std::string("decided") || std::exchange(done, true)) return;
    if (!at_postgresql) {
      CHECK(file_rm_decide(tx.files.c_str(), nullptr, 0) == 1);
      return;
    }
    // gid: formatID, gtrid and bqual, the latter two in base64; in the gtrid, the incarnation.
    const std::string incarnation(event.gtrid, 16);
    tx.servers.pg_admin(
        "ROLLBACK PREPARED '" +
        tx.servers.pg_text("SELECT gid FROM pg_prepared_xacts WHERE gid LIKE '2147483647%' AND "
                           "substr(decode(split_part(gid, '_', 2), 'base64'), 28, 8) = decode('" +
                           incarnation + "', 'hex')") +
        "'");
  });
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(tx_commit() == TX_MIXED);
  CHECK(last_error().find(at_postgresql ? "accounts" : "files") != std::string::npos);
  CHECK(tx.where("one") == (at_postgresql ? "011" : "110"));
}
