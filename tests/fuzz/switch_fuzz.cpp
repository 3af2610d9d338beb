// Any calls in any order to every entry of a switch: XIDs of any length and formatID, null
// pointers, flags of other calls, rmids never opened, asynchronous calls, resource managers that
// fail.
//
// The first byte chooses the switch's own flags, each further one a call or what the server does
// next. Whatever comes, an entry answers one of the codes its call has (XA 5), what it answers
// holds at the server, and when the thread has ended nothing of it is left there.

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <map>
#include <memory>
#include <string>
#include <tests/xa/scripted_driver.hpp>
#include <thread>
#include <vector>
#include <xabridge/codes.hpp>
#include <xabridge/rm/adapter.hpp>

#include "input.hpp"

namespace {

using namespace xabridge;
using namespace xabridge::rm;
using fuzz::Input;
using fuzz::require;
using test::World;

enum class Entry { open, close, start, end, prepare, commit, rollback, forget };

// --- the server's side --------------------------------------------------------------------------

// Each input gets a server of its own; the switches live as long as the process, as they do.
World* current_world = nullptr;

class CurrentDriver final : public Driver {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "scripted"; }
  [[nodiscard]] bool sends() const noexcept override {
    return test::ScriptedDriver(*current_world).sends();
  }
  Result<std::unique_ptr<Server>> parse(std::string_view open_string) override {
    return test::ScriptedDriver(*current_world).parse(open_string);
  }
};

Switch& switch_with(long flags) {
  static CurrentDriver driver;
  static auto* const all = new std::map<long, std::unique_ptr<Switch>>;
  auto& made = (*all)[flags];
  if (made == nullptr) made = std::make_unique<Switch>(driver, flags);
  return *made;
}

// What a session may answer to which call (session.hpp).
struct Script {
  const char* verb;
  std::array<int, 6> codes;
};
constexpr std::array kScripts{
    Script{"begin", {XAER_DUPID, XAER_OUTSIDE, XAER_RMERR, XAER_RMFAIL, XA_OK, XA_OK}},
    Script{"end", {XA_RBROLLBACK, XA_RBDEADLOCK, XAER_RMFAIL, XA_RBTRANSIENT, XA_OK, XA_OK}},
    Script{"prepare", {XA_RDONLY, XA_RBINTEGRITY, XAER_RMERR, XAER_RMFAIL, XA_RBDEADLOCK, XA_OK}},
    Script{"commit_one_phase",
           {XA_RBINTEGRITY, XAER_RMFAIL, XA_RBDEADLOCK, XAER_RMFAIL, XA_OK, XA_OK}},
    Script{"rollback", {XAER_RMFAIL, XA_OK, XAER_RMFAIL, XA_OK, XA_OK, XA_OK}},
    Script{"commit_prepared",
           {XA_RETRY, XAER_NOTA, XA_HEURCOM, XA_HEURRB, XAER_RMERR, XAER_RMFAIL}},
    Script{"rollback_prepared",
           {XA_RETRY, XAER_NOTA, XA_HEURCOM, XA_HEURMIX, XAER_RMERR, XAER_RMFAIL}},
    Script{"prepared", {XAER_RMERR, XAER_RMFAIL, XAER_RMERR, XAER_RMFAIL, XA_OK, XA_OK}},
    Script{"alive", {XAER_RMFAIL, XAER_RMERR, XAER_RMFAIL, XAER_RMERR, XA_OK, XA_OK}},
};

// --- the transaction manager's side of dynamic registration -------------------------------------

struct Registration {
  int code = TM_OK;
  XID xid{};
};
thread_local Registration next_registration;

// --- what may be answered -----------------------------------------------------------------------

