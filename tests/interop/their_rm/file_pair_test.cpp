// Two resource managers of files under the transaction manager, which knows nothing of them but
// library, symbol and open string. No server needed.
#include <filesystem>
#include <thread>
#include <xabridge/transaction_manager.hpp>

#include "catch.hpp"
#include "foreign_config.hpp"
#include "observers.hpp"

using namespace std::chrono_literals;
using foreign::committed;
using foreign::put;
using xabridge::BranchState;
using xabridge::Config;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

namespace fs = std::filesystem;

struct Pair {
  TemporaryDirectory directory;
  fs::path a = directory.path() / "a";
  fs::path b = directory.path() / "b";
  foreign::Listing listing;

  Pair() {
    fs::create_directory(a);
    fs::create_directory(b);
  }
  [[nodiscard]] Config config(const std::string& symbol_a = "file_rm_switch",
                              const std::string& symbol_b = "file_rm_get_switch") {
    Config c = Config::parse(foreign::common_sections(directory.path() / "log") +
                                 foreign::file_section("a", a, symbol_a) +
                                 foreign::file_section("b", b, symbol_b),
                             "test");
    c.recovery_background = false;
    c.observers = {&listing};
    return c;
  }
  void work(Transaction& tx, const std::string& value = "1") const {
    tx.enlist("a");
    tx.enlist("b");
    REQUIRE(put(a, "key", value) == FILE_RM_OK);
    REQUIRE(put(b, "key", value) == FILE_RM_OK);
  }
  [[nodiscard]] std::string both() const { return committed(a, "key") + committed(b, "key"); }
  [[nodiscard]] long prepared() const {
    return file_rm_prepared(a.c_str()) + file_rm_prepared(b.c_str());
  }
  [[nodiscard]] bool seen(const std::string& event) const {
    for (const std::string& e : listing.events()) {
      if (e == event) return true;
    }
    return false;
  }
  static void away(const fs::path& path) { fs::rename(path, path.string() + ".away"); }
  static void back(const fs::path& path) { fs::rename(path.string() + ".away", path); }
};

}  // namespace

TEST_CASE("two foreign resource managers commit together however their switch is found") {
  const auto* symbol = GENERATE("file_rm_switch", "file_rm_get_switch", "file_rm_switch_dynamic");
  INFO(symbol);
  Pair pair;
  TransactionManager tm(pair.config(symbol, symbol));
  Transaction tx = tm.begin();
  pair.work(tx);
  CHECK(pair.both().empty());
  const Outcome outcome = tx.commit();
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.branches.size() == 2);
  CHECK(pair.both() == "11");
  CHECK(pair.seen("decided:1"));
}

TEST_CASE("a foreign resource manager rolls back with the others") {
  Pair pair;
  TransactionManager tm(pair.config());
  {
    Transaction tx = tm.begin();
    pair.work(tx);
    CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
  }
  CHECK(pair.both().empty());
  // Its locks are gone, and what it refuses at prepare rolls everybody back.
  Transaction tx = tm.begin();
  pair.work(tx);
  REQUIRE(put(pair.b, "positive.balance", "-1") == FILE_RM_OK);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBINTEGRITY);
  CHECK(pair.both().empty());
  CHECK(pair.prepared() == 0);
}

TEST_CASE("a foreign resource manager that only read takes no part in phase two") {
  Pair pair;
  TransactionManager tm(pair.config());
  Transaction tx = tm.begin();
  tx.enlist("a");
  tx.enlist("b");
  char value[8];
  CHECK(file_rm_get(file_rm_rmid(pair.a.c_str()), "key", value, sizeof value) == FILE_RM_NOT_FOUND);
  REQUIRE(put(pair.b, "key", "1") == FILE_RM_OK);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.branches[0].state == BranchState::read_only);
  CHECK(pair.both() == "1");
  CHECK_FALSE(pair.seen("before_commit:2"));
}

TEST_CASE("a directory that goes away in phase two is committed when it is back") {
  Pair pair;
  foreign::At leave("before_commit:1", [&] { Pair::away(pair.b); });
  Config config = pair.config();
  config.observers.push_back(&leave);
  TransactionManager tm(config);
  Transaction tx = tm.begin();
  pair.work(tx);
  const Outcome outcome = tx.commit();
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  CHECK(committed(pair.a, "key") == "1");
  tm.recover_now();  // still away: nothing is forgotten
  Pair::back(pair.b);
  CHECK(pair.prepared() == 1);
  tm.recover_now();
  CHECK(pair.both() == "11");
  CHECK(pair.prepared() == 0);
}

