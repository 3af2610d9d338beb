// SessionMark: the name by which the server itself knows a session to be ours.
//
// A connection id is not enough: after the server's restart, or behind an address that leads to
// another server by now, the number is a stranger's. So each session holds, from its log-in on, a
// lock of GET_LOCK with a name of its own, and whoever wants to end its statement or the session
// asks the server for the holder, in the statement that ends it. A server that does not have the
// session knows no holder. The lock is taken in the query that asks for the session's settings
// anyhow; an application that calls RELEASE_ALL_LOCKS() gives it away until the next such query.
// Until the server has answered that the session has the lock, nobody is asked to end its holder.
//
// The names are the owner tag and a number, so that recovery finds the sessions of a dead owner on
// a server without performance_schema, which is MariaDB's default. A number is one session's in
// this process, whatever the server: two addresses may lead to the same one.
#pragma once

#include <cstddef>
#include <string>

namespace xabridge::mysql {

class SessionMark {
 public:
  explicit SessionMark(const std::string& owner_tag);
  SessionMark(SessionMark&& other) noexcept;
  SessionMark& operator=(SessionMark&& other) noexcept;
  ~SessionMark();

  /// Nothing in it needs to be escaped in SQL.
  [[nodiscard]] const std::string& lock() const noexcept { return lock_; }
  /// Another name: somebody else holds the lock of this one.
  void next();
  /// Has the server given the session the lock of this name?
  [[nodiscard]] bool held() const noexcept { return held_; }
  void hold() noexcept { held_ = true; }

  /// The name with a number, where the owner tag is one by which owners are told apart.
  static bool tells_owners_apart(const std::string& owner_tag) noexcept;
  static std::string numbered(const std::string& owner_tag, std::size_t number);

 private:
  void take();
  void give_back() noexcept;

  std::string owner_tag_;
  bool taken_ = false;  // the number, until it is moved from or given back
  bool held_ = false;
  std::size_t number_ = 0;
  std::string lock_;
};

}  // namespace xabridge::mysql
