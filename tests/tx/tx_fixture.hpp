// The TX interface over two resource managers in memory. Each test gets a log directory of its own;
// the thread is closed again whatever the test left.
#pragma once

#include <xabridge/tx.h>

#include <functional>
#include <register/identity.hpp>
#include <string>
#include <thread>
#include <tx/process.hpp>
#include <vector>

#include "catch.hpp"
#include "manager_fixture.hpp"

struct TxFixture : ManagerFixture {
  TxFixture() {
    xabridge::tx::configuration() = [this] { return xabridge::Result<xabridge::Config>(config()); };
  }
  TxFixture(const TxFixture&) = delete;
  TxFixture& operator=(const TxFixture&) = delete;
  ~TxFixture() { close(); }

  static void close() {
    if (tx_info(nullptr) == 1) {
      (void)tx_set_transaction_control(TX_UNCHAINED);
      (void)tx_rollback();
    }
    (void)tx_close();
  }
  static TXINFO info() {
    TXINFO info{};
    REQUIRE(tx_info(&info) >= 0);
    return info;
  }
  static std::string gtrid() {
    const TXINFO now = info();
    return std::string(now.xid.data, static_cast<std::size_t>(now.xid.gtrid_length));
  }
  /// As texts for people name the transaction the thread is in.
  static std::string transaction() { return xabridge::tm::transaction_text(gtrid()); }
  /// Runs in a thread of control of its own.
  static void in_thread(const std::function<void()>& work) { std::thread(work).join(); }
};
