// The scripted resource manager: see scripted_driver.hpp.

#include "scripted_driver.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <xabridge/codes.hpp>

namespace xabridge::rm::test {
namespace {

constexpr std::array<const char*, 8> request_names{"begin",
                                                   "end",
                                                   "resume",
                                                   "prepare",
                                                   "commit_one_phase",
                                                   "rollback",
                                                   "commit_prepared",
                                                   "rollback_prepared"};

const char* name_of(Request request) { return request_names[static_cast<std::size_t>(request)]; }

Error failure(int code, const char* text) {
  Error error;
  error.xa_code = code;
  error.server_text = text;
  error.connection_usable = code != XAER_RMFAIL;
  return error;
}

}  // namespace

class ScriptedSession : public Session {
 public:
  ScriptedSession(World& world, int id) : world_(world), id_(id) {}
  ~ScriptedSession() override {
    const std::lock_guard lock(world_.mutex_);
    world_.live_.erase(id_);
    if (interrupting_) world_.violations_.push_back("closed while being interrupted");
  }

  bool send(Request request, const Xid& xid) override {
    (void)world_.answer("send", XA_OK);
    const std::lock_guard lock(world_.mutex_);
    if (!world_.sends_) return false;
    world_.calls_.push_back("send " + std::string(name_of(request)) + " @" + std::to_string(id_));
    sent_.emplace(request, xid);
    return true;
  }
  std::optional<Answer> receive(Patience patience) override {
    const auto sent = sent_;
    if (!sent) world_.violation("received without having sent");
    if (!sent) return std::nullopt;
    if (patience == Patience::poll && world_.is_held(name_of(sent->first))) return std::nullopt;
    sent_.reset();
    return perform(*this, sent->first, sent->second);
  }

  Answer begin(const Xid& xid) override { return call("begin", xid, XA_OK); }
  Answer end(const Xid& xid) override { return call("end", xid, XA_OK); }
  Answer resume(const Xid& xid) override { return call("resume", xid, doomed()); }
  Answer prepare(const Xid& xid) override {
    Answer answer = call("prepare", xid, XA_OK);
    const std::lock_guard lock(world_.mutex_);
    if (answer.code == XA_OK) world_.prepared_.insert(xid);
    return answer;
  }
  Answer commit_one_phase(const Xid& xid) override { return call("commit_one_phase", xid, XA_OK); }
  Answer rollback(const Xid& xid) override { return call("rollback", xid, XA_OK); }
  Answer commit_prepared(const Xid& xid) override { return finish("commit_prepared", xid); }
  Answer rollback_prepared(const Xid& xid) override { return finish("rollback_prepared", xid); }

  Answer begin_native() override { return call("begin_native", std::nullopt, XA_OK); }
  Answer end_native() override { return call("end_native", std::nullopt, XA_OK); }

  Result<std::vector<InDoubt>> prepared(bool include_foreign) override {
    Answer answer = call("prepared", std::nullopt, XA_OK);
    if (answer.code != XA_OK) return failure(answer.code, "list refused");
    const std::lock_guard lock(world_.mutex_);
    std::vector<InDoubt> listed;
    for (const Xid& xid : world_.prepared_) listed.push_back({xid, xid.to_gid(), {}, "alice"});
    if (include_foreign)
      for (const auto& name : world_.foreign_) listed.push_back({std::nullopt, name, {}, "bob"});
    return listed;
  }

  [[nodiscard]] bool reusable() noexcept override {
    const std::lock_guard lock(world_.mutex_);
    return world_.always_reusable_ || (!interrupted_ && !bound_ && !sent_);
  }
  [[nodiscard]] bool outdated() const noexcept override {
    const std::lock_guard lock(world_.mutex_);
    return world_.outdated_.contains(id_);
  }
  bool alive() noexcept override { return call("alive", std::nullopt, XA_OK).code == XA_OK; }
  void interrupt() noexcept override {
    interrupted_ = true;
    interrupting_ = true;
    (void)world_.answer("interrupt", XA_OK);
    interrupting_ = false;
  }
  [[nodiscard]] std::string server_id() const override { return std::to_string(id_); }
  [[nodiscard]] void* native() noexcept override { return this; }
  [[nodiscard]] int doomed() const noexcept override {
    const std::lock_guard lock(world_.mutex_);
    return world_.doomed_;
  }

