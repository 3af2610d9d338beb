// Only what a signal handler may do: fixed buffers and write().
#include "engine/last_words.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace xabridge::conformance {
namespace {

struct Text {
  std::array<char, 200> bytes{};
  std::size_t size = 0;

  void set(std::string_view text) noexcept {
    size = 0;
    append(text);
  }
  void append(std::string_view text) noexcept {
    const std::size_t room = std::min(text.size(), bytes.size() - size);
    std::copy_n(text.data(), room, bytes.data() + size);
    size += room;
  }
  void say() const noexcept { (void)!::write(STDERR_FILENO, bytes.data(), size); }
};

struct Fatal {
  int number;
  const char* name;
};
constexpr std::array kFatal{Fatal{SIGSEGV, "SIGSEGV"}, Fatal{SIGBUS, "SIGBUS"},
                            Fatal{SIGFPE, "SIGFPE"}, Fatal{SIGILL, "SIGILL"},
                            Fatal{SIGABRT, "SIGABRT"}};

struct sigaction before[kFatal.size()];

Text statement;
Text call;

void speak(std::string_view what) noexcept {
  Text line;
  line.set("\nxa-conformance: ");
  line.append(what);
  line.say();
  statement.say();
  line.set(", last call: ");
  line.say();
  call.say();
  line.set("\nNothing after it was tried. --only leaves statements out or looks at one alone.\n");
  line.say();
}

void on_fatal(int number) {
  Text line;
  // What happened happens again, and whoever was there before has it: a sanitizer, or the core.
  for (std::size_t i = 0; i < kFatal.size(); ++i) {
    if (kFatal[i].number != number) continue;
    ::sigaction(number, &before[i], nullptr);
    line.set(kFatal[i].name);
  }
  line.append(" in ");
  speak({line.bytes.data(), line.size});
}

}  // namespace

void leave_last_words() noexcept {
  struct sigaction action {};
  action.sa_handler = on_fatal;
  for (std::size_t i = 0; i < kFatal.size(); ++i)
    ::sigaction(kFatal[i].number, &action, &before[i]);
  // This program ends by _exit().
  (void)std::atexit([] { speak("exit() was called by the switch in "); });
}

void now_trying(std::string_view id) noexcept {
  statement.set(id);
  call.set("none yet");
}

void now_calling(std::string_view text) noexcept { call.set(text); }

}  // namespace xabridge::conformance
