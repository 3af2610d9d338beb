// The open string: the accepted form, every mistake named, and the password never shown.

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <xabridge/rm/open_string.hpp>

#include "catch.hpp"

using namespace xabridge;
using namespace std::string_view_literals;
using xabridge::rm::OpenString;

namespace {

constexpr std::array<std::string_view, 6> keys{"host",     "port",         "user",
                                               "password", "passwordfile", "dbname"};

Result<OpenString> parse(std::string_view text) { return OpenString::parse(text, keys); }

std::string value(std::string_view text, std::string_view key) {
  auto parsed = parse(text);
  REQUIRE(parsed.ok());
  return parsed->get(key).value_or("absent");
}

std::string refusal(std::string_view text) {
  const auto parsed = parse(text);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().xa_code == XAER_INVAL);
  return parsed.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class TemporaryFile {
 public:
  TemporaryFile(const std::string& content, mode_t mode) {
    std::string name = (std::filesystem::temp_directory_path() / "xabridge-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = name;
    std::ofstream(path_) << content;
    REQUIRE(::chmod(path_.c_str(), mode) == 0);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<std::optional<std::string>> password_of(const std::string& text) {
  auto parsed = parse(text);
  REQUIRE(parsed.ok());
  return parsed->password();
}

}  // namespace

TEST_CASE("Keys that a driver names as secret are never shown") {
  const auto shown = OpenString::parse("host=a user=deep", keys, std::array{"user"sv});
  REQUIRE(shown.ok());
  CHECK(shown->redacted() == "host=a user=***");
  CHECK(shown->get("user") == "deep");
  const auto torn = OpenString::parse("user=deep secret=er", keys, std::array{"user"sv});
  REQUIRE_FALSE(torn.ok());
  CHECK_FALSE(contains(torn.error().to_string(), "secret"));
}

TEST_CASE("An open string is read as libpq reads it") {
  CHECK(parse("").ok());
  CHECK(parse(" \t\n").ok());
  CHECK(value("host=a port=5", "host") == "a");
  CHECK(value("host = a  port =5", "port") == "5");
  CHECK(value("host='a b' port=5", "host") == "a b");
  CHECK(value("host='' port=5", "host").empty());
  CHECK(value("host=", "host").empty());
  CHECK(value("host='it\\'s \\\\ here'", "host") == "it's \\ here");
  CHECK(value("host=a\\ b\\'c", "host") == "a b'c");
  CHECK(value("host=it's", "host") == "it's");
  CHECK(value("password=a=b==", "password") == "a=b==");
  CHECK(value("host=a", "port") == "absent");
  const auto parsed = parse("user=u host=h");
  REQUIRE(parsed.ok());
  CHECK(parsed->has("user"));
  CHECK_FALSE(parsed->has("port"));
  REQUIRE(parsed->pairs().size() == 2);
  CHECK(parsed->pairs()[1].first == "host");
}

TEST_CASE("Every mistake in an open string is named") {
  CHECK(contains(refusal("prot=5"), "unknown key \"prot\", did you mean \"port\"?"));
  CHECK(contains(refusal("prot=5"), "Valid keys: host port user password passwordfile dbname"));
  CHECK_FALSE(contains(refusal("zzzzzzzz=5"), "did you mean"));
  CHECK(contains(refusal("zzzzzzzz=5"), "unknown key \"zzzzzzzz\". Valid keys: "));
  CHECK(contains(refusal("database=a"), "did you mean \"dbname\"?"));
  CHECK(contains(refusal("db=a"), "did you mean \"dbname\"?"));
  CHECK(contains(refusal("host=a host=b"), "\"host\" is given twice"));
  CHECK(contains(refusal("host"), "key=value"));
  CHECK(contains(refusal("=a"), "key=value"));
  CHECK(contains(refusal("host=a b"), "after the value of \"host\""));
  CHECK(contains(refusal("host='a"), "\"host\" has no closing quote"));
  CHECK(contains(refusal("host='a'b"), "closing quote of \"host\""));
  CHECK(contains(refusal("host=a\\"), "backslash"));
  CHECK(contains(refusal(std::string_view("host=a\0b", 8)), "zero byte"));
}

TEST_CASE("An unknown key after a password is called that, and not shown") {
  const std::string text = refusal("password=xy database=bank");
  CHECK(contains(text, "unknown key after the value of \"password\""));
  CHECK(contains(text, "single quotes), did you mean \"dbname\"? Valid keys: host "));
  CHECK_FALSE(contains(text, "database"));
}

TEST_CASE("No part of a password is in a message") {
  CHECK_FALSE(contains(refusal("password=my secret"), "secret"));
  CHECK_FALSE(contains(refusal("password=my secret=1"), "secret"));
  CHECK_FALSE(contains(refusal("password='my secret"), "secret"));
  CHECK_FALSE(contains(refusal("password='my'secret"), "secret"));
  CHECK_FALSE(contains(refusal("password=secret password=secret"), "secret"));
  const auto parsed = parse("host='a b' password=secret user='it\\'s me' dbname=''");
  REQUIRE(parsed.ok());
  CHECK(parsed->redacted() == "host='a b' password=*** user='it\\'s me' dbname=''");
  CHECK(value(parse("host='a\\\\ b'")->redacted(), "host") == "a\\ b");
}

TEST_CASE("A number is decimal and within its limits") {
  const auto number = [](const std::string& text) {
    return parse("port=" + text)->number("port", 1, 65535, 7);
  };
  CHECK(*parse("")->number("port", 1, 65535, 7) == 7);
  CHECK(*number("5432") == 5432);
  for (const char* text : {"0", "65536", "-1", "x", "1x", "''", "' 1'", "99999999999999999999"}) {
    const auto read = number(text);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().xa_code == XAER_INVAL);
    CHECK(contains(read.error().message, "\"port\""));
    CHECK(contains(read.error().message, "from 1 to 65535"));
  }
}

TEST_CASE("A password comes from the string or from a private file") {
  CHECK_FALSE((*password_of("host=a")).has_value());
  CHECK(*password_of("password=secret") == std::optional<std::string>("secret"));
  const TemporaryFile file("secret word\r\nsecond line\n", 0600);
  CHECK(*password_of("passwordfile=" + file.path()) == std::optional<std::string>("secret word"));
  CHECK_FALSE(password_of("password=a passwordfile=" + file.path()).ok());
}

TEST_CASE("A password file that is missing or open to others or empty is refused") {
  const auto missing = password_of("passwordfile=/no/such/file");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().sys_errno == ENOENT);
  CHECK(contains(missing.error().message, "/no/such/file"));
  for (const mode_t mode : {0640U, 0604U, 0660U}) {
    const TemporaryFile open_to_others("secret\n", mode);
    const auto read = password_of("passwordfile=" + open_to_others.path());
    REQUIRE_FALSE(read.ok());
    CHECK(contains(read.error().message, "chmod 600"));
  }
  const TemporaryFile empty("\nsecret\n", 0600), huge(std::string(5000, 'x'), 0600);
  CHECK(contains(password_of("passwordfile=" + empty.path()).error().message, "empty"));
  CHECK(contains(password_of("passwordfile=" + huge.path()).error().message, "too long"));
  CHECK(contains(password_of("passwordfile=/tmp").error().message, "regular file"));
}