bool among(int code, std::initializer_list<int> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool may_answer(Entry entry, int code, long flags) {
  if (among(code, {XA_OK, XAER_INVAL, XAER_PROTO, XAER_RMERR, XAER_ASYNC})) return true;
  const bool one_phase = (flags & TMONEPHASE) != 0;
  switch (entry) {
    case Entry::open:
    case Entry::close:
      return false;
    case Entry::start:
      return is_rollback(code) || among(code, {XAER_DUPID, XAER_NOTA, XAER_OUTSIDE, XAER_RMFAIL}) ||
             (code == XA_RETRY && (flags & TMNOWAIT) != 0);
    case Entry::end:
      return is_rollback(code) || among(code, {XA_NOMIGRATE, XAER_NOTA, XAER_RMFAIL});
    case Entry::prepare:
      return is_rollback(code) || among(code, {XA_RDONLY, XAER_NOTA, XAER_RMFAIL});
    case Entry::commit:
      return is_heuristic(code) || among(code, {XAER_NOTA, XAER_RMFAIL}) ||
             (one_phase ? is_rollback(code) : code == XA_RETRY);
    case Entry::rollback:
      return is_rollback(code) || is_heuristic(code) ||
             among(code, {XAER_NOTA, XAER_RMFAIL, XA_RETRY});
    case Entry::forget:
      return among(code, {XAER_NOTA, XAER_RMFAIL});
  }
  return false;
}

// --- one thread of control ----------------------------------------------------------------------

class Caller {
 public:
  Caller(Input& in, World& world) : in_(in), world_(world), rm_(chosen(in.byte(), world)) {}

  void run() {
    // A thread of control that opens nothing gets nowhere: most inputs should.
    (void)rm_.open("db=a", 1, 0);
    for (int calls = 0; !in_.empty() && calls < 200; ++calls) step();
  }

 private:
  struct Outstanding {
    Entry entry;
    long flags;
  };

  /// The switch, and whether its sessions send or need a thread for TMASYNC.
  static Switch& chosen(std::uint8_t choice, World& world) {
    static constexpr std::array<long, 6> kFlags{TMNOFLAGS,  TMNOMIGRATE,
                                                TMUSEASYNC, TMUSEASYNC | TMNOMIGRATE,
                                                TMREGISTER, TMREGISTER | TMUSEASYNC};
    if (choice >= 128) world.set_sends();
    return switch_with(kFlags[choice % kFlags.size()]);
  }

  int rmid() {
    static constexpr std::array<int, 8> kRmids{1, 1, 1, 1, 2, 0, -1, INT_MAX};
    return in_.one_of(kRmids);
  }

  long flags() {
    static constexpr std::array<long, 24> kFlags{TMNOFLAGS,
                                                 TMNOFLAGS,
                                                 TMNOFLAGS,
                                                 TMNOFLAGS,
                                                 TMSUCCESS,
                                                 TMSUCCESS,
                                                 TMFAIL,
                                                 TMSUSPEND,
                                                 TMJOIN,
                                                 TMRESUME,
                                                 TMONEPHASE,
                                                 TMONEPHASE,
                                                 TMNOWAIT,
                                                 TMMULTIPLE,
                                                 TMSUSPEND | TMMIGRATE,
                                                 TMASYNC,
                                                 TMASYNC,
                                                 TMASYNC | TMSUCCESS,
                                                 TMASYNC | TMONEPHASE,
                                                 TMSTARTRSCAN | TMENDRSCAN,
                                                 TMSTARTRSCAN,
                                                 TMENDRSCAN,
                                                 TMJOIN | TMNOWAIT,
                                                 TMASYNC | TMSUSPEND};
    const std::uint8_t choice = in_.byte();
    return choice >= 250 ? in_.integer() : kFlags[choice % kFlags.size()];
  }

  /// Null, one of three valid XIDs, or anything the struct can hold.
  XID* xid() {
    const std::uint8_t choice = in_.byte();
    if (choice == 255) return nullptr;
    given_ = Xid::make(7, std::string("gtrid ") + char('X' + choice % 3), "bqual")->raw();
    if (choice < 240) return &given_;
    static constexpr std::array<long, 9> kLengths{0, 1, 5, 64, 65, 128, -1, LONG_MAX, LONG_MIN};
    given_.formatID = choice < 245 ? in_.integer() : -1;
    given_.gtrid_length = in_.one_of(kLengths);
    given_.bqual_length = in_.one_of(kLengths);
    return &given_;
  }

  void answered(Entry entry, int code, long flags) {
    const bool sent = code > 0 && (flags & TMASYNC) != 0;
    if (sent) {
      require(outstanding_.count(code) == 0, "a handle is given out twice");
      outstanding_[code] = {entry, flags};
      last_handle_ = code;
      return;
    }
    require(may_answer(entry, code, flags), "an entry answers a code its call does not have");
  }

  void with_xid(Entry entry, int (Switch::*call)(const XID*, int, long) noexcept) {
    XID* const xid = this->xid();
    const int rmid = this->rmid();
    const long flags = this->flags();
    const int code = (rm_.*call)(xid, rmid, flags);
    answered(entry, code, flags);
    if (code != XA_OK || (flags & TMASYNC) != 0) return;
    const auto valid = Xid::from(xid);
    require(valid.has_value(), "an invalid XID is accepted");
    if (entry == Entry::prepare)
      require(world_.is_prepared(*valid), "xa_prepare answers XA_OK, but nothing is prepared");
    if (entry == Entry::commit || entry == Entry::rollback)
      require(!world_.is_prepared(*valid), "a finished branch is still prepared at the server");
  }

  void open() {
    static const std::string longest = "db=" + std::string(MAXINFOSIZE, 'x');
    static const std::array<const char*, 6> kInfos{"db=a", "db=a",  "db=b",
                                                   "x=1",  nullptr, longest.c_str()};
    const char* const info = in_.one_of(kInfos);
    const int rmid = this->rmid();
    const long flags = this->flags();
    answered(Entry::open, rm_.open(info, rmid, flags), flags);
  }

  void recover() {
    static constexpr std::array<long, 6> kCounts{10, 1, 2, 0, -1, LONG_MIN};
    const long count = in_.one_of(kCounts);
    const int rmid = this->rmid();
    const long flags = this->flags();
    // Exactly as long as it is said to be: one XID too many is caught.
    std::vector<XID> room(count > 0 ? static_cast<std::size_t>(count) : 0);
    XID* const xids = (in_.byte() & 7U) == 7 ? nullptr : room.data();
    const int code = rm_.recover(xids, count, rmid, flags);
    require(code >= 0 ? code <= std::max(count, 0L)
                      : among(code, {XAER_INVAL, XAER_PROTO, XAER_RMERR, XAER_RMFAIL, XAER_ASYNC}),
            "xa_recover answers neither a count nor one of its codes");
    for (int i = 0; i < code; ++i)
      require(Xid::from(&xids[i]).has_value(), "xa_recover lists an XID that is none");
  }

  void complete() {
    int handle = (in_.byte() & 7U) == 7 ? in_.byte() : last_handle_;
    int result = INT_MIN;
    const std::uint8_t nulls = in_.byte();
    const int rmid = this->rmid();
    const long flags = this->flags();
    const int code = rm_.complete((nulls & 15U) == 15 ? nullptr : &handle,
                                  (nulls & 240U) == 240 ? nullptr : &result, rmid, flags);
    require(among(code, {XA_OK, XA_RETRY, XAER_INVAL, XAER_PROTO}),
            "xa_complete answers a code it does not have");
    require(code != XA_RETRY || (flags & TMNOWAIT) != 0, "XA_RETRY to a caller who wanted to wait");
    if (code != XA_OK) return;
    const auto call = outstanding_.find(handle);
    require(call != outstanding_.end(), "xa_complete finishes a call that nobody made");
    require(may_answer(call->second.entry, result, call->second.flags & ~TMASYNC),
            "an asynchronous call ends with a code it does not have");
    outstanding_.erase(call);
  }

  void ask_for_connection() {
    next_registration.code = in_.byte() % 4 - 1;
    const XID* const given = xid();
    next_registration.xid = given == nullptr ? XID{-1, 0, 0, {}} : *given;
    (void)rm_.connection(rmid());
  }

  void server_does() {
    const std::uint8_t what = in_.byte();
    const Script& script = in_.one_of(kScripts);
    const int code = in_.one_of(script.codes);
    static constexpr std::array<int, 3> kDooms{XA_OK, XA_RBDEADLOCK, XA_RBTIMEOUT};
    switch (what % 8) {
      case 0:
        return world_.cut_sessions();
      case 1:
        return world_.set_reachable(what >= 128);
      case 2:
        return world_.set_doomed(in_.one_of(kDooms));
      case 3:
        return world_.add_prepared(*Xid::make(7, "gtrid Z", "bqual"));
      default:
        Error error;
        error.xa_code = code;
        error.connection_usable = code != XAER_RMFAIL;
        world_.script(script.verb,
                      code == XA_OK || code == XA_RDONLY ? Answer(code) : Answer(std::move(error)));
    }
  }

  void ask_extras() {
    char text[16];
    long count = 0;
    xabridge_rm_error error{};
    const int rmid = this->rmid();
    (void)rm_.interrupt(xid(), rmid);
    (void)rm_.session_of(xid(), rmid, text, in_.byte() % 16);
    (void)rm_.last_error(rmid, &error);
    (void)rm_.owner_sessions(rmid, "tag", &count);
    (void)rm_.identity(rmid, text, sizeof text);
    (void)rm_.in_doubt(
        rmid, [](void*, const xabridge_in_doubt*) {}, nullptr);
    (void)rm_.name_instance(rmid, "accounts", "tag");
  }

  void step() {
    switch (in_.byte() % 14) {
      case 0:
        return open();
      case 1: {
        const int rmid = this->rmid();
        const long flags = this->flags();
        return answered(Entry::close, rm_.close("", rmid, flags), flags);
      }
      case 2:
      case 12:
        return with_xid(Entry::start, &Switch::start);
      case 3:
      case 13:
        return with_xid(Entry::end, &Switch::end);
      case 4:
        return with_xid(Entry::prepare, &Switch::prepare);
      case 5:
        return with_xid(Entry::commit, &Switch::commit);
      case 6:
        return with_xid(Entry::rollback, &Switch::rollback);
      case 7:
        return with_xid(Entry::forget, &Switch::forget);
      case 8:
        return recover();
      case 9:
        return complete();
      case 10:
        return server_does();
      default:
        if ((in_.byte() & 1U) != 0) return ask_extras();
        ask_for_connection();
        if ((in_.byte() & 1U) != 0) (void)rm_.release(rmid());
    }
  }

  Input& in_;
  World& world_;
  Switch& rm_;
  XID given_{};
  std::map<int, Outstanding> outstanding_;
  int last_handle_ = 1;
};

}  // namespace

extern "C" int ax_reg(int, XID* xid, long) {
  *xid = next_registration.xid;
  return next_registration.code;
}

extern "C" int ax_unreg(int, long) { return TM_OK; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  world.set_pool(3, std::chrono::milliseconds(0));
  current_world = &world;
  Input in(data, size);
  // XA keeps state per thread, and a thread's end is part of what is tested.
  std::thread([&] { Caller(in, world).run(); }).join();
  for (int looks = 0; world.connected() != 0; ++looks) {
    require(looks < 100'000, "a connection outlives the thread that opened it");
    std::this_thread::yield();
  }
  for (const std::string& violation : world.violations()) require(false, violation.c_str());
  return 0;
}
