// The error table and the reading of open strings: no server needed.
#include "errors.hpp"

#include <set>
#include <xabridge/codes.hpp>

#include "catch.hpp"
#include "server.hpp"
#include "settings.hpp"

namespace xabridge::mysql::test {

TEST_CASE("no error number has two rows and no row says committed") {
  std::set<int> seen;
  for (const ErrorRow& row : error_table()) {
    CAPTURE(row.vendor_code);
    CHECK(seen.insert(row.vendor_code).second);
    CHECK(row.xa_code != XA_OK);
    CHECK(row.xa_code != XA_RDONLY);
    CHECK(!row.reason.empty());
    // A lost connection, and only that or worse, takes the connection out of use.
    if (row.xa_code == XAER_RMFAIL) CHECK(!row.connection_usable);
    CHECK((row.escaped == XA_OK || is_rollback(row.escaped)));
  }
}

TEST_CASE("error numbers stand for the XA codes they must stand for") {
  struct Row {
    int vendor_code;
    int xa_code;
    int escaped;
  };
  const Row rows[] = {
      {1397, XAER_NOTA, XA_OK},
      {1398, XAER_INVAL, XA_OK},
      {1399, XAER_PROTO, XA_OK},
      {1400, XAER_OUTSIDE, XA_OK},
      {1401, XAER_RMERR, XA_OK},
      {1402, XA_RBROLLBACK, XA_RBROLLBACK},
      {1440, XAER_DUPID, XA_OK},
      {1613, XA_RBTIMEOUT, XA_RBTIMEOUT},
      {1614, XA_RBDEADLOCK, XA_RBDEADLOCK},
      {1213, XA_RBDEADLOCK, XA_RBDEADLOCK},
      {1205, XA_RBTRANSIENT, XA_RBTRANSIENT},
      {1317, XA_RBTIMEOUT, XA_RBTIMEOUT},
      {2006, XAER_RMFAIL, XA_RBCOMMFAIL},
      {2013, XAER_RMFAIL, XA_RBCOMMFAIL},
      {2026, XAER_RMFAIL, XA_RBCOMMFAIL},
      {2027, XAER_RMFAIL, XA_RBCOMMFAIL},  // any other number of the client library
      {1045, XAER_RMERR, XA_OK},
      {1062, XAER_RMERR, XA_OK},  // not in the table: an ordinary refusal
  };
  for (const Row& row : rows) {
    CAPTURE(row.vendor_code);
    CHECK(error_row(row.vendor_code).xa_code == row.xa_code);
    CHECK(error_row(row.vendor_code).escaped == row.escaped);
    const sql::SQLException exception("text", "HY000", row.vendor_code);
    // What the server said was wrong is why the work ended, whatever its number.
    CHECK(driver().classify(exception) == (row.escaped == XA_OK ? XA_RBOTHER : row.escaped));
  }
  CHECK(driver().classify(std::runtime_error("not from a database")) == XA_OK);
}

TEST_CASE("only a refusal to write says that the server is not what it was") {
  const auto thrown = [](int code, const char* text) {
    return sql::SQLException(text, "HY000", code);
  };
  const auto read_only = thrown(
      1290, "The MySQL server is running with the --super-read-only option so it cannot execute "
            "this statement");
  const auto other = thrown(
      1290, "The MySQL server is running with the --secure-file-priv option so it cannot execute "
            "this statement");
  CHECK(driver().classify(read_only) == XA_RBTRANSIENT);
  CHECK(driver().says_outdated(read_only));
  CHECK(driver().classify(other) == XA_RBOTHER);
  CHECK_FALSE(driver().says_outdated(other));
  CHECK(driver().says_outdated(thrown(1836, "Running in read-only mode")));
  CHECK_FALSE(driver().says_outdated(thrown(1213, "Deadlock found")));
  CHECK_FALSE(driver().says_outdated(std::runtime_error("read-only")));
}

TEST_CASE("an error keeps the words of the server and says what to do") {
  const Xid xid = *Xid::make(1, "g", "b");
  const Error error = make_error(sql::SQLException("server words", "40001", 1213), "XA END", &xid);
  CHECK(error.server_text == "server words");
  CHECK(error.sqlstate == "40001");
  CHECK(error.vendor_code == 1213);
  CHECK(error.xid == xid.to_string());
  CHECK(error.message == "XA END failed: the branch lost a deadlock; run it again");
}

TEST_CASE("an open string is read completely") {
  const auto s = parse_settings(
      "host=db.example port=3307 user=u password='p w' dbname=d sslmode=verify-full "
      "sslrootcert=/ca.pem sslcert=/c.pem sslkey=/k.pem connect_timeout=3 pool_size=7 "
      "pool_timeout=9 max_age=10 max_idle=11");
  REQUIRE(s);
  CHECK(s->host == "db.example");
  CHECK(s->port == 3307);
  CHECK(s->password == "p w");
  CHECK(s->ssl_mode == SslMode::verify_full);
  CHECK(s->connect_timeout == 3);
  CHECK(s->pool_size == 7);
  CHECK(s->pool_timeout == std::chrono::seconds(9));
  CHECK(s->max_age == std::chrono::seconds(10));
  CHECK(s->max_idle == std::chrono::seconds(11));
  CHECK(s->address() == "u@db.example:3307/d");
}

TEST_CASE("a host that begins with a slash is a socket") {
  const auto s = parse_settings("host=/run/my.sock user=u dbname=d");
  REQUIRE(s);
  CHECK(s->socket == "/run/my.sock");
}

// PostgreSQL waits until the client speaks.
TEST_CASE("a server that says nothing first may be PostgreSQL") {
  const sql::SQLException failure(
      "Lost connection to server at 'handshake: reading initial communication packet'", "08001",
      2013);
  CHECK(make_error(failure, "connect", nullptr).message.find("driver = \"postgresql\"") !=
        std::string::npos);
  const sql::SQLException later("Lost connection to server during query", "08S01", 2013);
  CHECK(make_error(later, "query", nullptr).message.find("driver") == std::string::npos);
}

TEST_CASE("a wrong open string is refused with the key that is wrong and without the password") {
  struct Row {
    const char* text;
    const char* named;
  };
  const Row rows[] = {
      {"hots=x user=u dbname=d password=geheim", "hots"},
      {"user=u dbname=d password=geheim port=0", "port"},
      {"user=u dbname=d password=geheim port=65536", "port"},
      {"user=u dbname=d password=geheim port=abc", "port"},
      {"dbname=d password=geheim", "user"},
      {"user=u password=geheim", "dbname"},
      {"user=u dbname=d password=geheim host=a/b", "host"},
      {"user=u dbname=d password=geheim host=/s socket=/t", "socket"},
      {"user=u dbname=d password=geheim sslmode=maybe", "sslmode"},
      {"user=u dbname=d password=geheim sslmode=verify-ca", "sslrootcert"},
      {"user=u dbname=d password=geheim sslmode=verify-full", "sslrootcert"},
      {"user=u dbname=d password=geheim sslrootcert=/ca.pem", "sslrootcert"},
      {"user=u dbname=d password=geheim sslmode=disable sslrootcert=/ca.pem", "sslrootcert"},
      {"user=u dbname=d password=geheim sslmode=verify-full sslrootcert=/c socket=/s", "socket"},
      {"user=u dbname=d password=geheim sslcert=/c", "sslkey"},
      {"user=u dbname=d password=geheim connect_timeout=0", "connect_timeout"},
      {"user=u dbname=d password=geheim pool_size=0", "pool_size"},
      {"user=u dbname=d passwordfile=/does/not/exist/geheim", "passwordfile"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto s = parse_settings(row.text);
    REQUIRE(!s);
    CHECK(s.error().xa_code == XAER_INVAL);
    CHECK(s.error().message.find(row.named) != std::string::npos);
    const bool tells_password = s.error().to_string().find("password=geheim") != std::string::npos;
    CHECK(!tells_password);
  }
}

}  // namespace xabridge::mysql::test
