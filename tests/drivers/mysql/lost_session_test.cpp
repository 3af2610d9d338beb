// A connection that was lost without the server's noticing: the session and its branch are not kept
// until idle_limit, this process ends what it has lost itself.
#include <unistd.h>

#include <future>

#include "deaf_relay.hpp"
#include "fixture.hpp"
#include "in_child.hpp"
#include "interrupter.hpp"

namespace xabridge::mysql::test {
namespace {

/// A server behind a relay, and a session that has begun a branch and changed row 1.
struct Behind {
  Behind()
      : relay(parse_settings(open_string()).value().port),
        server(parse_settings(open_string_with("port", std::to_string(relay.port()))).value()),
        session(server.connect("").value()),
        xid(f.xid()) {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(dynamic_cast<MysqlSession&>(*session), f.set(1, 7)) == 0);
  }

  void prepare() {
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->prepare(xid).code == XA_OK);
  }

  Fixture f;
  xabridge::test::DeafRelay relay;
  MysqlServer server;
  std::unique_ptr<rm::Session> session;
  Xid xid;
};

bool at_server(Fixture& f, const std::string& id) {
  return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " + id) !=
         "0";
}

/// An owner as our transaction manager has it, of this test alone.
std::string owner_tag() {
  static int counter = 0;
  return "xabridge/tests" + std::to_string(::getpid()) + "/" + std::to_string(++counter);
}

/// One server by two addresses, for one owner: the second is a relay that sees what is said.
struct TwoAddresses {
  TwoAddresses()
      : relay(parse_settings(open_string()).value().port),
        first(parse_settings(open_string()).value()),
        second(std::make_shared<const Settings>(
            parse_settings(open_string_with("port", std::to_string(relay.port())) +
                           " sslmode=disable")
                .value())),
        session(first.connect(tag).value()),
        xid(f.xid()) {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(work("DO 1") == 0);
  }
  int work(const std::string& sql) {
    return Fixture::work(dynamic_cast<MysqlSession&>(*session), sql);
  }

  Fixture f;
  const std::string tag = owner_tag();
  xabridge::test::DeafRelay relay;
  MysqlServer first;
  const std::shared_ptr<const Settings> second;
  std::unique_ptr<rm::Session> session;
  Xid xid;
};

}  // namespace

TEST_CASE("the session of a prepared branch that was lost unnoticed is ended by who completes it") {
  for (const bool commit : {true, false}) {
    Behind b;
    b.prepare();
    const std::string id = b.session->server_id();
    b.relay.lose_clients();
    const auto failed =
        commit ? b.session->commit_prepared(b.xid) : b.session->rollback_prepared(b.xid);
    REQUIRE(failed.error);
    CHECK(!failed.error->connection_usable);
    CHECK(at_server(b.f, id));
    auto other = b.server.connect("").value();  // before the session is given up
    b.session.reset();
    CHECK(Fixture::settled(dynamic_cast<MysqlSession&>(*other), commit, b.xid).code == XA_OK);
    CHECK(b.f.v(1) == (commit ? 7 : 0));
    CHECK(eventually([&] { return !at_server(b.f, id); }));
  }
}

TEST_CASE("the locks of a branch whose session was lost unnoticed end with the next log-in") {
  Behind b;
  const std::string id = b.session->server_id();
  b.relay.lose_clients();
  CHECK(b.session->end(b.xid).code == XAER_RMFAIL);
  b.session.reset();
  CHECK(at_server(b.f, id));
  const auto next = b.server.connect("").value();
  CHECK(eventually([&] { return !at_server(b.f, id); }));
  CHECK(b.f.observer.failure(b.f.set(1, 9)) == 0);
}

TEST_CASE("the locks of a branch whose session was lost unnoticed end when recovery lists") {
  Behind b;
  const auto recovery = b.server.connect("").value();
  const std::string id = b.session->server_id();
  b.relay.lose_oldest_client();
  CHECK(b.session->end(b.xid).code == XAER_RMFAIL);
  b.session.reset();
  CHECK(at_server(b.f, id));
  CHECK(recovery->prepared(false));
  CHECK(eventually([&] { return !at_server(b.f, id); }));
}

