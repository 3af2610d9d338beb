// DeafRelay: a TCP relay to a server that can lose its clients without the server's noticing, as a
// firewall does that has forgotten its connections.
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace xabridge::test {

class DeafRelay {
 public:
  /// To a port of this machine.
  explicit DeafRelay(int port);
  ~DeafRelay();
  DeafRelay(const DeafRelay&) = delete;
  DeafRelay& operator=(const DeafRelay&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }
  /// Every client of now is cut off; its connection to the server stays open and silent.
  void lose_clients() { lose(2); }
  /// The same with the one that has connected first.
  void lose_oldest_client() { lose(1); }
  /// From now on each client that sends `text`, as a literal has it, before the server gets that.
  /// Null: none. Without TLS.
  void lose_who_says(const char* text) { fatal_ = text; }

 private:
  void run();
  void lose(int what);

  const int target_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> lose_ = 0;
  std::atomic<const char*> fatal_ = nullptr;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace xabridge::test
