// See registration.hpp.
#include "engine/registration.hpp"

namespace xabridge::conformance {

Registration& Registration::of_this_thread() {
  thread_local Registration registration;
  return registration;
}

int Registration::reg(int, XID* xid, long flags) {
  ++calls;
  if (xid == nullptr || flags != TMNOFLAGS) return TMER_INVAL;
  if (answers.empty()) return TMER_PROTO;
  const Next next = answers.front();
  answers.pop_front();
  *xid = next.xid;
  return next.code;
}

int Registration::unreg(int, long flags) {
  ++unregistered;
  return flags == TMNOFLAGS ? TM_OK : TMER_INVAL;
}

}  // namespace xabridge::conformance
