// One thread polls the listener, the pairs of connections, and the commands of the program.
#include "engine/proxy.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <list>
#include <system_error>
#include <vector>

namespace xabridge::conformance {
namespace {

[[noreturn]] void failed(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Pair {
  Descriptor client, server;
};

enum class Mode { forwarding, held, cutting, down };

Descriptor connect_to(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
  Descriptor server(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(server.get(), found->ai_addr, found->ai_addrlen) != 0) server.reset();
  ::freeaddrinfo(found);
  const int on = 1;
  if (server) ::setsockopt(server.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return server;
}

/// False when one side is gone.
bool forward(const Descriptor& from, const Descriptor& to) {
  std::array<char, 16384> bytes{};
  const ssize_t got = ::recv(from.get(), bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  for (ssize_t sent = 0; sent < got;) {
    const ssize_t n =
        ::send(to.get(), bytes.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

}  // namespace

void Proxy::listen() {
  listener_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), generic, &size) != 0)
    failed("a listener on 127.0.0.1");
  port_ = ntohs(address.sin_port);
}

Proxy::Proxy() {
  listen();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    failed("socketpair");
  commands_ = Descriptor(ends[0]);
  thread_ = std::thread([this, orders = Descriptor(ends[1])] {
    std::list<Pair> pairs;
    Mode mode = Mode::forwarding;
    const auto down = [&] {
      pairs.clear();
      listener_.reset();
      mode = Mode::down;
    };
    for (;;) {
      std::vector<pollfd> polled{{orders.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      const bool moving = mode == Mode::forwarding || mode == Mode::cutting;
      for (const Pair& pair : pairs) {
        polled.push_back({moving ? pair.client.get() : -1, POLLIN, 0});
        polled.push_back({moving ? pair.server.get() : -1, POLLIN, 0});
      }
      if (::poll(polled.data(), polled.size(), -1) < 0) continue;
      std::size_t i = 2;
      for (auto pair = pairs.begin(); pair != pairs.end() && mode != Mode::down; i += 2) {
        const bool asks = polled[i].revents != 0;
        if (asks && mode == Mode::cutting) {
          down();
          break;
        }
        bool alive = !asks || forward(pair->client, pair->server);
        if (alive && polled[i + 1].revents != 0) alive = forward(pair->server, pair->client);
        pair = alive ? std::next(pair) : pairs.erase(pair);
      }
      if (polled[1].revents != 0 && mode == Mode::cutting) down();
      if (polled[1].revents != 0 && listener_) {
        Pair pair{Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
                  connect_to(host_, server_port_)};
        if (pair.client && pair.server) pairs.push_back(std::move(pair));
      }
      if (polled[0].revents == 0) continue;
      char order = 0;
      if (::recv(orders.get(), &order, 1, 0) <= 0) return;
      if (order == 'h') mode = Mode::held;
      if (order == 'c') mode = Mode::cutting;
      if (order == 'd') down();
      if (order == 'g') {
        if (!listener_) listen();
        mode = Mode::forwarding;
      }
      (void)::send(orders.get(), &order, 1, MSG_NOSIGNAL);
    }
  });
}

Proxy::~Proxy() {
  commands_.reset();
  thread_.join();
}

void Proxy::lead_to(const std::string& host, int port) {
  host_ = host;
  server_port_ = port;
}

void Proxy::command(char what) {
  (void)::send(commands_.get(), &what, 1, MSG_NOSIGNAL);
  (void)::recv(commands_.get(), &what, 1, 0);
}

void Proxy::hold_up() { command('h'); }
void Proxy::refuse() { command('d'); }
void Proxy::cut_at_next_request() { command('c'); }
void Proxy::restore() { command('g'); }

}  // namespace xabridge::conformance
