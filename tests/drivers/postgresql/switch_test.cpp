// The exported switch and its extras, loaded with dlopen as any transaction manager would.

#include <dlfcn.h>
#include <xabridge/rm_extras.h>

#include <cstring>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Loaded {
  void* library = dlopen(SWITCH_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  xa_switch_t* rm = nullptr;
  const xabridge_rm_extras_t* extras = nullptr;
  Loaded() {
    INFO(SWITCH_LIBRARY);
    REQUIRE(library != nullptr);
    rm = static_cast<xa_switch_t*>(dlsym(library, "xabridge_postgresql_switch"));
    extras = static_cast<const xabridge_rm_extras_t*>(
        dlsym(library, "xabridge_postgresql_switch_extras"));
    REQUIRE(rm != nullptr);
    REQUIRE(extras != nullptr);
  }
};

const Loaded& loaded() {
  static const Loaded instance;
  return instance;
}

// An rmid opened on the test server, closed at the end. Each test uses its own.
struct Opened {
  xa_switch_t& rm = *loaded().rm;
  const xabridge_rm_extras_t& extras = *loaded().extras;
  int rmid;
  std::string info = environment("XABRIDGE_TEST_POSTGRESQL");
  explicit Opened(int id) : rmid(id) {
    REQUIRE(rm.xa_open_entry(info.data(), rmid, TMNOFLAGS) == XA_OK);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { rm.xa_close_entry(info.data(), rmid, TMNOFLAGS); }
  [[nodiscard]] PGconn* connection() const { return static_cast<PGconn*>(extras.connection(rmid)); }
};

}  // namespace

TEST_CASE("the library exports a switch and extras of our driver") {
  const Loaded& l = loaded();
  CHECK(std::string(l.rm->name) == "xabridge PostgreSQL");
  CHECK((l.rm->flags & (TMREGISTER | TMNOMIGRATE)) == 0);
  CHECK(l.rm->version == 0);
  CHECK(l.extras->version == XABRIDGE_RM_EXTRAS_VERSION);
  CHECK(std::string(l.extras->driver) == "postgresql");
}

TEST_CASE("a transaction goes through the switch in two phases") {
  Corner corner;
  const Opened open(1);
  XID xid = corner.xid().raw();
  REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  REQUIRE(open.connection() != nullptr);
  CHECK(sql(open.connection(), corner.add(1, -10)).ok);
  CHECK(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_OK);
  CHECK(open.connection() == nullptr);
  CHECK(open.rm.xa_prepare_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == 100);
  CHECK(open.rm.xa_commit_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == 90);
}

TEST_CASE("an ignored failure is a rollback through the switch with the server text") {
  Corner corner;
  const Opened open(2);
  XID xid = corner.xid().raw();
  REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(sql(open.connection(), corner.add(1, -10)).ok);
  CHECK_FALSE(sql(open.connection(), "INSERT INTO " + corner.table() + " VALUES (1, 1)").ok);
  CHECK(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_RBINTEGRITY);
  xabridge_rm_error error{};
  REQUIRE(open.extras.last_error(open.rmid, &error) == XA_OK);
  CHECK(std::string(error.sqlstate) == "23505");
  CHECK(std::strstr(error.server_text, "duplicate key") != nullptr);
  CHECK(open.rm.xa_rollback_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == 100);
}

TEST_CASE("a COMMIT typed by hand comes out of the switch as a heuristic commit") {
  Corner corner;
  const Opened open(3);
  XID xid = corner.xid().raw();
  REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(sql(open.connection(), corner.add(1, -10)).ok);
  CHECK(sql(open.connection(), "COMMIT").ok);
  CHECK(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_RBPROTO);
  CHECK(open.rm.xa_rollback_entry(&xid, open.rmid, TMNOFLAGS) == XA_HEURCOM);
  xabridge_rm_error error{};
  REQUIRE(open.extras.last_error(open.rmid, &error) == XA_OK);
  CHECK(std::strstr(error.message, "COMMIT by hand") != nullptr);
  CHECK(open.rm.xa_forget_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == 90);
}

TEST_CASE("a connection that died at rest is replaced at xa_start") {
  Corner corner;
  const Opened open(4);
  char pid[32] = {};
  for (int round = 0; round < 2; ++round) {
    XID xid = corner.xid().raw();
    REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
    CHECK(sql(open.connection(), corner.add(1, 1)).ok);
    REQUIRE(open.extras.session_of(&xid, open.rmid, pid, sizeof pid) == XA_OK);
    CHECK(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_OK);
    CHECK(open.rm.xa_commit_entry(&xid, open.rmid, TMONEPHASE) == XA_OK);
    sql(corner.admin(), "SELECT pg_terminate_backend(" + std::string(pid) + ", 10000)");
  }
  CHECK(corner.amount(1) == 102);
}

TEST_CASE("a prepared branch whose session is ended is completed, and the rmid stays open") {
  Corner corner;
  const Opened open(7);
  const bool commit = GENERATE(true, false);
  char pid[32] = {};
  XID xid = corner.xid().raw();
  REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(sql(open.connection(), corner.add(1, 1)).ok);
  REQUIRE(open.extras.session_of(&xid, open.rmid, pid, sizeof pid) == XA_OK);
  REQUIRE(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_OK);
  REQUIRE(open.rm.xa_prepare_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  sql(corner.admin(), "SELECT pg_terminate_backend(" + std::string(pid) + ", 10000)");
  CHECK((commit ? open.rm.xa_commit_entry : open.rm.xa_rollback_entry)(&xid, open.rmid,
                                                                      TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == (commit ? 101 : 100));
  XID next = corner.xid().raw();
  CHECK(open.rm.xa_start_entry(&next, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(open.rm.xa_end_entry(&next, open.rmid, TMSUCCESS) == XA_OK);
  CHECK(open.rm.xa_rollback_entry(&next, open.rmid, TMNOFLAGS) == XA_OK);
}

TEST_CASE("xa_open of a server that is not there is RMERR with the reason") {
  const Loaded& l = loaded();
  std::string nowhere = "host=127.0.0.1 port=1 user=x dbname=x";
  CHECK(l.rm->xa_open_entry(nowhere.data(), 5, TMNOFLAGS) == XAER_RMERR);
  std::string unknown = "hots=127.0.0.1";
  CHECK(l.rm->xa_open_entry(unknown.data(), 5, TMNOFLAGS) == XAER_INVAL);
}

TEST_CASE("xa_recover lists a prepared branch byte for byte and no foreign name") {
  Corner corner;
  const Opened open(6);
  XID xid = corner.xid().raw();
  REQUIRE(open.rm.xa_start_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(sql(open.connection(), corner.add(1, 1)).ok);
  REQUIRE(open.rm.xa_end_entry(&xid, open.rmid, TMSUCCESS) == XA_OK);
  REQUIRE(open.rm.xa_prepare_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  XID list[500];
  const int count = open.rm.xa_recover_entry(list, 500, open.rmid, TMSTARTRSCAN | TMENDRSCAN);
  bool found = false;
  for (int i = 0; i < count; ++i) found = found || *Xid::from(&list[i]) == *Xid::from(&xid);
  CHECK(found);
  CHECK(open.rm.xa_rollback_entry(&xid, open.rmid, TMNOFLAGS) == XA_OK);
  CHECK(corner.amount(1) == 100);
}
