// Asynchronous calls, table 6-5, in both ways of making them: "sending", by a session that need not
// wait for the reply, and "working", in a thread of the adapter. The ids are those of the
// conformance list.

#include <limits>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

struct Asynchronous : Scenario {
  explicit Asynchronous(bool sending) : Scenario(TMUSEASYNC) {
    if (sending) world.set_sends();
  }
  ~Asynchronous() { CHECK(world.violations().empty()); }
};

void in_both_ways(const std::string& id, const std::string& steps) {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.run(id + (sending ? ", sending" : ", working"), steps);
  }
}

}  // namespace

TEST_CASE("Every call gives a handle and its result through xa_complete") {
  in_both_ways("G02", "open; start X ASYNC = HANDLE; result; end X SUCCESS; prepare X; commit X");
  in_both_ways("two phases",
               "open ASYNC = HANDLE; result; start X ASYNC = HANDLE; result; "
               "end X SUCCESS|ASYNC = HANDLE; result; prepare X ASYNC = HANDLE; result; "
               "commit X ASYNC = HANDLE; result; commit X = NOTA; close ASYNC = HANDLE; result; "
               "start X = PROTO");
  in_both_ways("one phase",
               "open; start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; result; "
               "commit X ONEPHASE = NOTA; start Y");
  in_both_ways("rolled back",
               "open; start X; end X SUCCESS; rollback X ASYNC = HANDLE; result; start X; "
               "end X SUCCESS; prepare X; rollback X ASYNC = HANDLE; result; rollback X = NOTA");
  in_both_ways("suspended",
               "open; start X; end X SUSPEND|ASYNC = HANDLE; result; "
               "start X RESUME|ASYNC = HANDLE; result; end X SUCCESS; "
               "start X JOIN|ASYNC = HANDLE; result; end X FAIL|ASYNC = HANDLE; result = RB; "
               "start X JOIN|ASYNC = HANDLE; result = RB; rollback X");
  in_both_ways("opened twice", "open; open ASYNC = HANDLE; result; start X");
  in_both_ways("closed when closed",
               "close ASYNC = HANDLE; open = PROTO; result; complete = PROTO; open; start X");
}

TEST_CASE("A sending session needs no thread and no second connection") {
  Asynchronous scenario(true);
  scenario.run("sent",
               "open; start X ASYNC = HANDLE; result; end X SUCCESS|ASYNC = HANDLE; result; "
               "prepare X ASYNC = HANDLE; result; commit X ASYNC = HANDLE; result; "
               "start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; result; "
               "start X; end X SUCCESS; rollback X ASYNC = HANDLE; result");
  CHECK(scenario.world.count("send") == 6);
  CHECK(scenario.world.made() == 1);
}

TEST_CASE("xa_complete follows table 6-5") {
  const std::string held = "open; start X; end X SUCCESS; hold prepare; prepare X ASYNC = HANDLE; ";
  const std::string done = "letgo prepare; result; commit X";
  in_both_ways("G03", held + "complete NOWAIT = RETRY; complete NOWAIT = RETRY; " + done);
  in_both_ways("G03 multiple", held + "complete NOWAIT|MULTIPLE = RETRY; " + done);
  in_both_ways("G04", held + "letgo prepare; result MULTIPLE; complete = PROTO; commit X");
  in_both_ways("G05", held + "end X SUCCESS = PROTO; " + done);
  in_both_ways("G06", held + "close = PROTO; " + done);
  in_both_ways("G07", held + "letgo prepare; result; complete = PROTO/INVAL; commit X");
  in_both_ways("G08", held + "start Y ASYNC = ASYNC; " + done);
  in_both_ways("G09", "open; start X ASYNC|NOWAIT = INVAL; start X");
  in_both_ways("bad flags", held + "complete FAIL = INVAL; complete ASYNC = INVAL; " + done);
  in_both_ways("other thread", held + "2:open; 2:complete = PROTO; " + done);
  in_both_ways("other rmid", held + "open@2; complete@2 = PROTO; start@2 X; " + done);
  in_both_ways("nothing was ever outstanding",
               "complete = PROTO; complete MULTIPLE = PROTO; open; complete MULTIPLE = PROTO");
}

