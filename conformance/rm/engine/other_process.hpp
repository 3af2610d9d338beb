// Another process of this program, which prepares a branch and waits to be killed.
#pragma once

#include "engine/subject.hpp"
#include "engine/xids.hpp"

namespace xabridge::conformance {

/// Returns once the branch is prepared there: its process id. Throws Failed with what it said.
int start_preparing(const Subject& subject, const XID& xid);
/// SIGKILL, and waits until it is gone.
void kill_process(int pid);

/// What that process does: opens, works, prepares, says so on standard output, waits forever.
int prepare_and_wait(const Subject& subject, const XID& xid);

}  // namespace xabridge::conformance
