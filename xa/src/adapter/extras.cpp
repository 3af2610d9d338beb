// The extras of a switch, rm_extras.h: readable errors, interruption, checks. None changes what an
// xa_ entry does; in particular a lost connection here leaves R as it is. The exception is a switch
// with TMREGISTER, whose branches begin when the application asks for its connection.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string_view>
#include <xabridge/codes.hpp>

#include "impl.hpp"
#include "registration.hpp"

namespace xabridge::rm {
namespace {

/// Keeps the reason for last_error(); gives its code.
int keep(Registry& registry, ThreadState& thread, const char* operation, int rmid, Error error) {
  error.operation = error.operation.empty() ? operation : operation + (": " + error.operation);
  if (const auto instance = registry.find(rmid)) error.resource_manager = instance->name();
  error.rmid = rmid;
  thread.set_error(registry, rmid, error);
  return error.xa_code;
}

int keep(Registry& registry, ThreadState& thread, const char* operation, int rmid, Answer answer) {
  if (answer.code == XA_OK) return XA_OK;
  Error error = std::move(answer.error).value_or(Error{});
  error.xa_code = answer.code;
  if (error.message.empty()) error.message = code_meaning(answer.code);
  return keep(registry, thread, operation, rmid, std::move(error));
}

// A cut inside a UTF-8 character would make the whole text invalid for whoever prints it.
void copy_text(char* out, std::size_t size, std::string_view text) noexcept {
  if (size == 0) return;
  std::size_t length = std::min(text.size(), size - 1);
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
  };
  if (length < text.size())
    while (length > 0 && continues(length)) --length;
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

template <std::size_t size>
void copy_text(char (&out)[size], std::string_view text) noexcept {
  copy_text(out, size, text);
}

/// Runs an extra that asks the server through a control session: `body(instance, session)`.
template <class ImplRef, class Body>
int asking(ImplRef& impl, const char* operation, int rmid, Body body) noexcept {
  try {
    const auto instance = impl.registry.find(rmid);
    if (instance == nullptr) return XAER_PROTO;
    ThreadState& thread = ThreadState::current();
    const auto failed = [&](Error error) {
      return keep(impl.registry, thread, operation, rmid, std::move(error));
    };
    auto control = instance->control_session();
    if (!control) return failed(std::move(control.error()));
    Result<void> done = body(*instance, *control->get());
    control->give_back();
    return done ? XA_OK : failed(std::move(done.error()));
  } catch (...) {
    return XAER_RMERR;
  }
}

/// Valid as long as `branch` is.
xabridge_in_doubt plain_of(const InDoubt& branch) noexcept {
  return {branch.xid ? &branch.xid->raw() : nullptr, branch.name.c_str(), branch.owner.c_str(),
          branch.age ? static_cast<long>(branch.age->count()) : -1};
}

/// Why the thread has no connection. What was refused before is likely to be the cause.
Answer no_branch(const Answer& admission, const Error* before) {
  std::string text = admission.error ? admission.error->message
                                     : "this thread is not associated with a branch here; the "
                                       "transaction manager begins one with xa_start";
  // Asked for again and again, the answer stays the same.
  const bool cause = before != nullptr && !before->operation.starts_with("connection");
  if (cause) text += "; before, " + before->operation + ": " + before->message;
  Answer answer = refused(XAER_PROTO, std::move(text));
  if (cause) answer.error->server_text = before->server_text;
  return answer;
}

}  // namespace

int Switch::name_instance(int rmid, const char* name, const char* owner_tag) noexcept try {
  if (name == nullptr) return XAER_INVAL;
  return impl().registry.name(rmid, name, owner_tag == nullptr ? "" : owner_tag) ? XA_OK
                                                                                 : XAER_PROTO;
} catch (...) {
  return XAER_RMERR;
}

void* Switch::connection(int rmid) noexcept try {
  Impl& self = impl();
  ThreadState& thread = ThreadState::current();
  ThreadRm* const rm = thread.find(self.registry, rmid);
  if ((self.flags & TMREGISTER) != 0) {
    const auto register_thread = [&]() -> Answer {
      if (rm != nullptr && (rm->active || rm->native)) return XA_OK;
      Answer refusal = self.admit(thread, Verb::start, rmid, TMNOFLAGS);
      if (refusal.code != XA_OK) return refusal;
      return take_part(Call{thread, *rm, *rm->instance}, rmid);
    };
    if (keep(self.registry, thread, "connection", rmid, register_thread()) != XA_OK) return nullptr;
    if (rm->native) return rm->native->native();
  }
  if (rm == nullptr || !rm->active) {
    const Answer admission = self.admit(thread, Verb::end, rmid, TMNOFLAGS);
    keep(self.registry, thread, "connection", rmid,
         no_branch(admission, thread.error(self.registry, rmid)));
    return nullptr;
  }
  void* native = nullptr;
  rm->instance->branches().with_pinned(*rm->active,
                                       [&](Session& session, S) { native = session.native(); });
  return native;
} catch (...) {
  return nullptr;
}

int Switch::interrupt(const XID* xid, int rmid) noexcept try {
  const auto valid = Xid::from(xid);
  if (!valid) return XAER_INVAL;
  const auto instance = impl().registry.find(rmid);
  if (instance == nullptr) return XAER_PROTO;
  int code = XAER_NOTA;
  instance->branches().with_pinned(*valid, [&](Session& session, S state) {
    // A prepared branch executes nothing of the application's, and phase two must not be disturbed.
    code = state == S::S3 ? XAER_PROTO : XA_OK;
    if (code == XA_OK) session.interrupt();
  });
  return code;
} catch (...) {
  return XAER_RMERR;
}

int Switch::session_of(const XID* xid, int rmid, char* text, long size) noexcept try {
  const auto valid = Xid::from(xid);
  if (!valid || text == nullptr || size <= 0) return XAER_INVAL;
  const auto instance = impl().registry.find(rmid);
  if (instance == nullptr) return XAER_PROTO;
  const bool found = instance->branches().with_pinned(*valid, [&](Session& session, S) {
    copy_text(text, static_cast<std::size_t>(size), session.server_id());
  });
  return found ? XA_OK : XAER_NOTA;
} catch (...) {
  return XAER_RMERR;
}

int Switch::last_error(int rmid, xabridge_rm_error* out) noexcept try {
  if (out == nullptr) return XAER_INVAL;
  *out = {};
  const Error* const error = ThreadState::current().error(impl().registry, rmid);
  if (error == nullptr) return XAER_PROTO;
  out->xa_code = error->xa_code;
  out->vendor_code = error->vendor_code;
  out->sys_errno = error->sys_errno;
  out->connection_usable = error->connection_usable ? 1 : 0;
  out->outcome_known = error->outcome_known ? 1 : 0;
  copy_text(out->sqlstate, error->sqlstate);
  copy_text(out->operation, error->operation);
  copy_text(out->server_text, error->server_text);
  copy_text(out->message, error->message);
  return XA_OK;
} catch (...) {
  return XAER_RMERR;
}

// It does not say from which resource manager the exception came: of those the thread works with,
// all make new sessions. The branch is mostly over by now, and its session back in the pool.
int Switch::classify(const void* exception) noexcept {
  if (exception == nullptr) return XA_OK;
  const auto& thrown = *static_cast<const std::exception*>(exception);
  Impl& self = impl();
  try {
    if (self.driver.says_outdated(thrown)) ThreadState::current().renew_all(self.registry);
  } catch (const std::bad_alloc&) {
    // The old sessions will show by themselves what they are.
  }
  return self.driver.classify(thrown);
}

int Switch::owner_sessions(int rmid, const char* owner_tag, long* count) noexcept {
  if (owner_tag == nullptr || count == nullptr) return XAER_INVAL;
  return asking(impl(), "count sessions", rmid,
                [&](Instance& instance, Session& session) -> Result<void> {
                  auto known = instance.server().sessions_tagged(session, owner_tag);
                  if (!known) return std::move(known.error());
                  *count = known->value_or(-1);
                  return {};
                });
}

int Switch::end_owner_sessions(int rmid, const char* owner_tag, long* count) noexcept {
  if (owner_tag == nullptr || count == nullptr) return XAER_INVAL;
  return asking(impl(), "end an owner's sessions", rmid,
                [&](Instance& instance, Session& session) -> Result<void> {
                  auto ended = instance.server().end_sessions_tagged(session, owner_tag);
                  if (!ended) return std::move(ended.error());
                  *count = ended->value_or(-1);
                  return {};
                });
}

int Switch::preflight(int rmid, void (*report)(void*, const xabridge_finding*),
                      void* context) noexcept {
  if (report == nullptr) return XAER_INVAL;
  return asking(impl(), "preflight", rmid,
                [&](Instance& instance, Session& session) -> Result<void> {
                  for (const Finding& finding : instance.server().preflight(session)) {
                    const xabridge_finding plain{finding.severity, finding.subject.c_str(),
                                                 finding.text.c_str(), finding.fix.c_str()};
                    report(context, &plain);
                  }
                  return {};
                });
}

int Switch::identity(int rmid, char* text, long size) noexcept {
  if (text == nullptr || size <= 0) return XAER_INVAL;
  return asking(impl(), "identity", rmid,
                [&](Instance& instance, Session& session) -> Result<void> {
                  auto known = instance.server().identity(session);
                  if (!known) return std::move(known.error());
                  copy_text(text, static_cast<std::size_t>(size), *known);
                  return {};
                });
}

int Switch::in_doubt(int rmid, void (*report)(void*, const xabridge_in_doubt*),
                     void* context) noexcept {
  if (report == nullptr) return XAER_INVAL;
  return asking(impl(), "list in-doubt branches", rmid,
                [&](Instance&, Session& session) -> Result<void> {
                  auto listed = session.prepared(true);
                  if (!listed) return std::move(listed.error());
                  ThreadState::current().set_answered_by(impl().registry, rmid, session.server());
                  for (const InDoubt& branch : *listed) {
                    const xabridge_in_doubt plain = plain_of(branch);
                    report(context, &plain);
                  }
                  return {};
                });
}

int Switch::out_of_reach(int rmid, void (*report)(void*, const xabridge_out_of_reach*),
                         void* context) noexcept {
  if (report == nullptr) return XAER_INVAL;
  return asking(impl(), "list branches out of reach", rmid,
                [&](Instance&, Session& session) -> Result<void> {
                  auto listed = session.out_of_reach();
                  if (!listed) return std::move(listed.error());
                  ThreadState::current().set_answered_by(impl().registry, rmid, session.server());
                  for (const InDoubt& branch : *listed) {
                    if (!branch.xid) continue;
                    const xabridge_out_of_reach plain{plain_of(branch), branch.obstacle.c_str()};
                    report(context, &plain);
                  }
                  return {};
                });
}

int Switch::release(int rmid) noexcept try {
  Impl& self = impl();
  ThreadState& thread = ThreadState::current();
  ThreadRm* const rm = thread.find(self.registry, rmid);
  Answer answer = rm != nullptr && rm->native
                      ? end_native_work(*rm, rmid)
                      : refused(XAER_PROTO,
                                "this thread has no connection for work outside global "
                                "transactions here");
  return keep(self.registry, thread, "release", rmid, std::move(answer));
} catch (...) {
  return XAER_RMERR;
}

// One for the whole thread: it makes one call at a time, and whoever sets it does so before each.
int Switch::deadline(int, long milliseconds) noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point now = Clock::now();
  const auto longest =
      std::chrono::floor<std::chrono::milliseconds>(Clock::time_point::max() - now);
  CallDeadline::set(milliseconds < 0 || milliseconds > longest.count()
                        ? Clock::time_point::max()
                        : now + std::chrono::milliseconds(milliseconds));
  return XA_OK;
}

