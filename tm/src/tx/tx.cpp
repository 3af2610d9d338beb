// The C entries of TX. No exception crosses them: one that comes is a failure of the process
// itself.
#include <xabridge/tx.h>

#include "thread.hpp"

namespace {

using xabridge::tx::Asked;
using xabridge::tx::Thread;

template <class Body>
int guarded(const char* call, Body body) noexcept {
  try {
    return body(Thread::current());
  } catch (const std::exception& e) {
    xabridge::tx::complain(call, e.what());
  } catch (...) {
    xabridge::tx::complain(call, "unexpected failure");
  }
  return TX_FAIL;
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
}
