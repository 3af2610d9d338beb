// Resource managers of other vendors: how they are loaded, and that no code of theirs is ever taken
// for more than it says.
#include <climits>
#include <fstream>

#include "catch.hpp"
#include "manager/switch_library.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::BranchState;
using xabridge::Config;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::ResourceManagerConfig;
using xabridge::SymbolKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

ResourceManagerConfig foreign(const std::string& symbol,
                              SymbolKind symbol_is = SymbolKind::as_library_tells) {
  ResourceManagerConfig config;
  config.name = "foreign";
  config.library = XABRIDGE_FOREIGN_LIBRARY;
  config.symbol = symbol;
  config.symbol_is = symbol_is;
  return config;
}

/// Without extras.
struct ForeignFixture : ManagerFixture {
  Config foreign_config() {
    auto c = config();
    c.timeout = 0ms;
    c.completion_timeout = 100ms;
    c.recovery_background = false;
    c.resource_managers = {accounts.config(MemoryRm::Kind::foreign),
                           ledger.config(MemoryRm::Kind::foreign)};
    return c;
  }
  /// One transaction over both in which the ledger answers `codes` to `entry`. In a thread of its
  /// own: what a refused xa_end leaves behind ends with that.
  Outcome commit_with(const std::string& entry, const std::deque<int>& codes, bool both = true) {
    Outcome outcome;
    std::thread([&] {
      TransactionManager tm(foreign_config());
      Transaction tx = tm.begin();
      if (both) tx.enlist("accounts");
      tx.enlist("ledger");
      ledger.answer(entry, codes);
      outcome = tx.commit();
      ledger.answer(entry, {});
    }).join();
    return outcome;
  }
};

/// Keeps its thread's state where C++ would, from xa_open to the end of the thread.
struct ThreadBound {
  static inline std::atomic<int> closed{0}, closed_too_late{0};
  static bool alive() {
    thread_local bool gone = false;
    struct State {
      bool* gone;
      ~State() { *gone = true; }
    };
    thread_local const State state{&gone};
    return !*state.gone;
  }
  static int open(char*, int, long) { return alive() ? XA_OK : XAER_RMERR; }
  static int close(char*, int, long) {
    ++(alive() ? closed : closed_too_late);
    return XA_OK;
  }
  static int with_xid(XID*, int, long) { return XA_OK; }
  static int recover(XID*, long, int, long) { return 0; }
  static int complete(int*, int*, int, long) { return XAER_PROTO; }
};
const xa_switch_t thread_bound_switch = {"thread bound",
                                         TMNOFLAGS,
                                         0,
                                         ThreadBound::open,
                                         ThreadBound::close,
                                         ThreadBound::with_xid,
                                         ThreadBound::with_xid,
                                         ThreadBound::with_xid,
                                         ThreadBound::with_xid,
                                         ThreadBound::with_xid,
                                         ThreadBound::recover,
                                         ThreadBound::with_xid,
                                         ThreadBound::complete};

const std::vector<int> kNoCodes{-10, -1, 1, 2, 9, 42, 99, 108, INT_MAX, INT_MIN};

}  // namespace

TEST_CASE_METHOD(ForeignFixture, "A foreign switch lets nobody choose an isolation level") {
  TransactionManager tm(foreign_config());
  Transaction tx = tm.begin();
  const auto refusal = [&](const char* name) {
    try {
      tx.enlist(name, xabridge::Isolation::serializable);
    } catch (const Exception& e) {
      return e.error();
    }
    return xabridge::Error{};
  };
  CHECK(refusal("accounts").xa_code == XAER_INVAL);
  CHECK(contains(refusal("accounts").message, "open string"));
  CHECK(contains(refusal("nobody").message, "there are: accounts, ledger"));
  tx.enlist("accounts");
  CHECK(refusal("accounts").xa_code == XAER_PROTO);
  CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
}

TEST_CASE("A switch is an object or what a function returns and the library says which") {
  for (const auto& config : {foreign("switch_object"), foreign("switch_function"),
                             foreign("untyped", SymbolKind::function),
                             foreign("switch_object", SymbolKind::object)}) {
    CAPTURE(config.symbol);
    const auto found = xabridge::tm::find_switch(config);
    REQUIRE(found.ok());
    CHECK(std::string(found->entries->name) == "foreign");
    CHECK(found->extras == nullptr);
  }
}

TEST_CASE("What is no switch is refused when it is loaded and the refusal says why") {
  struct Case {
    ResourceManagerConfig config;
    std::string says;
  };
  auto elsewhere = foreign("switch_object");
  elsewhere.library = "/nowhere/libforeign.so";
  for (const Case& c :
       {Case{elsewhere, "/nowhere/libforeign.so cannot be loaded"},
        Case{foreign("misspelt"), "has no symbol misspelt"}, Case{foreign("an_int"), "has 4 bytes"},
        Case{foreign("switch_pointer"), "it is something else"},
        Case{foreign("untyped"), "set symbol_is"},
        Case{foreign("null_function"), "null_function() returned no switch"},
        Case{foreign("wrong_version"), "has version 1, XA says 0"},
        Case{foreign("unknown_flags"), "flags XA does not know: 64"},
        Case{foreign("null_entry"), "lacks xa_prepare, xa_complete"},
        Case{foreign("endless_name"), "no end within 32 bytes"}}) {
    CAPTURE(c.config.symbol);
    const auto found = xabridge::tm::find_switch(c.config);
    REQUIRE_FALSE(found.ok());
    CHECK(contains(found.error().to_string(), c.says));
    CHECK(contains(found.error().to_string(), "foreign"));
    CHECK(found.error().xa_code == XAER_INVAL);
  }
}

