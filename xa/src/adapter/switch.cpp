// The ten entries of a switch: validation of flags, arguments and R, and the guard around all of
// it.

#include <unistd.h>

#include <atomic>
#include <new>

#include "impl.hpp"

namespace xabridge::rm {
namespace {

/// What an entry answers when it could not even say what is wrong (memory, a bug). Each is the code
/// after which a transaction manager does nothing wrong: XAER_RMERR from a phase-two commit would
/// claim that the branch was rolled back, and from a one-phase commit that its outcome is known.
int code_for_exception(Verb verb, long flags) noexcept {
  if (verb != Verb::commit) return XAER_RMERR;
  return (flags & TMONEPHASE) != 0 ? XAER_RMFAIL : XA_RETRY;
}

Mode start_mode(long flags) noexcept {
  if ((flags & TMJOIN) != 0) return Mode::join;
  return (flags & TMRESUME) != 0 ? Mode::resume : Mode::plain;
}

Pool::Wait wait_for(long flags) noexcept {
  return (flags & TMNOWAIT) != 0 ? Pool::Wait::no : Pool::Wait::yes;
}

/// Runs one entry: `body(thread)` gives the answer, `impl.finish` records it. Never throws.
template <class ImplRef, class Body>
int guarded(ImplRef& impl, Verb verb, int rmid, const XID* xid, long flags, Body body) noexcept {
  const int last_resort = code_for_exception(verb, flags);
  try {
    ThreadState& thread = ThreadState::current();
    Answer answer;
    try {
      answer = body(thread);
    } catch (const std::exception& exception) {
      answer = refused(last_resort, std::string("unexpected failure: ") + exception.what());
      answer.error->outcome_known = last_resort != XAER_RMFAIL;
    }
    return impl.finish(thread, entry_name(verb), rmid, xid, std::move(answer));
  } catch (...) {
    return last_resort;
  }
}

/// The same for an entry that takes an XID and needs R1.
template <class ImplRef, class Body>
int with_xid(ImplRef& impl, Verb verb, int rmid, const XID* xid, long flags, Body body) noexcept {
  return guarded(impl, verb, rmid, xid, flags, [&](ThreadState& thread) -> Answer {
    if (const int code = check_flags(verb, flags, impl.flags); code != XA_OK)
      return refused(code, "flags " + flags_text(flags) + " are not possible here");
    const auto valid = verb == Verb::start ? new_branch_xid(xid) : Xid::from(xid);
    if (!valid) return refused(XAER_INVAL, "the XID is null or has impossible lengths");
    if (Answer closed = impl.require_open(thread, verb, rmid); closed.code != XA_OK) return closed;
    ThreadRm& rm = *thread.find(impl.registry, rmid);
    return finish(body(Call{thread, rm, *rm.instance}, *valid));
  });
}

}  // namespace

Switch::Switch(Driver& driver, long flags) : impl_(new Impl(driver, flags, ::getpid())) {}

/// After fork() the child gets an Impl of its own. The inherited one is left alone: its mutexes may
/// be held by threads that do not exist here, and its connections belong to the parent.
Switch::Impl& Switch::impl() noexcept {
  const std::atomic_ref<Impl*> shared(impl_);
  Impl* known = shared.load();
  const pid_t process = ::getpid();
  if (known->process == process) return *known;
  auto* const fresh = new Impl(known->driver, known->flags, process);
  if (shared.compare_exchange_strong(known, fresh)) return *fresh;
  delete fresh;
  return *known;
}

Answer Switch::Impl::require_open(ThreadState& thread, Verb verb, int rmid) {
  const ThreadRm* const rm = thread.find(registry, rmid);
  const R state = rm == nullptr ? R::R0 : rm->state;
  if (may(state, verb) == XA_OK) return XA_OK;
  if (rm == nullptr && thread.inherited(rmid))
    return refused(XAER_PROTO,
                   "the rmid was opened before fork(), its connections belong to the "
                   "parent process; call xa_open in this process");
  if (rm != nullptr && rm->failed)
    return refused(XAER_PROTO, "the resource manager had failed; call xa_open again");
  return refused(XAER_PROTO, "the rmid is not open in this thread; call xa_open first");
}

/// The way out of every entry: the reason is kept for last_error(), and XAER_RMFAIL leads to R0.
int Switch::Impl::finish(ThreadState& thread, const char* operation, int rmid, const XID* xid,
                         Answer answer) {
  if (answer.code == XA_OK || answer.code == XA_RDONLY) return answer.code;
  ThreadRm* const rm = thread.find(registry, rmid);
  try {
    Error error = std::move(answer.error).value_or(Error{});
    error.xa_code = answer.code;
    error.operation = error.operation.empty() ? operation : operation + (": " + error.operation);
    error.rmid = rmid;
    if (rm != nullptr && rm->instance != nullptr) error.resource_manager = rm->instance->name();
    if (const auto valid = Xid::from(xid)) error.xid = valid->to_string();
    if (error.message.empty()) error.message = code_meaning(answer.code);
    thread.set_error(registry, rmid, error);
  } catch (const std::bad_alloc&) {
    // The code is what counts, and it is known; only its explanation is lost.
  }
  if (answer.code == XAER_RMFAIL && rm != nullptr && rm->state == R::R1)
    thread.leave(registry, rmid, *rm, ThreadState::Why::failed);
  return answer.code;
}

Answer Switch::Impl::open(ThreadState& thread, int rmid, const std::string& info) {
  ThreadRm* const known = thread.find(registry, rmid);
  const bool same =
      known != nullptr && known->instance != nullptr && known->instance->info() == info;
  if (same && known->state == R::R1) return XA_OK;
  if (same) {
    // XAER_RMFAIL had closed it for this thread: see whether the server is there again.
    auto control = known->instance->control_session();
    if (!control) {
      control.error().xa_code = XAER_RMERR;
      return std::move(control.error());
    }
    control->give_back();
    known->failed = false;
    known->state = after(R::R0, Verb::open, XA_OK);
    return XA_OK;
  }
  if (known != nullptr && known->failed)
    thread.leave(registry, rmid, *known, ThreadState::Why::closed);
  auto opened = registry.open(rmid, info);
  if (!opened) return std::move(opened.error());
  ThreadRm& rm = thread.at(registry, rmid);
  rm = ThreadRm{};
  rm.instance = *std::move(opened);
  rm.state = after(R::R0, Verb::open, XA_OK);
  return XA_OK;
}

Answer Switch::Impl::close(ThreadState& thread, int rmid) {
  ThreadRm* const rm = thread.find(registry, rmid);
  if (rm == nullptr || rm->instance == nullptr) return XA_OK;
  if (rm->native)
    return refused(XAER_PROTO,
                   "this thread still works outside any global transaction; release its "
                   "connection first");
  // T1, or suspended: table 6-2 has no cell for either.
  if (const auto left = rm->instance->branches().associated_with(thread.token()); !left.empty())
    return refused(XAER_PROTO, "this thread is still associated with branch " +
                                   left.front().to_string() + "; xa_end it first");
  thread.leave(registry, rmid, *rm, ThreadState::Why::closed);
  return XA_OK;
}

int Switch::open(const char* info, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  return guarded(self, Verb::open, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
    const auto text = open_info(info);
    if (!text) return refused(XAER_INVAL, "the open string is null or longer than 255 characters");
    if (const int code = check_flags(Verb::open, flags, self.flags); code != XA_OK)
      return refused(code, "flags " + flags_text(flags) + " are not possible here");
    return self.open(thread, rmid, *text);
  });
}

