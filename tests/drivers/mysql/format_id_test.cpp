// FormatIDs at the edge of what the servers can write.
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
  const auto xid = Xid::make(-5, unique_name("g"), "b");
  REQUIRE(xid);
  f.remember(*xid);
  if (on_mariadb()) {
    CHECK(session->begin(*xid).code == XAER_INVAL);
    CHECK(session->commit_prepared(*xid).code == XAER_NOTA);
    return;
  }
  // As Connector/J writes it.
  const std::string name = "X'" + to_hex(xid->gtrid()) + "',X'62',0xfffffffb";
  for (const std::string& sql : {"XA START " + name, f.set(1, 3), "XA END " + name,
                                 "XA PREPARE " + name})
    f.observer.run(sql);
  CHECK(f.listed(*xid));
  CHECK(Fixture::settled(*session, true, *xid).code == XA_OK);
  CHECK(f.v(1) == 3);
  CHECK(session->begin(*xid).code == XA_OK);
  CHECK(session->rollback(*xid).code == XA_OK);
}

}  // namespace xabridge::mysql::test
