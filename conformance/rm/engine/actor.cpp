// Every call goes into the trial's list with what it returned, so that a failure tells its story.
#include <algorithm>
#include <cstring>

#include "engine/proxy.hpp"
#include "engine/registration.hpp"
#include "engine/trial.hpp"
#include "engine/vocabulary.hpp"

namespace xabridge::conformance {
namespace {

XID untouched() {
  XID xid;
  std::memset(&xid, 0x5a, sizeof xid);
  return xid;
}

}  // namespace

Actor::Actor(Trial& trial, std::string name) : trial_(trial), name_(std::move(name)) {}

void Actor::run(const std::string& what, std::function<void()> job) {
  run_for(trial_.subject().limit, what, std::move(job));
}

void Actor::run_for(std::chrono::milliseconds limit, const std::string& what,
                    std::function<void()> job) {
  if (executor_ == nullptr) executor_ = std::make_unique<Executor>();
  try {
    executor_->run(name_ + " " + what, limit, std::move(job));
  } catch (const Hung& hung) {
    trial_.note(std::string(hung.what()));
    throw Failed{trial_.story()};
  }
}

Answer Actor::call(const std::string& text, std::function<int()> job, long flags) {
  const auto code = std::make_shared<int>(0);
  run(text, [code, job = std::move(job)] { *code = job(); });
  const bool handle = (flags & TMASYNC) != 0 && *code > 0;
  trial_.note(name_ + " " + text + " = " +
              (handle ? "handle " + std::to_string(*code) : code_text(*code)));
  return Answer{&trial_, name_ + " " + text, *code};
}

Answer Actor::open(long flags) { return open_with(trial_.subject().open_string.c_str(), flags); }

Answer Actor::open_with(const char* info, long flags, int rmid) {
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const auto* entries = trial_.subject().entries;
  // Entries take char *; what they are handed may be written to, so it is a copy.
  const auto text = info == nullptr ? nullptr : std::make_shared<std::string>(info);
  Answer answer = call(
      "xa_open(" + std::string(info == nullptr ? "null, " : "") + flags_text(flags) +
          trial_.at(at) + ")",
      [=] { return entries->xa_open_entry(text == nullptr ? nullptr : text->data(), at, flags); });
  if (answer.code == XA_OK) opened_.insert(at);
  if (answer.code > 0) outstanding_.emplace_back(at, answer.code);
  if (answer.code > 0) opened_.insert(at);
  return answer;
}

Answer Actor::close(long flags, int rmid) {
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const auto* entries = trial_.subject().entries;
  const Answer answer = call("xa_close(" + flags_text(flags) + trial_.at(at) + ")", [=] {
    std::string info;
    return entries->xa_close_entry(info.data(), at, flags);
  });
  if (answer.code == XA_OK) opened_.erase(at);
  return answer;
}

Answer Actor::branch_call(const char* name, int (*entry)(XID*, int, long), XID* xid, long flags,
                          int rmid) {
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const Answer answer = call(
      std::string(name) + "(" + trial_.name_of(xid) + ", " + flags_text(flags) + trial_.at(at) +
          ")",
      [=] { return entry(xid, at, flags); }, flags);
  if ((flags & TMASYNC) != 0 && answer.code > 0) outstanding_.emplace_back(at, answer.code);
  return answer;
}

Answer Actor::start(XID* xid, long flags, int rmid) {
  if (xid != nullptr) trial_.begun(*xid);
  return branch_call("xa_start", trial_.subject().entries->xa_start_entry, xid, flags, rmid);
}

Answer Actor::end(XID* xid, long flags, int rmid) {
  return branch_call("xa_end", trial_.subject().entries->xa_end_entry, xid, flags, rmid);
}

Answer Actor::prepare(XID* xid, long flags, int rmid) {
  return branch_call("xa_prepare", trial_.subject().entries->xa_prepare_entry, xid, flags, rmid);
}

Answer Actor::commit(XID* xid, long flags, int rmid) {
  return branch_call("xa_commit", trial_.subject().entries->xa_commit_entry, xid, flags, rmid);
}

Answer Actor::rollback(XID* xid, long flags, int rmid) {
  return branch_call("xa_rollback", trial_.subject().entries->xa_rollback_entry, xid, flags, rmid);
}

Answer Actor::forget(XID* xid, long flags, int rmid) {
  return branch_call("xa_forget", trial_.subject().entries->xa_forget_entry, xid, flags, rmid);
}

Answer Actor::recover(long count, long flags, bool null) {
  const auto* entries = trial_.subject().entries;
  const int at = trial_.rmid();
  // What is behind the room the call is told of must stay as it is.
  constexpr std::size_t behind = 64;
  const std::size_t room = count > 0 ? static_cast<std::size_t>(count) : 0;
  const auto xids = std::make_shared<std::vector<XID>>(room + behind, untouched());
  const auto code = std::make_shared<int>(0);
  const std::string text = "xa_recover(" + std::string(null ? "null, " : "") +
                           std::to_string(count) + ", " + flags_text(flags) + ")";
  run(text,
      [=] { *code = entries->xa_recover_entry(null ? nullptr : xids->data(), count, at, flags); });
  found_.clear();
  if (std::any_of(xids->begin() + static_cast<long>(room), xids->end(), [](const XID& xid) {
        const XID before = untouched();
        return std::memcmp(&xid, &before, sizeof xid) != 0;
      })) {
    trial_.note(name_ + " " + text + " = " + std::to_string(*code));
    throw Failed{trial_.story() + "\nit wrote behind the array it was given"};
  }
  const bool counted = *code >= 0 && !null;
  if (counted && *code > count) {
    trial_.note(name_ + " " + text + " = " + std::to_string(*code));
    throw Failed{trial_.story() + "\nmore XIDs than there was room for"};
  }
  if (counted) found_.assign(xids->begin(), xids->begin() + *code);
  trial_.note(name_ + " " + text + " = " +
              (*code >= 0 ? std::to_string(*code) + " XIDs" : code_text(*code)));
  return Answer{&trial_, name_ + " " + text, *code};
}

Answer Actor::complete(int* handle, int* value, long flags, int rmid) {
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const auto* entries = trial_.subject().entries;
  const auto in_out = std::make_shared<std::pair<int, int>>(handle == nullptr ? 0 : *handle,
                                                            value == nullptr ? 0 : *value);
  const bool no_handle = handle == nullptr;
  const bool no_value = value == nullptr;
  const Answer answer = call("xa_complete(" + flags_text(flags) + trial_.at(at) + ")", [=] {
    return entries->xa_complete_entry(no_handle ? nullptr : &in_out->first,
                                      no_value ? nullptr : &in_out->second, at, flags);
  });
  if (!no_handle) *handle = in_out->first;
  if (!no_value) *value = in_out->second;
  if (answer.code == XA_OK) {
    std::erase(outstanding_, std::pair(at, in_out->first));
    trial_.note("  the outstanding call returned " + code_text(in_out->second));
  }
  return answer;
}

int Actor::work(const std::string& text, bool there, std::function<int()> job, bool may_fail) {
  if (!there) Trial::not_applicable("needs --work: " + text);
  const auto* library = trial_.subject().work;
  const auto code = std::make_shared<int>(0);
  const auto reason = std::make_shared<std::string>();
  run(text, [=] {
    *code = job();
    if (*code == XA_CONFORMANCE_FAILED || *code == XA_CONFORMANCE_CANNOT)
      *reason = library->reason();
  });
  if (*code == XA_CONFORMANCE_CANNOT) Trial::not_applicable(*reason);
  trial_.note(name_ + " " + text + (*code == XA_CONFORMANCE_FAILED ? " failed: " + *reason : ""));
  if (*code == XA_CONFORMANCE_FAILED && !may_fail) throw Failed{trial_.story()};
  return *code;
}

void Actor::touch(int rmid) {
  const auto* w = trial_.subject().work;
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  work("touch", w != nullptr && w->touch != nullptr, [=] { return w->touch(at); });
}

bool Actor::try_write(const XID& xid, int rmid) {
  const auto* w = trial_.subject().work;
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const std::string key = key_of(xid);
  return work(
             "write", w != nullptr && w->write != nullptr,
             [=] { return w->write(at, key.c_str(), "written"); }, true) == XA_CONFORMANCE_DONE;
}

void Actor::write(const XID& xid, int rmid) {
  if (!try_write(xid, rmid)) throw Failed{trial_.story()};
}

bool Actor::reads(const XID& xid, int rmid) {
  const auto* w = trial_.subject().work;
  const int at = rmid == 0 ? trial_.rmid() : rmid;
  const std::string key = key_of(xid);
  const int code = work("read", w != nullptr && w->read != nullptr, [=] {
    std::array<char, 64> value{};
    return w->read(at, key.c_str(), value.data(), static_cast<long>(value.size()));
  });
  return code == XA_CONFORMANCE_DONE;
}

bool Actor::reads_outside(const XID& xid) {
  const auto* w = trial_.subject().work;
  const std::string key = key_of(xid);
  const int code = work("read outside", w != nullptr && w->read_outside != nullptr, [=] {
    std::array<char, 64> value{};
    return w->read_outside(key.c_str(), value.data(), static_cast<long>(value.size()));
  });
  return code == XA_CONFORMANCE_DONE;
}

void Actor::doom() {
  const auto* w = trial_.subject().work;
  const int at = trial_.rmid();
  work("doom", w != nullptr && w->doom != nullptr, [=] { return w->doom(at); });
}

void Actor::refuse_later() {
  const auto* w = trial_.subject().work;
  const int at = trial_.rmid();
  work("work that will be refused", w != nullptr && w->refuse_later != nullptr,
       [=] { return w->refuse_later(at); });
}

void Actor::native_begin() {
  const auto* w = trial_.subject().work;
  const int at = trial_.rmid();
  work("native begin", w != nullptr && w->native_begin != nullptr && w->native_end != nullptr,
       [=] { return w->native_begin(at); });
  native_ = true;
}

void Actor::native_end() {
  const auto* w = trial_.subject().work;
  const int at = trial_.rmid();
  native_ = false;
  work("native end", w != nullptr && w->native_end != nullptr, [=] { return w->native_end(at); });
}

void Actor::cut_session(const XID& xid) {
  const auto* w = trial_.subject().work;
  const int at = trial_.rmid();
  const XID copy = xid;
  work("session cut", w != nullptr && w->cut_session != nullptr,
       [=] { return w->cut_session(&copy, at); });
}

void Actor::by_name(const std::string& text, int (*entry)(const XID*), const XID& xid) {
  const XID copy = xid;
  work(text, entry != nullptr, [=] { return entry(&copy); });
}

void Actor::plain(const std::string& text, int (*entry)()) {
  work(text, entry != nullptr, [=] { return entry(); });
}

void Actor::arm(int code, const XID& xid) {
  const XID copy = xid;
  run("arm ax_reg", [=] { Registration::of_this_thread().answers.push_back({code, copy}); });
  trial_.note("  ax_reg will answer " + registration_text(code) + ", " + trial_.name_of(&xid));
}

void Actor::disarm() {
  run("disarm ax_reg", [] { Registration::of_this_thread().answers.clear(); });
}

int Actor::registrations() {
  const auto count = std::make_shared<int>(0);
  run("count", [=] { *count = Registration::of_this_thread().calls; });
  return *count;
}

int Actor::unregistrations() {
  const auto count = std::make_shared<int>(0);
  run("count", [=] { *count = Registration::of_this_thread().unregistered; });
  return *count;
}

void Actor::end_thread() {
  executor_.reset();
  opened_.clear();
  outstanding_.clear();
  trial_.note(name_ + " ends");
}

}  // namespace xabridge::conformance
