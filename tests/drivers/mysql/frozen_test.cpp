// A server that hangs instead of dying: stopped, or under a global read lock. Every call of ours
// ends when its time is over, the session is lost, and what the call says is true.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include <xabridge/codes.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough for a loaded machine, far below what a server's own limits are.
constexpr std::chrono::milliseconds kTime{700};
constexpr std::chrono::seconds kMuch{20};

/// Stops the server's process, until the end of its life.
class Frozen {
 public:
  Frozen() {
    Plain admin(server_setting("_ADMIN"));
    std::ifstream file(admin.value("SELECT @@pid_file"));
    REQUIRE(file >> process_);
    REQUIRE(::kill(process_, SIGSTOP) == 0);
    REQUIRE(eventually([&] { return stopped(); }));  // one thread after the other
  }
  ~Frozen() { (void)::kill(process_, SIGCONT); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  [[nodiscard]] bool stopped() const {
    const std::string tasks = "/proc/" + std::to_string(process_) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream file(task.path() / "stat");
      std::string text;
      std::getline(file, text);
      const auto name_end = text.rfind(") ");  // a name may have blanks
      if (name_end == std::string::npos || text[name_end + 2] != 'T') return false;
    }
    return true;
  }

  pid_t process_ = 0;
};

enum class Step {
  begin,
  end,
  prepare,
  commit_one_phase,
  rollback,
  commit_prepared,
  rollback_prepared
};

struct Prepared {
  std::unique_ptr<MysqlSession> session;
  Xid xid;
};

/// A session that is about to make the step.
Prepared just_before(Fixture& f, Step step) {
  Prepared p{f.session(), f.xid()};
  if (step == Step::begin) return p;
  REQUIRE(p.session->begin(p.xid).code == XA_OK);
  REQUIRE(Fixture::work(*p.session, f.set(1, 7)) == 0);
  if (step == Step::end || step == Step::rollback) return p;
  REQUIRE(p.session->end(p.xid).code == XA_OK);
  if (step == Step::prepare || step == Step::commit_one_phase) return p;
  REQUIRE(p.session->prepare(p.xid).code == XA_OK);
  return p;
}

rm::Answer make(MysqlSession& session, Step step, const Xid& xid) {
  switch (step) {
    case Step::begin:
      return session.begin(xid);
    case Step::end:
      return session.end(xid);
    case Step::prepare:
      return session.prepare(xid);
    case Step::commit_one_phase:
      return session.commit_one_phase(xid);
    case Step::rollback:
      return session.rollback(xid);
    case Step::commit_prepared:
      return session.commit_prepared(xid);
    case Step::rollback_prepared:
      return session.rollback_prepared(xid);
  }
  return XAER_INVAL;
}

struct Late {
  rm::Answer answer;
  Clock::duration after;
};

Late late(MysqlSession& session, Step step, const Xid& xid) {
  const auto start = Clock::now();
  const rm::CallDeadline limit(start + kTime);
  rm::Answer answer = make(session, step, xid);
  return {std::move(answer), Clock::now() - start};
}

void is_lost(MysqlSession& session, const Late& seen) {
  CHECK(seen.after < kMuch);
  REQUIRE(seen.answer.error);
  INFO(seen.answer.error->to_string());
  CHECK(!seen.answer.error->connection_usable);
  CHECK(!session.reusable());
}

}  // namespace

