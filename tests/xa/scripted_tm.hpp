// A transaction manager that exists only in a test: ax_reg and ax_unreg, which answer what the test
// scripted, and count.
#pragma once

#include <xabridge/xa.h>

#include <atomic>
#include <functional>

namespace xabridge::rm::test {

struct ScriptedTm {
  std::function<int(int rmid, XID* xid)> reg;  // none: TMER_TMERR
  int unreg_answer = TM_OK;
  std::atomic<int> registered = 0, unregistered = 0;
};

/// The one of the test that is running.
inline ScriptedTm* scripted_tm = nullptr;

}  // namespace xabridge::rm::test
