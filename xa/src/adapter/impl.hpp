// Switch::Impl: one switch in one process, and the calls of XA as plain functions.
//
// An entry runs in this order: flags and arguments, A and R (all in switch.cpp), T, the XID lookup
// and S (checked by the functions below), then the server, then the move (the Operation they
// return). What is thrown on the way, the guard of switch.cpp turns into an XA code.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <xabridge/rm/adapter.hpp>

#include "arguments.hpp"
#include "instance.hpp"
#include "operation.hpp"
#include "thread_state.hpp"

namespace xabridge::rm {

/// A call on its way: the calling thread, and its view of an rmid that is R1.
struct Call {
  ThreadState& thread;
  ThreadRm& rm;
  Instance& instance;
  Pool::Wait wait = Pool::Wait::yes;  // while another thread acts for the branch
  // When it was made: one that is put off and checked anew has waited since then.
  Pool::Clock::time_point since = Pool::Clock::now();
};

inline Answer busy_elsewhere() {
  return refused(XA_RETRY, "another thread is working on the branch");
}

struct Switch::Impl {
  Impl(Driver& used, long promised, pid_t pid)
      : driver(used), flags(promised), process(pid), registry(used) {}

  Driver& driver;
  const long flags;  // of the switch object
  const pid_t process;
  Registry registry;

  // switch.cpp
  Answer require_open(ThreadState& thread, Verb verb, int rmid);
  Answer admit(ThreadState& thread, Verb verb, int rmid, long call_flags);
  Answer launch(ThreadState& thread, int rmid, Outstanding::What what, Outstanding::Check check,
                int& handle);
  Answer complete(ThreadState& thread, ThreadRm& rm, int rmid, long how, int& handle, int& retval);
  int finish(ThreadState& thread, const char* operation, int rmid, const XID* xid, Answer answer);

 private:
  Workers& workers_for(int rmid);
  std::mutex mutex_;
  std::map<int, Workers> workers_;  // guarded by mutex_; never erased
};

// open_close.cpp
Checked open(Registry& registry, ThreadState& thread, int rmid, const std::string& info);
Checked close(Registry& registry, ThreadState& thread, int rmid);

// start_end.cpp
Checked start(const Call& call, const Xid& xid, Mode mode);
Checked end(const Call& call, const Xid& xid, long flags);

// completion.cpp
Checked prepare(const Call& call, const Xid& xid);
Checked commit(const Call& call, const Xid& xid, long flags);
Checked rollback(const Call& call, const Xid& xid);
Checked forget(const Call& call, const Xid& xid);

/// Phase two of a branch that this process does not know.
Checked second_phase(const Call& call, const Xid& xid, Verb verb, Mode mode);

// prepare_at_end.cpp
/// A call on a branch that this process does not know: see the second table of
/// state_tables/prepare_at_end.hpp.
Checked not_in_this_process(const Call& call, const Xid& xid, Verb verb, Mode mode);

// recovery.cpp
Answer recover(const Call& call, XID* xids, long count, long flags, int& written);

}  // namespace xabridge::rm
