// run(): what is repeated, what is not, and what the caller hears.
#include <set>
#include <thread>
#include <xabridge/codes.hpp>

#include "catch.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

TEST_CASE_METHOD(ManagerFixture, "run commits what the function did") {
  TransactionManager tm(config());
  const Outcome outcome = tm.run([](Transaction& tx) { enlist_both(tx); });
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.retries.empty());
}

TEST_CASE_METHOD(ManagerFixture, "Events say how long the step took that they end") {
  TransactionManager tm(config());
  ledger.answer("prepare", {XA_RBDEADLOCK});
  CHECK(tm.run([](Transaction& tx) { enlist_both(tx); }).committed());
  const std::set<EventKind> timed{EventKind::prepared,  EventKind::refused,     EventKind::decided,
                                  EventKind::committed, EventKind::rolled_back, EventKind::retried};
  std::set<EventKind> seen;
  for (const EventLog::Seen& event : events.all()) {
    if (event.took.count() == 0) continue;
    CAPTURE(to_string(event.kind));
    CHECK(timed.contains(event.kind));
    CHECK(event.took < 20s);
    seen.insert(event.kind);
  }
  CHECK(seen == timed);
}

TEST_CASE_METHOD(ManagerFixture, "run rolls back and rethrows an exception") {
  TransactionManager tm(config());
  CHECK_THROWS_AS(tm.run([](Transaction& tx) {
    enlist_both(tx);
    throw std::logic_error("no such account");
  }),
                  std::logic_error);
  CHECK(accounts.rolled_back() == 1);
  CHECK_THROWS_AS(tm.run([](Transaction&) { throw 7; }), int);
  CHECK(events.count(EventKind::retried) == 0);
}

TEST_CASE_METHOD(ManagerFixture, "run repeats after a transient refusal and says why") {
  TransactionManager tm(config());
  ledger.answer("prepare", {XA_RBDEADLOCK, XA_RBTRANSIENT});
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    ++attempts;
    enlist_both(tx);
  });
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(attempts == 3);
  REQUIRE(outcome.retries.size() == 2);
  CHECK(outcome.retries[0].attempt == 1);
  CHECK(contains(outcome.retries[0].reason, "XA_RBDEADLOCK at ledger"));
  CHECK(contains(outcome.retries[1].reason, "XA_RBTRANSIENT at ledger"));
  CHECK(events.count(EventKind::retried) == 2);
}

TEST_CASE_METHOD(ManagerFixture,
                 "run does not repeat what would fail again or may have been done") {
  TransactionManager tm(config());
  for (const int code : {XA_RBINTEGRITY, XA_RBTIMEOUT, XA_RBROLLBACK, XA_RBOTHER}) {
    ledger.answer("prepare", {code});
    int attempts = 0;
    const Outcome outcome = tm.run([&](Transaction& tx) {
      ++attempts;
      enlist_both(tx);
    });
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(outcome.reason_code == code);
    CHECK(attempts == 1);
  }
  ledger.lose_reply("commit");
  int attempts = 0;
  CHECK(tm.run([&](Transaction& tx) {
            ++attempts;
            tx.enlist("ledger");
          }).kind == OutcomeKind::unknown);
  CHECK(attempts == 1);
}

TEST_CASE_METHOD(ManagerFixture, "run stops at the limit with the last answer") {
  TransactionManager tm(config());
  ledger.answer("prepare", std::deque<int>(100, XA_RBDEADLOCK));
  xabridge::RunOptions options;
  options.max_retries = 2;
  const Outcome outcome = tm.run([](Transaction& tx) { enlist_both(tx); }, options);
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBDEADLOCK);
  CHECK(outcome.retries.size() == 2);
  CHECK(ledger.count("prepare") == 3);
}

