// What is left of a process when all that was registered for its exit has been called.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

#include "catch.hpp"

namespace xabridge::test {

/// In a child: asked last of all at its exit, for its exit code.
inline std::function<int()>& last_word() {
  static auto& function = *new std::function<int()>;
  return function;
}

// Registered before any client library is used, and so called after their teardown.
__attribute__((constructor(101))) inline void ask_for_last_word() {
  (void)std::atexit([] {
    if (last_word()) ::_exit(last_word()());
  });
}

/// The exit code of a child that does `body` and then exits as if main() had returned; -1 when it
/// was killed.
template <class Body>
int exited(Body body) {
  std::cout.flush();  // the child's exit would say it again
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    body();
    std::exit(3);  // nobody was asked for the last word
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Stands in front of a server of this machine, and lets it answer when it is told to.
class LateServer {
 public:
  LateServer() {
    sockaddr_in address = here(0);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~LateServer() {
    ::close(client_);
    ::close(listener_);
  }
  LateServer(const LateServer&) = delete;
  LateServer& operator=(const LateServer&) = delete;

  [[nodiscard]] int port() const noexcept { return port_; }

  /// A client is there and has sent `request` bytes, for whose answer it waits.
  void expect(std::size_t request) {
    client_ = ::accept(listener_, nullptr, nullptr);
    request_.resize(request);
    REQUIRE((request == 0 || ::recv(client_, request_.data(), request, MSG_WAITALL) ==
                                 static_cast<ssize_t>(request)));
  }

  /// It waits no longer.
  [[nodiscard]] bool client_is_gone() const {
    char byte = 0;
    return ::recv(client_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
  }

  /// The server at `port` answers, until one of both ends it.
  void answer(int port) {
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = here(port);
    REQUIRE(::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    (void)!::write(server, request_.data(), request_.size());
    std::array<pollfd, 2> both{{{client_, POLLIN, 0}, {server, POLLIN, 0}}};
    for (bool open = true; open && ::poll(both.data(), both.size(), -1) > 0;) {
      for (std::size_t i = 0; i < both.size(); ++i) {
        if (both[i].revents == 0) continue;
        std::array<char, 65536> bytes{};
        const ssize_t count = ::read(both[i].fd, bytes.data(), bytes.size());
        open = open && count > 0 &&
               ::send(both[1 - i].fd, bytes.data(), static_cast<std::size_t>(count),
                      MSG_NOSIGNAL) == count;
      }
    }
    ::close(server);
  }

 private:
  static sockaddr_in here(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client_ = -1;
  int port_ = 0;
  std::string request_;
};

/// A process exits while a thread of its own waits in `log_in(port)` for the server's first answer,
/// having sent `request` bytes. That comes when the client libraries are down.
template <class LogIn>
void check_exit_amid(LogIn log_in, std::size_t request, int server_port) {
  LateServer relay;
  std::array<int, 2> waits{};  // read by the child: its log-in waits
  std::array<int, 2> down{};   // read here: all handlers were called
  REQUIRE(::pipe(waits.data()) == 0);
  REQUIRE(::pipe(down.data()) == 0);
  std::cout.flush();  // the child's exit would say it again
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    auto& over = *new std::atomic<bool>(false);
    last_word() = [&] {
      (void)!::write(down[1], "x", 1);
      while (!over) std::this_thread::yield();
      return 0;
    };
    std::thread([&, port = relay.port()] {
      log_in(port);
      over = true;
    }).detach();
    char byte = 0;
    std::exit(::read(waits[0], &byte, 1) == 1 ? 0 : 2);
  }
  relay.expect(request);
  (void)!::write(waits[1], "x", 1);
  ::close(down[1]);
  char byte = 0;
  CHECK(::read(down[0], &byte, 1) == 1);
  const bool gone = relay.client_is_gone();
  CHECK(gone);
  if (!gone) relay.answer(server_port);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);  // not killed by a signal
  for (const int end : {waits[0], waits[1], down[0]}) ::close(end);
}

}  // namespace xabridge::test
