// A connection that was lost without the server's noticing: the session and its branch are not kept
// until idle_limit, this process ends what it has lost itself.
#include "deaf_relay.hpp"
#include "fixture.hpp"
#include "in_child.hpp"

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
