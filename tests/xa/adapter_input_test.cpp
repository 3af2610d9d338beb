// Bad input: every entry with null pointers, flags of other calls, XIDs out of range, rmids never
// opened, threads that never opened. The answer is the specification's, and the state of a branch
// that is there stays what it was.

#include <climits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm;
using namespace xabridge::rm::test;

namespace {

using EntryOfXid = int (Switch::*)(const XID*, int, long) noexcept;

struct Entry {
  const char* name;
  EntryOfXid call;
  long flags;  // every flag the call has; the rest is XAER_INVAL
  long plain;  // a legal combination
};

const Entry entries[] = {
    {"xa_start", &Switch::start, TMJOIN | TMRESUME | TMNOWAIT | TMASYNC, TMNOFLAGS},
    {"xa_end", &Switch::end, TMSUCCESS | TMFAIL | TMSUSPEND | TMMIGRATE | TMASYNC, TMSUCCESS},
    {"xa_prepare", &Switch::prepare, TMASYNC, TMNOFLAGS},
    {"xa_commit", &Switch::commit, TMONEPHASE | TMNOWAIT | TMASYNC, TMNOFLAGS},
    {"xa_rollback", &Switch::rollback, TMASYNC, TMNOFLAGS},
    {"xa_forget", &Switch::forget, TMASYNC, TMNOFLAGS},
};

XID raw(long format, long gtrid_length, long bqual_length) {
  XID xid{};
  xid.formatID = format;
  xid.gtrid_length = gtrid_length;
  xid.bqual_length = bqual_length;
  return xid;
}

std::vector<XID> impossible_xids() {
  return {raw(-1, 1, 1),  raw(-2, 0, 1),  raw(LONG_MIN, 1, 65),      raw(7, 0, 1),
          raw(7, -1, 1),  raw(7, 65, 1),  raw(7, LONG_MAX, 1),       raw(7, LONG_MIN, 1),
          raw(7, 1, 65),  raw(7, 1, -1),  raw(7, 1, LONG_MAX),       raw(7, 1, LONG_MIN),
          raw(7, 64, 65), raw(7, 128, 0), raw(7, LONG_MAX, LONG_MAX)};
}

/// Every single bit, and the combinations that a caller might believe in.
std::vector<long> flags_not_among(long allowed) {
  std::vector<long> flags;
  for (int bit = 0; bit < 64; ++bit)
    if (const long flag = static_cast<long>(1UL << static_cast<unsigned>(bit));
        (flag & allowed) == 0)
      flags.push_back(flag);
  flags.push_back(-1L);
  return flags;
}

/// X active in thread 1 of the test program, so that a wrong step would show.
struct Opened : Scenario {
  explicit Opened(long flags = TMNOFLAGS) : Scenario(flags) {
    REQUIRE(rm.open("db=a", 1, 0) == XA_OK);
    if ((flags & TMREGISTER) == 0) REQUIRE(rm.start(&x, 1, 0) == XA_OK);
  }
  ~Opened() {
    if (rm.end(&x, 1, TMSUCCESS) == XA_OK) CHECK(rm.rollback(&x, 1, 0) == XA_OK);
    CHECK(rm.close("", 1, 0) == XA_OK);
  }
  const XID x = xid_named("X").raw();
};

}  // namespace

TEST_CASE("Flags of other calls are invalid whatever the state") {
  Opened scenario;
  for (const Entry& entry : entries)
    for (const long flag : flags_not_among(entry.flags)) {
      INFO(entry.name << " with " << flag);
      for (const int rmid : {1, 2})
        CHECK((scenario.rm.*entry.call)(&scenario.x, rmid, entry.plain | flag) == XAER_INVAL);
    }
  XID room{};
  int handle = 1;
  int result = 0;
  for (const long flag : flags_not_among(TMASYNC)) {
    CHECK(scenario.rm.open("db=a", 3, flag) == XAER_INVAL);
    CHECK(scenario.rm.close("", 1, flag) == XAER_INVAL);
  }
  for (const long flag : flags_not_among(TMSTARTRSCAN | TMENDRSCAN))
    if (flag != TMASYNC) CHECK(scenario.rm.recover(&room, 1, 1, flag) == XAER_INVAL);
  for (const long flag : flags_not_among(TMMULTIPLE | TMNOWAIT))
    CHECK(scenario.rm.complete(&handle, &result, 1, flag) == XAER_INVAL);
  CHECK(scenario.rm.end(&scenario.x, 1, TMSUCCESS) == XA_OK);
  CHECK(scenario.rm.start(&scenario.x, 1, TMJOIN) == XA_OK);
}