 private:
  Answer call(const char* verb, const std::optional<Xid>& xid, int otherwise) {
    const bool alone = !in_call_.exchange(true);
    Answer answer;
    if (sent_) world_.violation("called while a request is under way");
    world_.wait_while_held(verb);
    try {
      answer = world_.answer(verb, otherwise);
    } catch (...) {
      in_call_ = false;
      throw;
    }
    const std::lock_guard lock(world_.mutex_);
    in_call_ = false;
    if (!alone) world_.violations_.push_back("two calls at once in one session");
    world_.calls_.push_back(std::string(verb) + (xid ? " " + xid->to_string() : "") + " @" +
                            std::to_string(id_));
    if (world_.dead_.contains(id_)) return failure(XAER_RMFAIL, "connection lost");
    if (xid) follow(verb, answer.code);
    if (verb == std::string_view("begin_native") && answer.code == XA_OK) bound_ = true;
    if (verb == std::string_view("end_native")) bound_ = false;
    return answer;
  }

  /// What a server knows of the branch in its session, and would complain about.
  void follow(std::string_view verb, int code) {
    const auto violated = [&](const char* text) {
      world_.violations_.push_back(std::string(verb) + ": " + text);
    };
    const bool done = code == XA_OK || is_rollback(code) || code == XA_RDONLY;
    if (verb == "begin") {
      if (interrupted_ || bound_) violated("the session was not reusable");
      if (code == XA_OK) bound_ = active_ = true;
    } else if (verb == "end") {
      if (!bound_ || !active_) violated("the branch was not active");
      if (done) active_ = false;
    } else if (verb == "resume") {
      if (!bound_ || active_) violated("the branch was not idle");
      if (code == XA_OK) active_ = true;
    } else {
      if (active_ && verb != "rollback") violated("the branch was still active");
      if (done) bound_ = verb == "prepare" && code == XA_OK;
      if (done) active_ = false;
    }
  }

  Answer finish(const char* verb, const Xid& xid) {
    bool known = false;
    {
      const std::lock_guard lock(world_.mutex_);
      known = world_.prepared_.contains(xid);
    }
    Answer answer = call(verb, xid, known ? XA_OK : XAER_NOTA);
    const std::lock_guard lock(world_.mutex_);
    if (answer.code == XA_OK || is_heuristic(answer.code)) world_.prepared_.erase(xid);
    return answer;
  }

  World& world_;
  const int id_;
  std::atomic<bool> interrupted_ = false, interrupting_ = false, in_call_ = false;
  bool bound_ = false, active_ = false;
  std::optional<std::pair<Request, Xid>> sent_;
};

class ScriptedServer : public Server {
 public:
  ScriptedServer(World& world, bool at_end) : world_(world), at_end_(at_end) {}

  Result<std::unique_ptr<Session>> connect(const std::string& owner_tag) override {
    {
      const std::lock_guard lock(world_.mutex_);
      ++world_.connects_;
      world_.most_connecting_ = std::max(world_.most_connecting_, ++world_.connecting_);
    }
    world_.wait_while_held("connect");
    const Answer scripted = world_.answer("connect", XA_OK);
    const std::lock_guard lock(world_.mutex_);
    --world_.connecting_;
    if (scripted.code != XA_OK) return failure(scripted.code, "connection refused");
    if (!world_.reachable_) return failure(XAER_RMFAIL, "connection refused");
    world_.last_tag_ = owner_tag;
    const int id = ++world_.made_;
    world_.live_.insert(id);
    world_.most_ = std::max(world_.most_, static_cast<int>(world_.live_.size()));
    return std::unique_ptr<Session>(new ScriptedSession(world_, id));
  }
  Result<std::optional<long>> sessions_tagged(Session&, const std::string& tag) override {
    return std::optional<long>(tag == "tag" ? 7 : 0);
  }
  std::vector<Finding> preflight(Session&) override {
    return {{XABRIDGE_FINDING_ERROR, "setting", "is off", "switch it on"}};
  }
  Result<std::string> identity(Session&) override { return std::string("scripted/1"); }
  [[nodiscard]] std::size_t pool_size() const noexcept override { return world_.pool_size_; }
  [[nodiscard]] std::chrono::milliseconds pool_timeout() const noexcept override {
    return world_.pool_timeout_;
  }
  [[nodiscard]] std::chrono::milliseconds max_age() const noexcept override {
    return world_.max_age_;
  }
  [[nodiscard]] std::chrono::milliseconds max_idle() const noexcept override {
    return world_.max_idle_;
  }
  [[nodiscard]] bool prepares_at_end() const noexcept override { return at_end_; }

