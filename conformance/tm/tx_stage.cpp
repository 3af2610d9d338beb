// The library reads its configuration from a file; a switch that is linked in can only be named in
// code, so the configuration is given to it where it would read the file.
#include "tx_stage.hpp"

#include <exception>
#include <thread>
#include <tx/process.hpp>

namespace tm_conformance {

TxStage::TxStage(const std::vector<std::string>& names, long switch_flags)
    : stage_(names, switch_flags, Stage::Log::told) {
  xabridge::tx::configuration() = [this]() -> xabridge::Result<xabridge::Config> {
    xabridge::Config config = stage_.config();
    config.log_directory = directory_.path() / "log";
    config.recovery_background = true;
    return config;
  };
}

TxStage::~TxStage() {
  // A failed statement may leave a transaction open.
  if (tx_info(nullptr) == 1) {
    (void)tx_set_transaction_control(TX_UNCHAINED);
    (void)tx_rollback();
  }
  (void)tx_close();
  xabridge::tx::configuration() = []() -> xabridge::Result<xabridge::Config> {
    xabridge::Error none;
    none.message = "no statement is being tried";
    return none;
  };
}

void TxStage::go(S state) {
  if (state == S::s0) return;
  must("tx_open", tx_open(), TX_OK);
  if (state == S::s2 || state == S::s4) {
    must("tx_set_transaction_control", tx_set_transaction_control(TX_CHAINED), TX_OK);
  }
  if (state == S::s3 || state == S::s4) must("tx_begin", tx_begin(), TX_OK);
  log().clear();
}

void TxStage::is(S state) {
  TXINFO now{};
  const int seen = tx_info(&now);
  if (state == S::s0) return must("tx_info in S0", seen, TX_PROTOCOL_ERROR);
  must("tx_info", seen, state == S::s3 || state == S::s4 ? 1 : 0);
  const bool chained = state == S::s2 || state == S::s4;
  check(now.transaction_control == (chained ? TX_CHAINED : TX_UNCHAINED),
        chained ? "the thread is not chained" : "the thread is chained");
  check((now.xid.formatID == -1) == (seen == 0), "tx_info gives an XID outside a transaction only");
}

void must(const char* call, int seen, int wanted) {
  if (seen == wanted) return;
  throw Failed{std::string(call) + " returned " + std::to_string(seen) + ", must be " +
               std::to_string(wanted)};
}

TXINFO info() {
  TXINFO now{};
  const int code = tx_info(&now);
  if (code < 0) throw Failed{"tx_info returned " + std::to_string(code)};
  return now;
}

void in_thread(const std::function<void()>& body) {
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      body();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace tm_conformance
