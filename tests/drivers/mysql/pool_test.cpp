// How long sessions of the adapter's pool stay at the server.
#include <array>
#include <xabridge/rm/adapter.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

// A switch is never destroyed: threads may outlive the test.
rm::Switch& make_switch() { return *new rm::Switch(driver(), TMNOFLAGS); }

std::string id_of(rm::Switch& rm, const Xid& xid) {
  std::array<char, 32> text{};
  REQUIRE(rm.session_of(&xid.raw(), 1, text.data(), text.size()) == XA_OK);
  return text.data();
}

bool at_the_server(Fixture& f, const std::string& id) {
  const std::string sessions = "SELECT CONCAT(COUNT(*)) FROM information_schema.processlist";
  return f.observer.value(sessions + " WHERE id = " + id) == "1";
}

}  // namespace

TEST_CASE("a session that is not used any more leaves the server") {
  Fixture f;
  rm::Switch& rm = make_switch();
  const Xid xid = f.xid();
  REQUIRE(rm.open(open_string_with("max_idle", "1").c_str(), 1, 0) == XA_OK);
  REQUIRE(rm.start(&xid.raw(), 1, 0) == XA_OK);
  const std::string id = id_of(rm, xid);
  REQUIRE(rm.end(&xid.raw(), 1, TMSUCCESS) == XA_OK);
  REQUIRE(rm.commit(&xid.raw(), 1, TMONEPHASE) == XA_OK);
  CHECK(eventually([&] { return !at_the_server(f, id); }));
  CHECK(rm.close("", 1, 0) == XA_OK);
}

TEST_CASE("sessions that are kept beyond the last close leave the server when that is over") {
  Fixture f;
  rm::Switch& rm = make_switch();
  const Xid xid = f.xid();
  REQUIRE(rm.keep_sessions(1, 60'000) == XA_OK);
  std::string id;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(rm.open(open_string().c_str(), 1, 0) == XA_OK);
    REQUIRE(rm.start(&xid.raw(), 1, 0) == XA_OK);
    if (i == 0) id = id_of(rm, xid);
    CHECK(id_of(rm, xid) == id);
    REQUIRE(rm.end(&xid.raw(), 1, TMSUCCESS) == XA_OK);
    REQUIRE(rm.commit(&xid.raw(), 1, TMONEPHASE) == XA_OK);
    REQUIRE(rm.close("", 1, 0) == XA_OK);
  }
  CHECK(at_the_server(f, id));
  REQUIRE(rm.keep_sessions(1, 0) == XA_OK);
  CHECK(eventually([&] { return !at_the_server(f, id); }));
}

}  // namespace xabridge::mysql::test