TEST_CASE("A library in the configuration takes part in transactions") {
  TemporaryDirectory directory;
  const auto file = directory.path() / "bank.toml";
  std::ofstream(file) << "[log]\ndirectory = \"log\"\n[logging]\nlevel = \"off\"\n"
                      << "[[resource_manager]]\nname = \"a\"\nlibrary = \""
                      << XABRIDGE_FOREIGN_LIBRARY << "\"\nsymbol = \"switch_object\"\nopen = \"\"\n"
                      << "[[resource_manager]]\nname = \"b\"\nlibrary = \""
                      << XABRIDGE_FOREIGN_LIBRARY
                      << "\"\nsymbol = \"switch_function\"\nopen = \"\"\n";
  TransactionManager tm(Config::load(file));
  Transaction tx = tm.begin();
  tx.enlist("a");
  tx.enlist("b");
  CHECK(tx.commit().kind == OutcomeKind::committed);
}

TEST_CASE_METHOD(ForeignFixture, "A code that is none of XA is never a vote") {
  for (const int code : kNoCodes) {
    CAPTURE(code);
    for (const char* entry : {"end", "prepare"}) {
      CAPTURE(entry);
      const Outcome outcome = commit_with(entry, {code});
      CHECK(outcome.kind == OutcomeKind::rolled_back);
      CHECK(outcome.reason_code == code);
      CHECK(contains(outcome.reason, code == 9 ? "XA_NOMIGRATE" : std::to_string(code)));
    }
  }
  CHECK(accounts.committed() + ledger.committed() == 0);
}

TEST_CASE_METHOD(ForeignFixture, "A code that is none of XA does not undo a decision") {
  std::size_t committed = 0;
  for (const int code : kNoCodes) {
    CAPTURE(code);
    const Outcome outcome = commit_with("commit", std::deque<int>(100, code));
    CHECK(outcome.kind == OutcomeKind::committed_pending);
    REQUIRE(outcome.branches.size() == 2);
    CHECK(outcome.branches[0].state == BranchState::committed);
    CHECK(outcome.branches[1].state == BranchState::pending);
    REQUIRE_FALSE(outcome.branches[1].errors.empty());
    CHECK(outcome.branches[1].errors.front().xa_code == code);
    CHECK(accounts.committed() == ++committed);
  }
}

TEST_CASE_METHOD(ForeignFixture, "Codes of other calls are no answers to this one") {
  // Each is one of XA's, but not of that call; see the tables of chapter 5.
  for (const int code : {XA_RETRY, XA_HEURCOM, XA_HEURHAZ, XA_NOMIGRATE, XAER_DUPID}) {
    CAPTURE(code);
    CHECK(commit_with("prepare", {code}).kind == OutcomeKind::rolled_back);
  }
  for (const int code : {XA_RDONLY, XA_NOMIGRATE, XAER_DUPID, XAER_OUTSIDE}) {
    CAPTURE(code);
    CHECK(commit_with("commit", std::deque<int>(100, code)).kind == OutcomeKind::committed_pending);
  }
  CHECK(commit_with("end", {XA_RDONLY}).kind == OutcomeKind::rolled_back);
  CHECK(commit_with("commit", {XA_RETRY}).kind == OutcomeKind::committed);  // tried again
}

TEST_CASE_METHOD(ForeignFixture,
                 "A one-phase commit that answers nonsense is not taken for success") {
  for (const int code : kNoCodes) {
    CAPTURE(code);
    // The branch can still be rolled back, so it was not committed.
    CHECK(commit_with("commit", {code}, false).kind == OutcomeKind::rolled_back);
  }
  CHECK(ledger.committed() == 0);
}

TEST_CASE_METHOD(ForeignFixture, "A rollback may ask to be tried again though XA does not say so") {
  TransactionManager tm(foreign_config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  ledger.answer("rollback", {XA_RETRY, XA_RETRY});
  CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
  CHECK(ledger.count("rollback") == 3);
  CHECK(ledger.rolled_back() == 1);
}

TEST_CASE_METHOD(ForeignFixture, "A thread that ends closes before the objects of the switch go") {
  auto c = foreign_config();
  c.resource_managers.resize(1);
  c.resource_managers[0].xa_switch = &thread_bound_switch;
  TransactionManager tm(c);
  std::thread([&] {
    Transaction tx = tm.begin();
    tx.enlist("accounts");
    CHECK(tx.commit().kind == OutcomeKind::committed);
  }).join();
  CHECK(ThreadBound::closed > 0);
  CHECK(ThreadBound::closed_too_late == 0);
}

TEST_CASE_METHOD(ForeignFixture, "No answer to xa_open or xa_start but XA_OK starts a branch") {
  for (const int code : {XA_RDONLY, XA_RETRY, XA_HEURCOM, XA_RBROLLBACK, -10, 42}) {
    for (const char* entry : {"open", "start"}) {
      CAPTURE(code, entry);
      TransactionManager tm(foreign_config());
      std::thread([&] {
        Transaction tx = tm.begin();
        ledger.answer(entry, {code});
        CHECK_THROWS_AS(tx.enlist("ledger"), Exception);
        CHECK(tx.commit().kind == OutcomeKind::rolled_back);
        ledger.answer(entry, {});
      }).join();
    }
  }
  CHECK(ledger.committed() == 0);
}
