// The scenario interpreter: see script.hpp.

#include "script.hpp"

#include <array>
#include <cctype>
#include <cstring>
#include <sstream>
#include <vector>
#include <xabridge/codes.hpp>

#include "catch.hpp"

namespace xabridge::rm::test {

struct Kept {
  explicit Kept(long flags) : rm(driver, flags) {}
  World world;
  ScriptedDriver driver{world};
  Switch rm;
};

namespace {

Kept& keep(long flags) {
  static auto* const all = new std::vector<std::unique_ptr<Kept>>;
  all->push_back(std::make_unique<Kept>(flags));
  return *all->back();
}

XID raw(long format, long gtrid_length, long bqual_length, const std::string& bytes) {
  XID xid{};
  xid.formatID = format;
  xid.gtrid_length = gtrid_length;
  xid.bqual_length = bqual_length;
  bytes.copy(xid.data, sizeof xid.data);
  return xid;
}

XID xid_by(const std::string& name) {
  if (name == "X" || name == "Y" || name == "Z") return xid_named(name).raw();
  const std::string bytes = "gtrid XbqualX";
  if (name == "garbage") return raw(7, 7, 6, bytes + "other bytes behind");
  if (name == "split") return raw(7, 6, 7, bytes);
  if (name == "format") return raw(8, 7, 6, bytes);
  if (name == "none") return raw(-1, 7, 6, bytes);
  if (name == "g0") return raw(7, 0, 6, bytes);
  if (name == "g65") return raw(7, 65, 6, bytes);
  if (name == "b65") return raw(7, 7, 65, bytes);
  if (name == "b0") return raw(7, 7, 0, bytes);
  FAIL("no such XID in a scenario: " << name);
  return {};
}

long flag_by(const std::string& name) {
  static const std::map<std::string, long> flags{
      {"JOIN", TMJOIN},         {"RESUME", TMRESUME},   {"SUCCESS", TMSUCCESS},
      {"FAIL", TMFAIL},         {"SUSPEND", TMSUSPEND}, {"MIGRATE", TMMIGRATE},
      {"ONEPHASE", TMONEPHASE}, {"NOWAIT", TMNOWAIT},   {"ASYNC", TMASYNC},
      {"START", TMSTARTRSCAN},  {"END", TMENDRSCAN},    {"MULTIPLE", TMMULTIPLE},
      {"REGISTER", TMREGISTER}, {"0", TMNOFLAGS}};
  const auto found = flags.find(name);
  if (found == flags.end()) FAIL("no such flag in a scenario: " << name);
  return found->second;
}

long flags_by(const std::string& text) {
  long flags = 0;
  std::istringstream in(text);
  for (std::string name; std::getline(in, name, '|');) flags |= flag_by(name);
  return flags;
}

bool matches(const std::string& code, int result) {
  if (code == "RB") return is_rollback(result);
  if (code == "HANDLE") return result > 0;
  if (std::isdigit(static_cast<unsigned char>(code[0])) != 0) return std::stoi(code) == result;
  return code_name(result) == "XA_" + code || code_name(result) == "XAER_" + code;
}

struct Step {
  int thread = 1;
  int rmid = 1;
  std::string verb, expected = "OK";
  std::vector<std::string> arguments;

