// The exported switch, loaded as any transaction manager would load it.
#include <dlfcn.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#include <atomic>
#include <thread>
#include <vector>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

struct Loaded {
  void* library = ::dlopen(XABRIDGE_TEST_SWITCH_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  xa_switch_t* xa = nullptr;
  const xabridge_rm_extras_t* extras = nullptr;

  Loaded() {
    INFO(::dlerror());
    REQUIRE(library != nullptr);
    xa = static_cast<xa_switch_t*>(::dlsym(library, "xabridge_mysql_switch"));
    extras =
        static_cast<const xabridge_rm_extras_t*>(::dlsym(library, "xabridge_mysql_switch_extras"));
    REQUIRE(xa != nullptr);
    REQUIRE(extras != nullptr);
  }
};

/// Opens the resource manager for this thread as long as it lives.
struct Opened {
  const Loaded& loaded;
  int rmid;
  std::string info = open_string();

  Opened(const Loaded& l, int id) : loaded(l), rmid(id) {
    REQUIRE(loaded.xa->xa_open_entry(info.data(), rmid, TMNOFLAGS) == XA_OK);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { (void)loaded.xa->xa_close_entry(info.data(), rmid, TMNOFLAGS); }

  [[nodiscard]] int work(const std::string& sql) const {
    auto* connection = static_cast<sql::Connection*>(loaded.extras->connection(rmid));
    REQUIRE(connection != nullptr);
    try {
      const std::unique_ptr<sql::Statement> statement(connection->createStatement());
      statement->execute(sql);
      return 0;
    } catch (const sql::SQLException& failure) {
      return failure.getErrorCode();
    }
  }
};

}  // namespace

TEST_CASE("the loaded switch commits and rolls back branches") {
  const Loaded loaded;
  Fixture f;
  const Opened rm(loaded, 1);
  CHECK(std::string(loaded.extras->driver) == "mysql");
  CHECK(loaded.xa->version == 0);
  for (const bool commit : {true, false}) {
    XID xid = f.xid().raw();
    REQUIRE(loaded.xa->xa_start_entry(&xid, 1, TMNOFLAGS) == XA_OK);
    REQUIRE(rm.work(f.set(commit ? 1 : 2, 5)) == 0);
    REQUIRE(loaded.xa->xa_end_entry(&xid, 1, TMSUCCESS) == XA_OK);
    REQUIRE(loaded.xa->xa_prepare_entry(&xid, 1, TMNOFLAGS) == XA_OK);
    auto* finish = commit ? loaded.xa->xa_commit_entry : loaded.xa->xa_rollback_entry;
    REQUIRE(finish(&xid, 1, TMNOFLAGS) == XA_OK);
    CHECK(loaded.xa->xa_commit_entry(&xid, 1, TMNOFLAGS) == XAER_NOTA);
  }
  CHECK(f.v(1) == 5);
  CHECK(f.v(2) == 0);
}

TEST_CASE("another thread of the loaded switch commits what one prepared") {
  const Loaded loaded;
  Fixture f;
  const Opened rm(loaded, 1);
  XID xid = f.xid().raw();
  std::thread([&] {
    const Opened mine(loaded, 1);
    REQUIRE(loaded.xa->xa_start_entry(&xid, 1, TMNOFLAGS) == XA_OK);
    REQUIRE(mine.work(f.set(1, 5)) == 0);
    REQUIRE(loaded.xa->xa_end_entry(&xid, 1, TMSUCCESS) == XA_OK);
    REQUIRE(loaded.xa->xa_prepare_entry(&xid, 1, TMNOFLAGS) == XA_OK);
  }).join();
  REQUIRE(loaded.xa->xa_commit_entry(&xid, 1, TMNOFLAGS) == XA_OK);
  CHECK(f.v(1) == 5);
}

TEST_CASE("the loaded switch lists what another session prepared and completes it") {
  const Loaded loaded;
  Fixture f;
  const Xid left = f.xid();
  {
    auto owner = f.session();
    REQUIRE(owner->begin(left).code == XA_OK);
    REQUIRE(f.work(*owner, f.set(1, 5)) == 0);
    REQUIRE(owner->end(left).code == XA_OK);
    REQUIRE(owner->prepare(left).code == XA_OK);
  }
  const Opened rm(loaded, 1);
  std::vector<XID> xids(1000);
  const int n = loaded.xa->xa_recover_entry(xids.data(), 1000, 1, TMSTARTRSCAN | TMENDRSCAN);
  bool found = false;
  for (int i = 0; i < n; ++i)
    found = found || Xid::from(&xids[static_cast<std::size_t>(i)]) == left;
  CHECK(found);
  XID xid = left.raw();
  int code = XA_RETRY;
  REQUIRE(eventually([&] {
    code = loaded.xa->xa_commit_entry(&xid, 1, TMNOFLAGS);
    return code != XA_RETRY;
  }));
  CHECK(code == XA_OK);
  CHECK(f.v(1) == 5);
}

TEST_CASE("many threads commit through the loaded switch at once") {
  const Loaded loaded;
  Fixture f;
  constexpr int threads = 8;
  constexpr int rounds = 10;
  for (int t = 0; t < threads; ++t) {
    f.observer.run("INSERT INTO " + f.table + " VALUES (" + std::to_string(100 + t) + ", 0)");
  }
  std::vector<Xid> xids;
  for (int i = 0; i < threads * rounds; ++i) xids.push_back(f.xid());
  std::atomic<int> committed{0};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t) {
    crew.emplace_back([&, t] {
      const Opened rm(loaded, 1);
      for (int round = 0; round < rounds; ++round) {
        XID xid = xids[static_cast<std::size_t>(t * rounds + round)].raw();
        const bool good = loaded.xa->xa_start_entry(&xid, 1, TMNOFLAGS) == XA_OK &&
                          rm.work("UPDATE " + f.table +
                                  " SET v = v + 1 WHERE id = " + std::to_string(100 + t)) == 0 &&
                          loaded.xa->xa_end_entry(&xid, 1, TMSUCCESS) == XA_OK &&
                          loaded.xa->xa_prepare_entry(&xid, 1, TMNOFLAGS) == XA_OK &&
                          loaded.xa->xa_commit_entry(&xid, 1, TMNOFLAGS) == XA_OK;
        if (good) ++committed;
      }
    });
  }
  for (auto& thread : crew) thread.join();
  CHECK(committed == threads * rounds);
  CHECK(f.observer.value("SELECT SUM(v) FROM " + f.table) == std::to_string(threads * rounds));
}

