// See other_process.hpp. The option --prepare-and-wait, which --help does not show, is the way in.
#include "engine/other_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <vector>

#include "engine/descriptor.hpp"
#include "engine/registration.hpp"
#include "engine/report.hpp"
#include "engine/vocabulary.hpp"

extern char** environ;

namespace xabridge::conformance {
namespace {

constexpr const char* kPrepared = "prepared\n";

std::string read_line(const Descriptor& from, std::chrono::milliseconds limit) {
  std::string text;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (text.empty() || text.back() != '\n') {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready{from.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
    char c = 0;
    if (::read(from.get(), &c, 1) != 1) break;
    text += c;
  }
  return text;
}

}  // namespace

int start_preparing(const Subject& subject, const XID& xid) {
  std::vector<std::string> words{subject.program,     "--switch",           subject.library,
                                 "--symbol",          subject.symbol,       "--open",
                                 subject.open_string, "--prepare-and-wait", xid_text(xid)};
  if (!subject.work_library.empty()) {
    words.emplace_back("--work");
    words.push_back(subject.work_library);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw Failed{"no pipe to another process"};
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  pid_t pid = -1;
  const int failure =
      ::posix_spawn(&pid, subject.program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  to.reset();
  if (failure != 0) throw Failed{"cannot start " + subject.program + " again"};
  const std::string said = read_line(from, subject.limit);
  if (said == kPrepared) return pid;
  kill_process(pid);
  throw Failed{"another process of this program did not prepare the branch: " +
               (said.empty() ? "it said nothing" : said)};
}

void kill_process(int pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int prepare_and_wait(const Subject& subject, const XID& wanted) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const xa_switch_t& rm = *subject.entries;
  XID xid = wanted;
  std::string info = subject.open_string;
  const auto say = [](const char* what, int code) {
    std::printf("%s: %s\n", what, code_text(code).c_str());
    std::fflush(stdout);
    return 1;
  };
  if (const int code = rm.xa_open_entry(info.data(), 1, TMNOFLAGS); code != XA_OK)
    return say("xa_open", code);
  if (subject.dynamic()) {
    Registration::of_this_thread().answers.push_back({TM_OK, xid});
  } else if (const int code = rm.xa_start_entry(&xid, 1, TMNOFLAGS); code != XA_OK) {
    return say("xa_start", code);
  }
  if (subject.work != nullptr && subject.work->write != nullptr &&
      subject.work->write(1, key_of(xid).c_str(), "written") != XA_CONFORMANCE_DONE) {
    std::printf("work: %s\n", subject.work->reason());
    return 1;
  }
  if (const int code = rm.xa_end_entry(&xid, 1, TMSUCCESS); code != XA_OK)
    return say("xa_end", code);
  if (const int code = rm.xa_prepare_entry(&xid, 1, TMNOFLAGS); code != XA_OK)
    return say("xa_prepare", code);
  std::fputs(kPrepared, stdout);
  std::fflush(stdout);
  for (;;) ::pause();
}

}  // namespace xabridge::conformance
