// "No such branch" is believed only from a server whose history holds the branch: not from another
// cluster, a restored backup, a standby that took over without it.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

constexpr const char* settings = "max_prepared_transactions=5";
const Xid xid = *Xid::make(1, "moved", "b");

/// A cluster, and what one process of a transaction manager knows of it.
struct Place {
  explicit Place(const PrivateCluster& cluster)
      : server(postgresql::driver().parse(cluster.open_string()).value()) {}
  [[nodiscard]] SessionPtr connect() const { return server->connect("test").value(); }
  /// Phase two in this process of a branch that another one has prepared; the record says where.
  [[nodiscard]] rm::Answer commit(const std::string& prepared_at) const {
    server->prepared_at(xid, prepared_at);
    const SessionPtr session = connect();
    rm::Answer answer = session->commit_prepared(xid);
    answer.server = session->server();
    return answer;
  }
  std::unique_ptr<rm::Server> server;
};

void make_table(const PrivateCluster& cluster) {
  REQUIRE(sql(open_raw(cluster.open_string()).get(), "CREATE TABLE t (i int)").ok);
}

/// A branch with one row; what its session says about the server then.
std::string prepare(const PrivateCluster& cluster) {
  const SessionPtr session = Place(cluster).connect();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(sql(*session, "INSERT INTO t VALUES (1)").ok);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->prepare(xid).code == XA_OK);
  return session->server();
}

void finish(const PrivateCluster& cluster, const std::string& verb) {
  REQUIRE(sql(open_raw(cluster.open_string()).get(), verb + " PREPARED '" + xid.to_gid() + "'").ok);
}

/// Other transactions, until the server has given out more ids than it had when `prepared_at`.
void write_more(const PrivateCluster& cluster, int transactions = 50) {
  const Connection connection = open_raw(cluster.open_string());
  for (int i = 0; i < transactions; ++i)
    REQUIRE(sql(connection.get(), "INSERT INTO t SELECT generate_series(100, 400)").ok);
}

bool says(const rm::Answer& answer, const std::string& part) {
  return answer.error && answer.error->message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the server is named by what it is and after prepare with the place in its history") {
  const PrivateCluster cluster(settings);
  make_table(cluster);
  const SessionPtr session = Place(cluster).connect();
  const std::string name = session->server();
  CHECK(name.find("postgresql:") == 0);
  CHECK(name.find(' ') == std::string::npos);
  const std::string prepared_at = prepare(cluster);
  CHECK(prepared_at.find(name + " start=") == 0);
  CHECK(prepared_at.find(" at=00000001:0/") != std::string::npos);
  CHECK(prepared_at.find(" xid=") != std::string::npos);
  CHECK(prepared_at.size() <= 255);
  CHECK(Place(cluster).connect()->server() == name);
  finish(cluster, "ROLLBACK");
}

TEST_CASE("what became of a branch is known in a later process from its record") {
  const PrivateCluster cluster(settings);
  make_table(cluster);
  const std::string prepared_at = prepare(cluster);
  SECTION("committed") {
    finish(cluster, "COMMIT");
    SECTION("at the same server") {}
    SECTION("after a restart") {
      cluster.run("halt", "fast");
      cluster.run("resume");
    }
    SECTION("after a crash") { cluster.crash(); }
    CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_OK);
  }
  SECTION("rolled back by somebody else") {
    finish(cluster, "ROLLBACK");
    SECTION("at the same server") {}
    SECTION("after a crash") { cluster.crash(); }
    CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_HEURRB);
  }
  SECTION("prepared still, after a crash") {
    cluster.crash();
    CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_OK);
    CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_OK);
  }
}