 private:
  World& world_;
  const bool at_end_;
};

bool ScriptedDriver::sends() const noexcept {
  const std::lock_guard lock(world_.mutex_);
  return world_.sends_;
}

Result<std::unique_ptr<Server>> ScriptedDriver::parse(std::string_view open_string) {
  if (open_string.find("db=") != 0) return failure(XAER_INVAL, "unknown key");
  const bool at_end = open_string.ends_with("prepare_at_end=1");
  return std::unique_ptr<Server>(new ScriptedServer(world_, at_end));
}

int ScriptedDriver::classify(const std::exception& exception) const noexcept {
  return std::string_view(exception.what()) == "deadlock" ? XA_RBDEADLOCK : XA_OK;
}

bool ScriptedDriver::says_outdated(const std::exception& exception) const noexcept {
  return std::string_view(exception.what()) == "read-only";
}

void World::script(const std::string& verb, Answer answer) {
  const std::lock_guard lock(mutex_);
  answers_[verb].push_back(std::move(answer));
}

void World::during(const std::string& verb, std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  actions_[verb].push_back(std::move(action));
}

Answer World::answer(const std::string& verb, Answer otherwise) {
  std::function<void()> action;
  {
    const std::lock_guard lock(mutex_);
    if (auto& queue = actions_[verb]; !queue.empty()) {
      action = std::move(queue.front());
      queue.pop_front();
    }
  }
  if (action) action();
  const std::lock_guard lock(mutex_);
  auto& queue = answers_[verb];
  if (queue.empty()) return otherwise;
  Answer scripted = std::move(queue.front());
  queue.pop_front();
  return scripted;
}

void World::hold(const std::string& verb) {
  const std::lock_guard lock(mutex_);
  held_.insert(verb);
}

void World::release(const std::string& verb) {
  {
    const std::lock_guard lock(mutex_);
    held_.erase(verb);
  }
  changed_.notify_all();
}

void World::await_held(const std::string& verb, int calls) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_[verb] >= calls; });
}

bool World::is_held(const std::string& verb) const {
  const std::lock_guard lock(mutex_);
  return held_.contains(verb);
}

void World::wait_while_held(const std::string& verb) {
  std::unique_lock lock(mutex_);
  ++waiting_[verb];
  changed_.notify_all();
  changed_.wait(lock, [&] { return !held_.contains(verb); });
  --waiting_[verb];
}

void World::set_sends() {
  const std::lock_guard lock(mutex_);
  sends_ = true;
}

void World::violation(std::string what) {
  const std::lock_guard lock(mutex_);
  violations_.push_back(std::move(what));
}

void World::set_reachable(bool reachable) {
  const std::lock_guard lock(mutex_);
  reachable_ = reachable;
}

void World::cut_sessions() {
  const std::lock_guard lock(mutex_);
  dead_.insert(live_.begin(), live_.end());
}

void World::add_prepared(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  prepared_.insert(xid);
}

void World::add_foreign(std::string name) {
  const std::lock_guard lock(mutex_);
  foreign_.push_back(std::move(name));
}

void World::set_doomed(int code) {
  const std::lock_guard lock(mutex_);
  doomed_ = code;
}

void World::set_always_reusable() {
  const std::lock_guard lock(mutex_);
  always_reusable_ = true;
}

void World::set_pool(std::size_t size, std::chrono::milliseconds timeout) {
  const std::lock_guard lock(mutex_);
  pool_size_ = size;
  pool_timeout_ = timeout;
}

void World::set_limits(std::chrono::milliseconds max_age, std::chrono::milliseconds max_idle) {
  const std::lock_guard lock(mutex_);
  max_age_ = max_age;
  max_idle_ = max_idle;
}

void World::outdate(int session) {
  const std::lock_guard lock(mutex_);
  outdated_.insert(session);
}

bool World::is_prepared(const Xid& xid) const {
  const std::lock_guard lock(mutex_);
  return prepared_.contains(xid);
}

std::vector<std::string> World::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

long World::count(const std::string& call) const {
  const std::lock_guard lock(mutex_);
  return std::count_if(calls_.begin(), calls_.end(), [&](const std::string& made) {
    return made.compare(0, made.find(' '), call) == 0;
  });
}

int World::connected() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(live_.size());
}

int World::most_connected() const {
  const std::lock_guard lock(mutex_);
  return most_;
}

int World::made() const {
  const std::lock_guard lock(mutex_);
  return made_;
}

int World::most_connecting() const {
  const std::lock_guard lock(mutex_);
  return most_connecting_;
}

int World::connects() const {
  const std::lock_guard lock(mutex_);
  return connects_;
}

std::vector<std::string> World::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

std::string World::last_tag() const {
  const std::lock_guard lock(mutex_);
  return last_tag_;
}

}  // namespace xabridge::rm::test
