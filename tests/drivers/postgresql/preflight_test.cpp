// Preflight on a server as it should be, and on one as nobody should run it.

#include <cstdlib>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Preflight {
  std::vector<rm::Finding> findings;
  explicit Preflight(const std::string& open_string) {
    auto server = postgresql::driver().parse(open_string).value();
    const auto session = server->connect("test").value();
    findings = server->preflight(*session);
  }
  [[nodiscard]] rm::Finding about(const std::string& subject) const {
    for (const rm::Finding& finding : findings)
      if (finding.subject == subject) return finding;
    FAIL("no finding about " << subject);
    return {};
  }
};

bool contains(const std::string& text, const std::string& words) {
  INFO(text);
  return text.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("the test server has no error") {
  const std::string here = environment("XABRIDGE_TEST_POSTGRESQL");
  const Preflight preflight(here);
  for (const rm::Finding& finding : preflight.findings) {
    INFO(finding.subject << " " << finding.text);
    CHECK(finding.severity != XABRIDGE_FINDING_ERROR);
    CHECK(finding.fix.empty() == (finding.severity == XABRIDGE_FINDING_OK));
  }
  CHECK(contains(preflight.about("server version").text, "PostgreSQL 1"));
  const Preflight many(here + " pool_size=90000");
  CHECK(many.about("max_connections").severity == XABRIDGE_FINDING_WARNING);
  const Preflight read_only(here + " options='-c default_transaction_read_only=on'");
  const rm::Finding refused = read_only.about("default_transaction_read_only");
  CHECK(refused.severity == XABRIDGE_FINDING_ERROR);
  CHECK(contains(refused.text, "SET TRANSACTION READ WRITE"));
  const Preflight encrypted(here + " sslmode=require");
  CHECK(contains(encrypted.about("TLS").text, "TLSv1"));
  const Preflight plain(here + " sslmode=disable");
  CHECK(plain.about("TLS").severity == XABRIDGE_FINDING_WARNING);
}

TEST_CASE("settings that break or weaken two-phase commit are found with their fix") {
  const PrivateCluster cluster(
      "max_prepared_transactions=0 fsync=off full_page_writes=off synchronous_commit=off");
  const Preflight preflight(cluster.open_string());
  const rm::Finding prepared = preflight.about("max_prepared_transactions");
  CHECK(prepared.severity == XABRIDGE_FINDING_ERROR);
  CHECK(contains(prepared.text, "is 0"));
  CHECK(contains(prepared.fix, "ALTER SYSTEM SET max_prepared_transactions"));
  CHECK(contains(prepared.fix, "restart"));
  CHECK(preflight.about("fsync").severity == XABRIDGE_FINDING_WARNING);
  CHECK(preflight.about("full_page_writes").severity == XABRIDGE_FINDING_WARNING);
  CHECK(preflight.about("synchronous_commit").severity == XABRIDGE_FINDING_WARNING);
  CHECK(preflight.about("TLS").severity == XABRIDGE_FINDING_OK);

  // Trap 10 where nobody looked first: the branch is rolled back, and the message says what to set.
  const SessionPtr session = open_session(cluster.open_string());
  const auto xid = Xid::make(1, "g", "b");
  REQUIRE(session->begin(*xid).code == XA_OK);
  CHECK(sql(*session, "CREATE TABLE t (i int)").ok);
  REQUIRE(session->end(*xid).code == XA_OK);
  const rm::Answer answer = session->prepare(*xid);
  CHECK_ANSWER(answer, XA_RBOTHER);
  REQUIRE(answer.error.has_value());
  CHECK(contains(answer.error->message, "max_prepared_transactions"));
  CHECK(session->reusable());
}

TEST_CASE("prepared transactions that take all places are found before a branch is refused") {
  const PrivateCluster cluster("max_prepared_transactions=2 fsync=off");
  const SessionPtr session = open_session(cluster.open_string() + " pool_size=1");
  for (const char* const name : {"one", "two"}) {
    CHECK(Preflight(cluster.open_string() + " pool_size=1")
              .about("max_prepared_transactions")
              .severity == XABRIDGE_FINDING_OK);
    const auto xid = Xid::make(1, name, "b");
    REQUIRE(session->begin(*xid).code == XA_OK);
    CHECK(sql(*session, "SELECT txid_current()").ok);
    REQUIRE(session->end(*xid).code == XA_OK);
    REQUIRE(session->prepare(*xid).code == XA_OK);
  }
  const Preflight full(cluster.open_string() + " pool_size=1");
  const rm::Finding finding = full.about("max_prepared_transactions");
  CHECK(finding.severity == XABRIDGE_FINDING_ERROR);
  CHECK(contains(finding.text, "all 2 are taken"));
  CHECK(contains(finding.fix, "pg_prepared_xacts"));
}

TEST_CASE(
    "too few prepared transactions are a warning before and a transient rollback under load") {
  const PrivateCluster cluster("max_prepared_transactions=1 fsync=off");
  CHECK(Preflight(cluster.open_string()).about("max_prepared_transactions").severity ==
        XABRIDGE_FINDING_WARNING);
  const SessionPtr session = open_session(cluster.open_string());
  for (const int expected : {XA_OK, XA_RBTRANSIENT}) {
    const auto xid = Xid::make(1, expected == XA_OK ? "one" : "two", "b");
    REQUIRE(session->begin(*xid).code == XA_OK);
    CHECK(sql(*session, "SELECT txid_current()").ok);  // counts as a write
    REQUIRE(session->end(*xid).code == XA_OK);
    CHECK_ANSWER(session->prepare(*xid), expected);
  }
}
