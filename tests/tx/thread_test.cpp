// Threads, processes and configurations: what is whose, and what remains when something ends early.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "tx_fixture.hpp"

namespace {

/// tx_open with XABRIDGE_CONFIG as given; null: unset.
int open_with(const char* file) {
  if (file == nullptr)
    ::unsetenv("XABRIDGE_CONFIG");
  else
    ::setenv("XABRIDGE_CONFIG", file, 1);
  const int code = tx_open();
  ::unsetenv("XABRIDGE_CONFIG");
  return code;
}

}  // namespace

TEST_CASE_METHOD(TxFixture, "Each thread opens and begins for itself on one transaction manager") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  in_thread([&] {
    CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
    CHECK(tx_begin() == TX_PROTOCOL_ERROR);
    CHECK(tx_open() == TX_OK);
    CHECK(tx_info(nullptr) == 0);
    CHECK(tx_begin() == TX_OK);
    CHECK(tx_commit() == TX_OK);
    CHECK(tx_close() == TX_OK);
  });
  CHECK(events.count(xabridge::EventKind::recovery_started) >= 1);
  CHECK(tx_info(nullptr) == 1);
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.committed() == 2);
}

TEST_CASE_METHOD(TxFixture,
                 "A thread that ends in a transaction has it rolled back and is closed") {
  REQUIRE(tx_open() == TX_OK);
  const auto threads = [&] { return accounts.count("close"); };
  const std::size_t before = threads();
  in_thread([] {
    CHECK(tx_open() == TX_OK);
    CHECK(tx_begin() == TX_OK);
  });
  CHECK(accounts.rolled_back() == 1);
  CHECK(ledger.rolled_back() == 1);
  CHECK(threads() == before + 1);
}

TEST_CASE_METHOD(TxFixture, "Many threads open and close at once") {
  std::vector<std::thread> threads;
  std::atomic<int> committed = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        if (tx_open() != TX_OK) return;
        if (tx_begin() == TX_OK && tx_commit() == TX_OK) ++committed;
        if (tx_close() != TX_OK) return;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(committed == 20);
  CHECK(accounts.committed() == 20);
}

TEST_CASE_METHOD(TxFixture, "Opening fails as a whole when one resource manager does not open") {
  ledger.answer("open", std::deque<int>(50, XAER_RMERR));
  CHECK(tx_open() == TX_ERROR);
  CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
  CHECK(tx_begin() == TX_PROTOCOL_ERROR);
  ledger.answer("open", std::deque<int>(50, XAER_INVAL));
  CHECK(tx_open() == TX_FAIL);
  ledger.answer("open", {});
  CHECK(tx_open() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "A configuration that is not there or wrong is TX_FAIL") {
  const auto scripted = xabridge::tx::configuration();
  xabridge::tx::configuration() = xabridge::tx::configuration_of_environment;
  CHECK(open_with(nullptr) == TX_FAIL);
  CHECK(open_with("") == TX_FAIL);
  CHECK(open_with("/no/such/file") == TX_FAIL);
  CHECK(open_with("/") == TX_FAIL);
  const auto file = directory.path() / "bank.toml";
  std::ofstream(file) << "[log]\ndirectroy = \"log\"\n";
  CHECK(open_with(file.c_str()) == TX_FAIL);
  std::ofstream(file) << "[log]\ndirectory = \"log\"\n[[resource_manager]]\nname = \"a\"\n"
                         "driver = \"oracle\"\nopen = \"\"\n";
  CHECK(open_with(file.c_str()) == TX_FAIL);
  CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
  xabridge::tx::configuration() = scripted;
  CHECK(tx_open() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "A log directory that cannot be used is TX_ERROR") {
  auto bad = config();
  bad.log_directory = "/dev/null/log";
  xabridge::tx::configuration() = [bad] { return xabridge::Result<xabridge::Config>(bad); };
  CHECK(tx_open() == TX_ERROR);
  CHECK(tx_info(nullptr) == TX_PROTOCOL_ERROR);
}

TEST_CASE_METHOD(TxFixture,
                 "A forked child is not open and leaves its parent's transaction alone") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool as_told = tx_info(nullptr) == TX_PROTOCOL_ERROR &&
                         tx_commit() == TX_PROTOCOL_ERROR && tx_close() == TX_OK;
    ::_exit(as_told ? 0 : 1);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(tx_info(nullptr) == 1);
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.committed() == 1);
}
