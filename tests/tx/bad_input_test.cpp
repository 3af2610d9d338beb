// What is wrong around TX: configurations, libraries, resource managers that answer what none may,
// calls that do not fit. Each is the TX code of the specification, a line on the log with the
// reason, and leaves nothing open.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tx_fixture.hpp"

namespace {

using xabridge::Config;
using xabridge::Result;

/// What the process writes to standard error meanwhile.
class Stderr {
 public:
  explicit Stderr(std::filesystem::path file) : file_(std::move(file)), before_(::dup(2)) {
    std::FILE* const out = std::fopen(file_.c_str(), "w");
    ::dup2(::fileno(out), 2);
    std::fclose(out);
  }
  Stderr(const Stderr&) = delete;
  Stderr& operator=(const Stderr&) = delete;
  ~Stderr() { (void)end(); }
  std::string end() {
    if (before_ != -1) {
      ::dup2(before_, 2);
      ::close(std::exchange(before_, -1));
    }
    std::ostringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }

 private:
  const std::filesystem::path file_;
  int before_;
};

struct BadInput : TxFixture {
  using Call = std::function<int()>;

  /// `call` answers `code`, and standard error and xabridge_tx_last_error both have every part.
  void says(const Call& call, int code, const std::vector<std::string>& parts) {
    Stderr log(directory.path() / "stderr");
    const int answered = call();
    const std::string lines = log.end();
    const std::string reason = xabridge_tx_last_error();
    INFO("log: " << lines << "reason: " << reason);
    CHECK(answered == code);
    for (const std::string& part : parts) {
      CHECK(contains(lines, part));
      CHECK(contains(reason, part));
    }
  }
  void loud() {
    configure([](Config& config) { config.logging_level = xabridge::LogLevel::warning; });
  }
  void configure(const std::function<void(Config&)>& change) {
    auto changed = config();
    change(changed);
    xabridge::tx::configuration() = [changed] { return Result<Config>(changed); };
  }
  /// The same log directory can be opened by somebody else at once, who finds nothing to recover.
  void check_nothing_open() {
    CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
    CHECK(accounts.open_threads() == 0);
    CHECK(ledger.open_threads() == 0);
    configure([](Config&) {});
    in_thread([] {
      CHECK(tx_open() == TX_OK);
      CHECK(tx_begin() == TX_OK);
      CHECK(tx_commit() == TX_OK);
      CHECK(tx_close() == TX_OK);
    });
    CHECK(events.count(xabridge::EventKind::recovered_rollback) == 0);
  }
};

/// In a process that may read nothing of the test's own directory, which is its owner's alone.
bool as_nobody(const std::function<bool()>& holds) {
  constexpr uid_t nobody = 65534;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool away = ::geteuid() != 0 || ::setuid(nobody) == 0;
    ::_exit(away && holds() ? 0 : 1);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return status == 0;
}

}  // namespace

TEST_CASE_METHOD(BadInput, "A configuration that cannot be used is TX_FAIL and says what to do") {
  xabridge::tx::configuration() = xabridge::tx::configuration_of_environment;
  const auto open_with = [](const char* file) {
    return [file] {
      if (file == nullptr)
        ::unsetenv("XABRIDGE_CONFIG");
      else
        ::setenv("XABRIDGE_CONFIG", file, 1);
      const int code = tx_open();
      ::unsetenv("XABRIDGE_CONFIG");
      return code;
    };
  };
  says(open_with(nullptr), TX_FAIL, {"tx_open", "XABRIDGE_CONFIG is not set"});
  says(open_with("/no/such/file"), TX_FAIL, {"/no/such/file", "no such file"});
  says(open_with("/"), TX_FAIL, {"tx_open", "/"});
  const auto file = directory.path() / "bank.toml";
  const auto with = [&](const std::string& text) {
    std::ofstream(file) << text;
    return open_with(file.c_str());
  };
  says(with("[log\n"), TX_FAIL, {"bank.toml", "1"});
  says(with("[log]\ndirectroy = \"log\"\n"), TX_FAIL, {"bank.toml", "directroy", "directory"});
  says(with("[log]\ndirectory = \"log\"\n"), TX_FAIL, {"resource_manager"});
  const std::string rm = "[log]\ndirectory = \"log\"\n[[resource_manager]]\nname = \"a\"\n";
  says(with(rm + "driver = \"oracle\"\nopen = \"\"\n"), TX_FAIL, {"oracle", "postgresql, mysql"});
  says(with(rm + "driver = \"postgresql\"\n"), TX_FAIL, {"open"});
  std::filesystem::permissions(file, std::filesystem::perms::none);
  CHECK(as_nobody([&] {
    return open_with(file.c_str())() == TX_FAIL &&
           contains(xabridge_tx_last_error(), "bank.toml") &&
           contains(xabridge_tx_last_error(), "ermission denied");
  }));
  check_nothing_open();
}

