// The one error value of xabridge: what failed, where, what the server said, what is known now.
//
// Produced at one place per driver (server code -> XA code) or where a file operation fails;
// callers add context and never drop it. Plain data: copy it, keep it, print it. No thread rules.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include <xabridge/api.h>
#include <xabridge/xa.h>

namespace xabridge {

struct XABRIDGE_API Error {
  int xa_code = XAER_RMERR;       // the XA answer this error stands for (XA 4.x; xa.h)
  std::string operation;          // what was attempted: "PREPARE TRANSACTION", "open log segment"
  std::string resource_manager;   // configured name, empty where none is concerned
  int rmid = -1;                  // -1: none
  std::string xid;                // empty where none is concerned. From a switch: the whole, as
                                  // text; from the transaction manager: its transaction, short
  std::string sqlstate;           // five characters, empty where the server gave none
  int vendor_code = 0;            // MySQL/MariaDB error number, 0: none
  int sys_errno = 0;              // errno of a failed system call, 0: none
  std::string server_text;        // the server's own words, unchanged
  std::string message;            // ours: what went wrong and what to do about it
  bool connection_usable = true;  // false: the physical connection must be dropped
  bool outcome_known = true;      // false: the server may or may not have done it

  /// The same work may succeed in a new transaction: a deadlock, a serialization failure, a lock
  /// not granted in time, a connection lost, a server short of resources or away. To repeat it is
  /// safe only where the transaction is rolled back for certain; run() looks after both.
  [[nodiscard]] bool retryable() const noexcept;
  /// xa_code for std::error_code; see xa_category() in <xabridge/codes.hpp>.
  [[nodiscard]] std::error_code code() const noexcept;

  /// One line for logs and terminals: message, operation, resource manager, xid, codes, server
  /// text.
  [[nodiscard]] std::string to_string() const;
};

/// Thrown by the parts of the public interface that have no return value to carry an Error.
class XABRIDGE_API Exception : public std::runtime_error {
 public:
  explicit Exception(Error error)
      : std::runtime_error(error.to_string()), error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

/// Either a T or the Error that prevented it. `if (result)`, then `*result`; else `result.error()`.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] T& operator*() & { return std::get<0>(state_); }
  [[nodiscard]] const T& operator*() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& operator*() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] T* operator->() { return &std::get<0>(state_); }
  [[nodiscard]] const T* operator->() const { return &std::get<0>(state_); }
  [[nodiscard]] Error& error() { return std::get<1>(state_); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  /// The value, or throws Exception.
  [[nodiscard]] T value() && {
    if (!ok()) throw Exception(std::move(error()));
    return std::get<0>(std::move(state_));
  }
  [[nodiscard]] const T& value() const& {
    if (!ok()) throw Exception(error());
    return std::get<0>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] Error& error() { return std::get<1>(state_); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  void value() && {
    if (!ok()) throw Exception(std::move(error()));
  }

 private:
  std::variant<std::monostate, Error> state_;
};

}  // namespace xabridge
