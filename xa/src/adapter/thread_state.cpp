// ThreadState: see thread_state.hpp.

#include "thread_state.hpp"

#include <unistd.h>

#include <atomic>
#include <limits>

#include "registration.hpp"

namespace xabridge::rm {
namespace {

std::atomic<ThreadToken> next_token{1};

// A TM asks for the reason right after the refusal; a program that calls with ever new rmids must
// not grow.
constexpr std::size_t most_errors = 64;

}  // namespace

ThreadState& ThreadState::current() {
  // A plain pointer, because a transaction manager may call xa_close from the destructor of a
  // thread's object that outlives ours: it then finds an empty state instead of a destroyed one.
  thread_local ThreadState* state = nullptr;
  struct Reaper {
    ThreadState** state;
    ~Reaper() { delete std::exchange(*state, nullptr); }
  };
  thread_local const Reaper reaper{&state};

  if (state == nullptr) state = new ThreadState;
  if (state->process_ != ::getpid()) {
    auto* const fresh = new ThreadState;
    for (const auto& [key, entry] : state->rms_)
      if (entry.rm.state == R::R1) fresh->inherited_.insert(key.second);
    // The old one is leaked on purpose: closing would say goodbye on sockets the parent still uses.
    state = fresh;
  }
  return *state;
}

ThreadState::ThreadState() : token_(next_token.fetch_add(1)), process_(::getpid()) {}

ThreadState::~ThreadState() {
  if (process_ != ::getpid()) {
    // A forked child ends without having called us: hand the references to nobody.
    for (auto& [key, entry] : rms_) (void)new ThreadRm(std::move(entry.rm));
    return;
  }
  for (auto& [key, entry] : rms_) {
    try {
      // First, because an xa_open leaves an open rmid behind, and an xa_start an active branch.
      if (const auto call = std::move(entry.rm.outstanding); call != nullptr) call->abandon();
      if (entry.rm.instance != nullptr)
        leave(*entry.registry, key.second, entry.rm, Why::thread_ends);
    } catch (...) {
      // Out of memory while a thread ends: its connections stay open until the process does.
    }
  }
}

ThreadRm* ThreadState::find(const Registry& registry, int rmid) {
  const auto found = rms_.find({&registry, rmid});
  return found == rms_.end() ? nullptr : &found->second.rm;
}

ThreadRm& ThreadState::at(Registry& registry, int rmid) {
  return rms_.try_emplace({&registry, rmid}, Entry{&registry, {}}).first->second.rm;
}

void ThreadState::renew_all(const Registry& registry) noexcept {
  for (auto& [key, entry] : rms_)
    if (key.first == &registry && entry.rm.instance != nullptr) entry.rm.instance->renew();
}

int ThreadState::next_handle() noexcept {
  last_handle_ = last_handle_ == std::numeric_limits<int>::max() ? 1 : last_handle_ + 1;
  return last_handle_;
}

void ThreadState::set_error(const Registry& registry, int rmid, const Error& error) {
  if (errors_.size() >= most_errors) errors_.clear();
  errors_[{&registry, rmid}] = error;
}

const Error* ThreadState::error(const Registry& registry, int rmid) const {
  const auto found = errors_.find({&registry, rmid});
  return found == errors_.end() ? nullptr : &found->second;
}

void ThreadState::set_answered_by(const Registry& registry, int rmid,
                                  const std::string& server) noexcept try {
  if (answered_by_.size() >= most_errors) answered_by_.clear();
  answered_by_[{&registry, rmid}] = server;
} catch (const std::exception&) {
  answered_by_.clear();  // out of memory: rather nobody than the one before
}

const std::string* ThreadState::answered_by(const Registry& registry, int rmid) const {
  const auto found = answered_by_.find({&registry, rmid});
  return found == answered_by_.end() ? nullptr : &found->second;
}

void ThreadState::leave(Registry& registry, int rmid, ThreadRm& rm, Why why) {
  if (rm.native) (void)end_native_work(rm, rmid);
  const auto instance = std::move(rm.instance);
  rm = ThreadRm{};
  for (const Xid& xid : instance->branches().associated_with(token_)) {
    auto claim = instance->branches().claim(xid);
    if (!claim || claim->operator->()->association(token_) == T::T0) continue;
    // Unprepared, because associated. Other threads' associations stay, and learn of it.
    claim->moved(token_, Verb::end, Mode::plain, XA_RBROLLBACK);
    if (claim->operator->()->associated()) continue;
    // Asked to roll back, the session can serve the next branch; when the server is not there,
    // closing the session is the rollback.
    int answer = XAER_RMFAIL;
    if (why == Why::thread_ends)
      answer = ask_server(XAER_RMFAIL, [&] { return claim->session()->rollback(xid); }).code;
    claim->moved(token_, Verb::rollback, Mode::plain, answer == XA_OK ? XA_OK : XAER_RMFAIL);
  }
  if (why == Why::failed) {
    rm.failed = true;
    rm.instance = instance;
  } else {
    registry.close(rmid, instance);
  }
}

}  // namespace xabridge::rm