TEST_CASE("a call at a frozen server ends at its deadline and its session is lost") {
  Fixture f;
  for (const Step step : {Step::begin, Step::end, Step::prepare, Step::commit_one_phase,
                          Step::rollback, Step::commit_prepared, Step::rollback_prepared}) {
    CAPTURE(static_cast<int>(step));
    f.observer.run("UPDATE " + f.table + " SET v = 0");
    auto p = just_before(f, step);
    std::optional<Late> seen;
    {
      const Frozen frozen;
      seen = late(*p.session, step, p.xid);
    }
    is_lost(*p.session, *seen);
    // One round trip comes first, so it is known that the commit was never sent.
    const bool unprepared = step == Step::commit_one_phase;
    CHECK(seen->answer.code == (unprepared ? XA_RBCOMMFAIL : XAER_RMFAIL));
    CHECK(seen->answer.error->outcome_known == (step != Step::prepare));
    const std::string text = seen->answer.error->to_string();
    CHECK(text.find("did not answer in time") != std::string::npos);
    p.session.reset();
    if (step == Step::commit_prepared || step == Step::rollback_prepared) {
      auto by = f.session();
      CHECK(Fixture::settled(*by, step == Step::commit_prepared, p.xid).code == XA_OK);
    } else if (step == Step::prepare) {
      // It arrives when the server goes on.
      auto by = f.session();
      REQUIRE(eventually([&] { return f.listed(p.xid); }));
      CHECK(Fixture::settled(*by, false, p.xid).code == XA_OK);
    }
    // No lock stays.
    CHECK(f.observer.failure("UPDATE " + f.table + " SET v = v WHERE id = 1") == 0);
    CHECK(f.v(1) == (step == Step::commit_prepared ? 7 : 0));
  }
}

TEST_CASE("a call under a global read lock ends at its deadline and its session is lost") {
  Fixture f;
  for (const Step step : {Step::prepare, Step::commit_one_phase, Step::rollback,
                          Step::commit_prepared, Step::rollback_prepared}) {
    CAPTURE(static_cast<int>(step));
    auto p = just_before(f, step);
    std::optional<Late> seen;
    {
      const ReadLock lock;
      seen = late(*p.session, step, p.xid);
    }
    // Not every server holds every one of them up.
    if (seen->answer.code == XA_OK) {
      CHECK(step != Step::prepare);
      CHECK(step != Step::commit_one_phase);
      continue;
    }
    is_lost(*p.session, *seen);
    CHECK(seen->answer.code == XAER_RMFAIL);
    const bool rolls_back = step == Step::rollback;
    CHECK(seen->answer.error->outcome_known == rolls_back);
    p.session.reset();
    if (step == Step::commit_one_phase || rolls_back) continue;
    // Whatever has arrived: the branch can be brought to an end.
    const bool commit = step == Step::commit_prepared;
    CHECK(eventually([&] {
      auto by = f.session();
      const int code = Fixture::settled(*by, commit, p.xid).code;
      return code == XA_OK || code == XAER_NOTA;
    }));
  }
}

TEST_CASE("connecting to a frozen server and asking it ends at the deadline") {
  Fixture f;
  auto session = f.session();
  auto other = f.session();
  const auto settings = parse_settings(open_string()).value();
  const auto start = Clock::now();
  {
    const Frozen frozen;
    const rm::CallDeadline limit(start + kTime);
    const auto connection = open_connection(settings, "");
    REQUIRE(!connection);
    CHECK(connection.error().xa_code == XAER_RMFAIL);
    // The time of the call is over, so that nothing more is tried.
    CHECK(open_connection(settings, "").error().message.find("not tried") != std::string::npos);
    const auto list = session->prepared(false);
    REQUIRE(!list);
    CHECK(list.error().xa_code == XAER_RMFAIL);
    CHECK(!other->alive());
    session.reset();
    other.reset();
  }
  CHECK(Clock::now() - start < kMuch);
}

TEST_CASE("without a deadline a short question to a frozen server has connect_timeout") {
  Fixture f;
  const auto settings = std::make_shared<const Settings>(
      parse_settings(open_string_with("connect_timeout", "1")).value());
  auto session = MysqlSession::open(settings, "").value();
  auto other = MysqlSession::open(settings, "").value();
  const auto start = Clock::now();
  {
    const Frozen frozen;
    CHECK(!session->alive());
    CHECK(other->begin(f.xid()).code == XAER_RMFAIL);
  }
  CHECK(Clock::now() - start < kMuch);
}

TEST_CASE("a statement of the application at a frozen server is set free by an interruption") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  std::optional<int> code;
  {
    const Frozen frozen;
    auto blocked =
        std::async(std::launch::async, [&] { return Fixture::work(*session, f.set(1, 2)); });
    CHECK(blocked.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
    session->interrupt();
    code = blocked.get();
  }
  CHECK((*code == 2013 || *code == 2006 || *code == 2026));
  CHECK(session->rollback(xid).code == XAER_RMFAIL);
  CHECK(!session->reusable());
}

}  // namespace xabridge::mysql::test
