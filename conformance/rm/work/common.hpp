// What our work libraries share: the reason behind a code, and open strings.
#pragma once

#include <xabridge/rm_extras.h>

#include <exception>
#include <string>

#include "work.h"

namespace xabridge::conformance::work {

/// Of the calling thread's last call that was not DONE.
inline std::string& reason() {
  thread_local std::string text;
  return text;
}

inline int failed(std::string why) {
  reason() = std::move(why);
  return XA_CONFORMANCE_FAILED;
}

inline int cannot(std::string why) {
  reason() = std::move(why);
  return XA_CONFORMANCE_CANNOT;
}

/// What the switch says about the calling thread's last call.
inline std::string last_error(const xabridge_rm_extras_t& extras, int rmid) {
  xabridge_rm_error error{};
  if (extras.last_error(rmid, &error) != XA_OK) return "no reason given";
  return error.message;
}

/// Runs an entry; what it throws is its failure.
template <class Body>
int guarded(Body body) {
  try {
    return body();
  } catch (const std::exception& failure) {
    return failed(failure.what());
  }
}

inline int copy(const std::string& from, char* to, long size) {
  const auto length = from.copy(to, static_cast<std::size_t>(size) - 1);
  to[length] = '\0';
  return XA_CONFORMANCE_DONE;
}

/// The value of a key in `key=value key=value`, none of them quoted; empty when it is not there.
inline std::string value_of(const std::string& open_string, const std::string& key) {
  const std::string text = " " + open_string + " ";
  const auto at = text.find(" " + key + "=");
  if (at == std::string::npos) return {};
  const auto begin = at + key.size() + 2;
  return text.substr(begin, text.find(' ', begin) - begin);
}

inline std::string with(const std::string& open_string, const std::string& key,
                        const std::string& value) {
  std::string text = " " + open_string;
  if (const auto at = text.find(" " + key + "="); at != std::string::npos) {
    const auto end = text.find(' ', at + 1);
    text.erase(at, end == std::string::npos ? end : end - at);
  }
  return text.substr(text.empty() ? 0 : 1) + " " + key + "=" + value;
}

/// work.h's redirect for open strings with host and port.
inline int redirect_tcp(const std::string& open_string, const std::string& default_port, int port,
                        char* changed, long size, char* host, long host_size, int* server_port) {
  const std::string server = value_of(open_string, "host");
  if (server.empty() || server.front() == '/')
    return cannot(
        "the open string leads to a socket, not to a host that could be reached otherwise");
  const std::string its_port = value_of(open_string, "port");
  *server_port = std::stoi(its_port.empty() ? default_port : its_port);
  copy(server, host, host_size);
  const std::string text =
      with(with(open_string, "host", "127.0.0.1"), "port", std::to_string(port));
  if (text.size() >= static_cast<std::size_t>(size)) return failed("the open string is too long");
  return copy(text, changed, size);
}

}  // namespace xabridge::conformance::work
