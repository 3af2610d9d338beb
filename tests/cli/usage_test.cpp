// The program without any server: usage, configuration, log directory, unreachable servers.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <xabridge/xid.hpp>

#include "catch.hpp"
#include "environment.hpp"
#include "program.hpp"
#include "register/file/file_register.hpp"
#include "temporary_directory.hpp"

using namespace std::string_literals;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A configuration nobody answers for: port 1 refuses at once.
struct Unreachable {
  TemporaryDirectory directory;
  std::string file = (directory.path() / "bank.toml").string();
  Unreachable() {
    std::ofstream(file) << "[log]\ndirectory = \"log\"\n[[resource_manager]]\nname = \"accounts\"\n"
                           "driver = \"postgresql\"\nopen = \"host=127.0.0.1 port=1 dbname=x\"\n";
  }
  /// As a service does at its first start.
  void make_log() const {
    xabridge::tm::FileRegister::Options options;
    options.directory = directory.path() / "log";
    REQUIRE(xabridge::tm::FileRegister::open(xabridge::tm::posix_environment(), options));
  }
};

}  // namespace

TEST_CASE("The program explains itself") {
  const auto help = run_xabridge("--help");
  CHECK(help.exit_code == 0);
  for (const char* word : {"check", "status", "recover", "log", "--config", "Exit codes"}) {
    CHECK(contains(help.out, word));
  }
  const auto version = run_xabridge("--version");
  CHECK(version.exit_code == 0);
  CHECK(contains(version.out, "xabridge "));
}

TEST_CASE("A wrong command line or configuration exits with 2 and says what is wrong") {
  CHECK(run_xabridge("").exit_code == 2);
  CHECK(run_xabridge("frobnicate").exit_code == 2);
  CHECK(run_xabridge("check --frobnicate").exit_code == 2);
  const auto without = run_xabridge("check");
  CHECK(without.exit_code == 2);
  CHECK(contains(without.err, "XABRIDGE_CONFIG"));
  const auto missing = run_xabridge("check --config /nowhere/bank.toml");
  CHECK(missing.exit_code == 2);
  CHECK(contains(missing.err, "/nowhere/bank.toml: there is no such file"));
}

TEST_CASE("A mistyped command is told with the one that was meant") {
  const std::pair<const char*, const char*> cases[] = {
      {"chekc", "there is no command 'chekc'; did you mean 'check'?"},
      {"--config x.toml statsu --json", "did you mean 'status'?"},
      {"heuristic acknowlege --all", "did you mean 'acknowledge'?"},
      {"log dumb", "did you mean 'dump'?"},
      {"frobnicate", "there are: check status recover heuristic log xid"},
  };
  for (const auto& [arguments, text] : cases) {
    const auto result = run_xabridge(arguments);
    INFO(arguments << "\n" << result.err);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.err, text));
  }
  // A name that is no command is one of the command's words.
  CHECK_FALSE(contains(run_xabridge("xid nothing").err, "no command"));
}

TEST_CASE("A mistyped option and a missing command are told with those that there are") {
  const std::pair<const char*, const char*> cases[] = {
      {"status --jsn", "xabridge: there is no option '--jsn'; did you mean '--json'?"},
      {"heuristic acknowledge x --wy=3", "did you mean '--why'?"},
      {"-v", "there is no option '-v'; there are: --help --version --config"},
      {"", "xabridge: a command is missing; there are: check status recover heuristic log xid"},
      {"log", "a command is missing; there are: dump"},
      {"heuristic", "a command is missing; there are: list acknowledge forget-server"},
      {"status --config", "xabridge: --config"},
  };
  for (const auto& [arguments, text] : cases) {
    const auto result = run_xabridge(arguments);
    INFO(arguments << "\n" << result.err);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.err, text));
  }
}

TEST_CASE("The help of a command has its own examples and exit codes, and says --config") {
  for (const std::string command : {"check", "status", "recover", "heuristic list", "log dump",
                                    "heuristic acknowledge", "heuristic forget-server"}) {
    const auto help = run_xabridge(command + " --help");
    INFO(help.out);
    CHECK(help.exit_code == 0);
    CHECK(contains(help.out, "--config"));
    CHECK(contains(help.out, " " + command));
    if (command != "recover") CHECK_FALSE(contains(help.out, "toml recover"));
  }
  CHECK(contains(run_xabridge("check --help").out, "1  errors found"));
}

TEST_CASE_METHOD(Unreachable, "acknowledge and forget-server take --why and --reason alike") {
  make_log();
  for (const std::string option : {"--why", "--reason"}) {
    for (const std::string command : {"acknowledge --all --yes ", "forget-server accounts "}) {
      const auto result =
          run_xabridge("--config " + file + " heuristic " + command + option + " test");
      INFO(command << option << "\n" << result.out << result.err);
      CHECK(result.exit_code == 1);
      CHECK(contains(result.out, "nothing to "));
    }
  }
}

