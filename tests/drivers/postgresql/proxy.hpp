// Proxy: a TCP relay to the test server that loses what a test wants lost, so that a client misses
// the reply to something the server has done.
//
// One thread of its own; the test's thread only changes what it does.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

namespace xabridge::test {

class Proxy {
 public:
  enum class Mode {
    relay,
    lose_replies,   // the server gets everything; its next bytes are dropped and the client cut off
    lose_requests,  // the client's next bytes are dropped and both sides cut off
    cut_client,     // the client is cut off at once, the server hears nothing of it
    disguise,       // clients are told a wrong process id, as by a connection pooler
    stall,          // new connections are accepted and left alone
  };

  /// In front of the server of this open string.
  explicit Proxy(const std::string& open_string);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Every connection of now; new ones are relayed (or stalled).
  void set(Mode mode) { mode_ = mode; }
  /// The open string that leads here.
  [[nodiscard]] const std::string& open_string() const noexcept { return open_string_; }
  /// Bytes that went from the server to its clients so far.
  [[nodiscard]] long replied() const noexcept { return replied_; }
  /// Some client has sent this text so far.
  [[nodiscard]] bool asked(const std::string& text);
  /// Connections cut off so far.
  [[nodiscard]] int cut() const noexcept { return cut_; }

 private:
  void run();

  std::string host_;
  int port_ = 0;
  int listener_ = -1;
  std::string open_string_;
  std::atomic<Mode> mode_ = Mode::relay;
  std::atomic<long> replied_ = 0;
  std::atomic<int> cut_ = 0;
  std::mutex mutex_;
  std::string requests_;  // guarded by mutex_
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace xabridge::test
