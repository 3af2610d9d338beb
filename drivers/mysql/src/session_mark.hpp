// SessionMark: the name by which the server itself knows a session to be ours.
//
// A connection id is not enough: after the server's restart, or behind an address that leads to
// another server by now, the number is a stranger's. So each session holds, from its log-in on, a
// lock of GET_LOCK with a name of its own, and whoever wants to end its statement or the session
// asks the server for the holder, in the statement that ends it. A server that does not have the
// session knows no holder. The lock is taken in the query that asks for the session's settings
// anyhow; an application that calls RELEASE_ALL_LOCKS() gives it away until the next such query.
//
// The names are the owner tag and a number, so that recovery finds the sessions of a dead owner on
// a server without performance_schema, which is MariaDB's default.
#pragma once

#include <cstddef>
#include <string>

namespace xabridge::mysql {

class SessionMark {
 public:
  /// `server`: where numbers begin anew.
  SessionMark(const std::string& owner_tag, const std::string& server);
  SessionMark(SessionMark&& other) noexcept;
  SessionMark& operator=(SessionMark&& other) noexcept;
  ~SessionMark();

  /// Nothing in it needs to be escaped in SQL.
  [[nodiscard]] const std::string& lock() const noexcept { return lock_; }
  /// Another name: somebody else holds the lock of this one.
  void next();

  /// The name with a number, where the owner tag is one by which owners are told apart.
  static bool tells_owners_apart(const std::string& owner_tag) noexcept;
  static std::string numbered(const std::string& owner_tag, std::size_t number);

 private:
  void take();
  void give_back() noexcept;

  std::string owner_tag_;
  std::string key_;  // owner tag and server; empty: moved from
  std::size_t number_ = 0;
  std::string lock_;
};

}  // namespace xabridge::mysql