TEST_CASE("another cluster or database at the address cannot tell") {
  const PrivateCluster cluster(settings);
  make_table(cluster);
  const std::string prepared_at = prepare(cluster);
  finish(cluster, "COMMIT");
  SECTION("another cluster") {
    const PrivateCluster other(settings);
    const rm::Answer answer = Place(other).commit(prepared_at);
    CHECK_ANSWER(answer, XA_RETRY);
    CHECK(says(answer, "another server answers: the branch was prepared at postgresql:"));
  }
  SECTION("another database") {
    REQUIRE(sql(open_raw(cluster.open_string()).get(), "CREATE DATABASE other").ok);
    const auto server =
        postgresql::driver().parse(with_database(cluster.open_string(), "other")).value();
    server->prepared_at(xid, prepared_at);
    CHECK_ANSWER(server->connect("test").value()->commit_prepared(xid), XA_RETRY);
  }
}

TEST_CASE("a backup from before the branch cannot tell however much was written since") {
  const PrivateCluster cluster(settings);
  make_table(cluster);
  const char* const how = GENERATE("fast", "immediate");
  INFO(how);
  cluster.run("halt", how);
  cluster.run("save");
  cluster.run("resume");
  const std::string prepared_at = prepare(cluster);
  finish(cluster, "COMMIT");
  cluster.run("halt");
  cluster.run("restore");
  cluster.run("resume");
  const rm::Answer answer = Place(cluster).commit(prepared_at);
  CHECK_ANSWER(answer, XA_RETRY);
  CHECK(says(answer, "does not show that its history holds the branch"));
  write_more(cluster);
  CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_RETRY);
  // Started once more it shows nothing of that: what it said is on record then.
  CHECK(answer.server == prepared_at + " doubted");
  if (GENERATE(true, false)) {
    cluster.crash();
  } else {
    cluster.run("halt", "fast");
    cluster.run("resume");
  }
  const Place later(cluster);
  CHECK_ANSWER(later.commit(answer.server), XA_RETRY);
  CHECK_ANSWER(later.commit(prepared_at), XA_RETRY);  // and this process remembers
}

TEST_CASE("a server that ran before the branch's own started cannot tell") {
  const PrivateCluster cluster(settings);
  make_table(cluster);
  cluster.crash();
  std::string prepared_at = prepare(cluster);
  finish(cluster, "COMMIT");
  // As a copy of its files would say that was started later, and where the branch is.
  const auto start = prepared_at.find("start=") + 6;
  prepared_at.replace(start, prepared_at.find(' ', start) - start, "99999999999.5");
  CHECK_ANSWER(Place(cluster).commit(prepared_at), XA_RETRY);
}

TEST_CASE("a standby that takes over can tell only about branches it has received") {
  const PrivateCluster primary(settings);
  make_table(primary);
  const PrivateCluster standby(primary);
  const Connection watch = open_raw(standby.open_string());
  std::string prepared_at;
  SECTION("received, with its commit") {
    prepared_at = prepare(primary);
    finish(primary, "COMMIT");
    REQUIRE(eventually(
        [&] { return sql(watch.get(), "SELECT count(*) FROM t").value == "1"; }));
    primary.run("halt");
    standby.run("promote");
    CHECK_ANSWER(Place(standby).commit(prepared_at), XA_OK);
  }
  SECTION("received, and prepared still") {
    prepared_at = prepare(primary);
    REQUIRE(sql(open_raw(primary.open_string()).get(), "INSERT INTO t VALUES (5)").ok);
    REQUIRE(eventually(
        [&] { return sql(watch.get(), "SELECT count(*) FROM t").value == "1"; }));
    primary.run("halt");
    standby.run("promote");
    CHECK_ANSWER(Place(standby).commit(prepared_at), XA_OK);
    CHECK(sql(open_raw(standby.open_string()).get(), "SELECT count(*) FROM t").value == "2");
  }
  SECTION("lost") {
    standby.run("halt");  // what follows never reaches it
    prepared_at = prepare(primary);
    finish(primary, "COMMIT");
    primary.run("halt");
    standby.run("resume");
    standby.run("promote");
    CHECK_ANSWER(Place(standby).commit(prepared_at), XA_RETRY);
    write_more(standby);  // the id is given to another transaction
    const std::string doubted = Place(standby).commit(prepared_at).server;
    standby.crash();
    CHECK_ANSWER(Place(standby).commit(doubted), XA_RETRY);
  }
}
