// Two real databases for a test: PostgreSQL, and MySQL or MariaDB as XABRIDGE_TEST_SERVER says,
// each with tables of this test's own. Set-up and checks go over plain connections, not through
// what is tested.
#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>
#include <xabridge/transaction_manager.hpp>

#include "temporary_directory.hpp"

class RealServers {
 public:
  RealServers();
  ~RealServers();
  RealServers(const RealServers&) = delete;
  RealServers& operator=(const RealServers&) = delete;

  /// "accounts" is PostgreSQL, "ledger" the other one.
  [[nodiscard]] xabridge::Config config() const;

  /// Statements in a branch; a failed one throws std::runtime_error or sql::SQLException.
  static void pg(PGconn* connection, const std::string& sql);
  static void my(sql::Connection& connection, const std::string& sql);
  [[nodiscard]] static std::string my_connection_id(sql::Connection& connection);
  /// Both sides of a transaction: `UPDATE account`, by `amount` on PostgreSQL and back on the
  /// other.
  void move(xabridge::Transaction& tx, int account, int amount) const;

  // --- Over plain connections.
  void pg_admin(const std::string& sql);
  void my_admin(const std::string& sql);
  /// XA COMMIT or XA ROLLBACK of a transaction's branch whose session ends; empty: has none left.
  /// False: the server refuses.
  bool my_by_hand(const std::string& verb, std::string_view transaction,
                  const std::string& session);
  [[nodiscard]] long pg_number(const std::string& sql);
  [[nodiscard]] std::string pg_text(const std::string& sql);
  [[nodiscard]] long my_number(const std::string& sql);
  /// As XA COMMIT takes it: the prepared branch of a transaction, named as events name it.
  [[nodiscard]] std::string my_branch(std::string_view transaction);
  [[nodiscard]] bool my_prepared(std::string_view transaction);
  [[nodiscard]] long pg_balance(int account);
  [[nodiscard]] long my_balance(int account);

  const std::string account;   // table (id, balance), accounts 1..4 of 1000 on both sides
  const std::string transfer;  // table (id), a row a transfer

 private:
  struct Close {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  TemporaryDirectory directory_;
  std::string pg_open_;
  std::string my_open_;
  std::unique_ptr<PGconn, Close> pg_;
  std::unique_ptr<sql::Connection> my_;
};
