// Commit A, commit B, undo A; see the header.
#include "ad_hoc.hpp"

#include <stdexcept>
#include <utility>

namespace examples {
namespace {

using xabridge::EventKind;

constexpr int most_repetitions = 5;

}  // namespace

const std::vector<EventKind>& AdHoc::events() {
  static const std::vector<EventKind> all{
      EventKind::begun,     EventKind::enlisted,        EventKind::before_commit,
      EventKind::committed, EventKind::before_rollback, EventKind::rolled_back,
      EventKind::done};
  return all;
}

AdHoc::~AdHoc() { roll_back_open(); }

void AdHoc::begin(const std::string& name, const xabridge::PostgresqlConnection& connection,
                  Undo undo) {
  const auto run = [connection](const char* sql) {
    return [connection, sql] { connection.execute(sql); };
  };
  const auto rollback = [connection] {
    // A COMMIT that failed has ended it already.
    if (PQtransactionStatus(connection) == PQTRANS_IDLE) return;
    connection.execute("ROLLBACK");
  };
  begin({name, run("BEGIN"), run("COMMIT"), rollback, std::move(undo)});
}

// As statements: Connection::commit() of Connector/C++ 1.1 does not say when it failed.
void AdHoc::begin(const std::string& name, const xabridge::MysqlConnection& connection, Undo undo) {
  const auto run = [connection](const char* sql) {
    return [connection, sql] { connection.execute(sql); };
  };
  begin({name, run("START TRANSACTION"), run("COMMIT"), run("ROLLBACK"), std::move(undo)});
}

void AdHoc::begin(Local local) {
  local.begin();
  local.open = true;
  databases_.push_back(std::move(local));
  tell(EventKind::enlisted, databases_.back().name);
}

void AdHoc::commit() {
  for (std::size_t i = 0; i < databases_.size(); ++i) {
    Local& local = databases_[i];
    tell(EventKind::before_commit, local.name);
    try {
      local.commit();
    } catch (const std::exception& error) {
      const std::string what = "commit at " + local.name + " failed: " + error.what();
      roll_back_open();
      throw std::runtime_error(what + undo_before(i));
    }
    local.open = false;
    tell(EventKind::committed, local.name);
  }
  tell(EventKind::done);
}

/// Undoes what the databases before the failed one have committed already; says how that went.
std::string AdHoc::undo_before(std::size_t failed) {
  std::string result;
  while (failed-- > 0) {
    Local& local = databases_[failed];
    try {
      local.begin();
      local.open = true;
      local.undo();
      local.commit();
      local.open = false;
      result += "; undone at " + local.name;
    } catch (const std::exception& error) {
      result += "; NOT undone at " + local.name + ", which stays committed: " + error.what();
    }
  }
  return result;
}

void AdHoc::roll_back_open() noexcept {
  for (Local& local : databases_) {
    if (!std::exchange(local.open, false)) continue;
    tell(EventKind::before_rollback, local.name);
    try {
      local.rollback();
    } catch (const std::exception&) {
      // The connection is gone, and with it the local transaction.
    }
    tell(EventKind::rolled_back, local.name);
  }
}

void AdHoc::tell(EventKind kind, const std::string& name) const noexcept {
  xabridge::Event event{};
  event.kind = kind;
  event.resource_manager = name;
  if (steps_ != nullptr) steps_->on_event(event);
}

void repeat_after_deadlock(const std::function<void()>& work) {
  for (int repetition = 0; true; ++repetition) {
    try {
      return work();
    } catch (const xabridge::StatementError& failure) {
      const int code = failure.error().xa_code;
      const bool may_succeed_next_time = code == XA_RBDEADLOCK || code == XA_RBTRANSIENT;
      if (!may_succeed_next_time || repetition == most_repetitions) throw;
    }
  }
}

}  // namespace examples
