// The TX interface as a program in C has it: libxabridge, a configuration file, and behind it
// PostgreSQL ("accounts"), MySQL or MariaDB ("ledger") and a directory of files ("files").
#pragma once

#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "foreign_config.hpp"
#include "real_servers.hpp"

/// Frees itself.
using Answer = std::unique_ptr<xabridge_mysql_result, decltype(&xabridge_mysql_free)>;

inline Answer mysql(const std::string& sql,
                    const std::vector<xabridge_mysql_parameter>& values = {},
                    const char* name = "ledger") {
  return {xabridge_mysql_execute(name, sql.c_str(), values.data(), values.size()),
          xabridge_mysql_free};
}
inline int error(const Answer& answer) { return xabridge_mysql_error(answer.get()); }
inline std::string message(const Answer& answer) { return xabridge_mysql_message(answer.get()); }

inline std::string last_error() { return xabridge_tx_last_error(); }

/// Waits for what a background thread does; false after a long while.
template <class Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();  // a condition asks the servers: it takes its time
  }
  return true;
}

struct TxServers {
  using Watch = std::function<void(const xabridge_tx_event&)>;

  explicit TxServers(const std::string& registration = "static") {
    std::filesystem::create_directory(files);
    std::ofstream out(config_file);
    out << foreign::common_sections(directory.path() / "log");
    for (const auto& rm : servers.config().resource_managers) {
      out << "[[resource_manager]]\nname = \"" << rm.name << "\"\ndriver = \"" << rm.driver
          << "\"\nregistration = \"" << registration << "\"\nopen = \"" << rm.open << "\"\n";
    }
    out << foreign::file_section(
        "files", files, registration == "static" ? "file_rm_switch" : "file_rm_switch_dynamic");
    out.close();
    ::setenv("XABRIDGE_CONFIG", config_file.c_str(), 1);
  }
  TxServers(const TxServers&) = delete;
  TxServers& operator=(const TxServers&) = delete;
  ~TxServers() {
    // What a thread has set lasts beyond tx_close.
    (void)tx_open();
    (void)tx_set_transaction_control(TX_UNCHAINED);
    (void)tx_set_commit_return(TX_COMMIT_COMPLETED);
    (void)tx_set_transaction_timeout(0);
    if (tx_info(nullptr) == 1) (void)tx_rollback();
    (void)tx_close();
    (void)xabridge_tx_observe(nullptr, nullptr);
  }

  /// Before tx_open.
  void observe(Watch what) {
    watch = std::move(what);
    REQUIRE(xabridge_tx_observe(
                [](void* self, const xabridge_tx_event* event) {
                  static_cast<TxServers*>(self)->watch(*event);
                },
                this) == TX_OK);
  }

  /// PostgreSQL's answer is its SQLSTATE; empty: done.
  static std::string postgresql(const std::string& sql) {
    PGconn* const connection = xabridge_postgresql_connection("accounts");
    if (connection == nullptr) return last_error();
    PGresult* const result = PQexec(connection, sql.c_str());
    const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string answer = state == nullptr ? "" : state;
    PQclear(result);
    return answer;
  }

  /// The server's number of the session behind the statements.
  static std::string mysql_session() {
    const Answer answer = mysql("SELECT CONNECTION_ID()");
    const char* text = nullptr;
    REQUIRE(xabridge_mysql_next(answer.get()) == 1);
    REQUIRE(xabridge_mysql_get_text(answer.get(), 0, &text, nullptr) == 1);
    return text;
  }

  /// ... is killed, and gone when this returns.
  void kill_mysql(const std::string& session) {
    servers.my_admin("KILL " + session);
    const std::string alive =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE id = " + session;
    while (servers.my_number(alive) != 0) std::this_thread::yield();
  }

  /// Inserts `id` at both databases, and puts it into the files.
  void work(const std::string& id) const {
    REQUIRE(postgresql(insert(id)).empty());
    const Answer answer =
        mysql("INSERT INTO " + servers.transfer + " VALUES (?)", {xabridge_mysql_text(id.c_str())});
    INFO(message(answer));
    REQUIRE(error(answer) == 0);
    REQUIRE(xabridge_mysql_affected_rows(answer.get()) == 1);
    REQUIRE(foreign::put(files, id, id) == FILE_RM_OK);
  }
  [[nodiscard]] std::string insert(const std::string& id) const {
    return "INSERT INTO " + servers.transfer + " VALUES ('" + id + "')";
  }
  /// "110": PostgreSQL and the other database have it, the files have not.
  [[nodiscard]] std::string where(const std::string& id) {
    const std::string count =
        "SELECT COUNT(*) FROM " + servers.transfer + " WHERE id = '" + id + "'";
    return std::to_string(servers.pg_number(count)) + std::to_string(servers.my_number(count)) +
           (foreign::committed(files, id).empty() ? "0" : "1");
  }

  static TXINFO info() {
    TXINFO info{};
    REQUIRE(tx_info(&info) >= 0);
    return info;
  }

  TemporaryDirectory directory;
  RealServers servers;
  std::filesystem::path files = directory.path() / "files";
  std::string config_file = directory.path() / "config.toml";
  Watch watch;
};
