// The transaction timeout: it ends a blocked statement, always rolls back, and never touches a
// commit.
#include <thread>

#include "catch.hpp"
#include "manager/timeout_gate.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

struct TimeoutFixture : ManagerFixture {
  std::chrono::milliseconds limit{0};  // the one that begin() came to

  /// A transaction with these resource managers in it whose time is soon up. On a busy machine
  /// that may be before they are; then it is given more.
  Transaction begin(TransactionManager& tm,
                    std::initializer_list<const char*> names = {"accounts", "ledger"}) {
    for (limit = 5ms;; limit *= 4) {
      Transaction tx = tm.begin(limit);
      try {
        for (const char* name : names) tx.enlist(name);
        return tx;
      } catch (const Exception& e) {
        if (e.error().xa_code != XA_RBTIMEOUT) throw;
      }
      REQUIRE(events.wait_for(EventKind::timed_out));
      events.clear();
    }
  }
  [[nodiscard]] std::string timed_out_text() const {
    return "timed out after " + std::to_string(limit.count()) + "ms";
  }
};

}  // namespace

TEST_CASE_METHOD(TimeoutFixture, "A timeout ends a blocked statement and the commit rolls back") {
  TransactionManager tm(config());
  Transaction tx = begin(tm);
  CHECK_THROWS_WITH(ledger.blocked_statement(), "statement interrupted");
  CHECK(events.wait_for(EventKind::timed_out));
  try {
    tx.enlist("accounts");
    FAIL("a timed out transaction gave a connection");
  } catch (const Exception& e) {
    CHECK(e.error().xa_code == XA_RBTIMEOUT);
    CHECK(contains(e.what(), timed_out_text()));
  }
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBTIMEOUT);
  CHECK(contains(outcome.reason, timed_out_text()));
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(events.count(EventKind::timed_out) == 1);
}

TEST_CASE_METHOD(TimeoutFixture, "An interrupt that came too early for a statement is repeated") {
  TransactionManager tm(config());
  Transaction tx = begin(tm);
  REQUIRE(events.wait_for(EventKind::timed_out));
  CHECK_THROWS_WITH(ledger.blocked_statement(), "statement interrupted");
  CHECK_THROWS_WITH(ledger.blocked_statement(), "statement interrupted");
  CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
}

TEST_CASE_METHOD(TimeoutFixture, "run says that a function failed because of the timeout") {
  TransactionManager tm(config());
  bool blocked = false;
  for (limit = 20ms; !blocked; limit *= 4) {
    xabridge::RunOptions options;
    options.timeout = limit;
    int attempts = 0;
    try {
      const Outcome outcome = tm.run(
          [&](Transaction& tx) {
            ++attempts;
            enlist_both(tx);
            blocked = true;
            ledger.blocked_statement();
          },
          options);
      FAIL("no exception: " << outcome.to_string());
    } catch (const Exception& e) {
      CHECK(e.error().xa_code == XA_RBTIMEOUT);
      CHECK(contains(e.what(), timed_out_text()));
      if (blocked) CHECK_THROWS_WITH(std::rethrow_if_nested(e), "statement interrupted");
    }
    CHECK(attempts == 1);
  }
}

TEST_CASE_METHOD(ManagerFixture, "A transaction that is finished is not interrupted any more") {
  TransactionManager tm(config());
  Transaction tx = tm.begin(1h);
  enlist_both(tx);
  CHECK(tx.commit().committed());
  Transaction unlimited = tm.begin(0ms);
  enlist_both(unlimited);
  CHECK(unlimited.commit().committed());
  CHECK(ledger.count("interrupt") == 0);
  CHECK_THROWS_AS(tm.begin(-1ms), Exception);
}

TEST_CASE_METHOD(ManagerFixture, "The longest timeout there is does not time out at once") {
  TransactionManager tm(config());
  using std::chrono::milliseconds;
  const milliseconds limit =
      GENERATE(milliseconds::max(), milliseconds::max() - 1ms, milliseconds::max() / 1'000'000,
               std::chrono::duration_cast<milliseconds>(std::chrono::nanoseconds::max()));
  Transaction tx = tm.begin(limit);
  enlist_both(tx);
  CHECK(tx.commit().committed());
  xabridge::RunOptions options;
  options.timeout = limit;
  CHECK(tm.run([](Transaction& t) { enlist_both(t); }, options).committed());
  CHECK(events.count(EventKind::timed_out) == 0);
}

namespace {

/// Holds the transaction's thread at one step until the transaction has timed out.
class HoldAt final : public xabridge::Observer {
 public:
  HoldAt(EventKind kind, const EventLog& events) : kind_(kind), events_(events) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind == kind_) (void)events_.wait_for(EventKind::timed_out);
  }

 private:
  EventKind kind_;
  const EventLog& events_;
};

}  // namespace

TEST_CASE_METHOD(TimeoutFixture, "A timeout while branches prepare wins over the decision") {
  HoldAt hold(EventKind::prepared, events);
  auto c = config();
  c.observers.push_back(&hold);
  TransactionManager tm(c);
  Transaction tx = begin(tm);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBTIMEOUT);
  CHECK(contains(outcome.reason, timed_out_text()));
  CHECK(events.count(EventKind::before_decide) == 0);
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(accounts.prepared().empty());
}

TEST_CASE_METHOD(TimeoutFixture, "A timeout before a one-phase commit wins over it") {
  HoldAt hold(EventKind::before_end, events);
  auto c = config();
  c.observers.push_back(&hold);
  TransactionManager tm(c);
  Transaction tx = begin(tm, {"ledger"});
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBTIMEOUT);
  CHECK(ledger.committed() == 0);
  CHECK(ledger.rolled_back() == 1);
}

TEST_CASE("Either the timeout or the commit passes the gate and never both") {
  using Gate = xabridge::tm::TimeoutGate;
  const auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 200; ++i) {
    Gate gate(now + 1h);
    bool expired = false;
    std::thread watcher([&] { expired = gate.expire(); });
    const bool proceeded = gate.proceed(now);
    watcher.join();
    CHECK(expired != proceeded);
  }
  Gate expired_first(now + 1h);
  CHECK(expired_first.expire());
  CHECK_FALSE(expired_first.proceed(now));
  Gate late(now);
  CHECK_FALSE(late.proceed(now));  // the watcher has not come to it yet
  CHECK(late.timed_out(now));
  Gate unlimited(std::nullopt);
  CHECK(unlimited.proceed(now + 1h));
}
