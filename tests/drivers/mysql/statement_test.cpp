// Statements in C under somebody else's transaction manager: by rmid, from libxabridge_mysql alone.
#include <xabridge/mysql.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#include <memory>
#include <string>
#include <vector>

#include "fixture.hpp"

extern "C" {
extern xa_switch_t xabridge_mysql_switch;
extern xa_switch_t xabridge_mysql_switch_dynamic;
extern const xabridge_rm_extras_t xabridge_mysql_switch_dynamic_extras;

// The transaction manager of a program that links none: every work belongs to this branch, or to
// none.
static const XID* current = nullptr;
XABRIDGE_API int ax_reg(int, XID* xid, long) {
  if (current == nullptr)
    xid->formatID = -1;
  else
    *xid = *current;
  return TM_OK;
}
XABRIDGE_API int ax_unreg(int, long) { return TM_OK; }
}

namespace xabridge::mysql::test {
namespace {

using Answer = std::unique_ptr<xabridge_mysql_result, decltype(&xabridge_mysql_free)>;

Answer execute(int rmid, const std::string& sql,
               const std::vector<xabridge_mysql_parameter>& values = {}) {
  return {xabridge_mysql_execute_of(rmid, sql.c_str(), values.data(), values.size()),
          xabridge_mysql_free};
}
int error(const Answer& answer) { return xabridge_mysql_error(answer.get()); }

struct Opened {
  xa_switch_t& xa;
  int rmid;
  std::string info = open_string();
  Opened(xa_switch_t& entries, int id) : xa(entries), rmid(id) {
    REQUIRE(xa.xa_open_entry(info.data(), rmid, TMNOFLAGS) == XA_OK);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { (void)xa.xa_close_entry(info.data(), rmid, TMNOFLAGS); }
  void commit(const Xid& xid) const {
    XID raw = xid.raw();
    REQUIRE(xa.xa_end_entry(&raw, rmid, TMSUCCESS) == XA_OK);
    REQUIRE(xa.xa_commit_entry(&raw, rmid, TMONEPHASE) == XA_OK);
  }
};

}  // namespace

TEST_CASE("a statement by rmid works in the branch the thread is associated with") {
  Fixture f;
  const Opened rm(xabridge_mysql_switch, 11);
  const Answer none = execute(11, "SELECT 1");
  CHECK(error(none) == XAER_PROTO);
  CHECK(std::string(xabridge_mysql_message(none.get())).find("xa_start") != std::string::npos);
  const Xid xid = f.xid();
  XID raw = xid.raw();
  REQUIRE(rm.xa.xa_start_entry(&raw, 11, TMNOFLAGS) == XA_OK);
  const Answer changed = execute(11, "UPDATE " + f.table + " SET v = ? WHERE id = ?",
                                 {xabridge_mysql_integer(7), xabridge_mysql_integer(1)});
  INFO(xabridge_mysql_message(changed.get()));
  CHECK(error(changed) == 0);
  CHECK(xabridge_mysql_affected_rows(changed.get()) == 1);
  unsigned long long id = 9;
  CHECK(xabridge_mysql_last_insert_id_of(11, &id) == 0);
  CHECK(id == 0);
  CHECK(f.v(1) == 0);
  rm.commit(xid);
  CHECK(f.v(1) == 7);
  CHECK(error(execute(11, "SELECT 1")) == XAER_PROTO);
}

TEST_CASE("a statement by rmid registers a switch with dynamic registration") {
  Fixture f;
  const Opened rm(xabridge_mysql_switch_dynamic, 12);
  const Xid xid = f.xid();
  current = &xid.raw();
  CHECK(error(execute(12, f.set(1, 8))) == 0);
  CHECK(f.v(1) == 0);
  rm.commit(xid);
  CHECK(f.v(1) == 8);
  current = nullptr;
  CHECK(error(execute(12, f.set(2, 9))) == 0);
  CHECK(f.v(2) == 9);
  CHECK(xabridge_mysql_switch_dynamic_extras.release(12) == XA_OK);
}

TEST_CASE("a statement by an rmid that nobody opened is refused") {
  CHECK(error(execute(77, "SELECT 1")) == XAER_PROTO);
  CHECK(xabridge_mysql_error(nullptr) == XAER_RMERR);
  CHECK(std::string(xabridge_mysql_message(nullptr)).find("out of memory") != std::string::npos);
  CHECK(xabridge_mysql_next(nullptr) == 0);
  CHECK(xabridge_mysql_is_null(nullptr, 0) == -1);
  xabridge_mysql_free(nullptr);
}

}  // namespace xabridge::mysql::test
