// A process without a transaction manager that exports ax_reg: the libraries load, the static
// switches work, and the dynamic ones say what is missing.

#include <dlfcn.h>

#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

TEST_CASE("Without a transaction manager a dynamic switch gives no connection") {
  Scenario scenario(TMREGISTER);
  scenario.run("absent", "open; connection = PROTO; release = PROTO");
  scenario.run("why", "connection = PROTO");
  const std::string message = scenario.last_error().message;
  CHECK(message.find("no transaction manager in this process exports ax_reg") == 0);
  scenario.run("still open", "recover 9 START|END = 0; close");
  CHECK(scenario.world.count("begin_native") == 0);
}

TEST_CASE("The switch libraries load where nobody exports ax_reg") {
  REQUIRE(::dlsym(RTLD_DEFAULT, "ax_reg") == nullptr);
  struct Library {
    const char* path;
    const char* symbol;
  };
  for (const auto& [path, symbol] :
       {Library{XABRIDGE_POSTGRESQL_LIBRARY, "xabridge_postgresql_switch"},
        Library{XABRIDGE_MYSQL_LIBRARY, "xabridge_mysql_switch"}}) {
    void* const library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
    INFO(path << ": " << (library == nullptr ? ::dlerror() : "loaded"));
    REQUIRE(library != nullptr);
    for (const long registers : {TMNOFLAGS, TMREGISTER}) {
      const std::string name = std::string(symbol) + (registers != 0 ? "_dynamic" : "");
      const auto* object = static_cast<const xa_switch_t*>(::dlsym(library, name.c_str()));
      const auto* extras =
          static_cast<const xabridge_rm_extras_t*>(::dlsym(library, (name + "_extras").c_str()));
      REQUIRE(object != nullptr);
      REQUIRE(extras != nullptr);
      CHECK(object->flags == (registers | TMUSEASYNC));
      CHECK(std::string(object->name).size() < RMNAMESZ);
      CHECK(object->version == 0);
      CHECK(object->xa_close_entry(nullptr, 1, 0) == XA_OK);
      CHECK(extras->connection(1) == nullptr);
      CHECK(extras->release(1) == XAER_PROTO);
    }
  }
}
