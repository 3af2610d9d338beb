// Waiting for a call of recovery, and saying what became of it.
#include "lane_port.hpp"

#include <utility>

namespace xabridge::tm {
namespace {

// A switch that keeps deadlines answers by itself; its answer says more than "late".
constexpr std::chrono::milliseconds kForTheSwitch{1'000};

}  // namespace

LanePort::LanePort(std::shared_ptr<ResourceManager> resource_manager,
                   std::chrono::milliseconds limit, Stop stop)
    : resource_manager_(std::move(resource_manager)), limit_(limit), stop_(std::move(stop)) {}

template <class Answer>
std::optional<Answer> LanePort::make(const std::string& what,
                                     std::function<Answer(ResourceManager&)> call) {
  CallThreads& threads = resource_manager_->threads();
  std::erase_if(given_up_, [&](const auto& one) { return threads.is_over(*one); });
  begun_ = false;
  if (given_up_.size() >= kMostLate) return std::nullopt;  // late_ says since when

  const auto begun_at = std::chrono::system_clock::now();
  const auto deadline = std::chrono::steady_clock::now() + limit_;
  struct Said {
    std::optional<Answer> answer;
    std::string by;  // only the thread that made the call can ask who answered it
  };
  auto said = std::make_shared<Said>();
  answered_by_.clear();
  auto under_way = threads.begin(what, [said, deadline, rm = resource_manager_, call] {
    const ResourceManager::Bound bound(*rm, deadline);
    said->answer.emplace(call(*rm));
    said->by = rm->answered_by();
  });
  if (under_way == nullptr) {
    late_ = "calls there do not come back, and no further one can be made";
    return std::nullopt;
  }
  begun_ = true;
  const auto patience =
      resource_manager_->keeps_deadlines() ? kForTheSwitch : std::chrono::milliseconds(0);
  if (!threads.wait(*under_way, deadline + patience, stop_) && threads.give_up(*under_way)) {
    given_up_.push_back(under_way);
    late_ = what + " has not answered since " + time_text(begun_at);
    return std::nullopt;
  }
  late_.clear();
  if (std::chrono::steady_clock::now() >= deadline) {  // the switch gave up by itself, most likely
    late_ = what + " had no answer within " + std::to_string(limit_.count()) + "ms";
  }
  answered_by_ = std::move(said->by);
  return std::move(said->answer);
}

bool LanePort::prepared_at(const Xid& xid, const std::string& server) {
  prepared_at_.emplace(xid, server);
  return true;
}

Error LanePort::no_answer(const std::string& what, const Xid* xid) const {
  Error e = resource_manager_->unavailable(
      what, xid,
      begun_ ? "no answer within " + std::to_string(limit_.count()) +
                   "ms (recovery.call_timeout); the call is left to itself"
             : "not called: " + late_);
  e.outcome_known = !begun_;
  return e;
}

CallAnswer LanePort::call(Verb verb, const Xid& xid) {
  const std::string what(to_string(verb));
  const auto told = std::exchange(prepared_at_, std::nullopt);
  auto answer = make<CallAnswer>(what, [verb, xid, told](ResourceManager& rm) {
    // In one thread, and without opening it anew in between: what the server says of the branch
    // proves nothing where the switch does not know where it was prepared.
    if (!told || rm.prepared_at(told->first, told->second)) return rm.call(verb, xid);
    return CallAnswer{
        XAER_RMFAIL,
        rm.unavailable(
            std::string(to_string(verb)), &xid,
            "not called: it could not be opened to be told where the branch was prepared")};
  });
  if (!answer) return {XAER_RMFAIL, no_answer(what, &xid)};
  if (answer->code != XAER_RMFAIL) late_.clear();  // it took its time, but it came
  return *std::move(answer);
}

Result<std::vector<Xid>> LanePort::list() {
  auto answer =
      make<Result<std::vector<Xid>>>("xa_recover", [](ResourceManager& rm) { return rm.list(); });
  if (!answer) return no_answer("xa_recover", nullptr);
  if (answer->ok()) late_.clear();
  return *std::move(answer);
}

Result<std::vector<OutOfReach>> LanePort::out_of_reach() {
  const char* const what = "the question for branches out of reach";
  auto answer = make<Result<std::vector<OutOfReach>>>(
      what, [](ResourceManager& rm) { return rm.out_of_reach(); });
  if (!answer) return no_answer(what, nullptr);
  if (answer->ok()) late_.clear();
  return *std::move(answer);
}

std::optional<long> LanePort::owner_sessions(const std::string& owner_tag) {
  auto answer = make<std::optional<long>>(
      "the question for sessions",
      [owner_tag](ResourceManager& rm) { return rm.owner_sessions(owner_tag); });
  return answer ? *answer : std::nullopt;
}

void LanePort::end_owner_sessions(const std::string& owner_tag) {
  (void)make<bool>("ending a dead owner's sessions", [owner_tag](ResourceManager& rm) {
    rm.end_owner_sessions(owner_tag);
    return true;
  });
}

}  // namespace xabridge::tm
