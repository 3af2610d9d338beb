// Configuration: what is taken from a file, and that everything else is refused with file, line and
// key.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <xabridge/config.hpp>
#include <xabridge/transaction_manager.hpp>

#include "catch.hpp"
#include "temporary_directory.hpp"

using namespace std::chrono_literals;
using xabridge::Config;

namespace {

const std::string kGood = R"(
[log]
directory = "log"
segment_size = "1MiB"
[transaction]
timeout = "1m"
completion_timeout = "250ms"
max_retries = 7
retry_backoff_initial = "5ms"
retry_backoff_maximum = "2s"
[recovery]
start_timeout = "0s"
interval = "1s"
backoff_maximum = "1h"
background = false
[logging]
level = "off"
[[resource_manager]]
name = "accounts"
driver = "postgresql"
open = "host=a dbname=b"
[[resource_manager]]
name = "ledger"
driver = "mysql"
registration = "dynamic"
open = "host=c"
)";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("Every documented key of a configuration arrives") {
  const auto config = Config::try_parse(kGood, "bank.toml");
  REQUIRE(config.ok());
  CHECK(config->log_directory == "log");
  CHECK(config->log_segment_size == 1024 * 1024);
  CHECK(config->timeout == 60s);
  CHECK(config->completion_timeout == 250ms);
  CHECK(config->max_retries == 7);
  CHECK(config->retry_backoff.initial == 5ms);
  CHECK(config->retry_backoff.maximum == 2s);
  CHECK(config->recovery_start_timeout == 0s);
  CHECK(config->recovery_interval == 1s);
  CHECK(config->recovery_backoff_maximum == 1h);
  CHECK_FALSE(config->recovery_background);
  CHECK(config->logging_level == xabridge::LogLevel::off);
  REQUIRE(config->resource_managers.size() == 2);
  CHECK(config->resource_managers[1].name == "ledger");
  CHECK(config->resource_managers[1].driver == "mysql");
  CHECK(config->resource_managers[1].open == "host=c");
  CHECK(config->resource_managers[1].dynamic_registration);
  CHECK_FALSE(config->resource_managers[0].dynamic_registration);
}

TEST_CASE("What cannot be read is thrown by load and parse, and answered by their try_ forms") {
  const auto answered = Config::try_parse("[log\n", "bank.toml");
  REQUIRE_FALSE(answered);
  try {
    (void)Config::parse("[log\n", "bank.toml");
    FAIL("no exception");
  } catch (const xabridge::Exception& thrown) {
    CHECK(thrown.error().to_string() == answered.error().to_string());
  }
  CHECK_THROWS_AS(Config::load("/none.toml"), xabridge::Exception);
}

