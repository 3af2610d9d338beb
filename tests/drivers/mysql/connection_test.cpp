// Logging in, TLS, interruption, recognising owners and servers, preflight.
#include <future>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

Error failure_of(const std::string& open_string) {
  const auto settings = parse_settings(open_string);
  REQUIRE(settings);
  auto session = MysqlSession::open(std::make_shared<const Settings>(*settings), "");
  REQUIRE(!session);
  CHECK(session.error().to_string().find("test-secret") == std::string::npos);
  INFO(session.error().to_string());
  CHECK(!session.error().message.empty());
  return session.error();
}

std::string with(std::string text, const std::string& more) { return std::move(text) + " " + more; }

std::string cipher_of(const std::string& open_string) {
  Plain plain(open_string);
  return plain.value("SELECT CONCAT('', VARIABLE_VALUE) FROM " +
                     std::string(on_mariadb() ? "information_schema" : "performance_schema") +
                     ".session_status WHERE VARIABLE_NAME = 'Ssl_cipher'");
}

const rm::Finding* find(const std::vector<rm::Finding>& findings, const std::string& subject) {
  for (const auto& finding : findings) {
    if (finding.subject == subject) return &finding;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a wrong password or user is refused with the words of the server") {
  const Error error = failure_of(open_string_with("password", "test-secret"));
  CHECK(error.vendor_code == 1045);
  CHECK(error.xa_code == XAER_RMERR);
  CHECK(error.server_text.find("denied") != std::string::npos);
  CHECK(error.message.find("passwordfile") != std::string::npos);
}

TEST_CASE("what keeps an account out is told with what to do") {
  struct Account {
    Plain admin{server_setting("_ADMIN")};
    const std::string name = unique_name("kept_out");
    explicit Account(const std::string& how) {
      const std::string password = parse_settings(open_string()).value().password;
      admin.run("CREATE USER " + name + " IDENTIFIED BY '" + password + "' " + how);
    }
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;
    ~Account() { admin.run("DROP USER " + name); }
  };
  const auto said_of = [](const Account& account) {
    return failure_of(open_string_with("user", account.name)).message;
  };
  CHECK(said_of(Account("ACCOUNT LOCK")).find("ACCOUNT UNLOCK") != std::string::npos);
  CHECK(said_of(Account("REQUIRE X509")).find("client certificate") != std::string::npos);
}

TEST_CASE("a missing database is refused with its name") {
  const Error error = failure_of(open_string_with("dbname", "no_such_database"));
  CHECK((error.vendor_code == 1044 || error.vendor_code == 1049));
  CHECK(error.message.find("dbname") != std::string::npos);
  CHECK(error.message.find("no_such_database") != std::string::npos);
}

TEST_CASE("an unreachable server is told apart from one that refuses") {
  SECTION("nobody listens on the port") {
    const Error error = failure_of(open_string_with("port", "1"));
    CHECK(error.xa_code == XAER_RMFAIL);
    CHECK(error.message.find(":1/") != std::string::npos);
  }
  SECTION("the host name is unknown") {
    const Error error = failure_of(open_string_with("host", "no-such-host.invalid"));
    CHECK(error.vendor_code == 2005);
  }
  SECTION("the socket is not there") {
    const Error error = failure_of(open_string_with("host", "/no/such/socket"));
    CHECK(error.xa_code == XAER_RMFAIL);
    CHECK(error.message.find("/no/such/socket") != std::string::npos);
  }
}

TEST_CASE("a socket works and needs no TLS") {
  const std::string text = open_string_with("host", server_setting("_SOCKET"));
  CHECK(cipher_of(text).empty());
  CHECK(Plain(text).value("SELECT 1") == "1");
}

TEST_CASE("sslmode does what it says") {
  const char* ca = std::getenv("XABRIDGE_TEST_TLS_CA");
  if (ca == nullptr) {
    FAIL(
        "XABRIDGE_TEST_TLS_CA is not set; eval \"$(scripts/servers env)\" sets it, and for a server"
        " elsewhere it is the file with the authority that signed its certificate");
  }
  const std::string base = open_string_with("host", "localhost");
  const std::string wrong = XABRIDGE_TEST_WRONG_CA;
  CHECK(cipher_of(with(base, "sslmode=disable")).empty());
  CHECK(!cipher_of(with(base, "sslmode=prefer")).empty());
  CHECK(!cipher_of(with(base, "sslmode=require")).empty());
  CHECK(!cipher_of(with(base, std::string("sslmode=verify-ca sslrootcert=") + ca)).empty());
  CHECK(!cipher_of(with(base, std::string("sslmode=verify-full sslrootcert=") + ca)).empty());

  for (const char* mode : {"require", "verify-ca", "verify-full"}) {
    CAPTURE(mode);
    CHECK(failure_of(with(base, std::string("sslmode=") + mode + " sslrootcert=" + wrong))
              .vendor_code == 2026);
    CHECK(failure_of(with(base, std::string("sslmode=") + mode + " sslrootcert=/no/such.pem"))
              .vendor_code == 2026);
  }
  // The same server under a name that is not in its certificate.
  const std::string alias = open_string_with("host", "127.1");
  CHECK(!cipher_of(with(alias, std::string("sslmode=verify-ca sslrootcert=") + ca)).empty());
  CHECK(failure_of(with(alias, std::string("sslmode=verify-full sslrootcert=") + ca)).vendor_code ==
        2026);
}

TEST_CASE("the isolation level the administrator chose is in force") {
  Fixture f;
  auto session = f.session();
  const std::string name = on_mariadb() ? "tx_isolation" : "transaction_isolation";
  const auto rows = session->query("SELECT @@SESSION." + name + ", @@GLOBAL." + name).value();
  CHECK(rows.at(0).at(0) == rows.at(0).at(1));
}

TEST_CASE("a blocked statement is interrupted and its session never used again") {
  Fixture f;
  auto holder = f.session();
  auto waiter = f.session();
  const Xid a = f.xid();
  const Xid b = f.xid();
  REQUIRE(holder->begin(a).code == XA_OK);
  REQUIRE(waiter->begin(b).code == XA_OK);
  REQUIRE(f.work(*holder, f.set(1, 1)) == 0);
  REQUIRE(f.work(*waiter, f.set(2, 2)) == 0);
  auto blocked =
      std::async(std::launch::async, [&] { return Fixture::work(*waiter, f.set(1, 2)); });
  REQUIRE(eventually([&] {
    return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                            waiter->server_id() + " AND command = 'Query'") == "1";
  }));
  waiter->interrupt();
  CHECK(blocked.get() == 1317);
  CHECK(waiter->rollback(b).code == XA_OK);
  CHECK(!waiter->reusable());
  CHECK(holder->rollback(a).code == XA_OK);
  CHECK(f.v(2) == 0);
}

