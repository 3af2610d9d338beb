// perform(): a core's Call as a call of the port, or as the question whether a branch is still
// listed.
#include "../ports.hpp"

#include <algorithm>
#include <utility>

namespace xabridge::tm {

CallAnswer perform(ResourceManagerPort& port, Verb verb, const Xid& xid) {
  if (verb != Verb::confirm) return port.call(verb, xid);
  Result<std::vector<Xid>> listed = port.list();
  if (!listed) {
    // XA_OK and XAER_NOTA are the two answers; whatever the scan said, it is neither.
    const int code = listed.error().xa_code;
    return {code == XA_OK || code == XAER_NOTA ? XAER_RMERR : code, std::move(listed.error())};
  }
  const bool found = std::find(listed->begin(), listed->end(), xid) != listed->end();
  return {found ? XA_OK : XAER_NOTA, std::nullopt, port.answered_by()};
}

}  // namespace xabridge::tm
