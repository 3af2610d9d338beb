// Connecting without waiting longer than the caller may.
//
// libpq's PQconnectPoll is driven from here, because PQconnectdb knows no deadline. What it does of
// itself stays its own: several hosts, several addresses of a name, target_session_attrs. But an
// address that answers nothing it leaves only after an error, so one that is silent for
// connect_timeout is taken off the list here, and the rest of the list is tried anew.
//
// What still blocks is the look-up of host names (and of Kerberos tickets and LDAP services), which
// libpq and the resolver give no way to limit: with addresses in `hostaddr` there is none.

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/rm/session.hpp>
#include <xabridge/rm/children.hpp>

#include "connect_errors.hpp"
#include "exchange.hpp"
#include "options.hpp"

namespace xabridge::postgresql {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr const char* silence = "timeout expired";  // libpq's words
constexpr std::string_view default_port = "5432";

// libpq's two arrays, each ended by a null.
struct Pointers {
  std::vector<const char*> keywords;
  std::vector<const char*> values;
  explicit Pointers(const Parameters& list) {
    for (const auto& [key, value] : list) {
      keywords.push_back(key.c_str());
      values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
  }
};

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

// The places libpq would try, from wherever it has them: open string, service file, environment.
std::vector<Endpoint> places_of(PGconn* connection) {
  std::vector<std::string> hosts, addresses, ports;
  PQconninfoOption* const all = PQconninfo(connection);
  for (const PQconninfoOption* option = all; option != nullptr && option->keyword != nullptr;
       ++option) {
    if (option->val == nullptr) continue;
    const std::string_view key = option->keyword;
    if (key == "host") hosts = split(option->val);
    if (key == "hostaddr") addresses = split(option->val);
    if (key == "port") ports = split(option->val);
  }
  PQconninfoFree(all);
  std::vector<Endpoint> places(std::max(hosts.size(), addresses.size()));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i < hosts.size()) places[i].host = hosts[i];
    if (i < addresses.size()) places[i].address = addresses[i];
    if (!ports.empty())
      places[i].port = ports[ports.size() == 1 ? 0 : std::min(i, ports.size() - 1)];
    if (places[i].port.empty()) places[i].port = default_port;
  }
  return places;
}

// Every address of a name but the silent one.
std::vector<Endpoint> other_addresses(const Endpoint& place, const std::string& silent) {
  std::vector<Endpoint> others;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(place.host.c_str(), nullptr, &hints, &found) != 0) return others;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    char text[NI_MAXHOST] = {};
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0,
                    NI_NUMERICHOST) == 0 &&
        silent != text)
      others.push_back({place.host, text, place.port});
  }
  freeaddrinfo(found);
  return others;
}

// Takes the silent address off the list. False: it is not on it.
bool leave_out(std::vector<Endpoint>& places, const Endpoint& silent) {
  for (auto place = places.begin(); place != places.end(); ++place) {
    const bool same = place->port == silent.port &&
                      (place->host.empty() || place->host == silent.host) &&
                      (place->address.empty() || place->address == silent.address);
    if (!same) continue;
    const Endpoint left = *place;
    place = places.erase(place);
    const bool by_name = left.address.empty() && !left.host.empty() && left.host.front() != '/' &&
                         left.host.front() != '@';
    if (!by_name) return true;
    const auto others = other_addresses(left, silent.address);
    places.insert(place, others.begin(), others.end());
    return true;
  }
  return false;
}

void lead_to(Parameters& list, const std::vector<Endpoint>& places) {
  std::erase_if(list, [](const auto& entry) {
    return entry.first == "host" || entry.first == "hostaddr" || entry.first == "port";
  });
  std::string hosts, addresses, ports;
  for (const Endpoint& place : places) {
    const char* const comma = &place == &places.front() ? "" : ",";
    hosts += comma + place.host;
    addresses += comma + place.address;
    ports += comma + place.port;
  }
  list.emplace_back("host", hosts);
  if (addresses.size() >= places.size()) list.emplace_back("hostaddr", addresses);
  list.emplace_back("port", ports);
}

std::chrono::seconds timeout_of(const Parameters& list) {
  constexpr long shortest = 2;  // as in libpq
  long seconds = shortest;
  for (const auto& [key, value] : list)
    if (key == "connect_timeout")
      std::from_chars(value.data(), value.data() + value.size(), seconds);
  return std::chrono::seconds(std::max(seconds, shortest));
}

enum class Attempt { connected, refused, silent, too_late };

Attempt drive(PGconn* connection, std::chrono::seconds timeout, Clock::time_point deadline) {
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  Endpoint place = Endpoint::of(connection);
  Clock::time_point limit = std::min(deadline, Clock::now() + timeout);
  while (PQstatus(connection) != CONNECTION_BAD) {
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    rm::LogIn::waits();
    const Wait waited = wait_for_socket(connection, events, limit);
    rm::LogIn::goes_on();
    if (waited == Wait::failed) return Attempt::refused;
    if (waited == Wait::late) return Clock::now() < deadline ? Attempt::silent : Attempt::too_late;
    wanted = PQconnectPoll(connection);
    if (wanted == PGRES_POLLING_OK) return Attempt::connected;
    if (wanted == PGRES_POLLING_FAILED) return Attempt::refused;
    if (Endpoint now = Endpoint::of(connection); now != place) {  // the next one
      place = std::move(now);
      limit = std::min(deadline, Clock::now() + timeout);
    }
  }
  return Attempt::refused;
}

Error not_tried(std::string message) {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.operation = "connect";
  error.message = std::move(message);
  return error;
}

}  // namespace

Result<Connection> Options::dial(Parameters list, Clock::time_point deadline) const {
  const rm::LogIn under_way(deadline);
  if (const char* const why = under_way.refused(); why != nullptr)
    return not_tried(std::string("connect not tried: ") + why + " (" + target() + ")");
  const auto timeout = timeout_of(list);
  std::string said;
  std::vector<Endpoint> places;
  for (;;) {
    const Pointers pointers(list);
    Connection connection(
        PQconnectStartParams(pointers.keywords.data(), pointers.values.data(), 0));
    if (!connection) return not_tried("out of memory");
    const Attempt attempt = drive(connection.get(), timeout, deadline);
    if (attempt == Attempt::connected) return connection;
    said += PQerrorMessage(connection.get());
    if (attempt == Attempt::refused) break;
    said.append(silence).append("\n");
    if (attempt == Attempt::too_late) break;
    if (places.empty()) places = places_of(connection.get());
    if (!leave_out(places, Endpoint::of(connection.get())) || places.empty()) break;
    lead_to(list, places);
  }
  return connect_error(std::move(said), target());
}

Result<Connection> Options::connect(const std::string& application_name) const {
  auto list = parameters(application_name);
  if (!list) return std::move(list.error());
  return dial(*std::move(list), rm::call_deadline());
}

Result<Connection> Options::connect_again(const Endpoint& endpoint,
                                          Clock::time_point deadline) const {
  auto list = parameters({});
  if (!list) return std::move(list.error());
  lead_to(*list, {endpoint});
  auto connection = dial(*std::move(list), deadline);
  if (connection) rm::keep_from_children(PQsocket(connection->get()));
  return connection;
}

Endpoint Endpoint::of(const PGconn* connection) {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  return {text(PQhost(connection)), text(PQhostaddr(connection)), text(PQport(connection))};
}

}  // namespace xabridge::postgresql
