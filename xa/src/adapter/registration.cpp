// Dynamic registration: see registration.hpp.

#include "registration.hpp"

#include <dlfcn.h>

// A program whose transaction manager knows no dynamic registration, or that has none, exports no
// ax_ entries, and must be able to load the static switches of the same library.
extern "C" {
__attribute__((weak)) int ax_reg(int rmid, XID* xid, long flags);
__attribute__((weak)) int ax_unreg(int rmid, long flags);
}

namespace xabridge::rm {
namespace {

/// The weak reference is bound when this library is loaded. A transaction manager that was loaded
/// later, or out of its sight, is found by name.
template <class Entry>
Entry ax_entry(Entry bound, const char* name) noexcept {
  if (bound != nullptr) return bound;
  return reinterpret_cast<Entry>(::dlsym(RTLD_DEFAULT, name));
}

struct Refusal {
  int ax_code, xa_code;
  const char* text;
};

constexpr Refusal refusals[] = {
    {TMER_TMERR, XAER_RMERR, "TMER_TMERR, it failed or does not expect this call"},
    {TMER_INVAL, XAER_INVAL, "TMER_INVAL, it does not know the rmid"},
    {TMER_PROTO, XAER_PROTO, "TMER_PROTO, this thread must not work here now"},
};

Answer refused_by_tm(int code) {
  const std::string text = "the transaction manager refused to register this thread (ax_reg): ";
  for (const Refusal& refusal : refusals)
    if (refusal.ax_code == code) return refused(refusal.xa_code, text + refusal.text);
  return refused(XAER_RMERR, text + "code " + std::to_string(code));
}

int unregister(int rmid) noexcept {
  const auto entry = ax_entry(&ax_unreg, "ax_unreg");
  return entry == nullptr ? TMER_TMERR : entry(rmid, TMNOFLAGS);
}

Answer begin_in(Lease& lease) {
  const auto begin = [&] { return ask_server(XAER_RMERR, [&] { return lease->begin_native(); }); };
  Answer answer = begin();
  if (answer.code != XAER_RMFAIL || lease.fresh()) return answer;
  if (auto replaced = lease.replace(); !replaced) return std::move(replaced.error());
  return begin();
}

Answer begin_native_work(const Call& call, int rmid) {
  auto lease = call.instance.pool().acquire();
  Answer answer = lease ? begin_in(*lease) : Answer(std::move(lease.error()));
  if (answer.code == XA_OK) {
    call.rm.native = *std::move(lease);
    return answer;
  }
  if (lease) lease->close();
  // Registered there, but no work will be done: the transaction manager must not wait for its end.
  (void)unregister(rmid);
  return answer;
}

Answer begin_branch(const Call& call, const XID& given, int code) {
  const auto xid = code == TM_OK ? new_branch_xid(&given) : Xid::from(&given);
  if (!xid)
    return refused(XAER_INVAL,
                   "the transaction manager registered this thread (ax_reg) for an "
                   "XID that is null or has impossible lengths");
  const Mode mode = code == TM_JOIN ? Mode::join : code == TM_RESUME ? Mode::resume : Mode::plain;
  Answer answer = finish(start(call, *xid, mode));
  if (answer.code == XAER_NOTA && answer.error)
    answer.error->message = "the transaction manager registered this thread (ax_reg) for a branch "
                            "that does not exist here";
  return answer;
}

}  // namespace

Answer take_part(const Call& call, int rmid) {
  const auto entry = ax_entry(&ax_reg, "ax_reg");
  if (entry == nullptr)
    return refused(XAER_PROTO,
                   "no transaction manager in this process exports ax_reg; use the switch without "
                   "dynamic registration, or load the transaction manager with RTLD_GLOBAL");
  XID given{};
  given.formatID = -1;
  const int code = entry(rmid, &given, TMNOFLAGS);
  if (code != TM_OK && code != TM_JOIN && code != TM_RESUME) return refused_by_tm(code);
  const bool native = reply_of_ax_reg(code, given) == Reply::null_xid;
  return native ? begin_native_work(call, rmid) : begin_branch(call, given, code);
}

Answer end_native_work(ThreadRm& rm, int rmid) {
  Lease session = std::move(rm.native);
  Answer answer = ask_server(XAER_RMERR, [&] { return session->end_native(); });
  // Given back before ax_unreg: the branch that the transaction manager begins next may need it.
  if (answer.code == XA_OK || is_rollback(answer.code))
    session.give_back();
  else
    session.close();
  const int code = unregister(rmid);
  if (answer.code == XA_OK && code != TM_OK)
    return refused(XAER_RMERR, "the work is over, but ax_unreg answered " + std::to_string(code));
  return answer;
}

}  // namespace xabridge::rm
