// The heuristic commands on a log an earlier process left, without any server.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <xabridge/codes.hpp>
#include <xabridge/xid.hpp>

#include "catch.hpp"
#include "environment.hpp"
#include "register/identity.hpp"
#include "register/file/file_register.hpp"
#include "program.hpp"
#include "temporary_directory.hpp"

using nlohmann::json;
using xabridge::to_hex;
using namespace xabridge::tm;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two transactions with heuristic outcomes, the first at two resource managers.
struct LeftBehind {
  TemporaryDirectory directory;
  std::string file = (directory.path() / "bank.toml").string();
  std::string first;
  std::string second;

  LeftBehind() {
    std::ofstream(file) << "[log]\ndirectory = \"log\"\n[recovery]\ninterval = \"100ms\"\n"
                        << "[[resource_manager]]\nname = \"accounts\"\n"
                        << "driver = \"postgresql\"\nopen = \"host=/nowhere\"\n";
    auto log = open();
    first = gtrid_of(*log, 1);
    second = gtrid_of(*log, 2);
    record(*log, first, "accounts", XA_HEURRB);
    record(*log, first, "ledger", XA_HEURHAZ);
    record(*log, second, "ledger", XA_HEURMIX);
  }
  [[nodiscard]] std::unique_ptr<FileRegister> open() const {
    FileRegister::Options options;
    options.directory = directory.path() / "log";
    return std::move(FileRegister::open(posix_environment(), options)).value();
  }
  static std::string gtrid_of(const FileRegister& log, std::uint64_t sequence) {
    return Gtrid{log.id(), log.slot(), log.incarnation(), sequence, "host"}.encode();
  }
  static void record(FileRegister& log, const std::string& gtrid, const std::string& rm, int code) {
    REQUIRE(log.heuristic({gtrid, rm, make_bqual(1, rm), Decision::commit, code,
                           "resolved\nby hand", std::chrono::system_clock::now()}));
  }
  [[nodiscard]] ProgramResult run(const std::string& arguments) const {
    return run_xabridge("--config " + file + " heuristic " + arguments);
  }
  [[nodiscard]] json listed() const { return json::parse(run("list --json").out); }
};

}  // namespace

TEST_CASE_METHOD(LeftBehind, "heuristic list shows who decided what and when and exits with 1") {
  const auto list = run("list");
  INFO(list.out << list.err);
  CHECK(list.exit_code == 1);
  for (const std::string& part :
       {transaction_text(first) + " at accounts", transaction_text(second) + " at ledger",
        std::string("XA_HEURHAZ"), std::string("resolved?by hand"), std::string("asked to commit"),
        std::string("3 heuristic outcomes")}) {
    CHECK(contains(list.out, part));
  }
  const json all = listed();
  REQUIRE(all.size() == 3);
  CHECK(all[0]["resource_manager"] == "accounts");
  CHECK(all[0]["code"] == "XA_HEURRB");
  CHECK(all[0]["held_by_running_process"] == false);
}

TEST_CASE_METHOD(LeftBehind, "One record is acknowledged by transaction and resource manager") {
  const std::string shown = transaction_text(first) + " accounts";
  const auto done = run("acknowledge " + shown + " --why 'booked by hand'");
  INFO(done.out << done.err);
  CHECK(done.exit_code == 0);
  CHECK(contains(done.out, "acknowledged: " + transaction_text(first) + " at accounts, XA_HEURRB"));
  const json left = listed();
  REQUIRE(left.size() == 2);
  CHECK(left[0]["transaction"] == transaction_text(first));
  CHECK(left[0]["gtrid"] == to_hex(first));
  CHECK(left[0]["resource_manager"] == "ledger");
  const auto dump = run_xabridge("--config " + file + " log dump");
  CHECK(contains(dump.out, ": booked by hand"));
  CHECK(contains(dump.out, " " + transaction_text(first) + " "));
  CHECK_FALSE(contains(dump.out, to_hex(first)));

  const auto again = run("acknowledge " + to_hex(first) + " accounts");
  CHECK(again.exit_code == 1);
  CHECK(contains(again.out, "nothing to acknowledge: no heuristic outcome of "));
}

