// Events as lines on standard error, through spdlog.
#include "logging_observer.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <xabridge/codes.hpp>

#include "repeated_lines.hpp"

namespace xabridge::tm {
namespace {

/// How much an event matters to somebody who reads the log.
spdlog::level::level_enum level_of(EventKind kind) {
  switch (kind) {
    case EventKind::heuristic:
      return spdlog::level::err;
    case EventKind::pending:
    case EventKind::timed_out:
    case EventKind::recovery_waits:
    case EventKind::warning:
      return spdlog::level::warn;
    case EventKind::retried:
    case EventKind::refused:
    case EventKind::recovered_commit:
    case EventKind::recovered_rollback:
    case EventKind::foreign:
      return spdlog::level::info;
    default:
      return spdlog::level::debug;
  }
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::off:
      return spdlog::level::off;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::debug:
      return spdlog::level::debug;
  }
  return spdlog::level::warn;
}

}  // namespace

// Not in spdlog's registry: the application's loggers are its own business.
struct LoggingObserver::Sink {
  spdlog::logger logger{"xabridge", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
  RepeatedLines repeated;
};

LoggingObserver::LoggingObserver(LogLevel level) : sink_(std::make_unique<Sink>()) {
  sink_->logger.set_level(to_spdlog(level));
}
LoggingObserver::~LoggingObserver() = default;

void LoggingObserver::on_event(const Event& event) noexcept {
  const auto level = level_of(event.kind);
  if (!sink_->logger.should_log(level)) return;
  try {
    // Of a warning the level says that it is one.
    std::string line(event.kind == EventKind::warning ? std::string_view() : to_string(event.kind));
    const auto add = [&](const char* between, std::string_view text) {
      line.append(line.empty() ? "" : between).append(text);
    };
    if (!event.resource_manager.empty()) add(" at ", event.resource_manager);
    if (event.code != XA_OK) add(" ", "(" + code_name(event.code) + ")");
    if (!event.text.empty()) add(": ", event.text);
    if (!event.gtrid.empty()) line += " [transaction " + std::string(event.gtrid) + "]";
    const auto now = std::chrono::steady_clock::now();
    if (const auto said = sink_->repeated.say(line, now)) sink_->logger.log(level, *said);
  } catch (...) {
    // A line that cannot be formatted for want of memory is not worth a transaction.
  }
}

}  // namespace xabridge::tm
