// What the server answers, and what it does not: every answer that is not XA_OK, lost connections,
// a driver that throws; and that the reason of each refusal can be read.

#include <new>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A session that died while idle is replaced without a word") {
  Scenario scenario;
  scenario.run("idle session cut", "open; cut; start X; end X SUCCESS; commit X ONEPHASE");
  CHECK(scenario.world.made() == 2);
  CHECK(scenario.world.connected() == 1);
}

TEST_CASE("A session that fails when just connected is RMFAIL and leads to R0") {
  Scenario scenario;
  Error silent;
  silent.xa_code = XAER_RMFAIL;
  silent.message = "no answer";
  scenario.world.script("begin", silent);
  scenario.world.script("begin", silent);
  scenario.run("both fail", "open; start X = RMFAIL");
  CHECK(contains(scenario.last_error().message, "pool: no answer"));
  scenario.run("again", "start X = PROTO; open; start X");
  CHECK(scenario.world.made() == 3);
}

TEST_CASE("A server that is gone is RMFAIL until xa_open reaches it again") {
  Scenario scenario;
  scenario.run("gone", "open; cut; down; start X = RMFAIL; start X = PROTO; open = RMERR");
  CHECK(std::string(scenario.last_error().server_text) == "connection refused");
  scenario.run("back", "up; open; start X; end X SUCCESS; prepare X; commit X");
}

TEST_CASE("After RMFAIL in one thread the others keep working") {
  Scenario scenario;
  scenario.run("two threads", "open; 2:open; 2:start Y; start X");
  scenario.world.script("end", XAER_RMFAIL);
  scenario.run("one fails",
               "end X SUCCESS = RMFAIL; prepare X = PROTO; 2:prepare X = NOTA; "
               "2:end Y SUCCESS; 2:prepare Y; down; open = RMERR; up; open; commit Y");
}

TEST_CASE("A prepared branch whose session died is completed through another one") {
  for (const std::string verb : {"commit", "rollback"}) {
    Scenario scenario;
    scenario.run("cut", "open; start X; end X SUCCESS; prepare X; cut; " + verb + " X; start Y");
    CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
  }
}

TEST_CASE("A prepared branch whose session died is RMFAIL when the server is gone too") {
  Scenario scenario;
  scenario.run("gone",
               "open; start X; end X SUCCESS; prepare X; cut; down; commit X = RMFAIL; "
               "start Y = PROTO; up; open; commit X");
}

TEST_CASE("A branch that is gone after a lost answer may have been completed by it") {
  for (const bool known : {false, true}) {
    Scenario scenario;
    Error lost;
    lost.xa_code = XAER_RMFAIL;
    lost.outcome_known = known;
    lost.connection_usable = false;
    scenario.world.script("commit_prepared", lost);
    scenario.world.script("commit_prepared", XAER_NOTA);
    scenario.run("prepared", "open; start X; end X SUCCESS; prepare X");
    CHECK(scenario.call("commit X") == (known ? XAER_NOTA : XAER_RMFAIL));
  }
}

TEST_CASE("What begin refuses leaves no branch behind") {
  for (const int code : {XAER_DUPID, XAER_OUTSIDE, XAER_RMERR}) {
    Scenario scenario;
    scenario.world.script("begin", code);
    scenario.run("open", "open");
    CHECK(scenario.call("start X") == code);
    scenario.run("again", "start X; end X SUCCESS; prepare X; commit X");
  }
}

TEST_CASE("A session with work of the application's own is kept for the thread that found it") {
  Scenario scenario;  // C28
  scenario.world.script("begin", XAER_OUTSIDE);
  scenario.run("open", "open; 2:open; start X = OUTSIDE");
  CHECK(scenario.world.made() == 1);
  scenario.run("nobody else's", "2:start Y; start X; end X SUCCESS; commit X ONEPHASE");
  CHECK(scenario.world.made() == 2);
  scenario.world.script("begin", XAER_OUTSIDE);
  scenario.run("until the thread closes",
               "start X = OUTSIDE; close; 2:end Y SUCCESS; 2:rollback Y");
  CHECK(scenario.world.connected() == 1);
}

