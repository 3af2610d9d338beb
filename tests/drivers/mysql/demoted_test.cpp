// A server that becomes read-only while sessions to it are in the pool.
#include <array>
#include <optional>
#include <set>
#include <xabridge/rm/adapter.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

std::string admin() { return server_setting("_ADMIN"); }

void set_read_only(bool on) {
  Plain(admin()).run(std::string("SET GLOBAL read_only = ") + (on ? "ON" : "OFF"));
}

struct ReadOnly {
  ReadOnly() { set_read_only(true); }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;
  ~ReadOnly() { set_read_only(false); }
};

/// Writes in a branch at rmid 1; the connection's id, or, refused, what the driver says about it.
struct Work {
  std::string id;
  int said = XA_OK;
};
Work work(rm::Switch& rm, Fixture& f) {
  const Xid xid = f.xid();
  REQUIRE(rm.start(&xid.raw(), 1, 0) == XA_OK);
  std::array<char, 32> text{};
  REQUIRE(rm.session_of(&xid.raw(), 1, text.data(), text.size()) == XA_OK);
  Work done{text.data()};
  auto* const connection = static_cast<sql::Connection*>(rm.connection(1));
  std::optional<sql::SQLException> thrown;
  try {
    const std::unique_ptr<sql::Statement> statement(connection->createStatement());
    statement->execute(f.set(1, 1));
  } catch (const sql::SQLException& failure) {
    thrown.emplace(failure);
  }
  (void)rm.end(&xid.raw(), 1, TMFAIL);
  CHECK(rm.rollback(&xid.raw(), 1, 0) == XA_OK);
  // As the transaction manager does: when the branch is over.
  if (thrown) done.said = rm.classify(&static_cast<const std::exception&>(*thrown));
  return done;
}

}  // namespace

TEST_CASE("sessions of a server that became read-only are not used again") {
  Fixture f;
  rm::Switch& rm = *new rm::Switch(driver(), TMNOFLAGS);
  REQUIRE(rm.open(open_string().c_str(), 1, 0) == XA_OK);
  std::set<std::string> old;
  {
    const Xid x = f.xid();
    const Xid y = f.xid();
    for (const Xid* xid : {&x, &y}) {
      REQUIRE(rm.start(&xid->raw(), 1, 0) == XA_OK);
      REQUIRE(rm.end(&xid->raw(), 1, TMSUCCESS) == XA_OK);
    }
    for (const Xid* xid : {&x, &y}) REQUIRE(rm.rollback(&xid->raw(), 1, 0) == XA_OK);
  }
  old.insert(work(rm, f).id);
  {
    const ReadOnly demoted;
    const Work refused = work(rm, f);
    CHECK(refused.said == XA_RBTRANSIENT);
    old.insert(refused.id);
    // Also one that was made while the server was read-only.
    const Work again = work(rm, f);
    CHECK(again.said == XA_RBTRANSIENT);
    CHECK_FALSE(old.contains(again.id));
    old.insert(again.id);
  }
  const Work after = work(rm, f);
  CHECK(after.said == XA_OK);
  CHECK_FALSE(old.contains(after.id));
  CHECK(work(rm, f).id == after.id);
  CHECK(eventually([&] {
    for (const std::string& id : old)
      if (f.observer.value("SELECT CONCAT(COUNT(*)) FROM information_schema.processlist"
                           " WHERE id = " + id) != "0")
        return false;
    return true;
  }));
  CHECK(rm.close("", 1, 0) == XA_OK);
}

}  // namespace xabridge::mysql::test