TEST_CASE_METHOD(LeftBehind, "All records of a transaction or all there are can be acknowledged") {
  CHECK(run("acknowledge " + to_hex(first)).exit_code == 0);
  CHECK(listed().size() == 1);
  CHECK(run("acknowledge --all --yes").exit_code == 0);
  CHECK(listed().empty());
  const auto list = run("list");
  CHECK(list.exit_code == 0);
  CHECK(contains(list.out, "0 heuristic outcomes"));
}

TEST_CASE_METHOD(LeftBehind, "Acknowledging needs to be told what") {
  for (const std::string arguments :
       {"acknowledge", "acknowledge --all", "acknowledge xyz", "acknowledge F0F1F2F3F4F5F6F7-1",
        "acknowledge 1-1", "acknowledge --yes", "frobnicate", ""}) {
    const auto result = run(arguments);
    INFO(arguments << "\n" << result.out << result.err);
    CHECK(result.exit_code == 2);
  }
  CHECK(run("acknowledge --all --yes " + to_hex(first)).exit_code == 2);
  CHECK(listed().size() == 3);
}

TEST_CASE_METHOD(LeftBehind, "A running process takes an acknowledgement in its recovery pass") {
  auto running = open();  // takes the slot the records are in
  REQUIRE(running->heuristics().size() == 3);
  CHECK(listed()[0]["held_by_running_process"] == true);
  std::atomic<bool> over{false};
  std::thread passes([&] {
    while (!over) {
      (void)running->begin_pass();
      running->end_pass();
      std::this_thread::yield();
    }
  });
  const auto done = run("acknowledge " + to_hex(first) + " ledger --why 'booked by hand'");
  over = true;
  passes.join();
  INFO(done.out << done.err);
  CHECK(done.exit_code == 0);
  CHECK(contains(done.out, "acknowledged: " + transaction_text(first) + " at ledger, XA_HEURHAZ"));
  CHECK(running->heuristics().size() == 2);
  CHECK(contains(run_xabridge("--config " + file + " log dump").out, ": booked by hand"));
}

TEST_CASE_METHOD(LeftBehind, "A running process that makes no recovery pass is left word") {
  auto running = open();
  const auto left = run("acknowledge " + to_hex(second));
  INFO(left.out << left.err);
  CHECK(left.exit_code == 1);
  CHECK(
      contains(left.out, "left: " + transaction_text(second) + " at ledger: the running process"));
  CHECK(listed().size() == 3);
  REQUIRE(running->begin_pass());
  running->end_pass();
  CHECK(running->heuristics().size() == 2);
  running.reset();
  CHECK(listed().size() == 2);
}

// Servers that accept a connection and never answer are asked at the same time.
TEST_CASE_METHOD(LeftBehind, "forget-server waits for servers that hang no longer than for one") {
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(silent, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(silent, 16) == 0);
  REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  {
    std::ofstream out(file);
    out << "[log]\ndirectory = \"log\"\n[recovery]\ncall_timeout = \"1s\"\n";
    for (const char* name : {"accounts", "ledger", "stock", "orders", "letters", "bills"}) {
      out << "[[resource_manager]]\nname = \"" << name << "\"\ndriver = \"postgresql\"\n"
          << "open = \"host=127.0.0.1 dbname=x port=" << port << "\"\n";
    }
  }
  {
    auto log = open();
    REQUIRE(log->decide(gtrid_of(*log, 9), {{"accounts", make_bqual(1, "accounts"), "pg:1"}},
                        Decision::commit));
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto forgot = run("forget-server accounts --reason 'disk lost'");
  const auto took = std::chrono::steady_clock::now() - begun;
  ::close(silent);
  INFO(forgot.out << forgot.err);
  CHECK(forgot.exit_code == 0);
  CHECK(contains(forgot.out, "forgotten: "));
  CHECK(took < std::chrono::seconds(5));  // one after the other: six at least
}