TEST_CASE("Work of the application's own that is never ended is rolled back when it is met again") {
  Scenario scenario;
  scenario.world.script("begin", XAER_OUTSIDE);
  scenario.world.script("begin", XAER_OUTSIDE);
  scenario.run("open", "open; start X = OUTSIDE; start X = OUTSIDE");
  CHECK(scenario.world.connected() == 0);
  scenario.run("another session", "start X; end X SUCCESS; commit X ONEPHASE");
  CHECK(scenario.world.made() == 2);
}

TEST_CASE("A branch the server doomed is rollback only from xa_end on") {
  Scenario scenario;
  scenario.world.script("end", XA_RBDEADLOCK);
  scenario.run("doomed", "open; start X");
  CHECK(scenario.call("end X SUCCESS") == XA_RBDEADLOCK);
  scenario.run("S4", "prepare X = PROTO; commit X = PROTO; start X = DUPID; rollback X; start X");
}

TEST_CASE("TMFAIL reports the reason the session saw") {
  Scenario scenario;
  scenario.run("start", "open; start X");
  CHECK(scenario.call("end X FAIL") == XA_RBROLLBACK);
  scenario.world.set_doomed(XA_RBTIMEOUT);
  scenario.run("next", "rollback X; start Y");
  CHECK(scenario.call("end Y FAIL") == XA_RBTIMEOUT);
  CHECK(scenario.world.count("end") == 0);
}

TEST_CASE("A prepare that wrote nothing or failed finishes the branch") {
  for (const int code : {XA_RDONLY, XA_RBINTEGRITY}) {
    Scenario scenario;
    scenario.world.script("prepare", code);
    scenario.run("idle", "open; start X; end X SUCCESS");
    CHECK(scenario.call("prepare X") == code);
    scenario.run("finished", "commit X = NOTA; rollback X = NOTA; start Y");
    CHECK(scenario.world.made() == 2);  // one for the branches, one to ask about X
  }
}

TEST_CASE("A prepare whose reply was lost is rolled back wherever it is") {
  Scenario scenario;
  scenario.world.script("prepare", XAER_RMFAIL);
  scenario.run("lost", "open; start X; end X SUCCESS; prepare X = RMFAIL");
  scenario.world.add_prepared(xid_named("X"));  // it did arrive
  scenario.run("rolled back", "open; rollback X; rollback X = NOTA");
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
}

TEST_CASE("A prepare that answered RMERR is rolled back as work and as prepared branch") {
  Scenario scenario;
  scenario.world.script("prepare", XAER_RMERR);
  scenario.run("error", "open; start X; end X SUCCESS; prepare X = RMERR");
  scenario.world.add_prepared(xid_named("X"));
  scenario.run("rolled back", "rollback X; rollback X = NOTA");
  CHECK(scenario.world.count("rollback") == 1);
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
}

TEST_CASE("Work made permanent by hand is a heuristic outcome of the rollback") {
  Scenario scenario;
  scenario.world.script("prepare", XAER_RMERR);
  scenario.world.script("rollback", XA_HEURCOM);
  scenario.run("by hand",
               "open; start X; end X SUCCESS; prepare X = RMERR; rollback X = HEURCOM; "
               "commit X = HEURCOM; recover 9 START|END = 1; forget X; start X");
  CHECK(scenario.world.count("rollback_prepared") == 0);
}

TEST_CASE("A session serves no other branch after an answer that does not say it is free") {
  for (const char* verb : {"commit_prepared", "rollback_prepared"})
    for (const int code : {XAER_NOTA, XAER_RMERR, XA_HEURMIX}) {
      Scenario scenario;
      scenario.world.set_always_reusable();
      scenario.run("prepared", "open; start X; end X SUCCESS; prepare X");
      scenario.world.script(verb, code);
      const bool commit = std::string(verb) == "commit_prepared";
      (void)scenario.call(commit ? "commit X" : "rollback X");
      scenario.run("next", "start Y");
      CHECK(scenario.world.made() == 2);
    }
}

TEST_CASE("A prepare refused as duplicate never touches the branch that has the name") {
  Scenario scenario;
  scenario.world.add_prepared(xid_named("X"));
  scenario.world.script("prepare", XAER_DUPID);
  scenario.run("duplicate", "open; start X; end X SUCCESS; prepare X = DUPID; rollback X");
  CHECK(scenario.world.count("rollback_prepared") == 0);
  CHECK(scenario.world.is_prepared(xid_named("X")));
}

