// LanePort: a resource manager as recovery's lane calls it: each call ends when its time is up.
//
// The calls are made by the resource manager's CallThreads, also where the switch keeps deadlines
// itself: a recovery that hangs is never worth the microseconds. What does not come back is
// reported as late, and tried again in another thread, while no more than kMostLate calls of the
// lane have not come back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "resource_manager.hpp"

namespace xabridge::tm {

/// For one thread at a time.
class LanePort final : public ResourceManagerPort {
 public:
  static constexpr std::size_t kMostLate = 2;
  using Stop = std::function<bool()>;

  /// `stop`: asked while a call is waited for; true: it is given up.
  LanePort(std::shared_ptr<ResourceManager> resource_manager, std::chrono::milliseconds limit,
           Stop stop);

  [[nodiscard]] const std::string& name() const noexcept override {
    return resource_manager_->name();
  }
  CallAnswer call(Verb verb, const Xid& xid) override;
  Result<std::vector<Xid>> list() override;
  Result<std::vector<OutOfReach>> out_of_reach() override;
  std::optional<long> owner_sessions(const std::string& owner_tag) override;
  void end_owner_sessions(const std::string& owner_tag) override;
  [[nodiscard]] std::string late() const override { return late_; }
  std::string answered_by() override { return answered_by_; }
  [[nodiscard]] bool prepared_at(const Xid& xid, const std::string& server) override;

 private:
  template <class Answer>
  std::optional<Answer> make(const std::string& what, std::function<Answer(ResourceManager&)> call);
  [[nodiscard]] Error no_answer(const std::string& what, const Xid* xid) const;

  const std::shared_ptr<ResourceManager> resource_manager_;
  const std::chrono::milliseconds limit_;
  const Stop stop_;
  std::string late_;
  std::string answered_by_;  // of the last call that came back
  std::optional<std::pair<Xid, std::string>> prepared_at_;  // told together with the next call
  bool begun_ = false;  // the last call
  std::vector<std::shared_ptr<CallThreads::UnderWay>> given_up_;
};

}  // namespace xabridge::tm