  [[nodiscard]] std::string argument(std::size_t i) const {
    return i < arguments.size() ? arguments[i] : std::string();
  }
  [[nodiscard]] long flags(std::size_t i) const {
    return i < arguments.size() ? flags_by(arguments[i]) : TMNOFLAGS;
  }
  [[nodiscard]] bool asynchronous() const {
    return !arguments.empty() && arguments.back().find("ASYNC") != std::string::npos;
  }
};

Step parse(const std::string& text) {
  Step step;
  std::istringstream in(text);
  in >> step.verb;
  if (step.verb.size() > 1 && step.verb[1] == ':') {
    step.thread = step.verb[0] - '0';
    step.verb.erase(0, 2);
  }
  if (const auto at = step.verb.find('@'); at != std::string::npos) {
    step.rmid = std::stoi(step.verb.substr(at + 1));
    step.verb.erase(at);
  }
  for (std::string word; in >> word;) {
    if (word == "=") {
      in >> step.expected;
      break;
    }
    step.arguments.push_back(word);
  }
  return step;
}

int open(Switch& rm, const Step& step) {
  std::string info = "db=a";
  std::size_t flags_at = 0;
  if (const std::string kind = step.argument(0); !kind.empty()) {
    flags_at = 1;
    if (kind == "NULL") return rm.open(nullptr, step.rmid, 0);
    if (kind == "LONG")
      info.resize(MAXINFOSIZE, ' ');
    else if (kind == "BAD")
      info = "colour=green";
    else if (kind == "other")
      info = "db=b";
    else if (kind == "at_end")
      info = "db=a prepare_at_end=1";
    else
      flags_at = 0;
  }
  return rm.open(info.c_str(), step.rmid, step.flags(flags_at));
}

int with_xid(Switch& rm, const Step& step) {
  static const std::map<std::string, int (Switch::*)(const XID*, int, long) noexcept> entries{
      {"start", &Switch::start},   {"end", &Switch::end},           {"prepare", &Switch::prepare},
      {"commit", &Switch::commit}, {"rollback", &Switch::rollback}, {"forget", &Switch::forget}};
  const auto entry = entries.find(step.verb);
  if (entry == entries.end()) FAIL("no such verb in a scenario: " << step.verb);
  if (step.argument(0) == "NULL") return (rm.*entry->second)(nullptr, step.rmid, step.flags(1));
  const XID xid = xid_by(step.argument(0));
  return (rm.*entry->second)(&xid, step.rmid, step.flags(1));
}

int recover(Switch& rm, const Step& step) {
  std::array<XID, 16> xids{};
  const long count = std::stol(step.argument(0));
  XID* const room = step.argument(2) == "NULL" ? nullptr : xids.data();
  return rm.recover(room, count, step.rmid, step.flags(1));
}

int perform(Switch& rm, const Step& step) {
  if (step.verb == "open") return open(rm, step);
  if (step.verb == "close") return rm.close("", step.rmid, step.flags(0));
  if (step.verb == "recover") return recover(rm, step);
  if (step.verb == "release") return rm.release(step.rmid);
  if (step.verb == "deadline") return rm.deadline(step.rmid, std::stol(step.argument(0)));
  if (step.verb == "connection") {
    xabridge_rm_error error{};
    if (rm.connection(step.rmid) != nullptr) return XA_OK;
    return rm.last_error(step.rmid, &error) == XA_OK ? error.xa_code : XAER_NOTA;
  }
  return with_xid(rm, step);
}

constexpr int not_completed = -100;  // no code of XA: `result` fails, whatever it expects
constexpr int completed_another = -101;

/// `complete` gives what xa_complete returned, `result` the answer of the call it completed.
int complete(Switch& rm, const Step& step, int handle) {
  int retval = 12345;
  const bool any = (step.flags(0) & TMMULTIPLE) != 0;
  int completed = any ? 0 : handle;
  const int code = rm.complete(&completed, &retval, step.rmid, step.flags(0));
  if (step.verb == "complete") return code;
  if (code != XA_OK) return not_completed;
  return completed == handle ? retval : completed_another;
}

}  // namespace

Xid xid_named(const std::string& name) { return *Xid::make(7, "gtrid " + name, "bqual" + name); }

Worker::Worker()
    : thread_([this] {
        std::unique_lock lock(mutex_);
        for (;;) {
          changed_.wait(lock, [this] { return stop_ || task_; });
          if (!task_) return;
          const auto task = task_;
          lock.unlock();
          const int result = task();
          lock.lock();
          result_ = result;
          task_ = nullptr;
          changed_.notify_all();
        }
      }) {}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

int Worker::run(std::function<int()> task) {
  std::unique_lock lock(mutex_);
  task_ = std::move(task);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !task_; });
  return result_;
}

Scenario::Scenario(long flags) : Scenario(keep(flags)) {}

Scenario::Scenario(Kept& kept) : world(kept.world), rm(kept.rm) {}

Scenario::~Scenario() = default;

Worker& Scenario::thread(int number) {
  const std::lock_guard lock(mutex_);
  auto& worker = threads_[number];
  if (worker == nullptr) worker = std::make_unique<Worker>();
  return *worker;
}

void Scenario::end_thread(int number) {
  std::unique_lock lock(mutex_);
  const auto ended = threads_.extract(number);
  lock.unlock();  // what the thread does when it ends may wait for another one's call
}

int Scenario::call(const std::string& text) {
  const Step step = parse(text);
  if (step.verb == "cut") return world.cut_sessions(), XA_OK;
  if (step.verb == "down") return world.set_reachable(false), XA_OK;
  if (step.verb == "up") return world.set_reachable(true), XA_OK;
  if (step.verb == "exit") return end_thread(step.thread), XA_OK;
  if (step.verb == "hold") return world.hold(step.argument(0)), XA_OK;
  if (step.verb == "letgo") return world.release(step.argument(0)), XA_OK;
  if (step.verb == "await") return world.await_held(step.argument(0)), XA_OK;
  const std::pair caller{step.thread, step.rmid};
  if (step.verb == "complete" || step.verb == "result")
    return thread(step.thread).run([&, handle = handle_of(caller)] {
      return complete(rm, step, handle);
    });
  const int result = thread(step.thread).run([&] { return perform(rm, step); });
  if (step.asynchronous() && result > 0) {
    const std::lock_guard lock(mutex_);
    handles_[caller] = result;
  }
  return result;
}

int Scenario::handle_of(std::pair<int, int> caller) {
  const std::lock_guard lock(mutex_);
  return handles_[caller];
}

void Scenario::run(const std::string& id, const std::string& steps) {
  std::istringstream in(steps);
  for (std::string text; std::getline(in, text, ';');) {
    const Step step = parse(text);
    const int result = call(text);
    bool expected = false;
    std::istringstream codes(step.expected);
    for (std::string code; std::getline(codes, code, '/');)
      expected = expected || matches(code, result);
    INFO(id << ": " << steps << "\n  at: " << text << "\n  answered: " << code_name(result));
    REQUIRE(expected);
  }
}

xabridge_rm_error Scenario::last_error(int rmid, int number) {
  xabridge_rm_error error{};
  thread(number).run([&] { return rm.last_error(rmid, &error); });
  return error;
}

}  // namespace xabridge::rm::test
