// Switch::Impl: one switch in one process, and the calls of XA as plain functions.
//
// An entry runs in this order: flags and arguments, R (both in switch.cpp), then T, the XID lookup
// and S (in the functions below), then the server, then the move. What is thrown on the way, the
// guard of switch.cpp turns into an XA code.
#pragma once

#include <sys/types.h>

#include <xabridge/rm/adapter.hpp>

#include "arguments.hpp"
#include "instance.hpp"
#include "thread_state.hpp"

namespace xabridge::rm {

/// A call on its way: the calling thread, and its view of an rmid that is R1.
struct Call {
  ThreadState& thread;
  ThreadRm& rm;
  Instance& instance;
};

struct Switch::Impl {
  Impl(Driver& used, long promised, pid_t pid)
      : driver(used), flags(promised), process(pid), registry(used) {}

  Driver& driver;
  const long flags;  // of the switch object
  const pid_t process;
  Registry registry;

  // switch.cpp
  Answer open(ThreadState& thread, int rmid, const std::string& info);
  Answer close(ThreadState& thread, int rmid);
  Answer require_open(ThreadState& thread, Verb verb, int rmid);
  int finish(ThreadState& thread, const char* operation, int rmid, const XID* xid, Answer answer);
};

/// Calls the server. A driver that throws has left the branch in a state nobody knows: `unknown` is
/// the code that says so for this call, and the tables go on from there.
template <class Call>
Answer ask_server(int unknown, Call call) {
  try {
    return call();
  } catch (const std::exception& exception) {
    return refused(unknown, std::string("the driver failed: ") + exception.what());
  }
}

// start_end.cpp
Answer start(const Call& call, const Xid& xid, Mode mode, Pool::Wait wait);
Answer end(const Call& call, const Xid& xid, long flags);

// completion.cpp
Answer prepare(const Call& call, const Xid& xid);
Answer commit(const Call& call, const Xid& xid, long flags);
Answer rollback(const Call& call, const Xid& xid);
Answer forget(const Call& call, const Xid& xid);

// recovery.cpp
Answer recover(const Call& call, XID* xids, long count, long flags, int& written);

}  // namespace xabridge::rm
