// xa_recover: a snapshot of what the server lists, handed out in portions.

#include <algorithm>

#include "impl.hpp"

namespace xabridge::rm {
namespace {

Result<Scan> snapshot(Instance& instance) {
  auto control = instance.control_session();
  if (!control) return std::move(control.error());
  auto listed = control->get()->prepared(false);
  if (!listed) {
    Error& error = listed.error();
    if (error.xa_code != XAER_RMFAIL)
      error.xa_code = XAER_RMERR;  // "the list cannot be determined"
    if (error.xa_code == XAER_RMERR && error.connection_usable) control->give_back();
    return std::move(error);
  }
  Scan scan;
  scan.server = control->get()->server();
  control->give_back();
  for (const auto& branch : *listed)
    if (branch.xid) scan.xids.push_back(*branch.xid);
  // Completed by the server itself: no longer in its list, but the caller must still learn of it.
  for (const auto& [xid, code] : instance.branches().heuristically_completed())
    if (std::find(scan.xids.begin(), scan.xids.end(), xid) == scan.xids.end())
      scan.xids.push_back(xid);
  return scan;
}

}  // namespace

Answer recover(const Call& call, XID* xids, long count, long flags, int& written) {
  auto& scan = call.rm.scan;
  if ((flags & TMSTARTRSCAN) != 0) {
    scan.reset();
    auto taken = snapshot(call.instance);
    if (!taken) return std::move(taken.error());
    scan = *std::move(taken);
  }
  if (!scan) return refused(XAER_INVAL, "no recovery scan is open; begin one with TMSTARTRSCAN");
  const auto room = static_cast<std::size_t>(count);
  const std::size_t portion = std::min(room, scan->xids.size() - scan->next);
  for (std::size_t i = 0; i < portion; ++i) xids[i] = scan->xids[scan->next++].raw();
  written = static_cast<int>(portion);
  Answer answer;
  answer.server = scan->server;
  if ((flags & TMENDRSCAN) != 0) scan.reset();
  return answer;
}

}  // namespace xabridge::rm