TEST_CASE_METHOD(ManagerFixture, "run hands out what the committed attempt returned") {
  TransactionManager tm(config());
  ledger.answer("prepare", {XA_RBDEADLOCK});
  int attempts = 0;
  const auto booked = tm.run([&](Transaction& tx) {
    enlist_both(tx);
    return "booking " + std::to_string(++attempts);
  });
  CHECK(booked.committed());
  CHECK(booked.value == "booking 2");
  CHECK(booked.retries.size() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "run hands out nothing of an attempt that was not committed") {
  TransactionManager tm(config());
  ledger.answer("prepare", {XA_RBINTEGRITY});
  const auto refused = tm.run([](Transaction& tx) {
    enlist_both(tx);
    return std::make_unique<int>(7);
  });
  CHECK(refused.kind == OutcomeKind::rolled_back);
  CHECK_FALSE(refused.value);
  const auto cancelled = tm.run([](Transaction& tx) {
    enlist_both(tx);
    return tx.rollback().reason;
  });
  CHECK(cancelled.kind == OutcomeKind::rolled_back);
  CHECK_FALSE(cancelled.value);
}

TEST_CASE_METHOD(ManagerFixture, "run begins no attempt once a stop is requested") {
  xabridge::Config patient = config();
  patient.retry_backoff = {1h, 1h};
  TransactionManager tm(patient);
  std::stop_source source;
  xabridge::RunOptions options;
  options.stop = source.get_token();
  int attempts = 0;
  SECTION("while an attempt runs: its answer counts") {
    const Outcome outcome = tm.run(
        [&](Transaction& tx) {
          ++attempts;
          source.request_stop();
          enlist_both(tx);
        },
        options);
    CHECK(outcome.committed());
  }
  SECTION("an attempt that would have been repeated") {
    ledger.answer("prepare", {XA_RBDEADLOCK});
    const Outcome outcome = tm.run(
        [&](Transaction& tx) {
          ++attempts;
          enlist_both(tx);
          source.request_stop();
        },
        options);
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(outcome.reason_code == XA_RBDEADLOCK);
    CHECK(outcome.retries.empty());
  }
  SECTION("in the pause before the next") {
    ledger.answer("prepare", {XA_RBDEADLOCK});
    std::jthread stopper([&] {
      while (ledger.rolled_back() + accounts.rolled_back() == 0) std::this_thread::yield();
      source.request_stop();
    });
    const Outcome outcome = tm.run(
        [&](Transaction& tx) {
          ++attempts;
          enlist_both(tx);
        },
        options);
    CHECK(outcome.kind == OutcomeKind::rolled_back);
  }
  CHECK(attempts == 1);
  const Outcome outcome = tm.run([&](Transaction&) { ++attempts; }, options);
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(contains(outcome.reason, "a stop was requested"));
  CHECK(attempts == 1);
  CHECK(events.count(EventKind::retried) == 0);
}

TEST_CASE_METHOD(ManagerFixture, "run repeats on request and rethrows the request at the limit") {
  TransactionManager tm(config());
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    enlist_both(tx);
    if (++attempts == 1) throw xabridge::RetryRequest("row version changed");
  });
  CHECK(outcome.committed());
  REQUIRE(outcome.retries.size() == 1);
  CHECK(contains(outcome.retries[0].reason, "row version changed"));
  xabridge::RunOptions options;
  options.max_retries = 1;
  CHECK_THROWS_AS(tm.run([](Transaction&) { throw xabridge::RetryRequest("again"); }, options),
                  xabridge::RetryRequest);
}

TEST_CASE_METHOD(ManagerFixture, "run repeats when the driver calls the exception a deadlock") {
  TransactionManager tm(config());
  int attempts = 0;
  accounts.set_classify(XA_RBDEADLOCK);
  const Outcome outcome = tm.run([&](Transaction& tx) {
    enlist_both(tx);
    if (++attempts == 1) throw std::runtime_error("Deadlock found");
  });
  CHECK(outcome.committed());
  CHECK(attempts == 2);
}

TEST_CASE_METHOD(ManagerFixture, "run repeats when a branch says it was doomed by a deadlock") {
  TransactionManager tm(config());
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    enlist_both(tx);
    if (++attempts > 1) return;
    ledger.answer("end", {XA_RBDEADLOCK});
    throw std::runtime_error("a statement failed");
  });
  CHECK(outcome.committed());
  CHECK(attempts == 2);
}

