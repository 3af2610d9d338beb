// The relay's loop: poll all sockets, copy.
#include "deaf_relay.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <vector>

namespace xabridge::test {
namespace {

struct Pair {
  int client;  // -1: lost
  int server;
};

sockaddr_in here(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

enum class Passed { yes, no, fatal };

/// Not what has the text `fatal` in it.
Passed pass(int from, int to, const char* fatal = nullptr) {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count > 0 && fatal != nullptr) {
    const std::string_view said(buffer.data(), static_cast<std::size_t>(count));
    if (said.find(fatal) != std::string_view::npos) return Passed::fatal;
  }
  for (ssize_t sent = 0; sent < count;) {
    const ssize_t part =
        ::send(to, buffer.data() + sent, static_cast<std::size_t>(count - sent), MSG_NOSIGNAL);
    if (part <= 0) return Passed::no;
    sent += part;
  }
  return count > 0 ? Passed::yes : Passed::no;
}

}  // namespace

DeafRelay::DeafRelay(int port) : target_(port) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = here(0);
  socklen_t size = sizeof address;
  (void)!::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size);
  (void)!::listen(listener_, 64);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

DeafRelay::~DeafRelay() {
  stop_ = true;
  thread_.join();
  ::close(listener_);
}

void DeafRelay::lose(int what) {
  lose_ = what;
  while (lose_ != 0) std::this_thread::yield();
}

void DeafRelay::run() {
  std::vector<Pair> pairs;
  while (!stop_) {
    if (lose_ != 0) {
      for (Pair& pair : pairs) {
        if (pair.client < 0) continue;
        ::close(pair.client);
        pair.client = -1;
        if (lose_ == 1) break;
      }
      lose_ = 0;
    }
    std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs) {
      waiting.push_back({pair.client, POLLIN, 0});
      waiting.push_back({pair.client < 0 ? -1 : pair.server, POLLIN, 0});
    }
    ::poll(waiting.data(), waiting.size(), 5);
    std::vector<Pair> kept;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      Pair pair = pairs[i];
      const bool asked = waiting[1 + 2 * i].revents != 0;
      const bool answered = waiting[2 + 2 * i].revents != 0;
      Passed passed = asked ? pass(pair.client, pair.server, fatal_) : Passed::yes;
      if (passed == Passed::fatal) {
        ::close(pair.client);
        pair.client = -1;
      } else if (passed == Passed::yes && answered) {
        passed = pass(pair.server, pair.client);
      }
      if (passed != Passed::no) {
        kept.push_back(pair);
        continue;
      }
      ::close(pair.client);
      ::close(pair.server);
    }
    pairs = std::move(kept);
    if (waiting[0].revents == 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = here(target_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      pairs.push_back({client, server});
  }
  for (const Pair& pair : pairs) {
    if (pair.client >= 0) ::close(pair.client);
    ::close(pair.server);
  }
}

}  // namespace xabridge::test
