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

/// Runs `body`, which gives an answer; what it throws becomes `last_resort`.
template <class Body>
auto guarded_answer(int last_resort, Body body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception& exception) {
    Answer answer = refused(last_resort, std::string("unexpected failure: ") + exception.what());
    answer.error->outcome_known = last_resort != XAER_RMFAIL;
    return answer;
  }
}

/// Runs one entry: `body(thread)` gives the answer, `impl.finish` records it. Never throws.
template <class ImplRef, class Body>
int guarded(ImplRef& impl, Verb verb, int rmid, const XID* xid, long flags, Body body) noexcept {
  // A call with TMASYNC throws only while it is not accepted, and then nothing has happened.
  const bool asynchronous = manner_of(verb, flags) == Manner::asynchronous;
  const int last_resort = asynchronous ? XAER_ASYNC : code_for_exception(verb, flags);
  try {
    ThreadState& thread = ThreadState::current();
    Answer answer = guarded_answer(last_resort, [&] { return body(thread); });
    return impl.finish(thread, entry_name(verb), rmid, xid, std::move(answer));
  } catch (...) {
    return last_resort;
  }
}

Answer wrong_flags(int code, long flags) {
  return refused(code, "flags " + flags_text(flags) + " are not possible here");
}

/// The same for an entry that takes an XID and needs R1: `check(call, xid)` asks the tables.
/// With TMASYNC it gives the handle of the call, which then may not be checked by waiting.
template <class ImplRef, class Check>
int with_xid(ImplRef& impl, Verb verb, int rmid, const XID* xid, long flags, Check check) noexcept {
  int handle = 0;
  const int code = guarded(impl, verb, rmid, xid, flags, [&](ThreadState& thread) -> Answer {
    if (const int bad = check_flags(verb, flags, impl.flags); bad != XA_OK)
      return wrong_flags(bad, flags);
    const auto valid = verb == Verb::start ? new_branch_xid(xid) : Xid::from(xid);
    if (!valid) return refused(XAER_INVAL, "the XID is null or has impossible lengths");
    if (Answer refusal = impl.admit(thread, verb, rmid, flags); refusal.code != XA_OK)
      return refusal;
    ThreadRm& rm = *thread.find(impl.registry, rmid);
    const Call call{thread, rm, *rm.instance, wait_for(flags)};
    if ((flags & TMASYNC) == 0) return finish(check(call, *valid));
    const auto check_later = [call, xid = *valid, check](Pool::Wait wait) -> Checked {
      return check(Call{call.thread, call.rm, call.instance, wait, call.since}, xid);
    };
    return impl.launch(thread, rmid, {verb, flags, *valid}, check_later, handle);
  });
  return handle > 0 ? handle : code;
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

/// Table 6-5, then 6-1: may this thread make the call at all?
Answer Switch::Impl::admit(ThreadState& thread, Verb verb, int rmid, long call_flags) {
  const ThreadRm* const rm = thread.find(registry, rmid);
  const Outstanding* const outstanding = rm == nullptr ? nullptr : rm->outstanding.get();
  const int allowed = may(outstanding == nullptr ? A::A0 : A::A1, verb, call_flags);
  if (allowed != XA_OK && outstanding != nullptr)
    return refused(allowed, std::string("this thread's ") + entry_name(outstanding->what.verb) +
                                " is outstanding; xa_complete it first");
  // What is outstanding can be completed: an xa_open, or an xa_close of what was never open, are
  // outstanding in R0.
  if (outstanding == nullptr)
    if (Answer closed = require_open(thread, verb, rmid); closed.code != XA_OK) return closed;
  return allowed == XA_OK ? Answer() : refused(allowed, "no asynchronous call is outstanding");
}

Workers& Switch::Impl::workers_for(int rmid) {
  const std::lock_guard lock(mutex_);
  return workers_[rmid];
}

Answer Switch::Impl::launch(ThreadState& thread, int rmid, Outstanding::What what,
                            Outstanding::Check check, int& handle) {
  auto call =
      std::make_unique<Outstanding>(workers_for(rmid), std::move(what), std::move(check));
  if (auto refusal = call->launch()) return *std::move(refusal);
  handle = call->handle = thread.next_handle();
  thread.at(registry, rmid).outstanding = std::move(call);
  return XA_OK;
}

/// The way out of every entry: the reason is kept for last_error(), and XAER_RMFAIL leads to R0.
int Switch::Impl::finish(ThreadState& thread, const char* operation, int rmid, const XID* xid,
                         Answer answer) {
  thread.set_answered_by(registry, rmid, answer.server);
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

int Switch::open(const char* info, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  int handle = 0;
  const int code =
      guarded(self, Verb::open, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
        const auto text = open_info(info);
        if (!text)
          return refused(XAER_INVAL, "the open string is null or longer than 255 characters");
        if (const int bad = check_flags(Verb::open, flags, self.flags); bad != XA_OK)
          return wrong_flags(bad, flags);
        if (Answer refusal = self.admit(thread, Verb::open, rmid, flags); refusal.code != XA_OK)
          return refusal;
        if ((flags & TMASYNC) == 0) return finish(rm::open(self.registry, thread, rmid, *text));
        const auto check_later = [&registry = self.registry, &thread, rmid, text = *text](auto) {
          return rm::open(registry, thread, rmid, text);
        };
        return self.launch(thread, rmid, {Verb::open, flags, {}}, check_later, handle);
      });
  return handle > 0 ? handle : code;
}

int Switch::close(const char*, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  int handle = 0;
  const int code =
      guarded(self, Verb::close, rmid, nullptr, flags, [&](ThreadState& thread) -> Answer {
        if (const int bad = check_flags(Verb::close, flags, self.flags); bad != XA_OK)
          return wrong_flags(bad, flags);
        if (Answer refusal = self.admit(thread, Verb::close, rmid, flags); refusal.code != XA_OK)
          return refusal;
        if ((flags & TMASYNC) == 0) return finish(rm::close(self.registry, thread, rmid));
        const auto check_later = [&registry = self.registry, &thread, rmid](auto) {
          return rm::close(registry, thread, rmid);
        };
        return self.launch(thread, rmid, {Verb::close, flags, {}}, check_later, handle);
      });
  return handle > 0 ? handle : code;
}

int Switch::start(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  Impl& self = impl();
  const bool dynamic = (self.flags & TMREGISTER) != 0;
  return with_xid(self, Verb::start, rmid, xid, flags,
                  [=](const Call& call, const Xid& valid) -> Checked {
                    if (dynamic)
                      return refused(XAER_PROTO,
                                     "this switch registers by itself (TMREGISTER) when the "
                                     "application asks for its connection");
                    return rm::start(call, valid, start_mode(flags));
                  });
}

int Switch::end(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  return with_xid(impl(), Verb::end, rmid, xid, flags,
                  [=](const Call& call, const Xid& valid) { return rm::end(call, valid, flags); });
}

int Switch::prepare(const XID* xid, int rmid, long flags) noexcept {
  return with_xid(impl(), Verb::prepare, rmid, xid, normalized(flags), rm::prepare);
}

int Switch::commit(const XID* xid, int rmid, long flags) noexcept {
  flags = normalized(flags);
  return with_xid(impl(), Verb::commit, rmid, xid, flags, [=](const Call& call, const Xid& valid) {
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
          return wrong_flags(bad, flags);
        if (count < 0 || (xids == nullptr && count > 0))
          return refused(XAER_INVAL, "there is no room for the XIDs: null array or negative count");
        if (Answer refusal = self.admit(thread, Verb::recover, rmid, flags); refusal.code != XA_OK)
          return refusal;
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
    if (Answer refusal = self.admit(thread, Verb::complete, rmid, flags); refusal.code != XA_OK)
      return refusal;
    ThreadRm& rm = *thread.find(self.registry, rmid);
    if ((flags & TMMULTIPLE) == 0 && *handle != rm.outstanding->handle)
      return refused(XAER_INVAL, "handle " + std::to_string(*handle) + " is not that of the " +
                                     entry_name(rm.outstanding->what.verb) +
                                     " outstanding, which is " +
                                     std::to_string(rm.outstanding->handle));
    return self.complete(thread, rm, rmid, flags, *handle, *retval);
  });
}

/// With TMNOWAIT XA_RETRY while the call is not done; else XA_OK, and its own code in `retval`.
Answer Switch::Impl::complete(ThreadState& thread, ThreadRm& rm, int rmid, long how, int& handle,
                              int& retval) {
  // Taken out, because a call that closes or fails clears `rm`.
  auto call = std::move(rm.outstanding);
  const auto& [verb, call_flags, xid] = call->what;
  const Patience patience = (how & TMNOWAIT) != 0 ? Patience::poll : Patience::wait;
  const auto answer =
      guarded_answer(code_for_exception(verb, call_flags), [&] { return call->finish(patience); });
  if (!answer) {
    rm.outstanding = std::move(call);
    return refused(XA_RETRY, std::string("the ") + entry_name(verb) + " is not done yet");
  }
  handle = call->handle;
  retval = finish(thread, entry_name(verb), rmid, xid ? &xid->raw() : nullptr, *answer);
  Answer delivered;
  delivered.server = answer->server;
  return delivered;
}

}  // namespace xabridge::rm