// One for the whole thread, as the deadline is.
int Switch::isolation(int, const char* level) noexcept {
  return set_branch_isolation(level == nullptr ? "" : level) ? XA_OK : XAER_INVAL;
}

int Switch::one_phase_survives(int rmid) noexcept try {
  const auto instance = impl().registry.find(rmid);
  return instance == nullptr || instance->server().one_phase_survives() ? 1 : 0;
} catch (...) {
  return 0;
}

int Switch::answered_by(int rmid, char* text, long size) noexcept try {
  if (text == nullptr || size <= 0) return XAER_INVAL;
  const std::string* const server = ThreadState::current().answered_by(impl().registry, rmid);
  if (server == nullptr) return XAER_PROTO;
  copy_text(text, static_cast<std::size_t>(size), *server);
  return XA_OK;
} catch (...) {
  return XAER_RMERR;
}

int Switch::prepared_at(int rmid, const XID* xid, const char* server) noexcept try {
  const auto valid = Xid::from(xid);
  if (!valid || server == nullptr) return XAER_INVAL;
  const auto instance = impl().registry.find(rmid);
  if (instance == nullptr) return XAER_PROTO;
  instance->server().prepared_at(*valid, server);
  return XA_OK;
} catch (...) {
  return XAER_RMERR;
}

int Switch::keep_sessions(int rmid, long milliseconds) noexcept try {
  if (milliseconds < 0) return XAER_INVAL;
  constexpr long longest = 86'400'000;
  const auto time = std::chrono::milliseconds(std::min(milliseconds, longest));
  impl().registry.keep_sessions(rmid, time);
  return XA_OK;
} catch (...) {
  return XAER_RMERR;
}

bool Switch::knows(int rmid) noexcept try {
  return impl().registry.find(rmid) != nullptr;
} catch (...) {
  return false;
}

}  // namespace xabridge::rm
