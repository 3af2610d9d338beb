// What the command line asks of a resource manager beside XA: findings, identity, names in doubt.
#include <array>
#include <utility>

#include "resource_manager.hpp"

namespace xabridge::tm {

Result<std::vector<ServerFinding>> ResourceManager::preflight() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  std::vector<ServerFinding> findings;
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) return findings;
  const int code = extras->preflight(
      instance_->rmid,
      [](void* context, const xabridge_finding* f) {
        static_cast<std::vector<ServerFinding>*>(context)->push_back(
            {f->severity, f->subject, f->text, f->fix});
      },
      &findings);
  if (code != XA_OK) return std::move(*answer(code, "preflight", nullptr).error);
  return findings;
}

Result<std::optional<std::string>> ResourceManager::identity() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) return std::optional<std::string>();
  std::array<char, 1024> text{};
  const int code = extras->identity(instance_->rmid, text.data(), static_cast<long>(text.size()));
  if (code != XA_OK) return std::move(*answer(code, "identity", nullptr).error);
  return std::optional<std::string>(text.data());
}

Result<std::vector<ListedBranch>> ResourceManager::in_doubt() {
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  std::vector<ListedBranch> branches;
  const auto* extras = instance_->object.extras;
  if (extras == nullptr) {
    Result<std::vector<Xid>> xids = list();
    if (!xids) return std::move(xids.error());
    for (const Xid& xid : *xids) branches.push_back({xid, xid.to_string(), {}, -1});
    return branches;
  }
  const int code = extras->in_doubt(
      instance_->rmid,
      [](void* context, const xabridge_in_doubt* b) {
        static_cast<std::vector<ListedBranch>*>(context)->push_back(
            {Xid::from(b->xid), b->name, b->owner, b->age_seconds});
      },
      &branches);
  if (code != XA_OK) return std::move(*answer(code, "list prepared branches", nullptr).error);
  return branches;
}

void ResourceManager::end_owner_sessions(const std::string& owner_tag) {
  const auto* extras = instance_->object.extras;
  if (extras == nullptr || extras->version < 3 || extras->end_owner_sessions == nullptr) return;
  if (open().code != XA_OK) return;
  long count = -1;
  extras->end_owner_sessions(instance_->rmid, owner_tag.c_str(), &count);
}

}  // namespace xabridge::tm