TEST_CASE("sessions of an owner are counted where the server keeps attributes") {
  Fixture f;
  MysqlServer server(parse_settings(open_string()).value());
  const std::string tag = unique_name("owner");
  auto control = f.session();
  const auto before = server.sessions_tagged(*control, tag);
  REQUIRE(before);
  auto owner = f.session(tag);
  const auto during = server.sessions_tagged(*control, tag);
  REQUIRE(during);
  REQUIRE(before->has_value() == during->has_value());
  const bool kept = f.observer.value("SELECT @@performance_schema") == "1";
  CHECK(before->has_value() == kept);
  if (kept) {
    CHECK(**before == 0);
    // A session counts when the server is done with its log-in, which its client knows first.
    CHECK(eventually([&] { return server.sessions_tagged(*control, tag).value() == 1; }));
  }
  CHECK(control->begin(f.xid()).code == XA_OK);  // asking leaves no transaction open
}

TEST_CASE("a session of an owner that waits for a lock is not counted") {
  Fixture f;
  if (f.observer.value("SELECT @@performance_schema") != "1") return;
  MysqlServer server(parse_settings(open_string()).value());
  const std::string tag = unique_name("owner");
  auto control = f.session();
  const auto count = [&] { return server.sessions_tagged(*control, tag).value(); };
  // A dead owner's branch, and its other session that will not notice before it has the row.
  auto dead = f.session();
  auto waiter = f.session(tag);
  const Xid held = f.xid();
  const Xid waiting = f.xid();
  REQUIRE(dead->begin(held).code == XA_OK);
  REQUIRE(Fixture::work(*dead, f.set(1, 1)) == 0);
  REQUIRE(waiter->begin(waiting).code == XA_OK);
  CHECK(count() == 1);
  auto blocked =
      std::async(std::launch::async, [&] { return Fixture::work(*waiter, f.set(1, 2)); });
  CHECK(eventually([&] { return count() == 0; }));
  CHECK(blocked.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  CHECK(dead->end(held).code == XA_OK);
  CHECK(dead->rollback(held).code == XA_OK);
  CHECK(blocked.get() == 0);
  CHECK(eventually([&] { return count() == 1; }));
}

TEST_CASE("two open strings that lead to one database have one identity") {
  Fixture f;
  MysqlServer by_port(parse_settings(open_string()).value());
  MysqlServer by_socket(
      parse_settings(open_string_with("host", server_setting("_SOCKET"))).value());
  auto a = by_port.connect("").value();
  auto b = by_socket.connect("").value();
  const std::string identity = by_port.identity(*a).value();
  CHECK(identity == by_socket.identity(*b).value());
  CHECK(identity.find(server_name() + ":") == 0);
  MysqlServer other(parse_settings(open_string_with("dbname", "information_schema")).value());
  auto c = other.connect("").value();
  CHECK(identity != other.identity(*c).value());
}

TEST_CASE("preflight finds the test server fit and a table that is not") {
  Fixture f;
  MysqlServer server(parse_settings(open_string()).value());
  auto control = server.connect("").value();
  const std::string untransacted = unique_name("m");
  f.observer.run("CREATE TABLE " + untransacted + " (i INT) ENGINE = MyISAM");
  const auto findings = server.preflight(*control);
  f.observer.run("DROP TABLE " + untransacted);
  for (const auto& finding : findings) {
    INFO(finding.subject << ": " << finding.text << " | " << finding.fix);
    CHECK(finding.severity < XABRIDGE_FINDING_ERROR);
    CHECK(finding.fix.empty() == (finding.severity == XABRIDGE_FINDING_OK));
  }
  const auto* tables = find(findings, "tables");
  REQUIRE(tables != nullptr);
  CHECK(tables->severity == XABRIDGE_FINDING_WARNING);
  CHECK(tables->fix.find("ENGINE = InnoDB") != std::string::npos);
  CHECK(find(findings, "version") != nullptr);
  CHECK(control->reusable());
}

TEST_CASE("without XA_RECOVER_ADMIN MySQL says so with the grant and loses nothing") {
  Fixture f;
  MysqlServer server(parse_settings(server_setting("_LIMITED")).value());
  auto limited = server.connect("").value();
  const auto findings = server.preflight(*limited);
  const auto* right = find(findings, "XA_RECOVER_ADMIN");
  const auto list = limited->prepared(true);
  if (on_mariadb()) {  // asks for no privilege
    CHECK(right == nullptr);
    CHECK(list);
    return;
  }
  REQUIRE(right != nullptr);
  CHECK(right->severity == XABRIDGE_FINDING_ERROR);
  CHECK(right->fix.find("GRANT XA_RECOVER_ADMIN ON *.* TO 'xabridge_limited'@") == 0);
  REQUIRE(!list);
  CHECK(list.error().vendor_code == 1401);
  CHECK(list.error().message.find("GRANT XA_RECOVER_ADMIN ON *.* TO 'xabridge_limited'@'%'") !=
        std::string::npos);
  // Unconfirmed, "unknown" is not "gone".
  const auto answer = limited->commit_prepared(f.xid());
  CHECK(answer.code == XAER_RMERR);
  CHECK(answer.error->message.find("GRANT XA_RECOVER_ADMIN") != std::string::npos);
}

TEST_CASE("without PROCESS MariaDB is warned of with the grant, and branches are completed") {
  if (!on_mariadb()) return;
  Fixture f;
  MysqlServer allowed(parse_settings(open_string()).value());
  auto control = allowed.connect("").value();
  CHECK(find(allowed.preflight(*control), "PROCESS") == nullptr);

  MysqlServer server(parse_settings(server_setting("_LIMITED")).value());
  auto limited = server.connect("").value();
  const auto findings = server.preflight(*limited);
  const auto* right = find(findings, "PROCESS");
  REQUIRE(right != nullptr);
  CHECK(right->severity == XABRIDGE_FINDING_WARNING);
  CHECK(right->fix == "GRANT PROCESS ON *.* TO 'xabridge_limited'@'%'");
  const Xid xid = f.xid();
  auto owner = f.session();
  REQUIRE(owner->begin(xid).code == XA_OK);
  REQUIRE(Fixture::work(*owner, f.set(1, 5)) == 0);
  REQUIRE(owner->end(xid).code == XA_OK);
  REQUIRE(owner->prepare(xid).code == XA_OK);
  // Its session has long ended when the other one asks: to see that takes the privilege.
  f.kill(*owner);
  const std::string thread = "MariaDB thread id " + owner->server_id() + ",";
  REQUIRE(eventually([&] {
    const auto status = f.session()->query("SHOW ENGINE INNODB STATUS").value();
    return status.at(0).at(2).value().find(thread) == std::string::npos;
  }));
  auto& other = dynamic_cast<MysqlSession&>(*limited);
  CHECK(Fixture::settled(other, true, xid).code == XA_OK);
  CHECK(f.v(1) == 5);
  CHECK(other.reusable());
}

}  // namespace xabridge::mysql::test
