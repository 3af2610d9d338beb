// MovingAddress: a TCP address that leads to one database server and then to another, as a failover
// or a moved address does; a request or its reply may be lost on the way.
//
// One thread of its own; the test's thread only changes what it does.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

class MovingAddress {
 public:
  /// Leads to the server of this open string, which gives user and database, too. Without TLS, so
  /// that when_sent() can read.
  explicit MovingAddress(std::string open_string);
  ~MovingAddress();
  MovingAddress(const MovingAddress&) = delete;
  MovingAddress& operator=(const MovingAddress&) = delete;

  /// The open string that leads here.
  [[nodiscard]] const std::string& open_string() const noexcept { return open_string_; }
  /// Cuts every connection; from now on the address leads to the server of that open string.
  void lead_to(const std::string& open_string);
  /// Only new connections; those there are stay where they lead, as after a change in the DNS.
  void lead_new_ones_to(const std::string& open_string);
  enum class Lost { request, reply };
  /// The same as soon as a client sends `text`, and that request or its reply is lost.
  void when_sent(const std::string& text, Lost lost, const std::string& then);
  /// when_sent() has come about.
  [[nodiscard]] bool moved() const noexcept { return moved_; }

 private:
  void run();

  std::string open_string_;
  int listener_ = -1;
  std::mutex mutex_;  // of those below
  std::string target_;
  std::string text_;
  std::string then_;
  Lost lost_ = Lost::request;
  bool cut_ = false;
  std::atomic<bool> moved_ = false;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};
