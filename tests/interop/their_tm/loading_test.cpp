// The libraries in somebody else's process: loaded with RTLD_LOCAL and RTLD_LAZY, beside each other
// and beside our transaction manager, unloaded, forked, and left behind at exit.
#include <xabridge/xa.h>

#include <array>
#include <cstdio>
#include <string>

#include "catch.hpp"
#include "child.hpp"

using namespace foreign_tm;

namespace {

const std::string success = " 1 " + std::to_string(TMSUCCESS);

/// One transaction that does nothing, in two phases.
void transact(Child& child, const std::string& xid) {
  CHECK(child.code("start " + xid + " 1 0") == XA_OK);
  CHECK(child.say("work 1 SELECT 41 + 1") == "0 42");
  CHECK(child.code("end " + xid + success) == XA_OK);
  CHECK(child.code("prepare " + xid + " 1 0") == XA_OK);
  CHECK(child.code("commit " + xid + " 1 0") == XA_OK);
}

/// What ldd -r has to say against a library.
std::string complaints(const std::string& library) {
  std::FILE* const out = ::popen(("ldd -r " + library + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 1024> line{};
  while (std::fgets(line.data(), line.size(), out) != nullptr) {
    const std::string said = line.data();
    if (said.find("undefined symbol") != std::string::npos ||
        said.find("not found") != std::string::npos)
      text += said;
  }
  if (::pclose(out) != 0) text += "ldd failed";
  return text;
}

}  // namespace

TEST_CASE("every library brings what it needs") {
  const std::string database = server() == "postgresql" ? "postgresql" : "mysql";
  for (const std::string& name : {database, database + "_accessor", database + "_accessor_dynamic"})
    CHECK(complaints(XABRIDGE_LIBRARIES "/libxabridge_" + name + ".so").empty());
}

TEST_CASE("both transaction managers find their function, and the same switch by it") {
  for (const std::string suffix : {"", "_dynamic"})
    for (const std::string function : {"lixa_get_xa_switch", "ndrx_get_xa_switch"}) {
      Child child;
      const std::string said = child.say("load " + accessor(suffix) + " " + function);
      CHECK(said.starts_with("ok xabridge "));
      CHECK((said.find("dynamic") != std::string::npos) == !suffix.empty());
      CHECK(child.code("open 1 " + open_string()) == XA_OK);
      CHECK(child.end() == 0);
    }
}

TEST_CASE("a file without the function is an error of the loader and not a crash") {
  Child child;
  CHECK(child.say("load " + accessor() + " no_such_function").find("no_such_function") !=
        std::string::npos);
  CHECK(child.say("load /no/such/file.so lixa_get_xa_switch").find("/no/such/file.so") !=
        std::string::npos);
}

TEST_CASE("a connection that is not there comes with the reason") {
  Manager manager;
  const std::string x = unique_name();
  const auto why = [&](int rmid) {
    return manager.say("work " + std::to_string(rmid) + " SELECT 1");
  };
  CHECK(why(7).find("not open in this thread; call xa_open first") != std::string::npos);
  CHECK(why(1).find("not associated with a branch") != std::string::npos);
  REQUIRE(manager.code("start " + x + " 1 " + std::to_string(TMJOIN)) == XAER_NOTA);
  const std::string refused = why(1);
  CHECK(refused.find("before, xa_start") != std::string::npos);
  CHECK(why(1).starts_with("2 "));
  transact(manager, x);
  CHECK(why(1).find("not associated with a branch") != std::string::npos);
}

TEST_CASE("all our libraries together in one process keep out of each other's way") {
  Child child;
  CHECK(child.say("also " XABRIDGE_LIBRARIES "/libxabridge.so") == "ok");
  CHECK(child.say("also " XABRIDGE_LIBRARIES "/libxabridge_postgresql_accessor.so") == "ok");
  CHECK(child.say("also " XABRIDGE_LIBRARIES "/libxabridge_mysql_accessor.so") == "ok");
  CHECK(child.say("also " APPLICATION_POSTGRESQL) == "ok");
  CHECK(child.say("also " APPLICATION_MYSQL) == "ok");
  CHECK(child.say("load " + accessor() + " lixa_get_xa_switch").starts_with("ok"));
  CHECK(child.say("application " + std::string(server() == "postgresql" ? APPLICATION_POSTGRESQL
                                                                        : APPLICATION_MYSQL)) ==
        "ok");
  CHECK(child.code("open 1 " + prepare_at_end()) == XA_OK);
  transact(child, unique_name());
  CHECK(child.end() == 0);
}

TEST_CASE("a switch can be used after dlclose, and its threads live on") {
  Manager manager;
  const std::string x = unique_name();
  REQUIRE(manager.code("start " + x + " 1 0") == XA_OK);
  REQUIRE(manager.code("end " + x + " 1 " + std::to_string(TMSUCCESS | TMASYNC)) > 0);
  CHECK(manager.code("complete 1") == XA_OK);
  CHECK(manager.code("unload") == 0);
  CHECK(manager.code("commit " + x + " 1 0") == XA_OK);
  transact(manager, x);
  CHECK(manager.code("close 1") == XA_OK);
  CHECK(manager.end() == 0);
}

TEST_CASE("a child after fork opens connections of its own and leaves the parent's alone") {
  Manager manager;
  const std::string x = unique_name();
  REQUIRE(manager.code("start " + x + " 1 0") == XA_OK);
  CHECK(manager.code("forked " + x + "_child 1 SELECT 1") == 0);
  CHECK(manager.say("work 1 SELECT 41 + 1") == "0 42");
  CHECK(manager.code("end " + x + success) == XA_OK);
  CHECK(manager.code("commit " + x + " 1 0") == XA_OK);
  CHECK(manager.end() == 0);
}

TEST_CASE("a process may exit with everything open and another thread at work") {
  Manager manager;
  REQUIRE(manager.code("start " + unique_name() + " 1 0") == XA_OK);
  CHECK(manager.say("leave") == "leaving");
  CHECK(manager.end() == 0);
}