TEST_CASE("While a call is outstanding all others of its thread are refused") {
  in_both_ways("A1",
               "open; open@2; 2:open; start X; end X SUCCESS; hold prepare; prepare X ASYNC = "
               "HANDLE; open = PROTO; close = PROTO; start Y = PROTO; start X JOIN = PROTO; "
               "end X SUCCESS = PROTO; prepare X = PROTO; commit X = PROTO; "
               "commit X ONEPHASE = PROTO; rollback X = PROTO; forget X = PROTO; "
               "recover 9 START|END = PROTO; open ASYNC = ASYNC; close ASYNC = ASYNC; "
               "start Y ASYNC = ASYNC; end X SUCCESS|ASYNC = ASYNC; prepare X ASYNC = ASYNC; "
               "commit X ASYNC = ASYNC; rollback X ASYNC = ASYNC; forget X ASYNC = ASYNC; "
               "start Y NOWAIT = PROTO; start NULL = INVAL; prepare X ONEPHASE = INVAL; "
               "start@2 Y; 2:start Y; 2:end Y SUCCESS; letgo prepare; result; commit X; start Z");
}

TEST_CASE("No table moves before xa_complete") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    // Answered long ago, and still nobody else may touch the branch.
    scenario.run("prepared, perhaps",
                 "open; 2:open; start X; end X SUCCESS; prepare X; commit X ASYNC = HANDLE; "
                 "2:commit X NOWAIT = RETRY; 2:start X = DUPID; result; 2:commit X = NOTA");
    scenario.run("ended, perhaps",
                 "start Y; hold end; end Y SUCCESS|ASYNC = HANDLE; connection; letgo end; "
                 "connection; result; connection = PROTO; prepare Y");
    scenario.run("associated, perhaps",
                 "start Z ASYNC = HANDLE; connection = PROTO; result; connection; end Z SUCCESS");
  }
}

TEST_CASE("What the tables refuse is refused at once and leaves nothing outstanding") {
  in_both_ways("refused",
               "prepare X ASYNC = PROTO; open BAD ASYNC = HANDLE; result = INVAL; open; "
               "prepare X ASYNC = NOTA; commit X ONEPHASE|ASYNC = NOTA; forget X ASYNC = NOTA; "
               "end X SUCCESS|ASYNC = NOTA; start X JOIN|ASYNC = NOTA; start NULL ASYNC = INVAL; "
               "prepare X ONEPHASE|ASYNC = INVAL; start X; start Y ASYNC = PROTO; "
               "close ASYNC = PROTO; commit X ASYNC = PROTO; end X SUCCESS; "
               "start X ASYNC = DUPID; commit X ASYNC = PROTO; prepare X; complete = PROTO");
}

TEST_CASE("An answer that could be taken for a handle is delivered by xa_complete") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.script("commit_prepared", XA_HEURRB);
    scenario.run("heuristic",
                 "open; start X; end X SUCCESS; prepare X; commit X ASYNC = HANDLE; "
                 "result = HEURRB; commit X ASYNC = HANDLE; result = HEURRB; "
                 "rollback X ASYNC = HANDLE; complete NOWAIT; forget X ASYNC = HANDLE; result; "
                 "forget X = NOTA");
    scenario.world.script("prepare", XA_RDONLY);
    scenario.world.script("prepare", XA_RBDEADLOCK);
    scenario.run("votes",
                 "start X; end X SUCCESS; prepare X ASYNC = HANDLE; result = RDONLY; start Y; "
                 "end Y SUCCESS; prepare Y ASYNC = HANDLE; result = RBDEADLOCK; prepare Y = NOTA");
    scenario.world.script("commit_prepared", XAER_RMERR);
    scenario.run("still prepared",
                 "start X; end X SUCCESS; prepare X; commit X ASYNC = HANDLE; result = RETRY; "
                 "commit X");
  }
}

TEST_CASE("The reason of a failure is that of the call that was completed") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    Error error;
    error.xa_code = XA_RBINTEGRITY;
    error.sqlstate = "23505";
    error.operation = "COMMIT";
    scenario.world.script("commit_one_phase", error);
    scenario.run("refused",
                 "open; start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; "
                 "result = RBINTEGRITY");
    CHECK(std::string(scenario.last_error().operation) == "xa_commit: COMMIT");
    CHECK(std::string(scenario.last_error().sqlstate) == "23505");
    CHECK(scenario.last_error().xa_code == XA_RBINTEGRITY);
  }
}

TEST_CASE("XAER_RMFAIL as a result leads to R0 as it does synchronously") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.script("commit_one_phase", XAER_RMFAIL);
    scenario.run("lost",
                 "open; start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; "
                 "result = RMFAIL; complete = PROTO; start Y = PROTO");
    CHECK(scenario.last_error().xa_code == XAER_PROTO);
    scenario.run("again", "open; rollback X = NOTA; start Y; end Y SUCCESS; prepare Y");
    scenario.world.script("commit_prepared", XAER_RMFAIL);
    scenario.world.script("commit_prepared", XAER_RMFAIL);  // and through another session
    scenario.run("prepared", "commit Y ASYNC = HANDLE; result = RMFAIL; open; commit Y");
  }
}