TEST_CASE("A one-phase commit without a reply is unknown and never a success") {
  Scenario scenario;
  scenario.world.script("commit_one_phase", XAER_RMFAIL);
  scenario.run("lost", "open; start X; end X SUCCESS; commit X ONEPHASE = RMFAIL");
  CHECK(scenario.last_error().outcome_known == 0);
  CHECK(scenario.last_error().xa_code == XAER_RMFAIL);
  scenario.run("gone", "open; rollback X = NOTA");
}

TEST_CASE("A refused one-phase commit is a rollback") {
  Scenario scenario;
  scenario.world.script("commit_one_phase", XA_RBINTEGRITY);
  scenario.run("refused",
               "open; start X; end X SUCCESS; commit X ONEPHASE = RBINTEGRITY; "
               "rollback X = NOTA; start X");
}

TEST_CASE("A branch whose begin was answered to nobody is no duplicate of the application's") {
  Scenario scenario;
  scenario.run("a session in the pool", "open; start X; end X SUCCESS; rollback X");
  scenario.world.script("begin", XAER_RMFAIL);  // arrived; the reply was lost
  scenario.world.script("begin", XAER_DUPID);
  scenario.run("lost", "start Y = RMFAIL");
  CHECK(scenario.last_error().outcome_known == 1);
}

TEST_CASE("A prepared branch survives the loss of its session") {
  Scenario scenario;  // E33
  scenario.world.script("commit_prepared", XAER_RMFAIL);
  scenario.world.script("commit_prepared", XAER_RMFAIL);  // and through another session
  scenario.run("lost",
               "open; 2:open; start X; end X SUCCESS; prepare X; commit X = RMFAIL; "
               "commit X = PROTO");
  CHECK(scenario.world.connected() == 0);
  scenario.run("other thread", "2:start X = DUPID; 2:commit X; 2:commit X = NOTA");
  scenario.run("this thread", "open; commit X = NOTA");
}

TEST_CASE("A commit through another session that may have arrived is not known to have failed") {
  Scenario scenario;
  Error nothing_sent;
  nothing_sent.xa_code = XAER_RMFAIL;
  nothing_sent.outcome_known = true;
  nothing_sent.connection_usable = false;
  Error no_reply = nothing_sent;
  no_reply.outcome_known = false;
  const bool first_unknown = GENERATE(true, false);
  const bool second_unknown = GENERATE(true, false);
  scenario.world.script("commit_prepared", first_unknown ? no_reply : nothing_sent);
  scenario.world.script("commit_prepared", second_unknown ? no_reply : nothing_sent);
  scenario.run("lost", "open; start X; end X SUCCESS; prepare X; commit X = RMFAIL");
  CHECK(scenario.last_error().outcome_known == (first_unknown || second_unknown ? 0 : 1));
}

TEST_CASE("A commit that may have arrived is not forgotten for one that is to be repeated") {
  Scenario scenario;
  Error no_reply;
  no_reply.xa_code = XAER_RMFAIL;
  no_reply.outcome_known = no_reply.connection_usable = false;
  scenario.world.script("commit_prepared", no_reply);
  scenario.world.script("commit_prepared", XA_RETRY);
  scenario.run("lost", "open; start X; end X SUCCESS; prepare X; commit X = RMFAIL");
  CHECK(scenario.last_error().outcome_known == 0);
}

TEST_CASE("A commit refused by the server is to be repeated and not reported as rolled back") {
  Scenario scenario;
  Error error;
  error.xa_code = XAER_RMERR;
  error.server_text = "permission denied";
  scenario.world.script("commit_prepared", error);
  scenario.world.script("commit_prepared", XA_RETRY);
  scenario.run("E32", "open; start X; end X SUCCESS; prepare X; commit X = RETRY");
  CHECK(std::string(scenario.last_error().server_text) == "permission denied");
  scenario.run("still prepared", "commit X = RETRY; commit X; commit X = NOTA");
}

TEST_CASE("A statement that failed on the way to a commit does not roll a prepared branch back") {
  Scenario scenario;
  scenario.world.script("commit_prepared", XA_RBTIMEOUT);
  scenario.run("still prepared",
               "open; start X; end X SUCCESS; prepare X; commit X = RETRY; commit X; "
               "commit X = NOTA");
}

