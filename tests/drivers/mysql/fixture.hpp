// What the tests of the MySQL and MariaDB driver share: the server under test, a table and XIDs of
// their own, and an observer connection outside any branch.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "connect.hpp"
#include "errors.hpp"
#include "server.hpp"
#include "session.hpp"

namespace xabridge::mysql::test {

/// "mysql" or "mariadb": XABRIDGE_TEST_SERVER.
const std::string& server_name();
bool on_mariadb();
/// XABRIDGE_TEST_<SERVER><suffix>; fails the test when it is not set.
std::string server_setting(const std::string& suffix);
std::string open_string();
/// The open string with one key replaced, added, or (empty value) removed.
std::string open_string_with(const std::string& key, const std::string& value);

/// "kill", "start": the server under test; only where no other test uses it.
void control(const std::string& verb);

/// Waits until the condition holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition);

/// A text no other run uses, short enough for table names and XIDs.
std::string unique_name(const std::string& prefix);

/// A query that takes a thousand locks. A server releases them one by one when the session ends:
/// MariaDB after it has given the session's branch away, and before it tells InnoDB, between which
/// there are microseconds else.
std::string locks_that_delay(const std::string& name);

/// A plain autocommit connection.
class Plain {
 public:
  explicit Plain(const std::string& open_string);
  void run(const std::string& sql);
  std::string value(const std::string& sql);
  /// The vendor code of a statement that fails; 0 when it does not.
  int failure(const std::string& sql);
  /// XA COMMIT or XA ROLLBACK of a branch whose session ends, as an operator may give it.
  void by_hand(const std::string& verb, const Xid& xid, const std::string& session);

 private:
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> statement_;
};

/// The global read lock of a backup, while it lives.
class ReadLock {
 public:
  ReadLock() : admin_(server_setting("_ADMIN")) { admin_.run("FLUSH TABLES WITH READ LOCK"); }
  ~ReadLock() { admin_.run("UNLOCK TABLES"); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  Plain admin_;
};

/// One test: its table `id, v` with rows 1 and 2 (v = 0), its XIDs, its sessions. Prepared branches
/// it leaves are rolled back at the end.
class Fixture {
 public:
  Fixture();
  ~Fixture();
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  std::unique_ptr<MysqlSession> session(const std::string& owner_tag = "");
  Xid xid();
  void remember(const Xid& xid) { xids_.push_back(xid); }
  /// Runs a statement on the branch's connection; the vendor code of its failure, or 0.
  static int work(MysqlSession& session, const std::string& sql);
  [[nodiscard]] std::string set(int id, int v) const;
  int v(int id);
  void kill(const MysqlSession& session);
  /// XA_RETRY, which a living owner causes, is asked again until it stops.
  static rm::Answer settled(MysqlSession& by, bool commit, const Xid& xid);
  bool listed(const Xid& xid);

  Plain observer;
  const std::string table;

 private:
  std::shared_ptr<const Settings> settings_;
  std::vector<Xid> xids_;
};

}  // namespace xabridge::mysql::test
