// Where a thread may work by name: in its own transaction, with dynamic registration outside any,
// and nowhere else.
#include "tx_servers.hpp"

TEST_CASE("work outside any transaction is TX_OUTSIDE until it is released") {
  TxServers tx("dynamic");
  REQUIRE(tx_open() == TX_OK);
  CHECK(TxServers::postgresql(tx.insert("pg")).empty());
  CHECK(error(mysql(tx.insert("my"))) == 0);
  CHECK(tx.where("pg") == "100");
  CHECK(tx.where("my") == "010");
  CHECK(tx_begin() == TX_OUTSIDE);
  CHECK(last_error().find("xabridge_tx_release(\"accounts\")") != std::string::npos);
  CHECK(tx_info(nullptr) == 0);
  CHECK(xabridge_tx_release("accounts") == TX_OK);
  CHECK(xabridge_tx_release("accounts") == TX_PROTOCOL_ERROR);
  CHECK(tx_begin() == TX_OUTSIDE);
  CHECK(last_error().find("ledger") != std::string::npos);
  CHECK(xabridge_tx_release("ledger") == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("one");
  CHECK(tx_commit() == TX_OK);
  CHECK(tx.where("one") == "111");

  CHECK(TxServers::postgresql("BEGIN").empty());
  CHECK(TxServers::postgresql(tx.insert("open")).empty());
  CHECK(xabridge_tx_release("accounts") == TX_ROLLBACK);
  CHECK(error(mysql("START TRANSACTION")) == 0);
  CHECK(error(mysql(tx.insert("open"))) == 0);
  CHECK(tx_close() == TX_OK);
  CHECK(tx.where("open") == "000");
  CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
}

TEST_CASE("a connection is refused with the reason where there is none") {
  const std::string registration = GENERATE("static", "dynamic");
  TxServers tx(registration);
  const auto refused = [](const char* name, const std::string& why) {
    CHECK(xabridge_postgresql_connection(name) == nullptr);
    INFO(last_error());
    CHECK(last_error().find(why) != std::string::npos);
  };
  refused("accounts", "tx_open comes first");
  CHECK(error(mysql("SELECT 1")) == XAER_PROTO);
  CHECK(xabridge_tx_release("accounts") == TX_PROTOCOL_ERROR);
  REQUIRE(tx_open() == TX_OK);
  CHECK(last_error().empty());
  if (registration == "static") {
    refused("accounts", "tx_begin comes first");
    CHECK(error(mysql("SELECT 1")) == XAER_PROTO);
  }
  REQUIRE(tx_begin() == TX_OK);
  refused("acounts", "there are: accounts, ledger, files");
  refused("ledger", "xabridge_mysql_execute()");
  refused("files", "not one of our drivers");
  refused(nullptr, "null pointer");
  CHECK(error(mysql("SELECT 1", {}, "accounts")) == XAER_INVAL);
  CHECK(error(mysql("SELECT 1", {}, "files")) == XAER_INVAL);
  CHECK(error(mysql("SELECT 1", {}, "leger")) == XAER_INVAL);
  CHECK(xabridge_tx_release("files") == TX_EINVAL);
  CHECK(xabridge_tx_release("leger") == TX_EINVAL);
  CHECK(xabridge_tx_release("ledger") == TX_PROTOCOL_ERROR);
  CHECK(xabridge_postgresql_connection("accounts") != nullptr);
  CHECK(xabridge_postgresql_connection("accounts") == xabridge_postgresql_connection("accounts"));
  CHECK(tx_rollback() == TX_OK);
}

TEST_CASE("each thread has its own TX transaction at the same servers") {
  TxServers tx;
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  tx.work("mine");
  std::thread([&] {
    CHECK(xabridge_postgresql_connection("accounts") == nullptr);
    CHECK(tx_open() == TX_OK);
    CHECK(xabridge_postgresql_connection("accounts") == nullptr);
    CHECK(tx_begin() == TX_OK);
    tx.work("other");
    CHECK(tx_commit() == TX_OK);
    CHECK(tx_close() == TX_OK);
  }).join();
  CHECK(tx.where("mine") == "000");
  CHECK(tx.where("other") == "111");
  CHECK(tx_commit() == TX_OK);
  CHECK(tx.where("mine") == "111");
}
