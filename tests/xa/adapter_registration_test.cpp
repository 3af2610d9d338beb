// Dynamic registration: table 6-3 from the resource manager's side. The ids are those of the
// conformance list; the steps are explained in script.hpp.

#include <string>
#include <utility>
#include <vector>
#include <xabridge/state_tables/registration.hpp>

#include "catch.hpp"
#include "script.hpp"
#include "scripted_tm.hpp"

using namespace xabridge;
using namespace xabridge::rm;
using namespace xabridge::rm::test;

extern "C" int ax_reg(int rmid, XID* xid, long flags) {
  if (scripted_tm == nullptr || !scripted_tm->reg || flags != TMNOFLAGS) return TMER_TMERR;
  ++scripted_tm->registered;
  return scripted_tm->reg(rmid, xid);
}

extern "C" int ax_unreg(int, long flags) {
  if (scripted_tm == nullptr || flags != TMNOFLAGS) return TMER_TMERR;
  ++scripted_tm->unregistered;
  return scripted_tm->unreg_answer;
}

namespace {

/// A scenario over a switch with TMREGISTER, and the transaction manager of the process.
struct Registering : Scenario, ScriptedTm {
  explicit Registering(long flags = TMREGISTER) : Scenario(flags) { scripted_tm = this; }
  ~Registering() {
    (void)call("exit");
    (void)call("2:exit");
    scripted_tm = nullptr;
  }
  void names(const std::string& xid, int code = TM_OK) {
    reg = [xid, code](int, XID* given) { return *given = xid_named(xid).raw(), code; };
  }
  void names_nothing(int code = TM_OK) {
    reg = [code](int, XID* given) { return given->formatID = -1, code; };
  }
};

}  // namespace

TEST_CASE("A thread is registered when it asks for its connection and not before") {
  Registering s;
  s.names("X");
  s.run("open", "open; recover 9 START|END = 0; open");
  CHECK(s.registered == 0);
  s.run("D1", "connection; connection; close = PROTO; end X SUCCESS; prepare X; commit X");
  CHECK(s.registered == 1);
  CHECK(s.unregistered == 0);
  s.names("Y");
  s.run("D22", "connection; end Y SUCCESS; commit Y ONEPHASE");
  CHECK(s.registered == 2);
  CHECK(s.world.made() == 2);  // one for the branches, one for recovery
}

TEST_CASE("What ax_reg names is begun or joined or resumed") {
  Registering s;
  s.names("X");
  s.run("begun", "open; 2:open; connection; end X SUCCESS");
  s.names("X", TM_JOIN);
  s.run("D12", "connection; end X SUCCESS; 2:connection; 2:end X SUSPEND; 2:close = PROTO");
  s.names("X", TM_RESUME);
  s.run("D11", "2:connection; 2:end X SUSPEND; 2:end X SUCCESS; prepare X; commit X");
  s.names("Y");
  s.run("suspended", "connection; end Y SUSPEND|MIGRATE");
  s.names("Y", TM_RESUME);
  s.run("taken over", "2:connection; end Y SUCCESS = PROTO; 2:end Y FAIL = RB; rollback Y");
  CHECK(s.world.violations().empty());
}

TEST_CASE("While one branch is suspended another is begun") {
  Registering s;
  s.names("X");
  s.run("suspended", "open; connection; end X SUSPEND");
  s.names("Y");
  s.run("another", "connection; end Y SUCCESS; commit Y ONEPHASE");
  s.names_nothing();
  s.run("none", "connection; release; end X SUCCESS; commit X ONEPHASE");
}

TEST_CASE("Without a global transaction the connection is the application's until released") {
  Registering s;
  s.names_nothing();
  s.run("D3", "open; connection; connection; close = PROTO; end X SUCCESS = NOTA");
  CHECK(s.registered == 1);
  CHECK(s.world.count("begin_native") == 1);
  CHECK(s.unregistered == 0);
  s.run("D24", "release; release = PROTO");
  CHECK(s.unregistered == 1);
  CHECK(s.world.count("end_native") == 1);
  s.names("X");
  s.run("D0", "connection; end X SUCCESS; commit X ONEPHASE; close");
  CHECK(s.world.made() == 1);
  CHECK(s.world.violations().empty());
}

TEST_CASE("Work left open when a connection is released is rolled back and reported") {
  Registering s;
  s.names_nothing();
  s.world.script("end_native", XA_RBROLLBACK);
  s.run("open", "open; connection; release = RBROLLBACK");
  CHECK(s.unregistered == 1);
  s.world.script("end_native", XAER_RMFAIL);
  s.run("lost", "connection; release = RMFAIL; connection; release");
  CHECK(s.unregistered == 3);
  s.unreg_answer = TMER_PROTO;
  s.run("refused", "connection; release = RMERR; release = PROTO; close");
}

