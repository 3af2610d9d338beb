// The server is killed between prepare and commit, and started again.
#include "own_xid.hpp"

namespace xabridge::mysql::test {
TEST_CASE("prepared branches survive a crash of the server and unprepared ones do not") {
  auto f = std::make_unique<Fixture>();
  const Xid committed = own_xid(*f);
  const Xid rolled_back = own_xid(*f);
  const Xid empty = own_xid(*f);
  const Xid unprepared = own_xid(*f);
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
  CHECK(gone.error->outcome_known);
  CHECK(d->commit_one_phase(unprepared).code == XA_RBCOMMFAIL);  // not even sent
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

TEST_CASE("phase two on a session that a restart of the server ended says that nothing was sent") {
  auto f = std::make_unique<Fixture>();
  const std::string tcp = open_string();
  const std::vector<std::string> ways = {tcp + " sslmode=disable", tcp + " sslmode=require",
                                         open_string_with("host", server_setting("_SOCKET"))};
  struct Prepared {
    Xid xid;
    std::unique_ptr<MysqlSession> session;
  };
  std::vector<Prepared> branches;
  const auto prepare = [&](const std::string& way) {
    const Xid xid = own_xid(*f);
    auto settings = std::make_shared<const Settings>(parse_settings(way).value());
    auto session = MysqlSession::open(std::move(settings), "").value();
    REQUIRE(session->begin(xid).code == XA_OK);
    const int id = 10 + static_cast<int>(branches.size());
    REQUIRE(Fixture::work(*session, "INSERT INTO " + f->table + " VALUES (" + std::to_string(id) +
                                        ", 1)") == 0);
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->prepare(xid).code == XA_OK);
    branches.push_back({xid, std::move(session)});
  };
  for (const std::string& way : ways) {
    prepare(way);
    prepare(way);
  }
  // A session that holds no branch goes another way on MariaDB.
  auto idle = f->session();

  control("kill");
  control("start");
  f->observer = Plain(open_string());

  const auto unsent = [](const rm::Answer& answer) {
    REQUIRE(answer.error);
    INFO(answer.error->to_string());
    CHECK(answer.code == XAER_RMFAIL);
    CHECK(answer.error->outcome_known);
    CHECK(!answer.error->connection_usable);
  };
  unsent(idle->commit_prepared(branches[0].xid));
  auto session = f->session();
  for (std::size_t i = 0; i < branches.size(); ++i) {
    INFO("over " << ways[i / 2]);
    const bool commit = i % 2 == 0;
    Prepared& branch = branches[i];
    unsent(commit ? branch.session->commit_prepared(branch.xid)
                  : branch.session->rollback_prepared(branch.xid));
    CHECK(f->listed(branch.xid));
    CHECK(Fixture::settled(*session, commit, branch.xid).code == XA_OK);
  }
  CHECK(f->observer.value("SELECT COUNT(*) FROM " + f->table + " WHERE id >= 10") == "3");
}

// MariaDB's trap; see teardown.hpp.
TEST_CASE("a commit that was swallowed is asked for until a restart, and is one then") {
  if (!on_mariadb()) return;
  auto f = std::make_unique<Fixture>();
  std::optional<Xid> swallowed;
  int row = 10;
  while (!swallowed && row < 500) {
    const Xid xid = own_xid(*f);
    auto owner = f->session();
    const std::string values = " VALUES (" + std::to_string(++row) + ", 1)";
    REQUIRE(owner->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*owner, "INSERT INTO " + f->table + values) == 0);
    REQUIRE(Fixture::work(*owner, locks_that_delay(f->table)) == 0);
    REQUIRE(owner->end(xid).code == XA_OK);
    REQUIRE(owner->prepare(xid).code == XA_OK);
    f->observer.run("KILL CONNECTION " + owner->server_id());
    REQUIRE(eventually([&] { return f->observer.failure("XA COMMIT " + xid.to_mysql()) == 0; }));
    const std::string count = "SELECT COUNT(*) FROM " + f->table + " WHERE id = ";
    if (f->observer.value(count + std::to_string(row)) == "0") swallowed = xid;
  }
  REQUIRE(swallowed);

  // What a session that saw this success keeps of it.
  auto session = f->session();
  TransactionIds ids;
  REQUIRE(eventually([&] {
    const auto status = session->query("SHOW ENGINE INNODB STATUS").value();
    const auto transactions = prepared_transactions(status.at(0).at(2).value()).value();
    for (const auto& t : transactions)
      if (t.session.empty()) ids.insert(t.id);
    return !ids.empty();
  }));
  const std::string branch = doubt_key(parse_settings(open_string()).value(), *swallowed);
  const bool same_process = GENERATE(true, false);
  if (same_process) doubt(branch, ids);
  CHECK(!f->listed(*swallowed));
  CHECK(session->commit_prepared(*swallowed).code == XA_RETRY);
  if (same_process) CHECK(f->session()->rollback_prepared(*swallowed).code == XA_RETRY);

  control("kill");
  control("start");
  f->observer = Plain(open_string());
  session = f->session();
  CHECK(f->listed(*swallowed));
  CHECK(session->commit_prepared(*swallowed).code == XA_OK);
  CHECK(f->observer.value("SELECT v FROM " + f->table + " WHERE id = " + std::to_string(row)) ==
        "1");
  CHECK(session->commit_prepared(*swallowed).code == XAER_NOTA);
}

}  // namespace xabridge::mysql::test