TEST_CASE_METHOD(Unreachable, "A name that is not configured is told with those that are") {
  make_log();
  const std::string heuristic = "--config " + file + " heuristic ";
  for (const std::string command :
       {"acknowledge 9c41f20be6d8735a-17 bank_x", "forget-server bank_x --reason test"}) {
    const auto result = run_xabridge(heuristic + command);
    INFO(result.out << result.err);
    CHECK(result.exit_code == 1);
    CHECK(contains(result.out, "bank_x is not configured, there are: accounts"));
  }
  const auto without = run_xabridge(heuristic + "acknowledge 9c41f20be6d8735a-17 accounts");
  INFO(without.out);
  CHECK(contains(without.out, "no heuristic outcome of 9c41f20be6d8735a-17 at accounts"));
  CHECK_FALSE(contains(without.out, "not configured"));
}

TEST_CASE_METHOD(Unreachable, "status tells a directory without a log from one that is missing") {
  const std::string status = "status --config " + file;
  CHECK(contains(run_xabridge(status).out, "does not exist yet"));
  std::filesystem::create_directory(directory.path() / "log");
  CHECK(contains(run_xabridge(status).out, "has no decision log"));
}

TEST_CASE_METHOD(Unreachable, "check tries whether a log directory that is missing can be made") {
  const auto text = [&](const std::string& log) {
    std::ofstream(file) << "[log]\ndirectory = \"" << log
                        << "\"\n[[resource_manager]]\nname = \"accounts\"\ndriver = "
                           "\"postgresql\"\nopen = \"host=127.0.0.1 port=1\"\n";
    const auto result = run_xabridge("check --config " + file);
    return result.out + result.err;
  };
  CHECK(contains(text("log"), "is created at the first start"));
  CHECK_FALSE(std::filesystem::exists(directory.path() / "log"));
  CHECK(contains(text("/proc/xabridge"), "ERROR    log.directory: does not exist, and "));
  CHECK(contains(text("~/log"), "begins with ~"));
  xabridge::tm::FileRegister::Options options;
  options.directory = "/proc/xabridge";
  const auto made = xabridge::tm::FileRegister::open(xabridge::tm::posix_environment(), options);
  REQUIRE_FALSE(made);
  CHECK(contains(made.error().message, "name another log.directory"));
}

TEST_CASE_METHOD(Unreachable, "A warning in the service's log says once that it is one") {
  make_log();
  std::ofstream(file) << "[log]\ndirectory = \"log\"\n[logging]\nlevel = \"info\"\n"
                         "[[resource_manager]]\nname = \"accounts\"\ndriver = \"postgresql\"\n"
                         "open = \"host=127.0.0.1 port=1 password=x\"\n";
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  const auto result = run_xabridge("recover --config " + file);
  INFO(result.err);
  CHECK(contains(result.err, "[warning] the configuration "));
}

TEST_CASE_METHOD(Unreachable, "A file that is not TOML is told with its line and what to do") {
  std::ofstream(file) << "[log]\ndirectory = decisions\n";
  const auto result = run_xabridge("check --config " + file);
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK(contains(result.err, file + ":2:"));
  CHECK(contains(result.err, "Text is written in quotes"));
}

TEST_CASE_METHOD(Unreachable, "recover tells the error of a resource manager once") {
  make_log();
  const auto result = run_xabridge("recover --config " + file);
  INFO(result.out << result.err);
  const std::string all = result.out + result.err;
  const std::string words = "Connection refused";
  std::size_t times = 0;
  for (std::size_t at = 0; (at = all.find(words, at)) != std::string::npos; ++at) ++times;
  CHECK(times == 1);
}

