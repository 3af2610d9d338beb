// The adapter: turns a Driver into an xa_switch_t. All of XA chapter 6 lives here, once for all
// drivers.
//
//   XABRIDGE_DEFINE_SWITCH(xabridge_postgresql_switch, "xabridge PostgreSQL", TMUSEASYNC,
//                          postgresql_driver())
//
// defines the exported switch object and its extras. See src/adapter/ for how it works.
//
// With TMREGISTER among the flags the switch registers by itself: extras->connection() asks the
// transaction manager's ax_reg() what the thread works for, and begins, joins or resumes that
// branch, or hands out a connection for work outside any global transaction until
// extras->release(). xa_start is refused. ax_reg and ax_unreg are looked for in the process when
// they are needed, and not before.
//
// With TMUSEASYNC among the flags one call with TMASYNC per thread and rmid may be outstanding. It
// is sent where the driver's sessions can (Session::send()), else made in one of eight threads that
// the switch has for the rmid; when all are busy, XAER_ASYNC. What the state
// tables refuse is answered at once; every other answer comes through xa_complete. A thread that
// ends waits for its outstanding call.
#pragma once

#include <xabridge/api.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#include <xabridge/rm/session.hpp>

namespace xabridge::rm {

/// One switch: its instances by rmid, their pools and branches. Process-wide, thread-safe, never
/// destroyed. Entries answer as XA chapter 5 says and never throw.
///
/// fork(): in the child every rmid is closed (XAER_PROTO, and last_error says why) until it calls
/// xa_open there, which makes connections of its own; the parent's lead nowhere there, see
/// children.hpp.
class Switch {
 public:
  /// `flags`: what the switch object promises, TMREGISTER, TMNOMIGRATE, TMUSEASYNC.
  Switch(Driver& driver, long flags);
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

  int open(const char* info, int rmid, long flags) noexcept;
  int close(const char* info, int rmid, long flags) noexcept;
  int start(const XID* xid, int rmid, long flags) noexcept;
  int end(const XID* xid, int rmid, long flags) noexcept;
  int prepare(const XID* xid, int rmid, long flags) noexcept;
  int commit(const XID* xid, int rmid, long flags) noexcept;
  int rollback(const XID* xid, int rmid, long flags) noexcept;
  int recover(XID* xids, long count, int rmid, long flags) noexcept;
  int forget(const XID* xid, int rmid, long flags) noexcept;
  int complete(int* handle, int* retval, int rmid, long flags) noexcept;

  // Extras; see rm_extras.h.
  int name_instance(int rmid, const char* name, const char* owner_tag) noexcept;
  void* connection(int rmid) noexcept;
  int interrupt(const XID* xid, int rmid) noexcept;
  int session_of(const XID* xid, int rmid, char* text, long size) noexcept;
  int last_error(int rmid, xabridge_rm_error* error) noexcept;
  int classify(const void* exception) noexcept;
  int owner_sessions(int rmid, const char* owner_tag, long* count) noexcept;
  int preflight(int rmid, void (*report)(void*, const xabridge_finding*), void* context) noexcept;
  int identity(int rmid, char* text, long size) noexcept;
  int in_doubt(int rmid, void (*report)(void*, const xabridge_in_doubt*), void* context) noexcept;
  int release(int rmid) noexcept;
  int deadline(int rmid, long milliseconds) noexcept;
  int out_of_reach(int rmid, void (*report)(void*, const xabridge_out_of_reach*),
                   void* context) noexcept;
  int answered_by(int rmid, char* text, long size) noexcept;
  int prepared_at(int rmid, const XID* xid, const char* server) noexcept;
  int end_owner_sessions(int rmid, const char* owner_tag, long* count) noexcept;
  int keep_sessions(int rmid, long milliseconds) noexcept;
  int isolation(int rmid, const char* level) noexcept;
  int one_phase_survives(int rmid) noexcept;

  /// Is it open under this rmid, in whichever thread of this process?
  bool knows(int rmid) noexcept;

 private:
  struct Impl;
  Impl& impl() noexcept;
  Impl* impl_;  // leaked on purpose: threads may outlive static destruction
};

}  // namespace xabridge::rm

// The C entries of a switch forward to one Switch. `driver` is an expression yielding a Driver&.
#define XABRIDGE_DEFINE_SWITCH(symbol, text_name, flags, driver_expression) \
  XABRIDGE_DEFINE_SWITCH_WITH(symbol, text_name, flags, driver_expression, nullptr)

