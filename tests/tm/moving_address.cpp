// The relay's loop: poll all sockets, copy, or lose and move.
#include "moving_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

namespace {

std::map<std::string, std::string> words_of(const std::string& open_string) {
  std::map<std::string, std::string> values;
  std::istringstream words(open_string);
  for (std::string word; words >> word;)
    values[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  return values;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A folder is where PostgreSQL has its socket.
int connect_to(const std::string& open_string) {
  const auto values = words_of(open_string);
  const std::string host = values.at("host");
  int fd = -1;
  int failed = 0;
  if (host.starts_with('/')) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (host + "/.s.PGSQL.5432").copy(address.sun_path, sizeof address.sun_path - 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    failed = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const sockaddr_in address = loopback(std::stoi(values.at("port")));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    failed = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (failed == 0) return fd;
  close(fd);
  return -1;
}

struct Pair {
  int client;
  int server;
  bool loses_reply = false;
};

void close_all(std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    close(pair.client);
    close(pair.server);
  }
  pairs.clear();
}

bool pass_on(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

MovingAddress::MovingAddress(std::string open_string) : target_(std::move(open_string)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here = loopback(0);
  socklen_t size = sizeof here;
  (void)!bind(listener_, reinterpret_cast<const sockaddr*>(&here), size);
  (void)!listen(listener_, 64);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size);
  auto values = words_of(target_);
  values["host"] = "127.0.0.1";
  values["port"] = std::to_string(ntohs(here.sin_port));
  values["sslmode"] = "disable";
  for (const auto& [key, value] : values) {
    open_string_.append(open_string_.empty() ? "" : " ").append(key).append("=").append(value);
  }
  thread_ = std::thread([this] { run(); });
}

MovingAddress::~MovingAddress() {
  stop_ = true;
  thread_.join();
  close(listener_);
}

void MovingAddress::lead_to(const std::string& open_string) {
  const std::lock_guard lock(mutex_);
  target_ = open_string;
  cut_ = true;
}

void MovingAddress::lead_new_ones_to(const std::string& open_string) {
  const std::lock_guard lock(mutex_);
  target_ = open_string;
}

void MovingAddress::when_sent(const std::string& text, Lost lost, const std::string& then) {
  const std::lock_guard lock(mutex_);
  moved_ = false;
  text_ = text;
  lost_ = lost;
  then_ = then;
}

void MovingAddress::run() {
  std::vector<Pair> pairs;
  std::array<char, 65536> buffer{};
  while (!stop_) {
    std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
    for (const Pair& pair : pairs) {
      waiting.push_back({pair.client, POLLIN, 0});
      waiting.push_back({pair.server, POLLIN, 0});
    }
    poll(waiting.data(), waiting.size(), 5);
    const std::lock_guard lock(mutex_);
    const auto move = [&] {
      target_ = then_;
      text_.clear();
      cut_ = moved_ = true;
    };
    std::vector<Pair> ended;
    for (std::size_t i = 0; i < pairs.size() && !cut_; ++i) {
      for (const bool from_client : {true, false}) {
        if (waiting[1 + 2 * i + (from_client ? 0 : 1)].revents == 0) continue;
        Pair& pair = pairs[i];
        const ssize_t count =
            read(from_client ? pair.client : pair.server, buffer.data(), buffer.size());
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(std::max(count, 0L)));
        const bool seen =
            from_client && !text_.empty() && bytes.find(text_) != std::string_view::npos;
        if (!from_client && pair.loses_reply) {
          move();
          break;
        }
        if (seen && lost_ == Lost::request) {
          move();
          break;
        }
        pair.loses_reply = pair.loses_reply || seen;
        if (count <= 0 || !pass_on(from_client ? pair.server : pair.client, bytes)) {
          ended.push_back(pair);
          break;
        }
      }
    }
    std::erase_if(pairs, [&](const Pair& pair) {
      return std::any_of(ended.begin(), ended.end(),
                         [&](const Pair& one) { return one.client == pair.client; });
    });
    close_all(ended);
    if (cut_) close_all(pairs);
    cut_ = false;
    if (waiting[0].revents == 0) continue;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = connect_to(target_);
    if (client >= 0 && server >= 0) {
      pairs.push_back({client, server});
    } else if (client >= 0) {
      close(client);
    }
  }
  close_all(pairs);
}
