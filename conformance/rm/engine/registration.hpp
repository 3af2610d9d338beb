// The transaction manager's side of dynamic registration: what ax_reg answers next in a thread.
// The program that exports ax_reg and ax_unreg asks here.
#pragma once

#include <xabridge/xa.h>

#include <deque>

namespace xabridge::conformance {

/// Of the calling thread. ax_reg gives the answers in order; with none left it is a call that the
/// statement did not provoke: TMER_PROTO.
struct Registration {
  struct Next {
    int code;
    XID xid;
  };
  std::deque<Next> answers;
  int calls = 0;         // of ax_reg
  int unregistered = 0;  // calls of ax_unreg

  static Registration& of_this_thread();
  int reg(int rmid, XID* xid, long flags);
  int unreg(int rmid, long flags);
};

}  // namespace xabridge::conformance
