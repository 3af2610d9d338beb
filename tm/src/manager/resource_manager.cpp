// Calls through the switch, and what each thread has open.
#include "resource_manager.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <utility>
#include <xabridge/codes.hpp>

namespace xabridge::tm {
namespace {

// Far from the small numbers another transaction manager in this process would give the same
// switch.
std::atomic<int> next_rmid{1000};

/// What this thread has open. Its end closes; that is the moment XA gives a resource manager to
/// return the thread's connections. A forked child inherits the list and must not act on it:
/// closing would talk to the servers over the parent's connections.
class OpenInThread {
 public:
  using Entry = std::shared_ptr<const ResourceManager::Instance>;

  ~OpenInThread() {
    leave_to_parent();
    for (const Entry& entry : open_) close(*entry);
  }
  [[nodiscard]] bool contains(const ResourceManager::Instance* instance) {
    leave_to_parent();
    return std::any_of(open_.begin(), open_.end(), [&](auto& o) { return o.get() == instance; });
  }
  void add(Entry instance) {
    // Entries only threads still hold are of a ResourceManager that is gone.
    std::erase_if(open_, [](const Entry& entry) {
      if (entry.use_count() > 1) return false;
      close(*entry);
      return true;
    });
    open_.push_back(std::move(instance));
  }
  /// It is not open any more; says whether it was.
  bool remove(const ResourceManager::Instance* instance) {
    leave_to_parent();
    return std::erase_if(open_, [&](const Entry& e) { return e.get() == instance; }) != 0;
  }
  static void close(const ResourceManager::Instance& instance) noexcept {
    std::string info = instance.open_string;
    instance.object.entries->xa_close_entry(info.data(), instance.rmid, TMNOFLAGS);
  }

 private:
  void leave_to_parent() {
    if (process_ == ::getpid()) return;
    process_ = ::getpid();
    new std::vector<Entry>(std::move(open_));  // never destroyed, on purpose
    open_.clear();
  }

  pid_t process_ = ::getpid();
  std::vector<Entry> open_;
};

OpenInThread& opened() {
  thread_local OpenInThread open;
  return open;
}

struct VerbEntry {
  const char* operation;
  int (*xa_switch_t::*entry)(XID*, int, long);
  long flags;
};

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

}  // namespace

ResourceManager::ResourceManager(std::string name, std::shared_ptr<const Instance> instance)
    : name_(std::move(name)), instance_(std::move(instance)) {}

ResourceManager::~ResourceManager() {
  if (opened().remove(instance_.get())) OpenInThread::close(*instance_);
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
  return std::shared_ptr<ResourceManager>(new ResourceManager(config.name, std::move(instance)));
}

std::string ResourceManager::driver() const {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? std::string() : std::string(extras->driver);
}

CallAnswer ResourceManager::answer(int code, const char* operation, const Xid* xid) const {
  if (code == XAER_RMFAIL) opened().remove(instance_.get());
  if (code == XA_OK || code == XA_RDONLY) return {code, std::nullopt};
  Error e;
  e.xa_code = code;
  e.operation = operation;
  e.resource_manager = name_;
  e.rmid = instance_->rmid;
  if (xid != nullptr) e.xid = xid->to_string();
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

CallAnswer ResourceManager::open() {
  OpenInThread& here = opened();
  if (here.contains(instance_.get())) return {};
  std::string info = instance_->open_string;
  const int code =
      instance_->object.entries->xa_open_entry(info.data(), instance_->rmid, TMNOFLAGS);
  if (code == XA_OK) {
    here.add(instance_);
    return {};
  }
  return answer(code, "xa_open", nullptr);
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
    if (code != XAER_RMFAIL || attempt == 1) return result;
  }
}

CallAnswer ResourceManager::call(Verb verb, const Xid& xid) {
  CallAnswer ready = open();
  if (ready.code != XA_OK) {
    // Not reachable, whatever xa_open called it; and nothing was sent.
    ready.code = XAER_RMFAIL;
    ready.error->xa_code = ready.code;
    ready.error->outcome_known = true;
    ready.error->xid = xid.to_string();
    return ready;
  }
  const VerbEntry entry = entry_of(verb);
  XID raw = xid.raw();
  const int code = (instance_->object.entries->*entry.entry)(&raw, instance_->rmid, entry.flags);
  return answer(code, entry.operation, &xid);
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

void* ResourceManager::connection() const {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? nullptr : extras->connection(instance_->rmid);
}

void ResourceManager::interrupt(const Xid& xid) const noexcept {
  const auto* extras = instance_->object.extras;
  if (extras != nullptr) extras->interrupt(&xid.raw(), instance_->rmid);
}

int ResourceManager::classify(const std::exception& exception) const noexcept {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? XA_OK : extras->classify(&exception);
}

Result<std::vector<ServerFinding>> ResourceManager::preflight() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  std::vector<ServerFinding> findings;
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) return findings;
  const int code = extras->preflight(
      instance_->rmid,
      [](void* context, const xabridge_finding* f) {
        static_cast<std::vector<ServerFinding>*>(context)->push_back(
            {f->severity, f->subject, f->text, f->fix});
      },
      &findings);
  if (code != XA_OK) return std::move(*answer(code, "preflight", nullptr).error);
  return findings;
}

Result<std::optional<std::string>> ResourceManager::identity() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) return std::optional<std::string>();
  std::array<char, 1024> text{};
  const int code = extras->identity(instance_->rmid, text.data(), static_cast<long>(text.size()));
  if (code != XA_OK) return std::move(*answer(code, "identity", nullptr).error);
  return std::optional<std::string>(text.data());
}

Result<std::vector<ListedBranch>> ResourceManager::in_doubt() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  std::vector<ListedBranch> branches;
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) {
    Result<std::vector<Xid>> xids = list();
    if (!xids) return std::move(xids.error());
    for (const Xid& xid : *xids) branches.push_back({xid, xid.to_string(), {}, -1});
    return branches;
  }
  const int code = extras->in_doubt(
      instance_->rmid,
      [](void* context, const xabridge_in_doubt* b) {
        static_cast<std::vector<ListedBranch>*>(context)->push_back(
            {Xid::from(b->xid), b->name, b->owner, b->age_seconds});
      },
      &branches);
  if (code != XA_OK) return std::move(*answer(code, "list prepared branches", nullptr).error);
  return branches;
}

}  // namespace xabridge::tm
