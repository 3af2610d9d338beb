// Validation of arguments: see arguments.hpp.

#include "arguments.hpp"

#include <array>
#include <cstring>

namespace xabridge::rm {
namespace {

struct Entry {
  Verb verb;
  const char* name;
  long flags;  // the call has these and no others (XA chapter 5)
};

constexpr std::array entries{
    Entry{Verb::open, "xa_open", TMASYNC},
    Entry{Verb::close, "xa_close", TMASYNC},
    Entry{Verb::start, "xa_start", TMJOIN | TMRESUME | TMNOWAIT | TMASYNC},
    Entry{Verb::end, "xa_end", TMSUCCESS | TMFAIL | TMSUSPEND | TMMIGRATE | TMASYNC},
    Entry{Verb::prepare, "xa_prepare", TMASYNC},
    Entry{Verb::commit, "xa_commit", TMONEPHASE | TMNOWAIT | TMASYNC},
    Entry{Verb::rollback, "xa_rollback", TMASYNC},
    Entry{Verb::recover, "xa_recover", TMSTARTRSCAN | TMENDRSCAN},
    Entry{Verb::forget, "xa_forget", TMASYNC},
    Entry{Verb::complete, "xa_complete", TMMULTIPLE | TMNOWAIT},
};

constexpr const Entry& entry_of(Verb verb) noexcept {
  for (const auto& entry : entries)
    if (entry.verb == verb) return entry;
  return entries.front();
}

constexpr bool all(long flags, long wanted) noexcept { return (flags & wanted) == wanted; }

constexpr bool end_flags_ok(long flags, long switch_flags) noexcept {
  const int ways =
      ((flags & TMSUCCESS) != 0) + ((flags & TMFAIL) != 0) + ((flags & TMSUSPEND) != 0);
  if (ways != 1) return false;
  if ((flags & TMMIGRATE) == 0) return true;
  return (flags & TMSUSPEND) != 0 && (switch_flags & TMNOMIGRATE) == 0;
}

}  // namespace

const char* entry_name(Verb verb) noexcept { return entry_of(verb).name; }

int check_flags(Verb verb, long flags, long switch_flags) noexcept {
  if ((flags & ~entry_of(verb).flags) != 0) return XAER_INVAL;
  if (verb == Verb::start && all(flags, TMJOIN | TMRESUME)) return XAER_INVAL;
  if (verb == Verb::end && !end_flags_ok(flags, switch_flags)) return XAER_INVAL;
  if (all(flags, TMASYNC | TMNOWAIT)) return XAER_INVAL;
  if ((flags & TMASYNC) != 0 && (switch_flags & TMUSEASYNC) == 0) return XAER_ASYNC;
  return XA_OK;
}

std::optional<Xid> new_branch_xid(const XID* xid) noexcept {
  auto valid = Xid::from(xid);
  if (valid && valid->bqual().empty()) return std::nullopt;
  return valid;
}

std::optional<std::string> open_info(const char* info) {
  if (info == nullptr) return std::nullopt;
  const std::size_t length = ::strnlen(info, MAXINFOSIZE);
  if (length == MAXINFOSIZE) return std::nullopt;
  return std::string(info, length);
}

Answer refused(int code, std::string message) {
  Error error;
  error.xa_code = code;
  error.message = std::move(message);
  return error;
}

}  // namespace xabridge::rm
