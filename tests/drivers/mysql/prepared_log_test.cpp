// How far a server's log had got: what is remembered and read, and that a server whose log is
// behind cannot tell what became of a branch.
#include "prepared_log.hpp"

#include "catch.hpp"
#include "fixture.hpp"
#include "server.hpp"

namespace xabridge::mysql::test {
namespace {

/// A schema and an account that sees it alone; and a branch of that account, whose commit has
/// arrived without anybody's having heard of it.
struct Heard {
  Heard() {
    admin.run("CREATE DATABASE " + name);
    admin.run("CREATE TABLE " + name + ".account (id INT PRIMARY KEY, v INT)");
    admin.run("CREATE USER " + user + " IDENTIFIED BY 'pw'");
    admin.run("GRANT ALL ON " + name + ".* TO " + user);
    admin.run(std::string("GRANT ") + (on_mariadb() ? "PROCESS" : "XA_RECOVER_ADMIN") +
              " ON *.* TO " + user);
  }
  ~Heard() {
    (void)admin.failure("DROP DATABASE " + name);
    (void)admin.failure("DROP USER " + user);
  }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;

  [[nodiscard]] Settings settings() const {
    Settings its = parse_settings(open_string()).value();
    its.user = name;
    its.password = "pw";
    its.dbname.clear();
    return its;
  }

  void prepare_and_commit() {
    MysqlServer server(settings());
    auto session = server.connect("").value();
    REQUIRE(session->begin(xid).code == XA_OK);
    const std::string sql = "INSERT INTO " + name + ".account VALUES (1, 1)";
    REQUIRE(Fixture::work(dynamic_cast<MysqlSession&>(*session), sql) == 0);
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->prepare(xid).code == XA_OK);
    on_record = session->server();
    REQUIRE(session->commit_prepared(xid).code == XA_OK);
    const std::string at = std::to_string(PreparedLog::parse(on_record).value().at);
    REQUIRE(eventually([&] { return admin.value("SELECT UNIX_TIMESTAMP() > " + at) == "1"; }));
  }

  struct Said {
    int code;
    std::string text;
    std::string evidence;
  };
  /// A recovery, with what is on record; its session serves branches afterwards.
  Said ask() {
    MysqlServer later(settings());
    later.prepared_at(xid, on_record);
    auto session = later.connect("").value();
    const auto answer = session->commit_prepared(xid);
    Said said{answer.code, answer.error ? answer.error->message : "", session->server()};
    const Xid next = f.xid();
    CHECK(session->begin(next).code == XA_OK);
    CHECK(session->rollback(next).code == XA_OK);
    return said;
  }
  void cannot_tell(const std::string& why) {
    const Said said = ask();
    INFO(said.text);
    CHECK(said.code == XA_RETRY);
    CHECK(said.text.find(why) != std::string::npos);
    CHECK(said.text.find("heuristic forget-server") != std::string::npos);
    // The older table that tells may be seen later: nothing goes on record.
    CHECK(said.evidence == on_record.substr(0, on_record.find(' ')));
  }

  Fixture f;
  Plain admin{server_setting("_ADMIN")};
  const std::string name = unique_name("h").substr(0, 30);
  const std::string user = name + "@'%'";
  const Xid xid = f.xid();
  std::string on_record;
};

constexpr const char* kAllYoung = "were made after the branch was prepared";

}  // namespace

TEST_CASE("a place in the log survives as text and nothing else is read as one") {
  CHECK(PreparedLog::text("mariadb:u@h:1:/d/", {123, 5, false}) ==
        "mariadb:u@h:1:/d/ lsn=123 at=5");
  CHECK(PreparedLog::text("mysql:u", {123, 5, true}) == "mysql:u lsn=123 at=5 doubted");
  CHECK(PreparedLog::text("mysql:u", {}) == "mysql:u");
  const auto place = PreparedLog::parse("mysql:u lsn=123 at=5 doubted");
  REQUIRE(place);
  CHECK(place->lsn == 123);
  CHECK(place->at == 5);
  CHECK(place->doubted);
  for (const char* text : {"", "mysql:u", "mysql:u lsn=", "mysql:u lsn=0 at=1", "mysql:u lsn=x",
                           "mysql:u lsn=1", "mysql:u lsn=1 at=", "mysql:u lsn=1 at=1 more",
                           "mysql:u lsn=1 at=1doubted", "mysql:u lsn=1 at=99999999999999999999999"})
    CHECK_FALSE(PreparedLog::parse(text));
}

