// Calls through the switch, each answer with everything that can be had about it.
#include "resource_manager.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <utility>
#include <xabridge/codes.hpp>

#include "../register/identity.hpp"
#include "registration.hpp"

namespace xabridge::tm {
namespace {

// Far from the small numbers another transaction manager in this process would give the same
// switch.
std::atomic<int> next_rmid{1000};

struct VerbEntry {
  const char* operation;
  int (*xa_switch_t::*entry)(XID*, int, long);
  long flags;
};

/// A code of xa.h, whether or not it makes sense as an answer to this call.
bool in_standard(int code) noexcept {
  return code == XA_OK || (XAER_OUTSIDE <= code && code <= XAER_ASYNC) || is_rollback(code) ||
         (XA_RDONLY <= code && code <= XA_NOMIGRATE);
}

constexpr VerbEntry entry_of(Verb verb) {
  switch (verb) {
    case Verb::end:
      return {"xa_end", &xa_switch_t::xa_end_entry, TMSUCCESS};
    case Verb::end_fail:
      return {"xa_end", &xa_switch_t::xa_end_entry, TMFAIL};
    case Verb::prepare:
      return {"xa_prepare", &xa_switch_t::xa_prepare_entry, TMNOFLAGS};
    case Verb::commit:
      return {"xa_commit", &xa_switch_t::xa_commit_entry, TMNOFLAGS};
    case Verb::commit_one_phase:
      return {"xa_commit", &xa_switch_t::xa_commit_entry, TMONEPHASE};
    case Verb::rollback:
      return {"xa_rollback", &xa_switch_t::xa_rollback_entry, TMNOFLAGS};
    case Verb::forget:
      return {"xa_forget", &xa_switch_t::xa_forget_entry, TMNOFLAGS};
    case Verb::confirm:
      break;  // never comes here, see ports.hpp
  }
  return {"xa_rollback", &xa_switch_t::xa_rollback_entry, TMNOFLAGS};
}

// A thread closes at its end what it has opened. Where each transaction has a thread of its own the
// next one would have to log in anew.
constexpr std::chrono::milliseconds kSessionsOutliveThreads{60000};

void keep_sessions(const SwitchObject& object, int rmid, std::chrono::milliseconds time) noexcept {
  if (const auto keep = object.since(3, &xabridge_rm_extras_t::keep_sessions))
    keep(rmid, static_cast<long>(time.count()));
}

}  // namespace

ResourceManager::ResourceManager(std::string name, std::shared_ptr<const Instance> instance)
    : name_(std::move(name)), instance_(std::move(instance)) {}

ResourceManager::~ResourceManager() {
  if (opened_here().remove(instance_.get())) OpenInThread::close(*instance_);
  keep_sessions(instance_->object, instance_->rmid, std::chrono::milliseconds(0));
}

Result<std::shared_ptr<ResourceManager>> ResourceManager::load(const ResourceManagerConfig& config,
                                                               const std::string& owner_tag) {
  Result<SwitchObject> object = find_switch(config);
  if (!object) return object.error();
  auto instance = std::make_shared<Instance>();
  instance->object = *object;
  instance->rmid = next_rmid.fetch_add(1);
  instance->name = config.name;
  instance->open_string = config.open;
  if (object->extras != nullptr) {
    object->extras->name_instance(instance->rmid, config.name.c_str(), owner_tag.c_str());
  }
  keep_sessions(*object, instance->rmid, kSessionsOutliveThreads);
  announce(instance);
  return std::shared_ptr<ResourceManager>(new ResourceManager(config.name, std::move(instance)));
}

std::string ResourceManager::driver() const {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? std::string() : std::string(extras->driver);
}

CallAnswer ResourceManager::answer(int code, const char* operation, const Xid* xid) const {
  if (code == XAER_RMFAIL) opened_here().remove(instance_.get());
  if (code == XA_OK) return {};
  Error e;
  e.xa_code = code;
  e.operation = operation;
  e.resource_manager = name_;
  e.rmid = instance_->rmid;
  if (xid != nullptr) e.xid = branch_text(*xid);
  xabridge_rm_error detail{};
  const auto* extras = instance_->object.extras;
  if (extras != nullptr && extras->last_error(instance_->rmid, &detail) == 0 &&
      detail.xa_code == code) {
    if (detail.operation[0] != '\0') e.operation = detail.operation;
    e.vendor_code = detail.vendor_code;
    e.sys_errno = detail.sys_errno;
    e.connection_usable = detail.connection_usable != 0;
    e.outcome_known = detail.outcome_known != 0;
    e.sqlstate = detail.sqlstate;
    e.server_text = detail.server_text;
    e.message = detail.message;
  } else {
    // A foreign switch: all it says is the code.
    e.connection_usable = code != XAER_RMFAIL;
    e.outcome_known = code != XAER_RMFAIL;
  }
  if (e.message.empty()) {
    e.message = std::string(operation) + " answered " + code_name(code) + " (" +
                std::string(code_meaning(code)) + ")";
  }
  return {code, std::move(e)};
}

Error ResourceManager::unavailable(std::string operation, const Xid* xid,
                                   std::string message) const {
  Error e;
  e.xa_code = XAER_RMFAIL;
  e.operation = std::move(operation);
  e.resource_manager = name_;
  e.rmid = instance_->rmid;
  if (xid != nullptr) e.xid = branch_text(*xid);
  e.connection_usable = false;
  e.message = std::move(message);
  return e;
}

/// XA_RDONLY is a vote like XA_OK, and only that.
CallAnswer ResourceManager::answer_of(Verb verb, int code, const Xid& xid) const {
  if (verb == Verb::end || verb == Verb::end_fail) {
    if (Opened* here = opened_here().find(instance_.get())) {
      here->registration = rm::after(here->registration, rm::Verb::end, rm::Mode::plain, code);
      if (here->registration == rm::D::D0) here->branch.reset();
    }
  }
  if (verb == Verb::prepare && code == XA_RDONLY) return {code, std::nullopt};
  return answer(code, entry_of(verb).operation, &xid);
}

CallAnswer ResourceManager::open() {
  OpenInThread& here = opened_here();
  if (here.find(instance_.get()) != nullptr) return {};
  std::string info = instance_->open_string;
  const int code =
      instance_->object.entries->xa_open_entry(info.data(), instance_->rmid, TMNOFLAGS);
  if (code == XA_OK) {
    here.add(instance_);
    return {};
  }
  // Whatever such an answer means: if it is open now, nobody would ever close it.
  if (!in_standard(code)) OpenInThread::close(*instance_);
  return answer(code, "xa_open", nullptr);
}

CallAnswer ResourceManager::open_now_and_then(std::chrono::steady_clock::time_point now) {
  if (now < next_open_.load()) return {};
  CallAnswer opened = open();
  if (opened.code != XA_OK) next_open_.store(now + std::chrono::seconds(1));
  return opened;
}

CallAnswer ResourceManager::start(const Xid& xid) {
  // A resource manager that lost its connection while idle says so at the first call after it;
  // nothing has begun then, so opening again and starting once more is safe.
  for (int attempt = 0;; ++attempt) {
    CallAnswer ready = open();
    if (ready.code != XA_OK) return ready;
    XID raw = xid.raw();
    const int code = instance_->object.entries->xa_start_entry(&raw, instance_->rmid, TMNOFLAGS);
    CallAnswer result = answer(code, "xa_start", &xid);
    if (!in_standard(code)) undo_start(xid);
    if (code == XAER_DUPID && attempt == 1) {
      // Of the attempt before: its reply was lost, not the request. It ends with its connection.
      result.code = result.error->xa_code = XAER_RMFAIL;
      result.error->message += "; the connection was lost while it began";
    }
    if (code != XAER_RMFAIL || attempt == 1) return result;
  }
}

/// The answer to xa_start did not tell whether the branch has begun. If it has, nobody else would
/// end it; if it has not, these are refused.
void ResourceManager::undo_start(const Xid& xid) const noexcept {
  const xa_switch_t& entries = *instance_->object.entries;
  XID raw = xid.raw();
  (void)entries.xa_end_entry(&raw, instance_->rmid, TMFAIL);
  (void)entries.xa_rollback_entry(&raw, instance_->rmid, TMNOFLAGS);
}

/// Why a call cannot be made in this thread: not reachable, whatever xa_open called it, and nothing
/// was sent.
std::optional<CallAnswer> ResourceManager::not_open(const Xid& xid) {
  CallAnswer ready = open();
  if (ready.code == XA_OK) return std::nullopt;
  ready.code = XAER_RMFAIL;
  ready.error->xa_code = ready.code;
  ready.error->outcome_known = true;
  ready.error->xid = branch_text(xid);
  return ready;
}

CallAnswer ResourceManager::call(Verb verb, const Xid& xid) {
  if (auto refused = not_open(xid)) return std::move(*refused);
  const VerbEntry entry = entry_of(verb);
  XID raw = xid.raw();
  const int code = (instance_->object.entries->*entry.entry)(&raw, instance_->rmid, entry.flags);
  return signed_answer(answer_of(verb, code, xid));
}

bool ResourceManager::asynchronous() const noexcept {
  return (instance_->object.entries->flags & TMUSEASYNC) != 0;
}

bool ResourceManager::asynchronous_by_thread() const noexcept {
  const auto* extras = instance_->object.extras;
  return extras != nullptr && extras->asynchronous_by_thread != 0;
}

/// A positive number is a handle, whatever other meaning XA has for it: XA_RETRY and XA_RB* are not
/// answers to a call with TMASYNC. A switch that answers them all the same does not know the
/// "handle" when xa_complete asks for it; complete() says what then.
ResourceManager::Issued ResourceManager::issue(Verb verb, const Xid& xid) {
  if (auto refused = not_open(xid)) return {0, std::move(*refused)};
  const VerbEntry entry = entry_of(verb);
  XID raw = xid.raw();
  const int code =
      (instance_->object.entries->*entry.entry)(&raw, instance_->rmid, entry.flags | TMASYNC);
  if (code > 0) return {code, {}};
  if (code == XAER_ASYNC) return {0, {code, std::nullopt}};
  return {0, signed_answer(answer_of(verb, code, xid))};
}

/// What xa_complete answers. XA_RETRY is not for a caller that waits, but known to come.
int ResourceManager::wait_for(int& handle, int& code) const noexcept {
  constexpr int kPatience = 10'000;
  for (int attempt = 0;; ++attempt) {
    const int answered =
        instance_->object.entries->xa_complete_entry(&handle, &code, instance_->rmid, TMNOFLAGS);
    if (answered != XA_RETRY || attempt == kPatience) return answered;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

CallAnswer ResourceManager::complete(Verb verb, const Xid& xid, int handle) {
  int code = XAER_RMFAIL;
  const int answered = wait_for(handle, code);
  if (answered == XA_OK) return signed_answer(answer_of(verb, code, xid));
  // What became of the call is not known, and a positive "handle" may have been its answer. Lost is
  // the one reading that is never wrong: a vote that is not there, an outcome to be asked again.
  // But an xa_end that is lost speaks of a session that is gone; here xa_rollback has to follow.
  const bool ends = verb == Verb::end || verb == Verb::end_fail;
  CallAnswer lost = answer(answered, "xa_complete", &xid);
  lost.code = ends ? answered : XAER_RMFAIL;
  lost.error->xa_code = lost.code;
  lost.error->outcome_known = false;
  lost.error->message = std::string("the answer to ") + entry_of(verb).operation +
                        " could not be fetched: " + lost.error->message;
  return lost;
}

void ResourceManager::discard(int handle) const noexcept {
  int code = XA_OK;
  if (wait_for(handle, code) == XAER_RMFAIL || code == XAER_RMFAIL) {
    opened_here().remove(instance_.get());
  }
}

Result<std::vector<Xid>> ResourceManager::list() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);

  // Some resource managers ignore the cursor and give the same XIDs for ever: the scan goes on only
  // while a batch brings something new.
  constexpr long kBatch = 64;
  std::array<XID, kBatch> batch{};
  std::set<Xid> seen;
  long flags = TMSTARTRSCAN;
  for (;;) {
    const int n =
        instance_->object.entries->xa_recover_entry(batch.data(), kBatch, instance_->rmid, flags);
    if (n < 0) return std::move(*answer(n, "xa_recover", nullptr).error);
    bool brought_new = false;
    for (long i = 0; i < std::min<long>(n, kBatch); ++i) {
      if (const auto xid = Xid::from(&batch[static_cast<std::size_t>(i)])) {
        brought_new = seen.insert(*xid).second || brought_new;
      }
    }
    if (n < kBatch || !brought_new) break;
    flags = TMNOFLAGS;
  }
  // The list is complete; whether closing the cursor works changes nothing.
  instance_->object.entries->xa_recover_entry(batch.data(), 0, instance_->rmid, TMENDRSCAN);
  return std::vector<Xid>(seen.begin(), seen.end());
}

std::optional<long> ResourceManager::owner_sessions(const std::string& owner_tag) {
  const auto* extras = instance_->object.extras;
  long count = -1;
  if (extras == nullptr || open().code != XA_OK) return std::nullopt;
  if (extras->owner_sessions(instance_->rmid, owner_tag.c_str(), &count) != 0 || count < 0) {
    return std::nullopt;
  }
  return count;
}

}  // namespace xabridge::tm