TEST_CASE("The server's word that a branch is gone is passed on") {
  Scenario scenario;
  scenario.world.script("commit_prepared", XAER_NOTA);
  scenario.run("gone", "open; start X; end X SUCCESS; prepare X; commit X = NOTA; start X");
}

TEST_CASE("A heuristic outcome is kept until it is forgotten") {
  Scenario scenario;  // E54 to E61
  scenario.world.script("commit_prepared", XA_HEURRB);
  scenario.run("S5",
               "open; start X; end X SUCCESS; prepare X; commit X = HEURRB; "
               "commit X = HEURRB; rollback X = HEURRB; recover 9 START|END = 1; "
               "start X = DUPID; prepare X = PROTO; commit X ONEPHASE = PROTO; forget X; "
               "forget X = NOTA; recover 9 START|END = 0; start X");
}

TEST_CASE("A heuristic outcome of another process is kept too") {
  Scenario scenario;
  scenario.world.script("rollback_prepared", XA_HEURCOM);
  scenario.run("S5",
               "open; rollback X = HEURCOM; commit X = HEURCOM; recover 9 START|END = 1; "
               "forget X; forget X = NOTA");
}

TEST_CASE("A recovery scan that cannot be taken is an error and no scan") {
  Scenario scenario;
  scenario.world.script("prepared", XAER_INVAL);
  scenario.run("refused",
               "open; recover 9 START = RMERR; recover 9 0 = INVAL; "
               "recover 9 START|END = 0");
  scenario.world.script("prepared", XAER_RMFAIL);
  scenario.run("lost",
               "recover 9 START = RMFAIL; recover 9 START = PROTO; open; "
               "recover 9 START = 0");
}

TEST_CASE("A driver that throws never lets a wrong outcome through") {
  const auto bang = [] { throw std::runtime_error("bang"); };
  Scenario scenario;
  scenario.world.during("begin", [] { throw std::bad_alloc(); });
  scenario.run("begin", "open; start X = RMERR; start X; end X SUCCESS");
  scenario.world.during("prepare", bang);
  scenario.run("prepare", "prepare X = RMERR; rollback X");
  CHECK(scenario.world.count("rollback_prepared") == 1);
  scenario.world.during("commit_prepared", bang);
  scenario.run("phase two", "start X; end X SUCCESS; prepare X; commit X = RETRY; commit X");
  scenario.world.during("commit_one_phase", bang);
  scenario.run("one phase", "start X; end X SUCCESS; commit X ONEPHASE = RMFAIL");
  CHECK(scenario.last_error().outcome_known == 0);
  scenario.world.during("end", bang);
  scenario.run("end", "open; start X; end X SUCCESS = RMERR; prepare X = PROTO; rollback X");
  scenario.world.during("connect", bang);
  scenario.run("connect", "close; open = RMERR; open; start X");
}

TEST_CASE("The reason of a refusal can be read with all that the server said") {
  Scenario scenario;
  Error error;
  error.xa_code = XAER_RMERR;
  error.operation = "BEGIN";
  error.sqlstate = "53300";
  error.vendor_code = 1040;
  error.server_text = std::string(1020, 'a') + "\xc3\xa4\xc3\xa4";
  error.message = "too many";
  scenario.world.script("begin", error);
  scenario.run("refused", "open; start X = RMERR");
  const auto seen = scenario.last_error();
  CHECK(seen.xa_code == XAER_RMERR);
  CHECK(seen.vendor_code == 1040);
  CHECK(std::string(seen.sqlstate) == "53300");
  CHECK(std::string(seen.operation) == "xa_start: BEGIN");
  CHECK(std::string(seen.message) == "too many");
  CHECK(std::string(seen.server_text) == std::string(1020, 'a') + "\xc3\xa4");
  scenario.run("ours", "start X; end X SUCCESS; commit X = PROTO");
  CHECK(contains(scenario.last_error().message, "not prepared"));
  scenario.run("flags", "prepare X ONEPHASE = INVAL");
  CHECK(contains(scenario.last_error().message, "TMONEPHASE"));
  CHECK(scenario.last_error(1, 2).xa_code == 0);  // the other thread has no error
}
