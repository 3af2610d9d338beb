// FormatIDs at the edge of what the servers can write.
#include <array>
#include <cstdint>
#include <cstdio>

#include "fixture.hpp"

namespace xabridge::mysql::test {

TEST_CASE("an XID that the server cannot have is unknown to it, no hazard") {
  Fixture f;
  auto session = f.session();
  for (const long format : {2147483648L, 4294967296L}) {
    const Xid xid = *Xid::make(format, "g", "b");
    CHECK(session->commit_prepared(xid).code == XAER_NOTA);
    CHECK(session->rollback_prepared(xid).code == XAER_NOTA);
    CHECK(session->begin(xid).code == XAER_INVAL);
    CHECK(session->reusable());
  }
}

TEST_CASE("negative formatIDs are listed and completed where the server has them") {
  Fixture f;
  auto session = f.session();
  // -1 is the null XID, which is none.
  for (const long format : {-2L, -5L, -2147483648L}) {
    CAPTURE(format);
    const auto xid = Xid::make(format, unique_name("g"), "b");
    REQUIRE(xid);
    f.remember(*xid);
    if (on_mariadb()) {
      const auto refused = session->begin(*xid);
      CHECK(refused.code == XAER_INVAL);
      REQUIRE(refused.error);
      CHECK(refused.error->message.find("use one up to 2147483647") != std::string::npos);
      CHECK(session->commit_prepared(*xid).code == XAER_NOTA);
      CHECK(session->rollback_prepared(*xid).code == XAER_NOTA);
      continue;
    }
    // As Connector/J writes it, and as it is listed.
    const std::string bytes = "X'" + to_hex(xid->gtrid()) + "',X'62',";
    const auto unsigned_one = std::to_string(static_cast<std::uint32_t>(format));
    std::array<char, 16> bits{};
    std::snprintf(bits.data(), bits.size(), "0x%08x", static_cast<std::uint32_t>(format));
    CHECK(xid->to_mysql() == bytes + bits.data());
    f.observer.run("XA START " + bytes + unsigned_one);
    f.observer.run(f.set(1, 3));
    f.observer.run("XA END " + bytes + bits.data());
    f.observer.run("XA PREPARE " + bytes + unsigned_one);
    CHECK(f.listed(*xid));
    CHECK(Fixture::settled(*session, true, *xid).code == XA_OK);
    CHECK(f.v(1) == 3);
    f.observer.run(f.set(1, 0));
    CHECK(session->begin(*xid).code == XA_OK);
    CHECK(session->rollback(*xid).code == XA_OK);
  }
}

}  // namespace xabridge::mysql::test