TEST_CASE(
    "a log-in that is lost ends no living session that reached the server by another address") {
  TwoAddresses t;
  const auto interrupter = std::make_shared<Interrupter>(t.second);
  for (const char* last_words : {"server_uuid", "GET_LOCK"}) {
    t.relay.lose_who_says(last_words);
    CHECK_FALSE(MysqlSession::open(t.second, t.tag, interrupter));
    t.relay.lose_who_says(nullptr);
    CHECK(MysqlSession::open(t.second, t.tag, interrupter));  // ends what was lost
    CHECK(at_server(t.f, t.session->server_id()));
  }
  CHECK(t.session->end(t.xid).code == XA_OK);
  CHECK(t.session->rollback(t.xid).code == XA_OK);
}

TEST_CASE("an interruption hits no session that reached the server by another address") {
  TwoAddresses t;
  REQUIRE(t.work("DO RELEASE_ALL_LOCKS()") == 0);
  auto other = MysqlSession::open(t.second, t.tag).value();
  const Xid xid = t.f.xid();
  REQUIRE(other->begin(xid).code == XA_OK);
  t.f.observer.run("BEGIN");
  t.f.observer.run(t.f.set(1, 1));
  auto statement =
      std::async(std::launch::async, [&] { return Fixture::work(*other, t.f.set(1, 2)); });
  Plain looks(open_string());
  REQUIRE(eventually([&] {
    return looks.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                       other->server_id() + " AND command = 'Query'") == "1";
  }));
  t.session->interrupt();
  t.f.observer.run("ROLLBACK");
  CHECK(statement.get() == 0);
  CHECK(other->rollback(xid).code == XA_OK);
}

TEST_CASE("sessions lost before the server knew them take no room from others, nor do old ones") {
  TwoAddresses t;
  const auto interrupter = std::make_shared<Interrupter>(t.second);
  t.relay.lose_who_says("server_uuid");
  CHECK_FALSE(MysqlSession::open(t.second, t.tag, interrupter));
  CHECK(interrupter->take_lost("").empty());

  for (int i = 0; i < 1500; ++i) interrupter->keep_lost(SessionMark(t.tag), "another");
  auto session =
      MysqlSession::open(std::make_shared<const Settings>(parse_settings(open_string()).value()),
                         t.tag, interrupter)
          .value();
  const std::string id = session->server_id();
  const Xid xid = t.f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(Fixture::work(*session, "KILL CONNECTION_ID()") != 0);
  CHECK(session->end(xid).code != XA_OK);
  const std::string server = session->server();
  session.reset();
  CHECK(interrupter->take_lost(server).size() == 1);
}

TEST_CASE("the sessions of an owner are found behind a gap in their numbers") {
  Fixture f;
  const std::string tag = owner_tag();
  std::vector<SessionMark> elsewhere;  // as if at other servers
  for (int i = 0; i < 1500; ++i) elsewhere.emplace_back(tag);
  const auto lost = f.session(tag);
  MysqlServer server(parse_settings(open_string()).value());
  const auto control = server.connect("").value();
  const auto ended = server.end_sessions_tagged(*control, tag);
  REQUIRE(ended);
  REQUIRE(ended->has_value());
  CHECK(eventually([&] { return !at_server(f, lost->server_id()); }));
}

TEST_CASE("a child leaves its parent's lost sessions, and those it has a copy of, alone") {
  Behind b;
  auto lost = b.server.connect("").value();
  const std::string id = lost->server_id();
  const std::string living = b.session->server_id();
  CHECK(in_child([&] {
          (void)Fixture::work(dynamic_cast<MysqlSession&>(*b.session), b.f.set(2, 7));
          (void)b.session->end(b.xid);
          b.session.reset();  // its copy is lost, the parent's session is not
          return b.server.connect("") ? 0 : 1;
        }) == 0);
  CHECK(at_server(b.f, living));
  CHECK(at_server(b.f, id));
  CHECK(b.session->end(b.xid).code == XA_OK);
  CHECK(b.session->rollback(b.xid).code == XA_OK);
}

}  // namespace xabridge::mysql::test