TEST_CASE("the loaded switch reads exceptions of the application") {
  const Loaded loaded;
  const sql::SQLException deadlock("text", "40001", 1213);
  const std::exception* exception = &deadlock;
  CHECK(loaded.extras->classify(exception) == XA_RBDEADLOCK);
}

TEST_CASE("a connection that died while idle is replaced and a stray write is reported") {
  const Loaded loaded;
  Fixture f;
  const Opened rm(loaded, 1);
  XID first = f.xid().raw();
  REQUIRE(loaded.xa->xa_start_entry(&first, 1, TMNOFLAGS) == XA_OK);
  auto* stale = static_cast<sql::Connection*>(loaded.extras->connection(1));
  char id[32];
  REQUIRE(loaded.extras->session_of(&first, 1, id, sizeof id) == XA_OK);
  REQUIRE(loaded.xa->xa_end_entry(&first, 1, TMSUCCESS) == XA_OK);
  REQUIRE(loaded.xa->xa_commit_entry(&first, 1, TMONEPHASE) == XA_OK);
  XID second = f.xid().raw();
  SECTION("killed while idle") {
    f.observer.run(std::string("KILL ") + id);
    REQUIRE(eventually([&] {
      return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                              std::string(id)) == "0";
    }));
  }
  SECTION("written to after its transaction") {
    const std::unique_ptr<sql::Statement> statement(stale->createStatement());
    statement->execute(f.set(2, 99));
    CHECK(loaded.xa->xa_start_entry(&second, 1, TMNOFLAGS) == XAER_OUTSIDE);
    xabridge_rm_error error{};
    REQUIRE(loaded.extras->last_error(1, &error) == XA_OK);
    CHECK(error.vendor_code == 1400);
    SECTION("and ended by whoever did it") { statement->execute("ROLLBACK"); }
    SECTION("and never ended") {
      CHECK(loaded.xa->xa_start_entry(&second, 1, TMNOFLAGS) == XAER_OUTSIDE);
    }
  }
  REQUIRE(loaded.xa->xa_start_entry(&second, 1, TMNOFLAGS) == XA_OK);
  REQUIRE(rm.work(f.set(2, 7)) == 0);
  REQUIRE(loaded.xa->xa_end_entry(&second, 1, TMSUCCESS) == XA_OK);
  REQUIRE(loaded.xa->xa_commit_entry(&second, 1, TMONEPHASE) == XA_OK);
  CHECK(f.v(2) == 7);
}

TEST_CASE("a prepared branch whose session is killed is completed, and the rmid stays open") {
  const Loaded loaded;
  Fixture f;
  const Opened rm(loaded, 1);
  const bool commit = GENERATE(true, false);
  XID xid = f.xid().raw();
  char id[32];
  REQUIRE(loaded.xa->xa_start_entry(&xid, 1, TMNOFLAGS) == XA_OK);
  REQUIRE(rm.work(f.set(2, 77)) == 0);
  REQUIRE(loaded.extras->session_of(&xid, 1, id, sizeof id) == XA_OK);
  REQUIRE(loaded.xa->xa_end_entry(&xid, 1, TMSUCCESS) == XA_OK);
  REQUIRE(loaded.xa->xa_prepare_entry(&xid, 1, TMNOFLAGS) == XA_OK);
  f.observer.run(std::string("KILL ") + id);
  REQUIRE(eventually([&] {
    return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                            std::string(id)) == "0";
  }));
  const auto finish = commit ? loaded.xa->xa_commit_entry : loaded.xa->xa_rollback_entry;
  CHECK(finish(&xid, 1, TMNOFLAGS) == XA_OK);
  CHECK((f.v(2) == 77) == commit);
  XID next = f.xid().raw();
  CHECK(loaded.xa->xa_start_entry(&next, 1, TMNOFLAGS) == XA_OK);
  CHECK(loaded.xa->xa_end_entry(&next, 1, TMSUCCESS) == XA_OK);
  CHECK(loaded.xa->xa_rollback_entry(&next, 1, TMNOFLAGS) == XA_OK);
}

}  // namespace xabridge::mysql::test
