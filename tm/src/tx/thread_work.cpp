// The work of one thread at its resource managers, for programs in C: connections and statements by
// name, in its transaction or, with dynamic registration, outside any.
#include <xabridge/mysql.h>

#include <xabridge/rm/mysql_result.hpp>

#include "thread.hpp"

namespace xabridge::tx {

using tm::throw_misuse;

namespace {

constexpr const char* kExecute = "xabridge_mysql_execute";

std::string how_to_reach(const tm::ResourceManager& resource_manager) {
  const std::string driver = resource_manager.driver();
  const std::string text = "resource manager '" + resource_manager.name() + "' is ";
  if (driver == "postgresql") {
    return text + "postgresql: use xabridge_postgresql_connection() of <xabridge/postgresql.h>";
  }
  if (driver == "mysql") {
    return text + "mysql: use xabridge_mysql_execute() of <xabridge/mysql.h>";
  }
  return text + "not one of our drivers: use its own interface";
}

/// Nothing was sent: the result that says so.
xabridge_mysql_result* unsent(int code, const std::string& text) {
  return new rm::MysqlResult(code, XA_OK, std::string(), text);
}

}  // namespace

/// The resource manager of this name, for a thread that has opened.
tm::ResourceManager& Thread::named(const char* name, const char* call) const {
  if (state_ == State::S0) throw_misuse(XAER_PROTO, call, why_not(Call::look_or_set));
  if (name == nullptr) throw_misuse(XAER_INVAL, call, "the name is a null pointer");
  if (const auto found = runtime().find(name)) return *found;
  std::string known;
  for (const auto& one : runtime().recovery->resource_managers()) {
    known += (known.empty() ? "" : ", ") + one->name();
  }
  throw_misuse(
      XAER_INVAL, call,
      "no resource manager '" + std::string(name) + "' is configured; there are: " + known);
}

void* Thread::connection(const char* name, const char* driver, const char* call) {
  tm::ResourceManager& resource_manager = named(name, call);
  if (resource_manager.driver() != driver) {
    throw_misuse(XAER_INVAL, call, how_to_reach(resource_manager));
  }
  if (!in_transaction(state_)) return connection_outside(resource_manager, call);
  tm::ResourceManager& enlisted = transaction_->enlist(name, call);
  void* const connection = transaction_->connection(enlisted);
  if (connection != nullptr) return connection;
  throw_misuse(XAER_RMERR, call,
               "resource manager '" + enlisted.name() +
                   "' has no connection for this branch any more: tx_rollback, and begin again",
               transaction_->gtrid_hex);
}

void* Thread::connection_outside(tm::ResourceManager& resource_manager, const char* call) {
  if (!resource_manager.registers()) {
    throw_misuse(XAER_PROTO, call,
                 "the thread is in no transaction: tx_begin comes first. For work outside any, "
                 "configure registration = \"dynamic\" for resource manager '" +
                     resource_manager.name() + "'");
  }
  // As in a transaction: one that lost its connection while idle says so when it is used next.
  for (int attempt = 0;; ++attempt) {
    if (tm::CallAnswer ready = resource_manager.open(); ready.code != XA_OK) {
      throw Exception(std::move(*ready.error));
    }
    void* const connection = resource_manager.connection();
    if (connection != nullptr) return connection;
    tm::CallAnswer why = resource_manager.why_no_connection(nullptr);
    if (why.code != XAER_RMFAIL || attempt == 1) throw Exception(std::move(*why.error));
  }
}

xabridge_mysql_result* Thread::execute(const char* name, const char* sql,
                                       const xabridge_mysql_parameter* parameters,
                                       std::size_t count) {
  try {
    (void)connection(name, "mysql", kExecute);
  } catch (const Exception& e) {
    remember(std::string(kExecute) + ": " + e.what());
    return unsent(e.error().xa_code, e.what());
  }
  const auto resource_manager = runtime().find(name);
  if (!resource_manager->executes()) {
    const std::string text =
        "the MySQL driver's library is older than libxabridge and has no "
        "statements for C: install both from one release";
    remember(text);
    return unsent(XAER_INVAL, text);
  }
  xabridge_mysql_result* const result = resource_manager->execute(sql, parameters, count);
  if (result == nullptr || result->error() == 0) return result;
  remember(std::string(kExecute) + ": " + result->message());
  if (in_transaction(state_) && result->doomed() != XA_OK && !transaction_->doom) {
    transaction_->doom = Transaction::Impl::Doom{
        "a statement at '" + resource_manager->name() + "' failed: " + result->message(),
        result->doomed()};
  }
  return result;
}

int Thread::release_outside(const char* name) {
  constexpr const char* call = "xabridge_tx_release";
  if (state_ == State::S0) return refused(call, Call::look_or_set);
  tm::CallAnswer answer;
  try {
    tm::ResourceManager& resource_manager = named(name, call);
    if (resource_manager.foreign()) {
      throw_misuse(XAER_INVAL, call, how_to_reach(resource_manager));
    }
    answer = resource_manager.release();
  } catch (const Exception& e) {
    tell(call, {}, e.error());
    return TX_EINVAL;
  }
  if (answer.code == XA_OK) return TX_OK;
  tell(call, {}, *answer.error);
  if (is_rollback(answer.code)) return TX_ROLLBACK;
  return answer.code == XAER_PROTO ? TX_PROTOCOL_ERROR : TX_ERROR;
}

/// Before it closes: what is open outside any transaction would keep it from that.
void Thread::release_one(tm::ResourceManager& resource_manager) {
  if (resource_manager.foreign() || !resource_manager.works_outside()) return;
  const tm::CallAnswer answer = resource_manager.release();
  if (answer.code != XA_OK) tell("tx_close", {}, *answer.error);
}

}  // namespace xabridge::tx
