// A table and XIDs of its own for each test, on the real server, cleaned up whatever happens.
//
// Tests run beside others on the same server: every name is unique to the process and the test.
#pragma once

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "driver.hpp"
#include "handles.hpp"

namespace xabridge::test {

using postgresql::Connection;
using postgresql::ResultSet;
using SessionPtr = std::unique_ptr<rm::Session>;

/// The variable that `scripts/servers env` sets, or a failed test saying so.
[[nodiscard]] std::string environment(const char* name);
/// The open string of the test server with another dbname.
[[nodiscard]] std::string with_database(const std::string& open_string, const std::string& dbname);
/// A text no other test uses: letters, digits, '_'.
[[nodiscard]] std::string unique_name(const std::string& prefix);

/// The outcome of one statement: its tag or SQLSTATE, and the first value.
struct Sql {
  bool ok = false;
  std::string tag;
  std::string sqlstate;
  std::string value;
};
Sql sql(PGconn* connection, const std::string& statement);
inline Sql sql(rm::Session& session, const std::string& statement) {
  return sql(static_cast<PGconn*>(session.native()), statement);
}

/// One test's corner of the server: table (id int primary key, amount int), rows 1..4 of 100 each.
class Corner {
 public:
  Corner();
  ~Corner();
  Corner(const Corner&) = delete;
  Corner& operator=(const Corner&) = delete;

  [[nodiscard]] SessionPtr connect(const std::string& extra = "", const std::string& tag = "test");
  [[nodiscard]] rm::Server& server() { return *server_; }
  /// A fresh XID; what is still prepared under it at the end is rolled back.
  [[nodiscard]] Xid xid();
  void also_clean(const std::string& gid) { gids_.push_back(gid); }

  [[nodiscard]] const std::string& table() const { return table_; }
  [[nodiscard]] std::string add(int id, int amount) const;  // an UPDATE
  [[nodiscard]] int amount(int id);                         // committed, as others see it
  [[nodiscard]] bool listed(const Xid& xid);
  /// Administrator's connection, for watching and breaking things.
  [[nodiscard]] PGconn* admin() { return admin_.get(); }
  /// Waits until the session waits for a lock; fails the test after some seconds.
  void wait_until_blocked(rm::Session& session);

 private:
  Connection admin_;
  std::unique_ptr<rm::Server> server_;
  std::string table_;
  std::vector<std::string> gids_;
};

[[nodiscard]] Connection open_raw(const std::string& conninfo);
/// Parses and connects, or throws Exception.
[[nodiscard]] SessionPtr open_session(const std::string& open_string);
/// Asks again and again until `condition` holds; false after some seconds.
bool eventually(const std::function<bool()>& condition);

/// What a test says about an answer that surprised it.
[[nodiscard]] std::string text_of(const rm::Answer& answer);

}  // namespace xabridge::test

// Compares the XA code and shows the error when it differs.
#define CHECK_ANSWER(expression, expected)                                                 \
  do {                                                                                     \
    const ::xabridge::rm::Answer answer_to_check = (expression);                           \
    INFO(::xabridge::test::text_of(answer_to_check));                                      \
    CHECK(::xabridge::code_name(answer_to_check.code) == ::xabridge::code_name(expected)); \
  } while (false)
