// A way to the server that the program can hold up and cut, byte for byte otherwise: a listener on
// 127.0.0.1 that forwards to the server's address.
#pragma once

#include <string>
#include <thread>

#include "engine/descriptor.hpp"

namespace xabridge::conformance {

class Proxy {
 public:
  /// Listens at once, on a port of the system's choice. Throws std::system_error.
  Proxy();
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  void lead_to(const std::string& host, int port);

  /// Nothing is forwarded until restore(); what the client sends waits.
  void hold_up();
  /// The next bytes from any client go nowhere: all connections end, and new ones are refused until
  /// restore().
  void cut_at_next_request();
  /// At once: nobody listens any more.
  void refuse();
  void restore();

 private:
  void command(char what);
  void listen();

  int port_ = 0;
  std::string host_;  // of the server; written before the first connection
  int server_port_ = 0;
  Descriptor listener_;  // of the thread, once it runs
  Descriptor commands_;  // to the thread, which answers each with one byte
  std::thread thread_;
};

}  // namespace xabridge::conformance