TEST_CASE("A one-phase commit whose reply was lost is unknown when completed too") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.script("commit_one_phase", XAER_RMFAIL);
    scenario.run("lost",
                 "open; start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; "
                 "result = RMFAIL");
    CHECK(scenario.last_error().outcome_known == 0);
  }
}

TEST_CASE("A driver that throws never lets a wrong outcome through asynchronously") {
  const auto bang = [] { throw std::runtime_error("bang"); };
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.during("begin", bang);
    scenario.run("begin", "open; start X ASYNC = HANDLE; result = RMERR; start X; end X SUCCESS");
    scenario.world.during("prepare", bang);
    scenario.run("prepare", "prepare X ASYNC = HANDLE; result = RMERR; rollback X");
    CHECK(scenario.world.count("rollback_prepared") == 1);
    scenario.world.during("commit_prepared", bang);
    scenario.run("phase two",
                 "start X; end X SUCCESS; prepare X; commit X ASYNC = HANDLE; result = RETRY; "
                 "commit X");
    scenario.world.during("commit_one_phase", bang);
    scenario.run("one phase",
                 "start X; end X SUCCESS; commit X ONEPHASE|ASYNC = HANDLE; result = RMFAIL");
    CHECK(scenario.last_error().outcome_known == 0);
    scenario.world.during("connect", bang);
    scenario.run("connect", "close; open ASYNC = HANDLE; result = RMERR; open; start X");
  }
  Asynchronous scenario(true);
  scenario.run("idle", "open; start X; end X SUCCESS");
  scenario.world.during("send", bang);
  scenario.run("send",
               "commit X ONEPHASE|ASYNC = HANDLE; result = RMFAIL; open; rollback X = NOTA");
}

TEST_CASE("xa_open with TMASYNC opens when it is completed") {
  in_both_ways("R0 until then",
               "hold connect; open ASYNC = HANDLE; start X = PROTO; complete NOWAIT = RETRY; "
               "letgo connect; result; start X");
  in_both_ways("unreachable",
               "down; open ASYNC = HANDLE; result = RMERR; start X = PROTO; up; "
               "open ASYNC = HANDLE; result; start X");
  in_both_ways("after a failure",
               "open; cut; down; start X = RMFAIL; open ASYNC = HANDLE; result = RMERR; up; "
               "open ASYNC = HANDLE; result; start X");
  in_both_ways("wrong arguments", "open NULL ASYNC = INVAL; open LONG ASYNC = INVAL; open");
}

TEST_CASE("xa_start with TMASYNC does not wait for a new connection") {
  in_both_ways("a second branch",
               "open; start X; end X SUCCESS; hold connect; start Y ASYNC = HANDLE; "
               "complete NOWAIT = RETRY; letgo connect; result; end Y SUCCESS; prepare Y");
  in_both_ways("a stale one is replaced",
               "open; cut; start X ASYNC = HANDLE; result; end X SUCCESS; commit X ONEPHASE");
  in_both_ways("the server is gone",
               "open; cut; down; start X ASYNC = HANDLE; result = RMFAIL; start X = PROTO; up; "
               "open; start X");
}

TEST_CASE("What would have to wait for another thread is put off until xa_complete") {
  for (const bool sending : {false, true}) {
    Asynchronous pool(sending);
    pool.world.set_pool(1, std::chrono::milliseconds(10));
    pool.run("the last connection",
             "open; 2:open; start X; 2:start Y ASYNC = HANDLE; 2:complete NOWAIT = RETRY; "
             "2:end Y SUCCESS = PROTO; end X SUCCESS; rollback X; 2:result; "
             "2:end Y SUCCESS; start X ASYNC = HANDLE; result = RMERR; 2:rollback Y; start X");
  }
  in_both_ways("an active association",
               "open; 2:open; start X; 2:start X JOIN|ASYNC = HANDLE; 2:complete NOWAIT = RETRY; "
               "end X SUCCESS; 2:result; 2:end X SUCCESS; prepare X");
  in_both_ways("the branch is gone by then",
               "open; 2:open; start X; 2:start X JOIN|ASYNC = HANDLE; end X SUCCESS; rollback X; "
               "2:result = NOTA; 2:start X");
  in_both_ways("a branch another thread is working on",
               "open; 2:open; start X; end X SUCCESS; hold prepare; prepare X ASYNC = HANDLE; "
               "2:rollback X ASYNC = HANDLE; 2:complete NOWAIT = RETRY; letgo prepare; result; "
               "2:result; commit X = NOTA");
}

