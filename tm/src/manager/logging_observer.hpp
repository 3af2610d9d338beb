// LoggingObserver: what an operator should know, on standard error. Always there;
// Config::logging_level says how much.
#pragma once

#include <memory>
#include <xabridge/config.hpp>
#include <xabridge/event.hpp>

namespace xabridge::tm {

class LoggingObserver final : public Observer {
 public:
  explicit LoggingObserver(LogLevel level);
  ~LoggingObserver() override;
  void on_event(const Event& event) noexcept override;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace xabridge::tm
