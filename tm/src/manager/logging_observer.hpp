// LoggingObserver: what an operator should know, on standard error. Always there;
// Config::logging_level says how much.
#pragma once

#include <memory>
#include <string>
#include <xabridge/event.hpp>

namespace xabridge::tm {

class LoggingObserver final : public Observer {
 public:
  /// `level`: off, error, warning, info or debug.
  explicit LoggingObserver(const std::string& level);
  ~LoggingObserver() override;
  void on_event(const Event& event) noexcept override;

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace xabridge::tm
