// What a resource manager is asked beside XA: findings, identity, names in doubt, branches out of
// reach.
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

std::string ResourceManager::answered_by() {
  const auto ask = instance_->object.since(3, &xabridge_rm_extras_t::answered_by);
  if (ask == nullptr) return {};
  std::array<char, 256> text{};
  const int code = ask(instance_->rmid, text.data(), static_cast<long>(text.size()));
  return code == XA_OK ? std::string(text.data()) : std::string();
}

/// For a call that was made right before, by this thread.
CallAnswer ResourceManager::signed_answer(CallAnswer answer) {
  answer.server = answered_by();
  return answer;
}

bool ResourceManager::prepared_at(const Xid& xid, const std::string& server) {
  const auto tell = instance_->object.since(3, &xabridge_rm_extras_t::prepared_at);
  if (tell == nullptr) return true;
  return open().code == XA_OK && tell(instance_->rmid, &xid.raw(), server.c_str()) == XA_OK;
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

/// Nothing from a switch that cannot say: its xa_recover is all there is to know.
Result<std::vector<OutOfReach>> ResourceManager::out_of_reach() {
  const auto ask = instance_->object.since(3, &xabridge_rm_extras_t::out_of_reach);
  if (ask == nullptr) return std::vector<OutOfReach>();
  CallAnswer ready = open();
  if (ready.code != XA_OK) return std::move(*ready.error);
  std::vector<OutOfReach> branches;
  const int code = ask(
      instance_->rmid,
      [](void* context, const xabridge_out_of_reach* b) {
        const std::optional<Xid> xid = Xid::from(b->branch.xid);
        if (!xid) return;
        static_cast<std::vector<OutOfReach>*>(context)->push_back(
            {*xid, b->obstacle, b->branch.owner, b->branch.age_seconds});
      },
      &branches);
  if (code != XA_OK) return std::move(*answer(code, "list branches out of reach", nullptr).error);
  return branches;
}

void ResourceManager::end_owner_sessions(const std::string& owner_tag) {
  const auto end = instance_->object.since(3, &xabridge_rm_extras_t::end_owner_sessions);
  if (end == nullptr || open().code != XA_OK) return;
  long count = -1;
  end(instance_->rmid, owner_tag.c_str(), &count);
}

}  // namespace xabridge::tm
