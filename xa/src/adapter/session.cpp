// The calls of a Session by name: see rm/session.hpp.

#include <xabridge/rm/session.hpp>

namespace xabridge::rm {

Answer perform(Session& session, Request request, const Xid& xid) {
  switch (request) {
    case Request::begin:
      return session.begin(xid);
    case Request::end:
      return session.end(xid);
    case Request::resume:
      return session.resume(xid);
    case Request::prepare:
      return session.prepare(xid);
    case Request::commit_one_phase:
      return session.commit_one_phase(xid);
    case Request::rollback:
      return session.rollback(xid);
    case Request::commit_prepared:
      return session.commit_prepared(xid);
    case Request::rollback_prepared:
      return session.rollback_prepared(xid);
  }
  return XAER_INVAL;
}

}  // namespace xabridge::rm