// The same with an entry `execute` among the extras, see rm_extras.h.
#define XABRIDGE_DEFINE_SWITCH_WITH(symbol, text_name, flags, driver_expression, execute_entry)  \
  namespace {                                                                                    \
  ::xabridge::rm::Switch& symbol##_instance() noexcept {                                         \
    static auto* instance = new ::xabridge::rm::Switch(driver_expression, flags);                \
    return *instance;                                                                            \
  }                                                                                              \
  }                                                                                              \
  extern "C" {                                                                                   \
  extern XABRIDGE_API struct xa_switch_t symbol;                                                 \
  extern XABRIDGE_API const struct xabridge_rm_extras_t symbol##_extras;                         \
  struct xa_switch_t symbol = {                                                                  \
      text_name,                                                                                 \
      flags,                                                                                     \
      0,                                                                                         \
      [](char* i, int r, long f) { return symbol##_instance().open(i, r, f); },                  \
      [](char* i, int r, long f) { return symbol##_instance().close(i, r, f); },                 \
      [](XID* x, int r, long f) { return symbol##_instance().start(x, r, f); },                  \
      [](XID* x, int r, long f) { return symbol##_instance().end(x, r, f); },                    \
      [](XID* x, int r, long f) { return symbol##_instance().rollback(x, r, f); },               \
      [](XID* x, int r, long f) { return symbol##_instance().prepare(x, r, f); },                \
      [](XID* x, int r, long f) { return symbol##_instance().commit(x, r, f); },                 \
      [](XID* x, long c, int r, long f) { return symbol##_instance().recover(x, c, r, f); },     \
      [](XID* x, int r, long f) { return symbol##_instance().forget(x, r, f); },                 \
      [](int* h, int* v, int r, long f) { return symbol##_instance().complete(h, v, r, f); }};   \
  const struct xabridge_rm_extras_t symbol##_extras = {                                          \
      XABRIDGE_RM_EXTRAS_VERSION,                                                                \
      (driver_expression).name(),                                                                \
      [](int r, const char* n, const char* t) {                                                  \
        return symbol##_instance().name_instance(r, n, t);                                       \
      },                                                                                         \
      [](int r) { return symbol##_instance().connection(r); },                                   \
      [](const XID* x, int r) { return symbol##_instance().interrupt(x, r); },                   \
      [](const XID* x, int r, char* t, long s) {                                                 \
        return symbol##_instance().session_of(x, r, t, s);                                       \
      },                                                                                         \
      [](int r, xabridge_rm_error* e) { return symbol##_instance().last_error(r, e); },          \
      [](const void* e) { return symbol##_instance().classify(e); },                             \
      [](int r, const char* t, long* c) { return symbol##_instance().owner_sessions(r, t, c); }, \
      [](int r, void (*f)(void*, const xabridge_finding*), void* c) {                            \
        return symbol##_instance().preflight(r, f, c);                                           \
      },                                                                                         \
      [](int r, char* t, long s) { return symbol##_instance().identity(r, t, s); },              \
      [](int r, void (*f)(void*, const xabridge_in_doubt*), void* c) {                           \
        return symbol##_instance().in_doubt(r, f, c);                                            \
      },                                                                                         \
      (driver_expression).sends() ? 0 : 1,                                                       \
      [](int r) { return symbol##_instance().release(r); },                                      \
      execute_entry,                                                                             \
      [](int r, long m) { return symbol##_instance().deadline(r, m); },                          \
      [](int r, void (*f)(void*, const xabridge_out_of_reach*), void* c) {                       \
        return symbol##_instance().out_of_reach(r, f, c);                                        \
      },                                                                                         \
      [](int r, char* t, long s) { return symbol##_instance().answered_by(r, t, s); },           \
      [](int r, const XID* x, const char* s) {                                                   \
        return symbol##_instance().prepared_at(r, x, s);                                         \
      },                                                                                         \
      [](int r, const char* t, long* c) {                                                        \
        return symbol##_instance().end_owner_sessions(r, t, c);                                  \
      },                                                                                         \
      [](int r, long m) { return symbol##_instance().keep_sessions(r, m); },                     \
      [](int r, const char* l) { return symbol##_instance().isolation(r, l); },                  \
      [](int r) { return symbol##_instance().one_phase_survives(r); }};                          \
  }