TEST_CASE_METHOD(ManagerFixture, "run takes the outcome of a function that rolled back itself") {
  TransactionManager tm(config());
  const Outcome outcome = tm.run([](Transaction& tx) {
    enlist_both(tx);
    (void)tx.rollback();
  });
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(accounts.rolled_back() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "run says so when a function throws and the work is not undone") {
  TransactionManager tm(config());
  const auto thrown_by = [&](const std::function<void(Transaction&)>& fn) {
    try {
      (void)tm.run(fn);
    } catch (const xabridge::Exception& e) {
      CHECK_THROWS_WITH(std::rethrow_if_nested(e), "application error");
      return e.error();
    }
    FAIL("no xabridge::Exception");
    return xabridge::Error{};
  };
  SECTION("a branch was completed by hand") {
    const xabridge::Error error = thrown_by([&](Transaction& tx) {
      enlist_both(tx);
      ledger.answer("rollback", {XA_HEURCOM});
      throw std::runtime_error("application error");
    });
    CHECK(xabridge::is_heuristic(error.xa_code));
    CHECK(contains(error.message, "not rolled back"));
    CHECK(contains(error.message, "ledger"));
  }
  SECTION("the function had committed") {
    const xabridge::Error error = thrown_by([&](Transaction& tx) {
      enlist_both(tx);
      REQUIRE(tx.commit().committed());
      throw std::runtime_error("application error");
    });
    CHECK(error.xa_code == XAER_PROTO);
    CHECK(contains(error.message, "committed"));
    CHECK(ledger.committed() == 1);
  }
}

TEST_CASE_METHOD(ManagerFixture, "run does not take a failed rollback for the reason") {
  TransactionManager tm(config());
  accounts.answer("rollback", std::deque<int>(10, XAER_RMFAIL));
  int attempts = 0;
  SECTION("of a function that threw") {
    CHECK_THROWS_AS(tm.run([&](Transaction& tx) {
      ++attempts;
      enlist_both(tx);
      throw std::logic_error("no such account");
    }),
                    std::logic_error);
  }
  SECTION("of a commit that another branch refused for good") {
    ledger.answer("prepare", std::deque<int>(10, XA_RBINTEGRITY));
    const Outcome outcome = tm.run([&](Transaction& tx) {
      ++attempts;
      enlist_both(tx);
    });
    CHECK(outcome.kind == OutcomeKind::rolled_back);
  }
  CHECK(attempts == 1);
  CHECK(events.count(EventKind::retried) == 0);
}

TEST_CASE_METHOD(ManagerFixture, "run hears from the rollback that a branch was undone before") {
  TransactionManager tm(config());
  int attempts = 0;
  ledger.answer("rollback", {XA_RBDEADLOCK, XA_RBCOMMFAIL});
  const Outcome outcome = tm.run([&](Transaction& tx) {
    enlist_both(tx);
    if (++attempts < 3) throw std::runtime_error("debit: a statement failed");
  });
  CHECK(outcome.committed());
  REQUIRE(outcome.retries.size() == 2);
  CHECK(contains(outcome.retries[0].reason, "XA_RBDEADLOCK at ledger"));
  CHECK(contains(outcome.retries[1].reason, "XA_RBCOMMFAIL at ledger"));
}

TEST_CASE_METHOD(ManagerFixture, "run takes the server's word before a connection lost after it") {
  TransactionManager tm(config());
  accounts.set_classify(XA_RBOTHER);
  int attempts = 0;
  SECTION("a connection") {
    ledger.answer("rollback", std::deque<int>(10, XA_RBCOMMFAIL));
    CHECK_THROWS_AS(tm.run([&](Transaction& tx) {
      ++attempts;
      enlist_both(tx);
      throw std::runtime_error("packet too large");
    }),
                    std::runtime_error);
    CHECK(attempts == 1);
  }
  SECTION("but a deadlock counts") {
    ledger.answer("rollback", {XA_RBDEADLOCK});
    CHECK(tm.run([&](Transaction& tx) {
              enlist_both(tx);
              if (++attempts == 1) throw std::runtime_error("duplicate key");
            }).committed());
  }
}

TEST_CASE_METHOD(ManagerFixture, "run repeats the first use of a server that is down") {
  const bool keeps_it = GENERATE(false, true);
  TransactionManager tm(config());
  ledger.set_reachable(false);
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    tx.enlist("accounts");
    if (++attempts == 3) ledger.set_reachable(true);
    try {
      tx.enlist("ledger");
    } catch (const xabridge::Exception&) {
      if (!keeps_it) throw;
    }
  });
  CHECK(outcome.committed());
  CHECK(attempts == 3);
  REQUIRE(outcome.retries.size() == 2);
  CHECK(contains(outcome.retries[0].reason, "XAER_RMERR at ledger") == keeps_it);
}

TEST_CASE_METHOD(ManagerFixture, "run does not repeat where xa_open fails for another reason") {
  TransactionManager tm(config());
  ledger.answer("open", std::deque<int>(10, XAER_RMERR));  // a wrong password
  int attempts = 0;
  CHECK_THROWS_AS(tm.run([&](Transaction& tx) {
    ++attempts;
    tx.enlist("ledger");
  }),
                  xabridge::Exception);
  CHECK(attempts == 1);
}