TEST_CASE("a directory that goes away before the votes rolls everybody back") {
  const auto* when = GENERATE("before_end:1", "before_end:2", "before_prepare:1",
                              "before_prepare:2", "prepared:1");
  INFO(when);
  Pair pair;
  foreign::At leave(when, [&] { Pair::away(pair.b); });
  Config config = pair.config();
  config.observers.push_back(&leave);
  TransactionManager tm(config);
  {
    Transaction tx = tm.begin();
    pair.work(tx);
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::rolled_back);
  }
  Pair::back(pair.b);
  tm.recover_now();
  CHECK(pair.both().empty());
  CHECK(pair.prepared() == 0);
  // The thread opens it again, and goes on.
  Transaction tx = tm.begin();
  pair.work(tx, "2");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(pair.both() == "22");
}

TEST_CASE("a prepared branch whose directory goes away still follows the decision") {
  Pair pair;
  foreign::At leave("prepared:2", [&] { Pair::away(pair.a); });
  Config config = pair.config();
  config.observers.push_back(&leave);
  TransactionManager tm(config);
  {
    Transaction tx = tm.begin();
    pair.work(tx);
    REQUIRE(put(pair.b, "positive.balance", "1") == FILE_RM_OK);
    // The decision does not depend on a: it promised.
    CHECK(tx.commit().kind == OutcomeKind::committed_pending);
  }
  Pair::back(pair.a);
  tm.recover_now();
  CHECK(pair.both() == "11");
}

TEST_CASE(
    "an operator's decision against the transaction is a heuristic outcome and is forgotten") {
  const bool commit = GENERATE(false, true);
  INFO((commit ? "operator commits" : "operator rolls back"));
  Pair pair;
  foreign::At decide("before_decide:1",
                     [&] { (void)file_rm_decide(pair.b.c_str(), nullptr, commit ? 1 : 0); });
  Config config = pair.config();
  config.observers.push_back(&decide);
  TransactionManager tm(config);
  Transaction tx = tm.begin();
  pair.work(tx);
  const Outcome outcome = tx.commit();
  INFO(outcome.to_string());
  CHECK(outcome.kind == (commit ? OutcomeKind::committed : OutcomeKind::heuristic));
  CHECK(outcome.branches[1].state ==
        (commit ? BranchState::heuristic_committed : BranchState::heuristic_rolled_back));
  CHECK(pair.both() == (commit ? "11" : "1"));
  CHECK(file_rm_decided(pair.b.c_str()) == 0);
}

TEST_CASE("a branch decided by hand while nobody watched is recorded and forgotten by recovery") {
  Pair pair;
  foreign::At leave("before_commit:1", [&] { Pair::away(pair.b); });
  Config config = pair.config();
  config.observers.push_back(&leave);
  {
    TransactionManager tm(config);
    Transaction tx = tm.begin();
    pair.work(tx);
    CHECK(tx.commit().kind == OutcomeKind::committed_pending);
  }
  Pair::back(pair.b);
  REQUIRE(file_rm_decide(pair.b.c_str(), nullptr, 0) == 1);
  const TransactionManager recovering(pair.config());
  CHECK(pair.seen("heuristic:1"));
  CHECK(file_rm_decided(pair.b.c_str()) == 0);
  CHECK(pair.both() == "1");
}

TEST_CASE("many threads commit at foreign resource managers that are opened in each of them") {
  Pair pair;
  TransactionManager tm(pair.config("file_rm_switch", "file_rm_switch_dynamic"));
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) {
        Transaction tx = tm.begin();
        tx.enlist("a");
        tx.enlist("b");
        const std::string key = "key" + std::to_string(i);
        if (put(pair.a, key, std::to_string(n)) != FILE_RM_OK) return;
        if (put(pair.b, key, std::to_string(n)) != FILE_RM_OK) return;
        if (tx.commit().kind == OutcomeKind::committed) ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done == 20);
  for (int i = 0; i < 4; ++i) {
    CHECK(committed(pair.a, "key" + std::to_string(i)) == "4");
    CHECK(committed(pair.b, "key" + std::to_string(i)) == "4");
  }
}
