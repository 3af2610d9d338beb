// How far a server's log had got: what is remembered and read, and that a server whose log is
// behind cannot tell what became of a branch.
#include "prepared_log.hpp"

#include "catch.hpp"
#include "fixture.hpp"
#include "server.hpp"

namespace xabridge::mysql::test {

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
  // Its tables are younger than the branch: only MariaDB has no better sign.
  const std::string younger = server + " lsn=" + std::to_string(place->lsn) + " at=1";
  CHECK(ask(younger).first == (on_mariadb() ? XA_RETRY : XAER_NOTA));
  // It passes that one day, and still cannot tell.
  CHECK(ask(prepared_at + " doubted").first == XA_RETRY);
}

}  // namespace xabridge::mysql::test