TEST_CASE("A wrong configuration names file line and key and what is allowed") {
  const std::string rm =
      "[[resource_manager]]\nname = \"a\"\ndriver = \"postgresql\"\nopen = \"x=y\"\n";
  const std::string log = "[log]\ndirectory = \"d\"\n";
  struct Case {
    std::string toml;
    std::string position;
    std::vector<std::string> says;
  };
  const std::vector<Case> cases{
      {"[log\n", "bank.toml:1:5", {"not valid TOML"}},
      {rm, "bank.toml", {"log.directory", "missing"}},
      {log, "bank.toml", {"resource_manager", "[[resource_manager]]"}},
      {log + "[resource_manager]\nname = \"a\"\n", "bank.toml:3:", {"[[resource_manager]]"}},
      {log + "dircetory = \"x\"\n" + rm,
       "bank.toml:3:1",
       {"log.dircetory", "did you mean 'directory'"}},
      {log + rm + "[transactions]\n",
       "bank.toml:7:",
       {"transactions", "did you mean 'transaction'"}},
      {"timeout = \"3s\"\n" + log + rm, "bank.toml:1:1", {"timeout", "unknown section or key"}},
      {"log = 5\n" + rm, "bank.toml:1:7", {"log", "[log]"}},
      {"[log]\ndirectory = 7\n" + rm, "bank.toml:2:13", {"log.directory", "text"}},
      {"[log]\ndirectory = \"\"\n" + rm, "bank.toml:2:13", {"log.directory", "missing"}},
      {log + "segment_size = \"8MB\"\n" + rm, "bank.toml:3:16", {"log.segment_size", "8MiB"}},
      {log + "segment_size = 12\n" + rm, "bank.toml:3:16", {"log.segment_size", "64KiB to 1GiB"}},
      {log + "[transaction]\ntimeout = 30\n" + rm,
       "bank.toml:4:11",
       {"transaction.timeout", "\"30s\""}},
      {log + "[transaction]\ntimeout = \"30 s\"\n" + rm, "bank.toml:4:11", {"transaction.timeout"}},
      {log + "[transaction]\ntimeout = \"-3s\"\n" + rm, "bank.toml:4:11", {"transaction.timeout"}},
      {log + "[transaction]\ntimeout = \"9223372036854775807h\"\n" + rm,
       "bank.toml:4:11",
       {"duration"}},
      {log + "[transaction]\ntimeout = \"1000h\"\n" + rm,
       "bank.toml:4:11",
       {"is 1000h; allowed: 0ms to 168h (7 days)"}},
      {log + "[transaction]\ntimeout = \"30d\"\n" + rm, "bank.toml:4:11", {"at most 168h"}},
      {log + "[transaction]\nmax_retries = -1\n" + rm, "bank.toml:4:15", {"0 to 1000"}},
      {log + "[transaction]\nmax_retries = 1.5\n" + rm, "bank.toml:4:15", {"whole number"}},
      {log + "[transaction]\nretry_backoff_initial = \"2s\"\nretry_backoff_maximum = \"1s\"\n" + rm,
       "bank.toml:5:",
       {"transaction.retry_backoff_maximum"}},
      {log + "[recovery]\nbackground = \"yes\"\n" + rm, "bank.toml:4:14", {"true or false"}},
      {log + "[logging]\nlevel = \"loud\"\n" + rm,
       "bank.toml:4:9",
       {"logging.level", "'loud'", "off, error, warning, info, debug"}},
      {log + "[logging]\nlevel = 3\n" + rm, "bank.toml:4:9", {"must be text", "warning"}},
      {log + rm + "registration = \"dynamical\"\n",
       "bank.toml:7:16",
       {"(no. 1): registration", "'dynamical'", "static, dynamic"}},
      {log + "[[resource_manager]]\nname = \"a\"\nopen = \"\"\nlibrary = \"l\"\nsymbol = "
             "\"s\"\nsymbol_is = \"pointer\"\n",
       "bank.toml:8:13",
       {"'pointer'", "object, function"}},
      {log + rm + rm,
       "bank.toml:8:8",
       {"resource_manager 'a' (no. 2): name", "'a'", "must differ"}},
      {log + "[[resource_manager]]\ndriver = \"mysql\"\nopen = \"\"\n",
       "bank.toml:3:",
       {"resource_manager (no. 1): name", "missing"}},
      {log + "[[resource_manager]]\nname = \"a\"\nopne = \"\"\n",
       "bank.toml:5:1",
       {"(no. 1): opne", "did you mean 'open'"}},
      {log + "[[resource_manager]]\nname = \"a b\"\ndriver = \"mysql\"\nopen = \"\"\n",
       "bank.toml:4:8",
       {"letters"}},
      {log + "[[resource_manager]]\nname = \"" + std::string(33, 'n') +
           "\"\ndriver = \"mysql\"\nopen = \"\"\n",
       "bank.toml:4:8",
       {"at most 32"}},
      {log + "[[resource_manager]]\nname = \"a\"\ndriver = \"oracle\"\nopen = \"\"\n",
       "bank.toml:5:10",
       {"unknown driver 'oracle'", "postgresql, mysql"}},
      {log + "[[resource_manager]]\nname = \"a\"\ndriver = \"mariadb\"\nopen = \"\"\n",
       "bank.toml:5:10",
       {"mysql serves MariaDB"}},
      {log + "[[resource_manager]]\nname = \"a\"\ndriver = \"mysql\"\nopen = \"" +
           std::string(256, 'x') + "\"\n",
       "bank.toml:6:8",
       {"(no. 1): open", "at most 255"}},
  };
  for (const Case& c : cases) {
    INFO(c.toml);
    const auto config = Config::try_parse(c.toml, "bank.toml");
    REQUIRE_FALSE(config.ok());
    INFO(config.error().to_string());
    CHECK(config.error().message.rfind(c.position, 0) == 0);
    for (const auto& part : c.says) CHECK(contains(config.error().message, part));
  }
}

