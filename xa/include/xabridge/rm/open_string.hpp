// OpenString: the `key=value` text an administrator gives to xa_open, for every driver of ours.
//
// The form is libpq's: pairs separated by white space, white space allowed around '=', a value with
// spaces (or an empty one) in single quotes, and a backslash before a quote or a backslash, in
// quotes or not. Stricter than libpq where leniency hides a mistake: a key may appear once, and a
// closing quote must be followed by white space. Plain data; no thread rules.
//
// Errors are XAER_INVAL, name the key and never show the value of a password.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <xabridge/error.hpp>

namespace xabridge::rm {

class OpenString {
 public:
  /// Reads `text`. The error says which key is unknown, lists `known_keys` and suggests the
  /// nearest. Values of keys that end in "password", and of `secret_keys`, are never shown.
  [[nodiscard]] static Result<OpenString> parse(
      std::string_view text, std::span<const std::string_view> known_keys,
      std::span<const std::string_view> secret_keys = {});

  [[nodiscard]] bool has(std::string_view key) const noexcept;
  /// The value; empty optional when the key was not given (an empty value is a value).
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  /// A decimal number in min..max, or `fallback` when the key was not given.
  [[nodiscard]] Result<long> number(std::string_view key, long min, long max, long fallback) const;

  /// `password=`, or the first line of the file named by `passwordfile=`; empty when neither was
  /// given. A file that is missing, empty, or readable by group or others is an error.
  [[nodiscard]] Result<std::optional<std::string>> password() const;

  /// In the order given. Contains the password; see redacted().
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& pairs() const noexcept {
    return pairs_;
  }
  /// The whole string in canonical form for messages and logs, secrets shown as ***.
  [[nodiscard]] std::string redacted() const;

 private:
  [[nodiscard]] bool is_secret(std::string_view key) const noexcept;

  std::vector<std::pair<std::string, std::string>> pairs_;
  std::vector<std::string> secret_keys_;
};

}  // namespace xabridge::rm