TEST_CASE_METHOD(BadInput, "A switch library that is none is TX_FAIL and says why") {
  struct Case {
    std::string library;
    std::string symbol;
    std::vector<std::string> parts;
  };
  const std::string foreign = XABRIDGE_FOREIGN_LIBRARY;
  const std::vector<Case> cases{
      {"/no/such/library.so", "x", {"/no/such/library.so", "cannot be loaded"}},
      {directory.path() / "text.so", "x", {"text.so", "cannot be loaded"}},
      {foreign, "no_such_symbol", {foreign, "has no symbol no_such_symbol"}},
      {foreign, "wrong_version", {"has version 1", "XA says 0"}},
      {foreign, "unknown_flags", {"flags XA does not know"}},
      {foreign, "null_entry", {"lacks xa_prepare, xa_complete"}},
      {foreign, "an_int", {"an_int", "something else"}},
  };
  std::ofstream(directory.path() / "text.so") << "no library\n";
  for (const Case& one : cases) {
    INFO(one.library << " " << one.symbol);
    configure([&](Config& config) {
      xabridge::ResourceManagerConfig rm;
      rm.name = "theirs";
      rm.library = one.library;
      rm.symbol = one.symbol;
      config.resource_managers.push_back(rm);
    });
    std::vector<std::string> parts = one.parts;
    parts.insert(parts.end(), {"tx_open", "theirs"});
    says(tx_open, TX_FAIL, parts);
    CHECK(accounts.count("open") == 0);
  }
  check_nothing_open();
}

TEST_CASE_METHOD(BadInput, "A resource manager that does not open closes the others again") {
  loud();
  struct Case {
    int answer;
    int code;
    const char* name;
  };
  const std::vector<Case> cases{
      {XAER_RMERR, TX_ERROR, "XAER_RMERR"}, {XAER_RMFAIL, TX_ERROR, "XAER_RMFAIL"},
      {XAER_INVAL, TX_FAIL, "XAER_INVAL"},  {XAER_PROTO, TX_FAIL, "XAER_PROTO"},
      {XA_RDONLY, TX_FAIL, "XA_RDONLY"},    {42, TX_FAIL, "XA code 42"},
      {-10, TX_FAIL, "XA code -10"},        {INT_MIN, TX_FAIL, "XA code"}};
  for (const Case& one : cases) {
    INFO(one.name);
    ledger.answer("open", std::deque<int>(50, one.answer));
    says(tx_open, one.code, {"tx_open", "ledger", one.name});
    ledger.answer("open", {});
  }
  check_nothing_open();
}

TEST_CASE_METHOD(BadInput, "A code outside the standard begins nothing and never commits") {
  loud();
  struct Case {
    const char* entry;
    int begin;   // what tx_begin answers
    int commit;  // and tx_commit
  };
  const std::vector<Case> cases{{"start", TX_FAIL, TX_PROTOCOL_ERROR},
                                {"end", TX_OK, TX_ROLLBACK},
                                {"prepare", TX_OK, TX_ROLLBACK}};
  for (const int answer : {42, 1, 2, 99, 108, -1, -10, INT_MAX, INT_MIN}) {
    for (const Case& one : cases) {
      INFO(one.entry << " answers " << answer);
      REQUIRE(tx_open() == TX_OK);
      const std::size_t before = accounts.committed() + ledger.committed();
      ledger.answer(one.entry, {answer});
      if (one.begin == TX_OK) {
        REQUIRE(tx_begin() == TX_OK);
        says(tx_commit, one.commit, {"tx_commit", "ledger", "XA code"});
      } else {
        says(tx_begin, one.begin, {"tx_begin", "ledger", "XA code"});
        CHECK(ledger.count("end") > 0);  // had it begun, nobody else would have ended it
        CHECK(tx_commit() == one.commit);
      }
      CHECK(tx_info(nullptr) == 0);
      CHECK(tx_close() == TX_OK);
      CHECK(accounts.committed() + ledger.committed() == before);
      CHECK(accounts.prepared().empty());
    }
  }
  check_nothing_open();
}

