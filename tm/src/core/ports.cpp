// perform(): a core's Call as a call of the port, or as the question whether a branch is still
// listed.
#include "../ports.hpp"

#include <algorithm>
#include <utility>

namespace xabridge::tm {

bool Listing::holds(const Xid& xid) const {
  return std::find(xids.begin(), xids.end(), xid) != xids.end() ||
         std::any_of(out_of_reach.begin(), out_of_reach.end(),
                     [&](const OutOfReach& branch) { return branch.xid == xid; });
}

Result<Listing> look(ResourceManagerPort& port) {
  Result<std::vector<Xid>> xids = port.list();
  if (!xids) return std::move(xids.error());
  std::string server = port.answered_by();
  Result<std::vector<OutOfReach>> out_of_reach = port.out_of_reach();
  if (!out_of_reach) return std::move(out_of_reach.error());
  if (const std::string second = port.answered_by(); !same_server(server, second)) {
    Error e;
    e.xa_code = XAER_RMFAIL;
    e.operation = "list branches";
    e.resource_manager = port.name();
    e.message = "its address led to " + server + " for one list and to " + second +
                " for the other: what is held is not known";
    return e;
  }
  return Listing{*std::move(xids), *std::move(out_of_reach), std::move(server)};
}

CallAnswer perform(ResourceManagerPort& port, Verb verb, const Xid& xid) {
  if (verb != Verb::confirm) return port.call(verb, xid);
  Result<Listing> listing = look(port);
  if (!listing) {
    // XA_OK and XAER_NOTA are the two answers; whatever the scan said, it is neither.
    const int code = listing.error().xa_code;
    return {code == XA_OK || code == XAER_NOTA ? XAER_RMERR : code, std::move(listing.error())};
  }
  return {listing->holds(xid) ? XA_OK : XAER_NOTA, std::nullopt, std::move(listing->server)};
}

}  // namespace xabridge::tm
