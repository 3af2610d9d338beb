// What a refusal proves: at a server that became read-only, under a global read lock, interrupted.
#include <atomic>
#include <thread>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

class ReadOnly {
 public:
  ReadOnly() : admin_(server_setting("_ADMIN")) { admin_.run("SET GLOBAL read_only = 1"); }
  ~ReadOnly() { admin_.run("SET GLOBAL read_only = 0"); }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  Plain admin_;
};

/// A branch that has written and is ended.
std::unique_ptr<MysqlSession> ended(Fixture& f, const Xid& xid) {
  auto session = f.session();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(Fixture::work(*session, f.set(1, 7)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  return session;
}

/// Interrupts again and again, as a timeout does, until the answer is there.
rm::Answer interrupted(MysqlSession& session, const std::function<rm::Answer()>& call) {
  std::atomic<bool> over{false};
  std::thread interrupts([&] {
    while (!over) {
      session.interrupt();
      std::this_thread::yield();
    }
  });
  rm::Answer answer = call();
  over = true;
  interrupts.join();
  return answer;
}

}  // namespace

// What the finding says is what the server does.
TEST_CASE("check says of a read-only server what it refuses") {
  Fixture f;
  const Xid xid = f.xid();
  {
    auto session = ended(f, xid);
    REQUIRE(session->prepare(xid).code == XA_OK);
  }
  const auto finding_of = [](const std::string& open) {
    MysqlServer server(parse_settings(open).value());
    auto control = server.connect("").value();
    for (const rm::Finding& one : server.preflight(*control)) {
      if (one.subject == "read_only") return one;
    }
    FAIL("no finding");
    return rm::Finding{};
  };
  {
    const ReadOnly demoted;
    const rm::Finding finding = finding_of(open_string());
    CHECK(finding.severity == XABRIDGE_FINDING_ERROR);
    const bool completes = f.session()->commit_prepared(xid).code == XA_OK;
    CHECK(completes == !on_mariadb());
    CHECK((finding.text.find("can be committed and rolled back") != std::string::npos) ==
          completes);
    CHECK((finding.text.find("cannot be committed or rolled back") != std::string::npos) !=
          completes);
    CHECK(finding_of(server_setting("_ADMIN")).severity == XABRIDGE_FINDING_WARNING);
    if (completes) return;
  }
  CHECK(f.session()->commit_prepared(xid).code == XA_OK);
}

TEST_CASE("a one-phase commit that a read-only server refuses is a rollback to be repeated") {
  Fixture f;
  const Xid xid = f.xid();
  auto session = ended(f, xid);
  std::optional<rm::Answer> answer;
  {
    const ReadOnly demoted;
    answer = session->commit_one_phase(xid);
  }
  CHECK(answer->code == XA_RBTRANSIENT);
  REQUIRE(answer->error);
  CHECK(answer->error->outcome_known);
  CHECK(answer->error->vendor_code == 1290);
  CHECK(answer->error->message.find("rolled back") != std::string::npos);
  session.reset();  // where the server keeps the branch until then
  CHECK(f.observer.failure(f.set(2, 1)) == 0);
  CHECK(f.observer.failure("UPDATE " + f.table + " SET v = v WHERE id = 1") == 0);
  CHECK(f.v(1) == 0);
}

TEST_CASE("a session of a server that became read-only serves no further branch") {
  Fixture f;
  const Xid xid = f.xid();
  auto session = f.session();
  REQUIRE(session->begin(xid).code == XA_OK);
  {
    const ReadOnly demoted;
    CHECK(Fixture::work(*session, f.set(1, 7)) == 1290);
    CHECK(session->rollback(xid).code == XA_OK);
    CHECK(!session->reusable());
    CHECK(session->outdated());
    // It was writable at log-in; one that logs in now may be all there is.
    auto reader = f.session();
    CHECK(reader->reusable());
    CHECK(!reader->outdated());
  }
  auto writer = f.session();
  CHECK(writer->reusable());
}

TEST_CASE("an error of a read-only server is worth another try, one of another option is not") {
  const auto escaped = [](int number, const std::string& text) {
    return escaped_code(sql::SQLException(text, "HY000", number));
  };
  CHECK(escaped(1290, "The MySQL server is running with the --read-only option so it cannot "
                      "execute this statement") == XA_RBTRANSIENT);
  CHECK(escaped(1290, "The MySQL server is running with the --super-read-only option so it cannot "
                      "execute this statement") == XA_RBTRANSIENT);
  CHECK(escaped(1290, "The MySQL server is running with the --secure-file-priv option so it cannot "
                      "execute this statement") == XA_OK);
  CHECK(escaped(1836, "Running in read-only mode") == XA_RBTRANSIENT);
  CHECK(escaped(1792, "Cannot execute statement in a READ ONLY transaction.") == XA_RBTRANSIENT);
}

TEST_CASE("XA PREPARE that a timeout interrupts is a rollback by timeout, however often it does") {
  Fixture f;
  for (int i = 0; i < 5; ++i) {
    const Xid xid = f.xid();
    auto session = ended(f, xid);
    std::optional<rm::Answer> answer;
    {
      const ReadLock lock;
      answer = interrupted(*session, [&] { return session->prepare(xid); });
    }
    REQUIRE(answer->error);
    INFO(answer->error->to_string());
    CHECK(answer->code == XA_RBTIMEOUT);
    CHECK(answer->error->outcome_known);
    session.reset();
    CHECK(!f.listed(xid));
    CHECK(f.observer.failure("UPDATE " + f.table + " SET v = v WHERE id = 1") == 0);
    CHECK(f.v(1) == 0);
  }
}

TEST_CASE("what runs out of patience under a global read lock is rolled back and says so") {
  Fixture f;
  for (const bool one_phase : {false, true}) {
    CAPTURE(one_phase);
    const Xid xid = f.xid();
    auto session = f.session();
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(Fixture::work(*session, "SET SESSION lock_wait_timeout = 1") == 0);
    REQUIRE(Fixture::work(*session, f.set(1, 7)) == 0);
    REQUIRE(session->end(xid).code == XA_OK);
    std::optional<rm::Answer> answer;
    {
      const ReadLock lock;
      answer = one_phase ? session->commit_one_phase(xid) : session->prepare(xid);
    }
    CHECK(answer->code == XA_RBTRANSIENT);
    REQUIRE(answer->error);
    CHECK(answer->error->outcome_known);
    session.reset();
    CHECK(!f.listed(xid));
    CHECK(f.v(1) == 0);
  }
}

}  // namespace xabridge::mysql::test
