// The C entries of TX. No exception crosses them: one that comes is a failure of the process
// itself.
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

#include <xabridge/rm/mysql_result.hpp>

#include "thread.hpp"

namespace {

using xabridge::tx::Asked;
using xabridge::tx::Thread;

/// What `body` gives, or `otherwise` when this process itself fails.
template <class Answer, class Body>
Answer guarded(const char* call, Answer otherwise, Body body) noexcept {
  Thread* thread = nullptr;
  const auto lament = [&](const char* why) {
    if (thread != nullptr)
      thread->lament(call, why);
    else
      xabridge::tx::complain(call, why);
  };
  try {
    thread = &Thread::current();
    thread->forget_reason();
    return body(*thread);
  } catch (const std::exception& e) {
    lament(e.what());
  } catch (...) {
    lament("unexpected failure");
  }
  return otherwise;
}

template <class Body>
int guarded(const char* call, Body body) noexcept {
  return guarded(call, TX_FAIL, body);
}

}  // namespace

extern "C" {

int tx_open(void) {
  return guarded("tx_open", [](Thread& t) { return t.open(); });
}

int tx_close(void) {
  return guarded("tx_close", [](Thread& t) { return t.close(); });
}

int tx_begin(void) {
  return guarded("tx_begin", [](Thread& t) { return t.begin(); });
}

int tx_commit(void) {
  return guarded("tx_commit", [](Thread& t) { return t.complete(Asked::commit); });
}

int tx_rollback(void) {
  return guarded("tx_rollback", [](Thread& t) { return t.complete(Asked::rollback); });
}

int tx_info(TXINFO* info) {
  return guarded("tx_info", [=](Thread& t) { return t.info(info); });
}

int tx_set_commit_return(COMMIT_RETURN when_return) {
  return guarded("tx_set_commit_return",
                 [=](Thread& t) { return t.set_commit_return(when_return); });
}

int tx_set_transaction_control(TRANSACTION_CONTROL control) {
  return guarded("tx_set_transaction_control", [=](Thread& t) { return t.set_control(control); });
}

int tx_set_transaction_timeout(TRANSACTION_TIMEOUT timeout) {
  return guarded("tx_set_transaction_timeout", [=](Thread& t) { return t.set_timeout(timeout); });
}

const char* xabridge_tx_last_error(void) {
  try {
    return Thread::current().reason();
  } catch (...) {
    return "out of memory";
  }
}

int xabridge_tx_release(const char* resource_manager) {
  return guarded("xabridge_tx_release",
                 [=](Thread& t) { return t.release_outside(resource_manager); });
}

int xabridge_tx_observe(xabridge_tx_observer* observer, void* context) {
  return guarded("xabridge_tx_observe", [=](Thread& t) {
    if (xabridge::tx::observe(observer, context)) return TX_OK;
    t.remember("xabridge_tx_observe: a thread of this process has called tx_open already");
    return TX_PROTOCOL_ERROR;
  });
}

PGconn* xabridge_postgresql_connection(const char* name) {
  constexpr const char* call = "xabridge_postgresql_connection";
  return guarded(call, static_cast<PGconn*>(nullptr), [=](Thread& t) -> PGconn* {
    try {
      return static_cast<PGconn*>(t.connection(name, "postgresql", call));
    } catch (const xabridge::Exception& e) {
      t.remember(std::string(call) + ": " + e.what());
      return nullptr;
    }
  });
}

xabridge_mysql_result* xabridge_mysql_execute(const char* name, const char* sql,
                                              const xabridge_mysql_parameter* parameters,
                                              size_t count) {
  return guarded("xabridge_mysql_execute", static_cast<xabridge_mysql_result*>(nullptr),
                 [=](Thread& t) { return t.execute(name, sql, parameters, count); });
}

int xabridge_mysql_last_insert_id(const char* name, unsigned long long* id) {
  return xabridge::rm::last_insert_id(
      xabridge_mysql_execute(name, xabridge::rm::kLastInsertId, nullptr, 0), id);
}
}
