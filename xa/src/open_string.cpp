// OpenString: a small scanner over the text, then lookups. See the header for the accepted form.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <xabridge/nearest.hpp>
#include <xabridge/rm/open_string.hpp>

namespace xabridge::rm {
namespace {

constexpr std::size_t max_password_bytes = 1024;

Error invalid(std::string message) {
  Error error;
  error.xa_code = XAER_INVAL;
  error.operation = "read open string";
  error.message = std::move(message);
  return error;
}

bool is_space(char c) noexcept { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// What other programs call a key, or what looks like a mistyped one.
std::optional<std::string_view> meant_key(std::string_view key,
                                          std::span<const std::string_view> known) {
  constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
      {"database", "dbname"}, {"schema", "dbname"}, {"username", "user"}, {"hostname", "host"}};
  for (const auto& [other, ours] : kOtherNames)
    if (key == other && std::find(known.begin(), known.end(), ours) != known.end()) return ours;
  return nearest(key, known);
}

/// What follows an unquoted secret may be the rest of it: no word of it may be shown.
Error unknown_key(std::string_view key, std::span<const std::string_view> known,
                  std::string_view secret_before) {
  std::string text =
      secret_before.empty()
          ? "unknown key \"" + std::string(key) + "\""
          : "unknown key after the value of \"" + std::string(secret_before) +
                "\" (not shown: it may be the rest of a value with a space, which has to be in "
                "single quotes)";
  const auto meant = meant_key(key, known);
  text += meant ? ", did you mean \"" + std::string(*meant) + "\"?" : ".";
  text += " Valid keys:";
  for (const auto name : known) text.append(" ").append(name);
  return invalid(std::move(text));
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  /// A key and the '=' after it; nullopt when the text here is no `key =`.
  std::optional<std::string> key() {
    const std::size_t first = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '=') ++at_;
    std::string name(text_.substr(first, at_ - first));
    skip_space();
    if (name.empty() || at_ == text_.size() || text_[at_] != '=') return std::nullopt;
    ++at_;
    return name;
  }

  Result<std::string> value(std::string_view key) {
    skip_space();
    const bool quoted = at_ < text_.size() && text_[at_] == '\'';
    if (quoted) ++at_;
    std::string out;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (quoted ? c == '\'' : is_space(c)) break;
      if (c == '\\') {
        if (++at_ == text_.size())
          return invalid("nothing follows the backslash at the end of the value of \"" +
                         std::string(key) + "\"");
        c = text_[at_];
      }
      out += c;
    }
    if (!quoted) return out;
    if (at_ == text_.size())
      return invalid("the value of \"" + std::string(key) + "\" has no closing quote");
    ++at_;
    if (at_ < text_.size() && !is_space(text_[at_]))
      return invalid("white space must follow the closing quote of \"" + std::string(key) +
                     "\"; inside quotes write \\' for a quote");
    return out;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Error no_pair(const std::vector<std::pair<std::string, std::string>>& before) {
  if (before.empty()) return invalid("an open string starts with key=value");
  return invalid("after the value of \"" + before.back().first +
                 "\" another key=value was expected; put a value that contains spaces in single "
                 "quotes");
}

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

Error file_error(const std::string& path, const std::string& what, int number = 0) {
  Error error = invalid("passwordfile \"" + path + "\": " + what);
  error.sys_errno = number;
  return error;
}

Result<std::optional<std::string>> read_password(const std::string& path) {
  const File file(path);
  struct stat status = {};
  if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0)
    return file_error(path, "cannot be read: " + std::generic_category().message(errno), errno);
  if (!S_ISREG(status.st_mode)) return file_error(path, "is not a regular file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return file_error(path, "is open to group or others; run chmod 600 on it");

  std::array<char, max_password_bytes + 1> buffer{};
  std::size_t size = 0;
  while (size < buffer.size()) {
    const ssize_t n = ::read(file.fd(), buffer.data() + size, buffer.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return file_error(path, "cannot be read: " + std::generic_category().message(errno), errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  std::string_view line(buffer.data(), size);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return file_error(path, "its first line is empty; it must be the password");
  if (line.size() > max_password_bytes) return file_error(path, "its first line is too long");
  return std::optional<std::string>(line);
}

}  // namespace

Result<OpenString> OpenString::parse(std::string_view text,
                                     std::span<const std::string_view> known_keys,
                                     std::span<const std::string_view> secret_keys) {
  if (text.find('\0') != std::string_view::npos)
    return invalid("an open string cannot contain a zero byte");
  OpenString result;
  result.secret_keys_.assign(secret_keys.begin(), secret_keys.end());
  Scanner scan(text);
  while (!scan.at_end()) {
    const auto key = scan.key();
    if (!key) return no_pair(result.pairs_);
    if (std::find(known_keys.begin(), known_keys.end(), *key) == known_keys.end()) {
      const std::string before = result.pairs_.empty() ? "" : result.pairs_.back().first;
      return unknown_key(*key, known_keys, result.is_secret(before) ? before : "");
    }
    if (result.has(*key)) return invalid("the key \"" + *key + "\" is given twice");
    auto value = scan.value(*key);
    if (!value) return std::move(value.error());
    result.pairs_.emplace_back(*key, *std::move(value));
  }
  return result;
}

bool OpenString::is_secret(std::string_view key) const noexcept {
  return key.ends_with("password") ||
         std::find(secret_keys_.begin(), secret_keys_.end(), key) != secret_keys_.end();
}

bool OpenString::has(std::string_view key) const noexcept {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.first == key; });
}

std::optional<std::string> OpenString::get(std::string_view key) const {
  for (const auto& [name, value] : pairs_)
    if (name == key) return value;
  return std::nullopt;
}

Result<long> OpenString::number(std::string_view key, long min, long max, long fallback) const {
  const auto text = get(key);
  if (!text) return fallback;
  long value = 0;
  const char* const last = text->data() + text->size();
  const auto [stop, status] = std::from_chars(text->data(), last, value);
  if (status != std::errc{} || stop != last || value < min || value > max)
    return invalid("\"" + std::string(key) + "\" is \"" + *text + "\"; it must be a number from " +
                   std::to_string(min) + " to " + std::to_string(max));
  return value;
}

Result<std::optional<std::string>> OpenString::password() const {
  const auto file = get("passwordfile");
  const auto plain = get("password");
  if (file && plain)
    return invalid("\"password\" and \"passwordfile\" are both given; keep one of them");
  if (file) return read_password(*file);
  return plain;
}

std::string OpenString::redacted() const {
  std::string text;
  for (const auto& [key, value] : pairs_) {
    if (!text.empty()) text += ' ';
    text += key + '=';
    if (is_secret(key)) {
      text += "***";
      continue;
    }
    const bool quote =
        value.empty() || value.front() == '\'' || std::any_of(value.begin(), value.end(), is_space);
    if (quote) text += '\'';
    for (const char c : value) {
      if (c == '\\' || (quote && c == '\'')) text += '\\';
      text += c;
    }
    if (quote) text += '\'';
  }
  return text;
}

}  // namespace xabridge::rm