// From what a server lists to what people are shown: golden, as in
// tests/register/file/identity_test.cpp.
TEST_CASE("xid says which transaction a server's name belongs to") {
  const std::string gtrid =
      "ffffffffffffffff02a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0102f0f1f2f3f4f5f6f7"
      "0000000000000011646231" +
      std::string(2 * 18, '0');
  const std::string bqual = "ffffffffffffffff02037067" + std::string(2 * 52, '0');
  const std::string text = "2147483647:" + gtrid + ":" + bqual;
  const std::string gid = xabridge::Xid::parse(text)->to_gid();
  const std::string row = "2147483647\t64\t64\t0x" + gtrid + bqual;
  const std::string literal = "X'" + gtrid + "',X'" + bqual + "',2147483647";
  const std::string mariadb = "2147483647\t64\t64\t" + literal;
  TemporaryDirectory directory;
  const std::string file = (directory.path() / "listed").string();
  std::ofstream(file) << gid << '\n' << row << '\n' << mariadb << '\n';
  for (const std::string& arguments :
       {gid, text, "'" + row + "'", row, '"' + literal + '"', '"' + mariadb + '"', "<" + file}) {
    const auto result = run_xabridge("xid " + arguments);
    INFO(arguments << "\n" << result.out << result.err);
    CHECK(result.exit_code == 0);
    CHECK(contains(result.out,
                   "f0f1f2f3f4f5f6f7-17  pg                db1       "
                   "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\n"));
  }
  for (const std::string& other :
       {"7:61:62"s, "2147483647:61:62"s, "2147483646" + text.substr(10), "1_YQ==_Yg=="s, "nothing"s,
        "2147483647 64 63 0x" + gtrid + bqual, "1 2 3"s, "\"X'" + gtrid + "',X'" + bqual + "'\""s,
        "\"X'" + gtrid + "',X'6',2147483647\""s, "\"'a','b',1\""s}) {
    const auto result = run_xabridge("xid " + other);
    INFO(other << "\n" << result.out << result.err);
    CHECK(result.exit_code == 1);
    CHECK(result.out.empty());
    CHECK_FALSE(result.err.empty());
  }
}

TEST_CASE("xid takes what psql and mysql print, with what is around the rows") {
  const std::string gtrid =
      "ffffffffffffffff02a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0102f0f1f2f3f4f5f6f7"
      "0000000000000011646231" +
      std::string(2 * 18, '0');
  const std::string bqual = "ffffffffffffffff02037067" + std::string(2 * 52, '0');
  const std::string gid = xabridge::Xid::parse("2147483647:" + gtrid + ":" + bqual)->to_gid();
  const std::string data = "0x" + gtrid + bqual;
  const std::string listings[] = {
      "formatID\tgtrid_length\tbqual_length\tdata\n2147483647\t64\t64\t" + data + "\n",
      "+------+----+----+---+\n| formatID | gtrid_length | bqual_length | data |\n"
      "+------+----+----+---+\n| 2147483647 |  64 |  64 | " +
          data + " |\n+------+----+----+---+\n",
      " gid | database | owner | age\n-----+----------+-------+----\n " + gid +
          " | bank_a | xabridge | 00:00:03.5\n(1 row)\n\n",
      gid + "|bank_a|xabridge|00:00:03.5\n"};
  TemporaryDirectory directory;
  const std::string file = (directory.path() / "listed").string();
  for (const std::string& listing : listings) {
    std::ofstream(file) << listing;
    const auto result = run_xabridge("xid <" + file);
    INFO(listing << result.out << result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.err.empty());
    CHECK(contains(result.out, "f0f1f2f3f4f5f6f7-17  pg "));
  }
  CHECK(contains(run_xabridge("xid nothing").err, "give a gid of PostgreSQL"));
  CHECK(contains(run_xabridge("xid 30c394cd52ae8dfd-1").err, "is a transaction already"));
}

TEST_CASE("xid reads a negative formatID however MySQL writes it") {
  const std::string same[] = {"4294967291 2 1 0x673162",      "-- -5 2 1 0x673162",
                              "\"X'6731',X'62',0xfffffffb\"", "\"X'6731',X'62',4294967291\"",
                              "\"X'6731',X'62',-5\"",         "-- -5:6731:62"};
  for (const std::string& text : same) {
    CAPTURE(text);
    const auto result = run_xabridge("xid " + text);
    CHECK(result.exit_code == 1);
    CHECK(contains(result.err, "another transaction manager's: -5:6731:62"));
  }
  CHECK(contains(run_xabridge("xid 2147483648 2 1 0x673162").err, " -2147483648:6731:62"));
  CHECK(contains(run_xabridge("xid 4294967296 2 1 0x673162").err, " 4294967296:6731:62"));
}

TEST_CASE_METHOD(Unreachable, "An unreachable server is reported and exits with 3") {
  make_log();
  for (const std::string command : {"check", "status", "status --json", "recover"}) {
    const auto result = run_xabridge("--config " + file + " " + command);
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 3);
    CHECK(contains(result.out, "accounts"));
    CHECK(contains(result.out, "127.0.0.1"));
  }
}

TEST_CASE_METHOD(Unreachable, "A malformed open string is configuration and exits with 2") {
  std::ifstream in(file);
  std::string text(std::istreambuf_iterator<char>(in), {});
  text.replace(text.find("port="), 5, "prot=");
  std::ofstream(file) << text;
  for (const std::string command : {"check", "status"}) {
    const auto result = run_xabridge("--config " + file + " " + command);
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 2);
    CHECK(contains(result.out, "did you mean \"port\"?"));
  }
}

