// The server is killed between prepare and commit, and started again.
#include <cstdlib>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

void control(const std::string& verb) {
  const std::string command = server_setting("_CONTROL") + " " + verb + " >/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
}

}  // namespace

TEST_CASE("prepared branches survive a crash of the server and unprepared ones do not") {
  auto f = std::make_unique<Fixture>();
  const Xid committed = f->xid();
  const Xid rolled_back = f->xid();
  const Xid empty = f->xid();
  const Xid unprepared = f->xid();
  auto prepare = [&](const Xid& xid, const std::string& sql) {
    auto session = f->session();
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*session, sql) == 0);
    REQUIRE(session->end(xid).code == XA_OK);
    if (!(xid == unprepared)) REQUIRE(session->prepare(xid).code == XA_OK);
    return session;
  };
  f->observer.run("INSERT INTO " + f->table + " VALUES (3, 0)");
  auto a = prepare(committed, f->set(1, 5));
  auto b = prepare(rolled_back, f->set(2, 5));
  auto c = prepare(empty, "SELECT * FROM " + f->table);
  auto d = prepare(unprepared, f->set(3, 5));

  control("kill");
  const auto gone = a->commit_prepared(committed);
  CHECK(gone.code == XAER_RMFAIL);
  CHECK(!gone.error->outcome_known);
  CHECK(d->commit_one_phase(unprepared).code == XAER_RMFAIL);
  control("start");

  f->observer = Plain(open_string());
  auto session = f->session();
  CHECK(f->listed(committed));
  CHECK(f->listed(rolled_back));
  CHECK(!f->listed(unprepared));
  CHECK(Fixture::settled(*session, true, committed).code == XA_OK);
  CHECK(Fixture::settled(*session, false, rolled_back).code == XA_OK);
  // It changed nothing, so either server may have forgotten it.
  const int code = Fixture::settled(*session, true, empty).code;
  CHECK((code == XA_OK || code == XAER_NOTA));
  CHECK(session->commit_prepared(unprepared).code == XAER_NOTA);
  CHECK(f->v(1) == 5);
  CHECK(f->v(2) == 0);
  CHECK(f->v(3) == 0);
}

}  // namespace xabridge::mysql::test