TEST_CASE("Impossible XIDs are invalid in every entry") {
  Opened scenario;
  for (const Entry& entry : entries) {
    INFO(entry.name);
    for (const XID& xid : impossible_xids())
      for (const int rmid : {1, 2})
        CHECK((scenario.rm.*entry.call)(&xid, rmid, entry.plain) == XAER_INVAL);
    CHECK((scenario.rm.*entry.call)(nullptr, 1, entry.plain) == XAER_INVAL);
    CHECK((scenario.rm.*entry.call)(nullptr, 1, TMASYNC | entry.plain) != XA_OK);
  }
  // Servers list the empty bqual, so it can be asked for, but no branch is begun with it.
  const XID no_bqual = raw(7, 1, 0);
  CHECK(scenario.rm.start(&no_bqual, 1, 0) == XAER_INVAL);
  CHECK(scenario.rm.start(&no_bqual, 1, TMJOIN) == XAER_INVAL);
  CHECK(scenario.rm.commit(&no_bqual, 1, 0) == XAER_NOTA);
  for (const XID& xid : impossible_xids()) {
    char text[8];
    CHECK(scenario.rm.interrupt(&xid, 1) == XAER_INVAL);
    CHECK(scenario.rm.session_of(&xid, 1, text, sizeof text) == XAER_INVAL);
  }
}

TEST_CASE("Rmids and threads that never opened are out of protocol") {
  Opened scenario;
  const auto everything_refused = [&](int rmid) {
    XID room{};
    int handle = 1;
    int result = 0;
    int wrong = 0;
    for (const Entry& entry : entries)
      wrong += (scenario.rm.*entry.call)(&scenario.x, rmid, entry.plain) == XAER_PROTO ? 0 : 1;
    wrong += scenario.rm.recover(&room, 1, rmid, TMSTARTRSCAN) == XAER_PROTO ? 0 : 1;
    wrong += scenario.rm.complete(&handle, &result, rmid, 0) == XAER_PROTO ? 0 : 1;
    wrong += scenario.rm.connection(rmid) == nullptr ? 0 : 1;
    wrong += scenario.rm.release(rmid) == XAER_PROTO ? 0 : 1;
    wrong += scenario.rm.close("", rmid, 0) == XA_OK ? 0 : 1;
    return wrong;
  };
  for (const int rmid : {0, 2, -1, INT_MAX, INT_MIN}) {
    INFO("rmid " << rmid);
    CHECK(everything_refused(rmid) == 0);
    CHECK(scenario.rm.name_instance(rmid, nullptr, "tag") == XAER_INVAL);
    CHECK(scenario.rm.identity(rmid, nullptr, 0) == XAER_INVAL);
  }
  Worker other;
  CHECK(other.run([&] { return everything_refused(1); }) == 0);
}

TEST_CASE("Null pointers and impossible sizes are invalid") {
  Opened scenario;
  int handle = 1;
  int result = 0;
  XID room{};
  CHECK(scenario.rm.open(nullptr, 2, 0) == XAER_INVAL);
  CHECK(scenario.rm.open(std::string(MAXINFOSIZE, 'a').c_str(), 2, 0) == XAER_INVAL);
  CHECK(scenario.rm.close(nullptr, 2, 0) == XA_OK);  // its text means nothing to us
  CHECK(scenario.rm.recover(nullptr, 1, 1, TMSTARTRSCAN) == XAER_INVAL);
  CHECK(scenario.rm.recover(&room, -1, 1, TMSTARTRSCAN) == XAER_INVAL);
  CHECK(scenario.rm.recover(nullptr, LONG_MIN, 1, TMSTARTRSCAN) == XAER_INVAL);
  CHECK(scenario.rm.complete(nullptr, &result, 1, 0) == XAER_INVAL);
  CHECK(scenario.rm.complete(&handle, nullptr, 1, 0) == XAER_INVAL);
  CHECK(scenario.rm.last_error(1, nullptr) == XAER_INVAL);
  CHECK(scenario.rm.classify(nullptr) == XA_OK);
}

TEST_CASE("A switch that registers dynamically refuses the same") {
  Opened scenario(TMREGISTER);
  for (const Entry& entry : entries) {
    INFO(entry.name);
    for (const long flag : flags_not_among(entry.flags))
      CHECK((scenario.rm.*entry.call)(&scenario.x, 1, entry.plain | flag) == XAER_INVAL);
    for (const XID& xid : impossible_xids())
      CHECK((scenario.rm.*entry.call)(&xid, 1, entry.plain) == XAER_INVAL);
    CHECK((scenario.rm.*entry.call)(nullptr, 1, entry.plain) == XAER_INVAL);
    CHECK((scenario.rm.*entry.call)(&scenario.x, 2, entry.plain) == XAER_PROTO);
  }
  for (const long flag : {TMNOFLAGS, TMJOIN, TMRESUME, TMNOWAIT})
    CHECK(scenario.rm.start(&scenario.x, 1, flag) == XAER_PROTO);
  CHECK(scenario.rm.end(&scenario.x, 1, TMSUCCESS) == XAER_NOTA);
  CHECK(scenario.rm.release(1) == XAER_PROTO);
  CHECK(scenario.rm.connection(2) == nullptr);
  CHECK(scenario.rm.release(2) == XAER_PROTO);
  CHECK(scenario.world.count("begin") == 0);
}