TEST_CASE_METHOD(Unreachable, "A log that is not there or not ours exits with 4") {
  const auto missing = run_xabridge("log dump --config " + file);
  CHECK(missing.exit_code == 4);
  CHECK_FALSE(missing.err.empty());
  std::ofstream(directory.path() / "log") << "a file";
  CHECK(run_xabridge("recover --config " + file).exit_code == 4);
  const auto check = run_xabridge("check --config " + file);
  CHECK(contains(check.out, "is not a directory"));
}

// It may have decisions that nobody carries out.
TEST_CASE_METHOD(Unreachable, "A part of the log that cannot be read is worse than a server away") {
  make_log();
  const auto slot = directory.path() / "log" / "slots" / "0000";
  for (const auto& entry : std::filesystem::directory_iterator(slot))
    if (entry.path().extension() == ".log") std::ofstream(entry.path()) << "no record";
  for (const std::string command :
       {"recover", "status", "heuristic list", "heuristic acknowledge 9c41f20be6d8735a-17"}) {
    const auto result = run_xabridge("--config " + file + " " + command);
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 4);
  }
}

// The volume of the log may not be mounted: a new log would have forgotten every decision.
TEST_CASE_METHOD(Unreachable, "No command makes a decision log") {
  const auto log = directory.path() / "log";
  const bool mount_point = GENERATE(false, true);
  if (mount_point) std::filesystem::create_directory(log);
  for (const std::string command :
       {"recover", "heuristic acknowledge --all --yes", "heuristic list", "log dump",
        "heuristic forget-server accounts --reason test"}) {
    const auto result = run_xabridge("--config " + file + " " + command);
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 4);
    CHECK(contains(result.err, "there is no decision log in " + log.string()));
    CHECK(contains(result.err, "not mounted"));
  }
  for (const std::string command : {"check", "status"}) {
    const auto result = run_xabridge("--config " + file + " " + command);
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 3);
  }
  CHECK(std::filesystem::exists(log) == mount_point);
  if (mount_point) CHECK(std::filesystem::is_empty(log));
}

TEST_CASE_METHOD(Unreachable, "The log dump shows every incarnation with file and offset") {
  make_log();
  const auto dump = run_xabridge("log dump --config " + file);
  CHECK(dump.exit_code == 0);
  CHECK(contains(dump.out, "incarnation"));
  CHECK(contains(dump.out, ".log:0"));
  const auto json = nlohmann::json::parse(run_xabridge("log dump --json --config " + file).out);
  CHECK(json["slots"][0]["records"][0]["type"] == "segment");
  CHECK(json["slots"][0]["owned"] == false);
  const auto direct = run_xabridge("log dump --directory " + (directory.path() / "log").string());
  CHECK(direct.out == dump.out);
}

// A report that a full disk cut off must not look like "nothing to attend to".
TEST_CASE_METHOD(Unreachable, "Output that cannot be written exits with 5 and says so") {
  make_log();
  for (const std::string command :
       {"status", "status --json", "check", "log dump", "log dump --json", "heuristic list --json",
        "recover", "--help", "--version"}) {
    const auto result = run_xabridge("--config " + file + " " + command + " >/dev/full");
    INFO(command << "\n" << result.err);
    CHECK(result.exit_code == 5);
    CHECK(contains(result.err, "the output could not be written"));
  }
}

// The servers are not to blame. Root has no limit of processes.
TEST_CASE_METHOD(Unreachable, "A thread that cannot be had exits with 5 and is told as that") {
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
  const std::string nobody =
      ::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
  for (const std::string command : {"check", "status"}) {
    const auto result =
        run_shell("prlimit --nproc=1 " + nobody + "XABRIDGE --config " + file + " " + command);
    if (result.exit_code == 126 || result.exit_code == 127) {
      WARN("another user cannot run it: " << result.err);
      return;
    }
    INFO(command << "\n" << result.out << result.err);
    CHECK(result.exit_code == 5);
    CHECK(contains(result.out, "no thread can be started on this machine"));
    CHECK_FALSE(contains(result.out, "no answer"));
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// A segment of 8 TiB, all of it a hole.
TEST_CASE_METHOD(Unreachable, "Memory that runs out exits with 5 and says so") {
  make_log();
  const auto slot = directory.path() / "log" / "slots" / "0000";
  for (const auto& entry : std::filesystem::directory_iterator(slot)) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with(".log") || name == "spare.log") continue;
    std::error_code refused;
    std::filesystem::resize_file(entry.path(), std::uintmax_t{8} << 40U, refused);
    if (refused) {
      WARN("this file system has no files that large: " << refused.message());
      return;
    }
  }
  const auto result = run_xabridge("log dump --config " + file);
  INFO(result.out << result.err);
  CHECK(result.exit_code == 5);
  CHECK(contains(result.err, "memory ran out"));
}
#endif
