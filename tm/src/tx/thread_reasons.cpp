// Why a call did not do what was asked: for the log, and for xabridge_tx_last_error().
#include <string_view>

#include "thread.hpp"

namespace xabridge::tx {

void Thread::remember(const std::string& text) noexcept try {
  if (!reason_.empty()) reason_ += "; ";  // a chained commit has two things to tell
  reason_ += text;
} catch (...) {
  // Memory: the code still tells what became of the call.
}

void Thread::lament(const char* call, const char* text) noexcept try {
  complain(call, text);
  remember(std::string(call) + ": " + text);
} catch (...) {
  // Memory, as above.
}

void Thread::tell(const char* call, const std::string& gtrid, const Error& error) {
  const std::string text = std::string(call) + ": " + error.to_string();
  runtime().events->emit(EventKind::warning, gtrid, error.resource_manager, error.xa_code, text);
  remember(text);
}

/// An empty cell of the table, and what would have to come first.
std::string Thread::why_not(Call what) const {
  if (state_ == State::S0) {
    return "this thread has not opened the resource managers: tx_open comes first, in each thread "
           "for itself";
  }
  if (what == Call::complete) return "the thread is in no transaction: tx_begin comes first";
  const std::string inside = "the thread is in transaction " + transaction_->gtrid_hex;
  if (what == Call::begin) return inside + ": tx_commit or tx_rollback it first";
  return inside + ": tx_commit or tx_rollback it first" +
         (is_chained(state_) ? ", after tx_set_transaction_control(TX_UNCHAINED)" : "");
}

int Thread::refused(const char* call, Call what) {
  Error error;
  error.xa_code = XAER_PROTO;
  error.operation = call;
  error.message = "TX_PROTOCOL_ERROR: " + why_not(what);
  if (state_ != State::S0) {
    tell(call, {}, error);
    return TX_PROTOCOL_ERROR;
  }
  // Whether the thread is open is a question that a program may ask.
  if (call == std::string_view("tx_info"))
    remember(std::string(call) + ": " + error.message);
  else
    lament(call, error.message.c_str());
  return TX_PROTOCOL_ERROR;
}

int Thread::refused_value(const char* call, const std::string& text) {
  Error error;
  error.xa_code = XAER_INVAL;
  error.operation = call;
  error.message = "TX_EINVAL: " + text + "; the setting is as before";
  tell(call, {}, error);
  return TX_EINVAL;
}

void Thread::tell_outside(const char* call, const tm::ResourceManager& resource_manager) {
  Error error;
  error.xa_code = XAER_OUTSIDE;
  error.operation = call;
  error.resource_manager = resource_manager.name();
  error.message =
      "TX_OUTSIDE: this thread works at resource manager '" + resource_manager.name() +
      "' outside any transaction: " +
      (resource_manager.foreign()
           ? "end that work by its own interface, so that it calls ax_unreg"
           : "end that work and call xabridge_tx_release(\"" + resource_manager.name() + "\")");
  tell(call, {}, error);
}

}  // namespace xabridge::tx
