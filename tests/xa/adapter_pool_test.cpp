// How many connections there are, whose they are, and which goes to the next branch; and the extras
// that tell about them.

#include <atomic>
#include <stdexcept>
#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

TEST_CASE("A session serves one branch after another") {
  Scenario scenario;
  scenario.run("reuse",
               "open; start X; end X SUCCESS; commit X ONEPHASE; start Y; end Y SUCCESS; "
               "rollback Y; start X; end X SUCCESS; prepare X; commit X");
  CHECK(scenario.world.made() == 1);
}

TEST_CASE("The session used last is used next") {
  Scenario scenario;
  scenario.run("two sessions",
               "open; start X; end X SUCCESS; start Y; end Y SUCCESS; "
               "commit X ONEPHASE; commit Y ONEPHASE; start Z");
  const std::string used = scenario.world.calls().back();
  CHECK(used.substr(used.find('@')) == "@2");
}

TEST_CASE("A branch waits for a session and says what limits it") {
  Scenario scenario;
  scenario.world.set_pool(1, std::chrono::milliseconds(10));
  scenario.run("exhausted", "open; 2:open; start X; 2:start Y NOWAIT = RETRY; 2:start Y = RMERR");
  const std::string message = scenario.last_error(1, 2).message;
  CHECK(message.find("pool_size") != std::string::npos);
  scenario.run("free again", "end X SUCCESS; rollback X; 2:start Y");
  CHECK(scenario.world.most_connected() == 1);
}

TEST_CASE("A waiting branch gets the session another one gives back") {
  Scenario scenario;
  scenario.world.set_pool(1, std::chrono::minutes(1));
  scenario.run("taken", "open; 2:open; start X; end X SUCCESS");
  std::atomic<int> waited = -1;
  std::thread waiting([&] { waited = scenario.call("2:start Y"); });
  const int committed = scenario.call("commit X ONEPHASE");
  waiting.join();
  CHECK(committed == XA_OK);
  CHECK(waited == XA_OK);
  CHECK(scenario.world.made() == 1);
}

TEST_CASE("Phase two and recovery never wait for the pool") {
  Scenario scenario;
  scenario.world.set_pool(1, std::chrono::minutes(1));
  scenario.world.add_prepared(xid_named("Z"));
  scenario.run("full",
               "open; start X; end X SUCCESS; prepare X; recover 9 START|END = 2; "
               "rollback Z; commit X");
  CHECK(scenario.world.most_connected() == 2);
}

TEST_CASE("A prepared branch keeps the session that prepared it") {
  Scenario scenario;
  scenario.run("kept", "open; 2:open; start X; end X SUCCESS; prepare X; start Y; 2:commit X");
  const std::string used = scenario.world.calls().back();
  CHECK(used.substr(used.find('@')) == "@1");
}

TEST_CASE("A dead control session is noticed before it is used") {
  Scenario scenario;
  scenario.run("control", "open; recover 9 START|END = 0; cut; recover 9 START|END = 0");
  scenario.run("gone", "cut; down; recover 9 START = RMFAIL");
}

TEST_CASE("The last close closes every connection") {
  Scenario scenario;
  scenario.run("closed",
               "open; 2:open; start X; end X SUCCESS; start Y; end Y SUCCESS; prepare Y; "
               "recover 9 START = 1; 2:close; close");
  CHECK(scenario.world.connected() == 0);
  scenario.run("survives", "open; prepare X = NOTA; commit Y");
}

TEST_CASE("A name and a tag given before xa_open are used") {
  Scenario scenario;
  CHECK(scenario.rm.name_instance(1, "stock", "tag") == XA_OK);
  scenario.run("open", "open; prepare X = NOTA");
  CHECK(scenario.world.last_tag() == "tag");
  CHECK(scenario.rm.name_instance(1, "stock", "tag") == XA_OK);
  CHECK(scenario.rm.name_instance(1, "stock", "other") == XAER_PROTO);
  CHECK(scenario.rm.name_instance(1, nullptr, "other") == XAER_INVAL);
  scenario.run("default", "open@2");
  CHECK(scenario.world.last_tag() == "xabridge");
}

TEST_CASE("Extras answer for an open rmid and refuse another") {
  Scenario scenario;
  Scenario& s = scenario;
  const XID x = xid_named("X").raw();
  char text[16] = "";
  long count = 0;
  CHECK(s.rm.session_of(&x, 1, text, sizeof text) == XAER_PROTO);
  CHECK(s.rm.identity(1, text, sizeof text) == XAER_PROTO);
  s.world.add_foreign("foreign");
  s.world.add_prepared(xid_named("Z"));
  s.run("open", "open; start X");
  CHECK(s.rm.session_of(&x, 1, text, sizeof text) == XA_OK);
  CHECK(std::string(text) == "1");
  const XID y = xid_named("Y").raw();
  CHECK(s.rm.session_of(&y, 1, text, sizeof text) == XAER_NOTA);
  CHECK(s.rm.identity(1, text, 5) == XA_OK);
  CHECK(std::string(text) == "scri");
  CHECK(s.rm.owner_sessions(1, "tag", &count) == XA_OK);
  CHECK(count == 7);
  CHECK(s.rm.owner_sessions(1, nullptr, &count) == XAER_INVAL);

  std::string seen;
  const auto finding = [](void* context, const xabridge_finding* f) {
    *static_cast<std::string*>(context) += std::string(f->subject) + " " + f->text + ": " + f->fix;
  };
  CHECK(s.rm.preflight(1, finding, &seen) == XA_OK);
  CHECK(seen == "setting is off: switch it on");

  seen.clear();
  const auto branch = [](void* context, const xabridge_in_doubt* b) {
    *static_cast<std::string*>(context) +=
        std::string(b->xid != nullptr ? "ours " : b->name) + b->owner + " ";
  };
  CHECK(s.rm.in_doubt(1, branch, &seen) == XA_OK);
  CHECK(seen == "ours alice foreignbob ");
  CHECK(s.rm.in_doubt(1, nullptr, &seen) == XAER_INVAL);
  CHECK(s.rm.last_error(1, nullptr) == XAER_INVAL);

  const std::runtime_error deadlock("deadlock");
  const std::exception& known = deadlock;
  CHECK(s.rm.classify(&known) == XA_RBDEADLOCK);
  CHECK(s.rm.classify(nullptr) == XA_OK);
}

TEST_CASE("A failed check leaves the rmid open") {
  Scenario scenario;
  char text[16] = "";
  scenario.run("open", "open; cut; down");
  CHECK(scenario.rm.identity(1, text, sizeof text) == XAER_RMFAIL);
  scenario.run("still R1", "up; start X");
}

TEST_CASE("The connection is that of the branch the thread is associated with") {
  Scenario scenario;
  xabridge::rm::Switch& rm = scenario.rm;
  REQUIRE(rm.open("db=a", 1, 0) == XA_OK);
  const XID x = xid_named("X").raw();
  const XID y = xid_named("Y").raw();
  CHECK(rm.connection(1) == nullptr);
  REQUIRE(rm.start(&x, 1, 0) == XA_OK);
  void* const of_x = rm.connection(1);
  CHECK(of_x != nullptr);
  REQUIRE(rm.end(&x, 1, TMSUCCESS) == XA_OK);
  CHECK(rm.connection(1) == nullptr);
  REQUIRE(rm.start(&y, 1, 0) == XA_OK);
  CHECK(rm.connection(1) != of_x);
  REQUIRE(rm.end(&y, 1, TMSUCCESS) == XA_OK);
  CHECK(rm.close("", 1, 0) == XA_OK);
  CHECK(rm.connection(1) == nullptr);
}
