// See vocabulary.hpp.
#include "engine/vocabulary.hpp"

#include <xabridge/codes.hpp>

#include "engine/trial.hpp"

namespace xabridge::conformance {

std::string code_text(int code) {
  if (code == RB) return "RB*";
  if (code == HEUR) return "HEUR*";
  return std::string(code_name(code));
}

std::string registration_text(int code) {
  switch (code) {
    case TM_OK:
      return "TM_OK";
    case TM_JOIN:
      return "TM_JOIN";
    case TM_RESUME:
      return "TM_RESUME";
    case TMER_TMERR:
      return "TMER_TMERR";
    case TMER_INVAL:
      return "TMER_INVAL";
    case TMER_PROTO:
      return "TMER_PROTO";
    default:
      return std::to_string(code);
  }
}

std::string key_of(const XID& xid) {
  if (xid.formatID == kFormat)
    return std::string(xid.data, static_cast<std::size_t>(xid.gtrid_length));
  return xid_text(xid).substr(0, 60);
}

}  // namespace xabridge::conformance