TEST_CASE("what is remembered of branches is bounded and a doubt stays") {
  PreparedLog log(2);
  const auto xid = [](char c) { return *Xid::make(1, std::string(1, c), "b"); };
  log.note(xid('a'), "s", {1, 1, false});
  log.note(xid('a'), "s", {7, 1, true});
  CHECK(log.find(xid('a'), "s")->lsn == 1);
  CHECK(log.find(xid('a'), "s")->doubted);
  CHECK_FALSE(log.find(xid('a'), "another"));  // the address led there, and its log is another
  log.note(xid('b'), "s", {2, 1, false});
  log.note(xid('c'), "s", {3, 1, false});
  CHECK_FALSE(log.find(xid('a'), "s"));
  CHECK(log.find(xid('c'), "s"));
  log.finished(xid('c'));
  CHECK_FALSE(log.find(xid('c'), "s"));
}

// In another process, with what is on record.
TEST_CASE("a server whose log is behind cannot tell what became of a branch") {
  Fixture f;
  const Xid xid = f.xid();
  std::string prepared_at;
  {
    MysqlServer server(parse_settings(open_string()).value());
    auto session = server.connect("").value();
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(dynamic_cast<MysqlSession&>(*session), f.set(1, 7)) == 0);
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->prepare(xid).code == XA_OK);
    prepared_at = session->server();
    REQUIRE(session->commit_prepared(xid).code == XA_OK);
    CHECK(session->server().find(' ') == std::string::npos);
  }
  const auto place = PreparedLog::parse(prepared_at);
  REQUIRE(place);
  const auto ask = [&](const std::string& on_record) {
    MysqlServer later(parse_settings(open_string()).value());
    later.prepared_at(xid, on_record);
    auto session = later.connect("").value();
    const int code = session->commit_prepared(xid).code;
    return std::pair(code, session->server());
  };
  CHECK(ask(prepared_at).first == XAER_NOTA);
  const std::string server = prepared_at.substr(0, prepared_at.find(' '));
  const auto [code, evidence] = ask(server + " lsn=999999999999999 at=9999999999");
  CHECK(code == XA_RETRY);
  CHECK(evidence == server + " lsn=999999999999999 at=9999999999 doubted");
  // It passes that one day, and still cannot tell.
  CHECK(ask(prepared_at + " doubted").first == XA_RETRY);
}

// As one that is made of an image: its own tables are as old as that, and so may its identifier be.
TEST_CASE("a server whose applications' tables are all new cannot tell, however old its own are") {
  Heard h;
  for (const char* all : {"SELECT ON mysql.*", "SELECT ON performance_schema.*", "SELECT ON sys.*"})
    h.admin.run(std::string("GRANT ") + all + " TO " + h.user);
  h.prepare_and_commit();
  CHECK(h.ask().code == XAER_NOTA);
  h.admin.run("DROP DATABASE " + h.name);
  h.admin.run("CREATE DATABASE " + h.name);
  h.admin.run("CREATE TABLE " + h.name + ".account (id INT PRIMARY KEY, v INT)");
  h.cannot_tell(kAllYoung);
}

TEST_CASE("a server whose tables were all rebuilt cannot tell until it is seen to be the old one") {
  Heard h;
  h.prepare_and_commit();
  CHECK(h.ask().code == XAER_NOTA);
  h.admin.run("ALTER TABLE " + h.name + ".account FORCE");
  h.cannot_tell(kAllYoung);
  h.admin.run("GRANT SELECT ON " + h.f.table + " TO " + h.user);
  CHECK(h.ask().code == XAER_NOTA);
}

TEST_CASE("a server that shows the account no table cannot tell until it shows an older one") {
  Heard h;
  h.prepare_and_commit();
  h.admin.run("REVOKE ALL ON " + h.name + ".* FROM " + h.user);
  h.cannot_tell("sees no table of an application");
  h.admin.run("GRANT SELECT ON " + h.f.table + " TO " + h.user);
  CHECK(h.ask().code == XAER_NOTA);
}

// MariaDB's procedures may be older than the server: a dump of all databases keeps their time.
TEST_CASE("at MySQL a procedure tells as well as a table that the server is not a new one") {
  Heard h;
  h.admin.run("CREATE PROCEDURE " + h.name + ".pay() SELECT 1");
  h.prepare_and_commit();
  h.admin.run("REVOKE ALL ON " + h.name + ".* FROM " + h.user);
  h.admin.run("GRANT EXECUTE ON " + h.name + ".* TO " + h.user);
  CHECK(h.ask().code == (on_mariadb() ? XA_RETRY : XAER_NOTA));
}

}  // namespace xabridge::mysql::test
