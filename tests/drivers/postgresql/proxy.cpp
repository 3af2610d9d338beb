// The relay's loop: poll all sockets, copy, or lose.

#include "proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace xabridge::test {
namespace {

std::string value_of(const std::string& open_string, const std::string& key) {
  const auto at = (" " + open_string).find(" " + key + "=");
  REQUIRE(at != std::string::npos);
  const auto begin = at + key.size() + 1;
  return open_string.substr(begin, open_string.find(' ', begin) - begin);
}

std::string replace(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  return address;
}

struct Pair {
  int client = -1;
  int server = -1;
  bool lost = false;  // the client is cut off, the server side stays
};

void close_socket(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// Changes the process id in BackendKeyData, where it is in these bytes.
void change_process_id(char* bytes, ssize_t count) {
  constexpr std::string_view head("K\0\0\0\x0c", 5);
  const auto at = std::string_view(bytes, static_cast<std::size_t>(count)).find(head);
  if (at != std::string_view::npos) bytes[at + head.size() + 3] ^= 1;
}

}  // namespace

bool Proxy::asked(const std::string& text) {
  const std::lock_guard lock(mutex_);
  return requests_.find(text) != std::string::npos;
}

Proxy::Proxy(const std::string& open_string)
    : host_(value_of(open_string, "host")), port_(std::stoi(value_of(open_string, "port"))) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here = address_of("127.0.0.1", 0);
  REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&here), sizeof here) == 0);
  REQUIRE(listen(listener_, 16) == 0);
  socklen_t size = sizeof here;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
  open_string_ = replace(open_string, "host=" + host_, "host=127.0.0.1");
  open_string_ = replace(open_string_, "port=" + std::to_string(port_),
                         "port=" + std::to_string(ntohs(here.sin_port)));
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  stop_ = true;
  thread_.join();
  close_socket(listener_);
}

void Proxy::run() {
  std::vector<Pair> pairs;
  std::vector<int> stalled;
  std::array<char, 65536> bytes{};
  while (!stop_) {
    std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs) {
      waiting.push_back({pair.client, POLLIN, 0});  // -1 is ignored
      waiting.push_back({pair.server, POLLIN, 0});
    }
    poll(waiting.data(), waiting.size(), 5);
    const Mode mode = mode_;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      Pair& pair = pairs[i];
      const auto lose = [&] {
        pair.lost = true;
        mode_ = Mode::relay;  // what comes next is relayed
        ++cut_;
        close_socket(pair.client);  // last: who sees it may look at the others
      };
      if (mode == Mode::cut_client && pair.client >= 0) lose();
      if (pair.client >= 0 && waiting[1 + 2 * i].revents != 0) {
        const ssize_t count = read(pair.client, bytes.data(), bytes.size());
        if (count > 0 && mode == Mode::lose_requests) {
          lose();
          close_socket(pair.server);
        } else if (count > 0) {
          const std::lock_guard lock(mutex_);
          requests_.append(bytes.data(), static_cast<std::size_t>(count));
          (void)!write(pair.server, bytes.data(), static_cast<std::size_t>(count));
        } else {
          close_socket(pair.client);
          if (!pair.lost) close_socket(pair.server);
        }
      }
      if (pair.server >= 0 && waiting[2 + 2 * i].revents != 0) {
        const ssize_t count = read(pair.server, bytes.data(), bytes.size());
        if (count <= 0) {
          close_socket(pair.server);
          close_socket(pair.client);
        } else if (pair.client >= 0 && mode == Mode::lose_replies) {
          lose();
          close_socket(pair.server);
        } else if (pair.client >= 0) {
          if (mode == Mode::disguise) change_process_id(bytes.data(), count);
          (void)!write(pair.client, bytes.data(), static_cast<std::size_t>(count));
          replied_ += count;
        }
      }
    }
    if (waiting[0].revents == 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (mode == Mode::stall) {
      stalled.push_back(client);
      continue;
    }
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in there = address_of(host_, port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0)
      pairs.push_back({client, server});
  }
  for (Pair& pair : pairs) {
    close_socket(pair.client);
    close_socket(pair.server);
  }
  for (int& client : stalled) close_socket(client);
}

}  // namespace xabridge::test
