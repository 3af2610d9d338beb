// A process of a transaction manager that knows nothing but xa.h, and does what it is told on
// standard input, a line at a time, answering each with a line. Linked with no database and nothing
// of xabridge: what a switch needs it has to bring.
//
//   load FILE FUNCTION         dlopen(RTLD_LAZY | RTLD_LOCAL), and the switch the function gives
//   unload                     dlclose; the switch stays in use
//   also FILE                  one more library in the process
//   application FILE           see application.h
//   open RMID INFO...          close RMID
//   start|end|prepare|commit|rollback|forget XID RMID FLAGS
//   recover RMID PREFIX        those whose names begin like this
//   complete RMID              the call with TMASYNC that was made last
//   registers XID              what ax_reg names from now on
//   work RMID SQL...           outside SQL...
//   storm VERB RMID PREFIX THREADS ROUNDS SQL...   "work" (start, SQL, end) or "finish" (prepare,
//                              commit) PREFIX-thread-round in many threads: how many went well
//   forked XID RMID SQL...     all of it, as a child after fork(): its exit code is 0
//   leave                      exits with a thread at work, and with what is open still open
//
// XIDs are written as their gtrid. Ends with its input.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xabridge/xa.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "application.h"

namespace {

constexpr long format_id = 20477;

XID xid_named(const std::string& name) {
  XID xid{};
  xid.formatID = format_id;
  xid.gtrid_length = static_cast<long>(name.size());
  xid.bqual_length = 1;
  std::memcpy(xid.data, (name + "b").data(), name.size() + 1);
  return xid;
}

struct Process {
  void* library = nullptr;
  xa_switch_t* rm = nullptr;
  decltype(&application_work) work = nullptr;
  decltype(&application_outside) outside = nullptr;
  std::string info;
  int handle = 0;
};

Process& process() {
  static auto* const one = new Process;
  return *one;
}

std::string registered;  // of ax_reg

std::string rest_of(std::istringstream& line) {
  std::string text;
  std::getline(line >> std::ws, text);
  return text;
}

std::string load(std::istringstream& line) {
  std::string file, function;
  line >> file >> function;
  Process& self = process();
  self.library = ::dlopen(file.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (self.library == nullptr) return ::dlerror();
  const auto get = reinterpret_cast<xa_switch_t* (*)()>(::dlsym(self.library, function.c_str()));
  if (get == nullptr) return ::dlerror();
  self.rm = get();
  return std::string("ok ") + self.rm->name;
}

std::string application(std::istringstream& line) {
  void* const library = ::dlopen(rest_of(line).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return ::dlerror();
  Process& self = process();
  self.work = reinterpret_cast<decltype(self.work)>(::dlsym(library, "application_work"));
  self.outside = reinterpret_cast<decltype(self.outside)>(::dlsym(library, "application_outside"));
  return self.work != nullptr && self.outside != nullptr ? "ok" : "no such functions";
}

int open_here(int rmid) { return process().rm->xa_open_entry(process().info.data(), rmid, 0); }

int do_work(int rmid, const std::string& sql, std::string& text) {
  std::array<char, 1024> room{};
  const int outcome = process().work(rmid, sql.c_str(), room.data(), room.size());
  text = room.data();
  return outcome;
}

std::string with_xid(const std::string& verb, std::istringstream& line) {
  std::string name;
  int rmid = 0;
  long flags = 0;
  line >> name >> rmid >> flags;
  XID xid = xid_named(name);
  xa_switch_t& rm = *process().rm;
  auto* const entry = verb == "start"     ? rm.xa_start_entry
                      : verb == "end"     ? rm.xa_end_entry
                      : verb == "prepare" ? rm.xa_prepare_entry
                      : verb == "commit"  ? rm.xa_commit_entry
                      : verb == "forget"  ? rm.xa_forget_entry
                                          : rm.xa_rollback_entry;
  const int code = entry(&xid, rmid, flags);
  if ((flags & TMASYNC) != 0) process().handle = code;
  return std::to_string(code);
}

std::string recover(std::istringstream& line) {
  int rmid = 0;
  std::string prefix;
  line >> rmid >> prefix;
  std::vector<XID> xids(1000);
  const int count =
      process().rm->xa_recover_entry(xids.data(), 1000, rmid, TMSTARTRSCAN | TMENDRSCAN);
  std::string names;
  for (int i = 0; i < count; ++i) {
    const XID& xid = xids[static_cast<std::size_t>(i)];
    const std::string name(xid.data, static_cast<std::size_t>(xid.gtrid_length));
    if (xid.formatID == format_id && name.starts_with(prefix)) names += " " + name;
  }
  return count < 0 ? std::to_string(count) : "listed" + names;
}

bool all_of_it(const std::string& verb, const std::string& name, int rmid, const std::string& sql) {
  xa_switch_t& rm = *process().rm;
  XID xid = xid_named(name);
  std::string text;
  if (verb == "work")
    return rm.xa_start_entry(&xid, rmid, TMNOFLAGS) == XA_OK &&
           do_work(rmid, sql, text) == WORK_DONE && rm.xa_end_entry(&xid, rmid, TMSUCCESS) == XA_OK;
  return rm.xa_prepare_entry(&xid, rmid, TMNOFLAGS) == XA_OK &&
         rm.xa_commit_entry(&xid, rmid, TMNOFLAGS) == XA_OK;
}

std::string storm(std::istringstream& line) {
  std::string verb, prefix;
  int rmid = 0, threads = 0, rounds = 0;
  line >> verb >> rmid >> prefix >> threads >> rounds;
  const std::string sql = rest_of(line);
  std::atomic<int> well{0};
  std::vector<std::thread> crew;
  for (int t = 0; t < threads; ++t)
    crew.emplace_back([&, t] {
      if (open_here(rmid) != XA_OK) return;
      for (int round = 0; round < rounds; ++round)
        if (all_of_it(verb, prefix + "-" + std::to_string(t) + "-" + std::to_string(round), rmid,
                      sql))
          ++well;
      process().rm->xa_close_entry(process().info.data(), rmid, TMNOFLAGS);
    });
  for (auto& thread : crew) thread.join();
  return std::to_string(well);
}

std::string forked(std::istringstream& line) {
  std::string name;
  int rmid = 0;
  line >> name >> rmid;
  const std::string sql = rest_of(line);
  const pid_t child = ::fork();
  if (child == 0) {
    XID xid = xid_named(name);
    const bool inherited = process().rm->xa_start_entry(&xid, rmid, TMNOFLAGS) != XAER_PROTO;
    const bool good = !inherited && open_here(rmid) == XA_OK &&
                      all_of_it("work", name, rmid, sql) && all_of_it("finish", name, rmid, sql);
    std::exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

/// Another thread is in the middle of its work, and a destructor of the program's still calls.
std::string leave() {
  struct Late {
    ~Late() { (void)process().rm->xa_close_entry(process().info.data(), 1, TMNOFLAGS); }
  };
  static const Late late;
  std::atomic<bool> begun{false};
  std::thread([&begun] {
    if (open_here(1) != XA_OK) std::abort();
    XID xid = xid_named("left-" + std::to_string(::getpid()));
    if (process().rm->xa_start_entry(&xid, 1, TMNOFLAGS) != XA_OK) std::abort();
    begun = true;
    begun.notify_all();
    ::pause();
  }).detach();
  begun.wait(false);
  std::cout << "leaving" << std::endl;
  std::exit(0);
}

std::string complete(std::istringstream& line) {
  int rmid = 0;
  int answer = 12345;
  line >> rmid;
  const int code = process().rm->xa_complete_entry(&process().handle, &answer, rmid, TMNOFLAGS);
  return std::to_string(code == XA_OK ? answer : code);
}

std::string answer(const std::string& text) {
  std::istringstream line(text);
  std::string verb;
  line >> verb;
  if (verb == "load") return load(line);
  if (verb == "unload") return std::to_string(::dlclose(process().library));
  if (verb == "also")
    return ::dlopen(rest_of(line).c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr ? "ok" : ::dlerror();
  if (verb == "application") return application(line);
  if (verb == "recover") return recover(line);
  if (verb == "complete") return complete(line);
  if (verb == "storm") return storm(line);
  if (verb == "forked") return forked(line);
  if (verb == "leave") return leave();
  if (verb == "registers") {
    registered = rest_of(line);
    return "ok";
  }
  if (verb == "outside") {
    std::array<char, 1024> room{};
    std::string plain = process().info;  // without the last word, which is only for our switches
    if (const auto own = plain.find(" prepare_at_end"); own != std::string::npos) plain.resize(own);
    const int outcome =
        process().outside(plain.c_str(), rest_of(line).c_str(), room.data(), room.size());
    return std::to_string(outcome) + " " + room.data();
  }
  if (verb == "open" || verb == "close" || verb == "work") {
    int rmid = 0;
    line >> rmid;
    std::string rest = rest_of(line), said;
    if (verb == "work") return std::to_string(do_work(rmid, rest, said)) + " " + said;
    if (verb == "close")
      return std::to_string(process().rm->xa_close_entry(process().info.data(), rmid, 0));
    process().info = rest;
    return std::to_string(open_here(rmid));
  }
  return with_xid(verb, line);
}

}  // namespace

// Dynamic registration: this is the transaction manager.
extern "C" {
__attribute__((visibility("default"))) int ax_reg(int, XID* xid, long) {
  if (registered.empty()) return TMER_TMERR;
  *xid = xid_named(registered);
  return TM_OK;
}
__attribute__((visibility("default"))) int ax_unreg(int, long) { return TMER_PROTO; }
}

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << std::endl;
}