TEST_CASE("Polling asks for the branch again and again until it is free") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.run("two threads",
                 "open; 2:open; start X; end X SUCCESS; hold prepare; prepare X ASYNC = HANDLE; "
                 "2:commit X ASYNC = HANDLE; 2:complete NOWAIT = RETRY; letgo prepare; result");
    int code = XA_RETRY;
    while (code == XA_RETRY) code = scenario.call("2:complete NOWAIT");
    CHECK(code == XA_OK);
    CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
  }
}

TEST_CASE("Polling for the last connection ends when waiting for it would") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.set_pool(1, std::chrono::milliseconds(10));
    scenario.run("full", "open; 2:open; start X; 2:start Y ASYNC = HANDLE");
    int code = XA_RETRY;
    while (code == XA_RETRY) code = scenario.call("2:complete NOWAIT");
    CHECK(code == XA_OK);
    const xabridge_rm_error reason = scenario.last_error(1, 2);
    CHECK(reason.xa_code == XAER_RMERR);
    CHECK(std::string(reason.message).find("none was free within 10 ms") != std::string::npos);
    scenario.run("nothing is left of it", "end X SUCCESS; rollback X; 2:start Y; 2:end Y SUCCESS");
  }
}

TEST_CASE("A branch of another process is completed asynchronously too") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    scenario.world.add_prepared(xid_named("X"));
    scenario.world.add_prepared(xid_named("Y"));
    scenario.run("unknown here",
                 "open; commit X ASYNC = HANDLE; result; commit X ASYNC = HANDLE; result = NOTA; "
                 "rollback Y ASYNC = HANDLE; result");
    CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
    CHECK_FALSE(scenario.world.is_prepared(xid_named("Y")));
  }
}

TEST_CASE("Null pointers and invented handles change nothing") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    auto& rm = scenario.rm;
    int handle = 1;
    int retval = 77;
    CHECK(rm.complete(&handle, nullptr, 1, 0) == XAER_INVAL);
    CHECK(rm.complete(nullptr, &retval, 1, 0) == XAER_INVAL);
    CHECK(rm.complete(&handle, &retval, 1, 0) == XAER_PROTO);
    REQUIRE(rm.open("db=a", 1, 0) == XA_OK);
    const XID x = xid_named("X").raw();
    handle = rm.start(&x, 1, TMASYNC);
    REQUIRE(handle > 0);
    CHECK(rm.complete(&handle, nullptr, 1, 0) == XAER_INVAL);
    CHECK(rm.complete(nullptr, &retval, 1, TMMULTIPLE) == XAER_INVAL);
    for (int invented : {0, -1, handle + 1, std::numeric_limits<int>::max()}) {
      const int before = invented;
      CHECK(rm.complete(&invented, &retval, 1, 0) == XAER_INVAL);
      CHECK(invented == before);
    }
    CHECK(retval == 77);
    CHECK(rm.complete(&handle, &retval, 1, 0) == XA_OK);
    CHECK(retval == XA_OK);
    const int first = handle;
    CHECK(rm.complete(&handle, &retval, 1, 0) == XAER_PROTO);
    const long through_int = static_cast<long>(static_cast<int>(TMASYNC)) | TMSUCCESS;
    handle = rm.end(&x, 1, through_int);
    CHECK(handle > first);
    CHECK(rm.complete(&handle, &retval, 1, TMMULTIPLE) == XA_OK);
    CHECK(rm.rollback(&x, 1, 0) == XA_OK);
    CHECK(rm.close("", 1, 0) == XA_OK);
  }
}

TEST_CASE("The extras work while a call is outstanding") {
  for (const bool sending : {false, true}) {
    Asynchronous scenario(sending);
    const XID x = xid_named("X").raw();
    char text[16] = "";
    scenario.world.script("prepare", XA_RBTIMEOUT);
    // The interrupt is what ends the statement that hangs.
    scenario.world.during("interrupt", [&] { scenario.world.release("prepare"); });
    scenario.run("hanging",
                 "open; start X; end X SUCCESS; hold prepare; prepare X ASYNC = HANDLE; "
                 "complete NOWAIT = RETRY");
    CHECK(scenario.rm.session_of(&x, 1, text, sizeof text) == XA_OK);
    CHECK(scenario.rm.interrupt(&x, 1) == XA_OK);
    scenario.run("interrupted", "result = RBTIMEOUT; start Y");
    CHECK(scenario.world.made() == 2);  // the interrupted session serves nobody any more
  }
}
