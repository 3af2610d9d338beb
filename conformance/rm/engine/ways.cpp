// The trial's ways around the ordinary: hooks, and the proxy before the server.
#include <array>
#include <cstdlib>

#include "engine/proxy.hpp"
#include "engine/trial.hpp"
#include "engine/vocabulary.hpp"

namespace xabridge::conformance {

namespace {

/// A server that restarts takes its time.
constexpr std::chrono::minutes kHookLimit{2};

}  // namespace

bool Trial::has_hook(const std::string& name) const { return subject_.hooks.contains(name); }

void Trial::hook(const std::string& name, const XID* xid) {
  const auto found = subject_.hooks.find(name);
  if (found == subject_.hooks.end()) not_applicable("needs --hook " + name + "=COMMAND");
  const std::string command = found->second;
  const std::string text = xid == nullptr ? "" : xid_text(*xid);
  const std::string open = subject_.open_string;
  outside_.run_for(kHookLimit, "hook " + name, [command, text, open] {
    ::setenv("XA_CONFORMANCE_XID", text.c_str(), 1);
    ::setenv("XA_CONFORMANCE_OPEN", open.c_str(), 1);
    const int status = std::system((command + " >/dev/null").c_str());
    if (status != 0)
      throw Failed{"the hook failed with status " + std::to_string(status) + ": " + command};
  });
  note("hook " + name);
}

Proxy& Trial::proxy() {
  if (proxy_ != nullptr) return *proxy_;
  if (subject_.work == nullptr || subject_.work->redirect == nullptr)
    not_applicable("needs --work: redirect");
  proxy_ = std::make_unique<Proxy>();
  return *proxy_;
}

std::string Trial::redirected() {
  Proxy& way = proxy();
  std::array<char, MAXINFOSIZE> info{};
  std::array<char, 256> host{};
  int port = 0;
  const int code = subject_.work->redirect(way.port(), info.data(), info.size(), host.data(),
                                           host.size(), &port);
  if (code == XA_CONFORMANCE_CANNOT) not_applicable(subject_.work->reason());
  check(code == XA_CONFORMANCE_DONE, std::string("redirect: ") + subject_.work->reason());
  way.lead_to(host.data(), port);
  return info.data();
}

std::string Trial::unreachable() {
  if (!subject_.unreachable.empty()) return subject_.unreachable;
  if (subject_.work == nullptr || subject_.work->redirect == nullptr)
    not_applicable("needs --unreachable OPEN");
  const std::string info = redirected();
  proxy().refuse();
  return info;
}

void Trial::hold_up() {
  proxy().hold_up();
  note("the way to the server is held up");
}

void Trial::cut_at_next_request() {
  proxy().cut_at_next_request();
  note("the way to the server will be cut at the next request");
}

void Trial::restore() {
  proxy().restore();
  note("the way to the server is free again");
}

}  // namespace xabridge::conformance