int Switch::close(const char*, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  return guarded(self, Verb::close, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
    if (const int code = check_flags(Verb::close, flags, self.flags); code != XA_OK)
      return refused(code, "flags " + flags_text(flags) + " are not possible here");
    return self.close(thread, rmid);
  });
}

int Switch::start(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  return with_xid(self, Verb::start, rmid, xid, flags, [&](const Call& call, const Xid& valid) {
    if ((self.flags & TMREGISTER) != 0)
      return Checked(refused(XAER_PROTO,
                             "this switch registers by itself (TMREGISTER) when the "
                             "application asks for its connection"));
    return rm::start(call, valid, start_mode(flags), wait_for(flags));
  });
}

int Switch::end(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  return with_xid(impl(), Verb::end, rmid, xid, flags,
                  [&](const Call& call, const Xid& valid) { return rm::end(call, valid, flags); });
}

int Switch::prepare(const XID* xid, int rmid, long flags) noexcept {
  return with_xid(impl(), Verb::prepare, rmid, xid, normalized(flags), rm::prepare);
}

int Switch::commit(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  return with_xid(impl(), Verb::commit, rmid, xid, flags, [&](const Call& call, const Xid& valid) {
    return rm::commit(call, valid, flags);
  });
}

int Switch::rollback(const XID* xid, int rmid, long flags) noexcept {
  return with_xid(impl(), Verb::rollback, rmid, xid, normalized(flags), rm::rollback);
}

int Switch::forget(const XID* xid, int rmid, long flags) noexcept {
  return with_xid(impl(), Verb::forget, rmid, xid, normalized(flags), rm::forget);
}

int Switch::recover(XID* xids, long count, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  int written = 0;
  const int code =
      guarded(self, Verb::recover, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
        if (const int bad = check_flags(Verb::recover, flags, self.flags); bad != XA_OK)
          return refused(bad, "flags " + flags_text(flags) + " are not possible here");
        if (count < 0 || (xids == nullptr && count > 0))
          return refused(XAER_INVAL, "there is no room for the XIDs: null array or negative count");
        if (Answer closed = self.require_open(thread, Verb::recover, rmid); closed.code != XA_OK)
          return closed;
        ThreadRm& rm = *thread.find(self.registry, rmid);
        return rm::recover(Call{thread, rm, *rm.instance}, xids, count, flags, written);
      });
  return code == XA_OK ? written : code;
}

int Switch::complete(int* handle, int* retval, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  return guarded(self, Verb::complete, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
    if (check_flags(Verb::complete, flags, self.flags) != XA_OK || handle == nullptr ||
        retval == nullptr)
      return refused(XAER_INVAL, "null pointer, or flags " + flags_text(flags));
    if (Answer closed = self.require_open(thread, Verb::complete, rmid); closed.code != XA_OK)
      return closed;
    // Table 6-5: nothing is ever outstanding, because TMUSEASYNC is not set.
    return refused(XAER_PROTO, "no asynchronous call is outstanding");
  });
}

}  // namespace xabridge::rm
