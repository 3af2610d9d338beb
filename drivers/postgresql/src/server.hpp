// One open string's PostgreSQL: makes sessions, and answers what concerns the server as a whole.
// Any thread may use it; a control session passed in is used by the caller's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>
#include <xabridge/rm/session.hpp>

#include "server_memory.hpp"

namespace xabridge::postgresql {

class Server final : public rm::Server {
 public:
  explicit Server(Options options) : memory_(std::make_shared<ServerMemory>(std::move(options))) {}

  Result<std::unique_ptr<rm::Session>> connect(const std::string& owner_tag) override;
  Result<std::optional<long>> sessions_tagged(rm::Session& control,
                                              const std::string& owner_tag) override;
  std::vector<rm::Finding> preflight(rm::Session& control) override;
  Result<std::string> identity(rm::Session& control) override;
  void prepared_at(const Xid& xid, const std::string& server) override {
    if (auto origin = Origin::parse(server)) memory_->prepared.recorded(xid, *std::move(origin));
  }

  [[nodiscard]] std::size_t pool_size() const noexcept override {
    return memory_->options.pool_size();
  }
  [[nodiscard]] std::chrono::milliseconds pool_timeout() const noexcept override {
    return memory_->options.pool_timeout();
  }
  [[nodiscard]] std::chrono::milliseconds max_age() const noexcept override {
    return memory_->options.max_age();
  }
  [[nodiscard]] std::chrono::milliseconds max_idle() const noexcept override {
    return memory_->options.max_idle();
  }
  [[nodiscard]] bool prepares_at_end() const noexcept override {
    return memory_->options.prepares_at_end();
  }

 private:
  std::shared_ptr<ServerMemory> memory_;
};

}  // namespace xabridge::postgresql
