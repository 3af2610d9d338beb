// What the application works with at a resource manager: its connection, and statements on it.
#include "resource_manager.hpp"

#include <algorithm>
#include <array>

namespace xabridge::tm {

bool ResourceManager::keeps_deadlines() const noexcept {
  return instance_->object.since(3, &xabridge_rm_extras_t::deadline) != nullptr;
}

ResourceManager::Bound::Bound(const ResourceManager& resource_manager,
                              std::chrono::steady_clock::time_point deadline) {
  if (!resource_manager.keeps_deadlines()) return;
  instance_ = resource_manager.instance_;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  const long milliseconds = std::max(0L, static_cast<long>(left.count()));
  instance_->object.extras->deadline(instance_->rmid, milliseconds);
}

ResourceManager::Bound::~Bound() {
  if (instance_ != nullptr) instance_->object.extras->deadline(instance_->rmid, -1);
}

ResourceManager::Isolated::Isolated(const ResourceManager& resource_manager, Isolation level) {
  constexpr std::array kLevels{"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                               "SERIALIZABLE"};
  const auto& instance = resource_manager.instance_;
  const auto tell = instance->object.since(3, &xabridge_rm_extras_t::isolation);
  const auto index = static_cast<std::size_t>(level);
  if (tell == nullptr || index >= kLevels.size()) return;
  if (tell(instance->rmid, kLevels.at(index)) == XA_OK) instance_ = instance;
}

ResourceManager::Isolated::~Isolated() {
  if (instance_ != nullptr) (void)instance_->object.extras->isolation(instance_->rmid, nullptr);
}

bool ResourceManager::one_phase_survives() const noexcept {
  const auto ask = instance_->object.since(3, &xabridge_rm_extras_t::one_phase_survives);
  return ask == nullptr || ask(instance_->rmid) != 0;
}

bool ResourceManager::works_outside() const {
  const Opened* here = registers() ? opened_here().find(instance_.get()) : nullptr;
  return here != nullptr && here->registration == rm::D::D3;
}

std::optional<Xid> ResourceManager::registered_with() const {
  const Opened* here = opened_here().find(instance_.get());
  return here == nullptr ? std::nullopt : here->branch;
}

CallAnswer ResourceManager::why_no_connection(const Xid* xid) const {
  xabridge_rm_error detail{};
  const auto* extras = instance_->object.extras;
  const bool told = extras != nullptr && extras->last_error(instance_->rmid, &detail) == 0;
  return answer(told && detail.xa_code != XA_OK ? detail.xa_code : XAER_RMERR, "connection", xid);
}

void* ResourceManager::connection() const {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? nullptr : extras->connection(instance_->rmid);
}

bool ResourceManager::executes() const noexcept {
  return instance_->object.since(2, &xabridge_rm_extras_t::execute) != nullptr;
}

xabridge_mysql_result* ResourceManager::execute(const char* sql,
                                                const xabridge_mysql_parameter* parameters,
                                                std::size_t count) const {
  if (!executes()) return nullptr;
  return instance_->object.extras->execute(instance_->rmid, sql, parameters, count);
}

CallAnswer ResourceManager::release() {
  const auto* extras = instance_->object.extras;
  return answer(extras == nullptr ? XAER_PROTO : extras->release(instance_->rmid), "release",
                nullptr);
}

void ResourceManager::interrupt(const Xid& xid, std::chrono::milliseconds limit) const noexcept {
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) return;
  const Bound bound(*this, std::chrono::steady_clock::now() + limit);
  extras->interrupt(&xid.raw(), instance_->rmid);
}

int ResourceManager::classify(const std::exception& exception) const noexcept {
  const auto* extras = instance_->object.extras;
  return extras == nullptr ? XA_OK : extras->classify(&exception);
}

}  // namespace xabridge::tm