TEST_CASE("Work for a branch is not ended by releasing the connection") {
  Registering s;
  s.names("X");
  s.run("D1", "open; connection; release = PROTO; end X SUSPEND; release = PROTO; end X SUCCESS");
  CHECK(s.unregistered == 0);
}

TEST_CASE("A refused registration gives no connection and says why") {
  const std::pair<int, const char*> refusals[] = {{TMER_TMERR, "TMER_TMERR"},
                                                  {TMER_INVAL, "TMER_INVAL"},
                                                  {TMER_PROTO, "TMER_PROTO"},
                                                  {-10, "-10"},
                                                  {3, "3"}};
  for (const auto& [code, text] : refusals) {  // D23
    Registering s;
    s.names("X", code);
    s.run("open", "open");
    CHECK(s.call("connection") != XA_OK);
    const std::string message = s.last_error().message;
    CHECK(message.find("ax_reg") != std::string::npos);
    CHECK(message.find(text) != std::string::npos);
    CHECK(s.world.count("begin") + s.world.count("begin_native") == 0);
    s.names("X");
    s.run("D0", "close; open; connection; end X SUCCESS");
  }
}

TEST_CASE("A branch that cannot be joined or resumed gives no connection") {
  for (const int code : {TM_JOIN, TM_RESUME}) {
    Registering s;
    s.names("X", code);
    s.run("unknown", "open; connection = NOTA");
    CHECK(std::string(s.last_error().message).find("does not exist") != std::string::npos);
    s.names_nothing(code);
    s.run("no XID", "connection = INVAL");
    s.run("D0", "end X SUCCESS = NOTA; close");
    CHECK(s.unregistered == 0);
  }
  Registering s;
  s.reg = [](int, XID* xid) { return *xid = xid_named("X").raw(), xid->gtrid_length = 65, TM_OK; };
  s.run("bad XID", "open; connection = INVAL");
  s.names("X");
  s.run("suspended", "2:open; connection; end X SUSPEND; connection = DUPID; end X SUCCESS");
  s.names("X", TM_RESUME);
  s.run("not suspended", "2:connection = PROTO; rollback X");
}

TEST_CASE("A server that cannot begin gives no connection and leaves the rmid open") {
  Registering s;
  s.names("X");
  s.world.script("begin", XAER_RMERR);
  s.run("refused", "open; connection = RMERR; end X SUCCESS = NOTA");
  s.run("gone", "cut; down; connection = RMFAIL; end X SUCCESS = NOTA; up; connection");
  s.run("over", "end X SUCCESS; rollback X");
  s.names_nothing();
  s.run("native", "cut; down; connection = RMFAIL");
  CHECK(s.unregistered == 1);  // registered for nothing
  s.run("D0", "release = PROTO; up; connection; release; close");
}

TEST_CASE("A thread that ends or loses the server in native work is unregistered") {
  Registering s;
  s.names_nothing();
  s.run("ends", "open; 2:open; 2:connection; 2:exit");
  CHECK(s.unregistered == 1);
  CHECK(s.world.count("end_native") == 1);
  s.run("loses", "connection");
  s.world.script("prepared", XAER_RMFAIL);
  s.run("R0", "recover 9 START = RMFAIL; connection = PROTO; release = PROTO; open; close");
  CHECK(s.unregistered == 2);
}

TEST_CASE("A thread that ends while registered for a branch has it rolled back") {
  Registering s;
  s.names("X");
  s.run("ends", "open; 2:open; 2:connection; 2:exit; rollback X = NOTA");
  CHECK(s.unregistered == 0);
  CHECK(s.world.count("rollback") == 1);
}

TEST_CASE("A dynamic switch is not started by the transaction manager") {
  Registering s;
  s.run("xa_start", "open; start X = PROTO; start X JOIN = PROTO; start X RESUME = PROTO");
  CHECK(std::string(s.last_error().message).find("TMREGISTER") != std::string::npos);
}

TEST_CASE("A thread does not register while a call of it is outstanding") {
  Registering s(TMREGISTER | TMUSEASYNC);
  s.names("X");
  s.run("D1", "open; connection; end X SUCCESS|ASYNC = HANDLE; connection; result");
  s.names("Y");
  s.run("A1", "prepare X ASYNC = HANDLE; connection = PROTO; result; connection; end Y SUCCESS");
  s.run("X and Y", "commit X; commit Y ONEPHASE");
  CHECK(s.registered == 2);
}

TEST_CASE("A static switch asks no transaction manager") {
  Registering s;
  Scenario fixed;
  fixed.run("static", "open; connection = PROTO; start X; connection; release = PROTO");
  CHECK(s.registered == 0);
}