TEST_CASE_METHOD(BadInput, "A code outside the standard in phase two does not change the outcome") {
  loud();
  for (const int answer : {42, 1, -10}) {
    INFO("xa_commit answers " << answer);
    REQUIRE(tx_open() == TX_OK);
    REQUIRE(tx_begin() == TX_OK);
    const std::string transaction = TxFixture::transaction();
    ledger.answer("commit", {answer});
    CHECK(tx_commit() == TX_OK);
    CHECK(accounts.was_committed(transaction));
    ledger.wait_until_nothing_is_prepared();
    CHECK(ledger.was_committed(transaction));
    CHECK(tx_close() == TX_OK);
  }
}

TEST_CASE_METHOD(BadInput,
                 "A resource manager that does not close is told and the others are closed") {
  loud();
  struct Case {
    int answer;
    int code;
    const char* name;
  };
  const std::vector<Case> cases{{42, TX_FAIL, "XA code 42"},
                                {XAER_PROTO, TX_FAIL, "XAER_PROTO"},
                                {XAER_RMERR, TX_ERROR, "XAER_RMERR"}};
  for (const Case& one : cases) {
    INFO(one.name);
    REQUIRE(tx_open() == TX_OK);
    const std::size_t before = accounts.count("close");
    ledger.answer("close", std::deque<int>(50, one.answer));
    says(tx_close, one.code, {"tx_close", "ledger", one.name});
    ledger.answer("close", {});
    CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
    CHECK(accounts.count("close") > before);
  }
}

TEST_CASE_METHOD(BadInput, "A call out of order is TX_PROTOCOL_ERROR and says what comes first") {
  loud();
  const std::string open_first = "tx_open comes first";
  says(tx_begin, TX_PROTOCOL_ERROR, {"tx_begin", open_first});
  says(tx_commit, TX_PROTOCOL_ERROR, {"tx_commit", open_first});
  says(tx_rollback, TX_PROTOCOL_ERROR, {"tx_rollback", open_first});
  says([] { return tx_set_transaction_timeout(1); }, TX_PROTOCOL_ERROR,
       {"tx_set_transaction_timeout", open_first});
  says([] { return xabridge_tx_release("accounts"); }, TX_PROTOCOL_ERROR, {open_first});
  CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
  CHECK(contains(xabridge_tx_last_error(), open_first));
  CHECK(tx_close() == TX_OK);
  CHECK(xabridge_tx_last_error() == std::string());

  REQUIRE(tx_open() == TX_OK);
  says(tx_commit, TX_PROTOCOL_ERROR, {"tx_commit", "tx_begin comes first"});
  says(tx_rollback, TX_PROTOCOL_ERROR, {"tx_rollback", "tx_begin comes first"});
  says([] { return tx_set_transaction_timeout(-1); }, TX_EINVAL, {"-1", "seconds"});
  says([] { return tx_set_commit_return(9); }, TX_EINVAL, {"9", "TX_COMMIT_DECISION_LOGGED"});
  says([] { return tx_set_transaction_control(9); }, TX_EINVAL, {"9", "TX_CHAINED"});
  REQUIRE(tx_begin() == TX_OK);
  const std::string inside = "tx_commit or tx_rollback it first";
  says(tx_begin, TX_PROTOCOL_ERROR, {"tx_begin", inside, transaction()});
  says(tx_close, TX_PROTOCOL_ERROR, {"tx_close", inside});
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.count("start") == 1);
  CHECK(tx_close() == TX_OK);
}

TEST_CASE_METHOD(BadInput, "A thread that has not opened is told that each opens for itself") {
  loud();
  REQUIRE(tx_open() == TX_OK);
  in_thread([&] {
    says(tx_begin, TX_PROTOCOL_ERROR, {"tx_begin", "in each thread for itself"});
    says(tx_commit, TX_PROTOCOL_ERROR, {"in each thread for itself"});
  });
  CHECK(tx_begin() == TX_OK);
  CHECK(tx_commit() == TX_OK);
}

TEST_CASE_METHOD(BadInput,
                 "A commit that ends otherwise and an unstartable successor are both told") {
  loud();
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.answer("prepare", {XA_RBINTEGRITY});
  accounts.answer("start", {XAER_RMERR});
  says(tx_commit, TX_ROLLBACK_NO_BEGIN, {"XA_RBINTEGRITY", "ledger", "XAER_RMERR", "accounts"});
}