TEST_CASE("A configuration file that cannot be read is named") {
  TemporaryDirectory directory;
  const auto missing = Config::try_load(directory.path() / "none.toml");
  REQUIRE_FALSE(missing.ok());
  CHECK(contains(missing.error().message, "none.toml: there is no such file"));
  CHECK(missing.error().sys_errno == ENOENT);

  const auto folder = Config::try_load(directory.path());
  REQUIRE_FALSE(folder.ok());
  CHECK(contains(folder.error().message, "is a directory"));

  if (::geteuid() != 0) {
    const auto closed = directory.path() / "closed.toml";
    std::ofstream(closed) << kGood;
    ::chmod(closed.c_str(), 0);
    const auto unreadable = Config::try_load(closed);
    REQUIRE_FALSE(unreadable.ok());
    CHECK(contains(unreadable.error().message, "cannot be read"));
  }
}

TEST_CASE("A relative log directory is beside the configuration file") {
  TemporaryDirectory directory;
  const auto file = directory.path() / "bank.toml";
  std::ofstream(file) << kGood;
  const auto config = Config::try_load(file);
  REQUIRE(config.ok());
  CHECK(config->log_directory == directory.path() / "log");
}

TEST_CASE("A configuration built in code meets the same rules") {
  Config config;
  config.log_directory = "/nowhere";
  config.resource_managers.push_back({"a", "postgresql", "host=x", nullptr, nullptr});
  config.resource_managers.push_back({"a", "postgresql", "host=x", nullptr, nullptr});
  try {
    xabridge::TransactionManager tm(config);
    FAIL("opened with two resource managers of one name");
  } catch (const xabridge::Exception& e) {
    CHECK(e.error().xa_code == XAER_INVAL);
    CHECK(contains(e.what(), "(no. 2): name"));
  }
}

TEST_CASE("A password in a file that everyone can read is warned of") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "bank.toml";
  const std::string open = GENERATE(
      as<std::string>(), "host=a password=geheim", "password = 'a b' host=a",
      "host=a sslpassword=x passwordfile=/f", "Password=x", "oauth_client_secret=x host=a");
  CAPTURE(open);
  std::ofstream(file) << "[log]\ndirectory = \"log\"\n[[resource_manager]]\nname = \"accounts\"\n"
                      << "driver = \"postgresql\"\nopen = \"" << open << "\"\n";
  const auto warnings_at = [&](mode_t mode) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return Config::load(file).warnings;
  };
  CHECK(warnings_at(0600).empty());
  CHECK(warnings_at(0640).empty());  // the service's own group
  for (const mode_t mode : {0604U, 0644U, 0602U}) {
    const auto warnings = warnings_at(mode);
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings[0], file.string()));
    CHECK(contains(warnings[0], "accounts"));
    CHECK(contains(warnings[0], "chmod 600"));
    CHECK_FALSE(contains(warnings[0], "geheim"));
  }
}

TEST_CASE("A configuration without a password may be read by everyone") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "bank.toml";
  std::ofstream(file) << "[log]\ndirectory = \"log\"\n[[resource_manager]]\nname = \"accounts\"\n"
                         "driver = \"postgresql\"\nopen = \"host=a passwordfile=/etc/bank/pw "
                         "sslkey=/etc/bank/key\"\n";
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CHECK(Config::load(file).warnings.empty());
}
