// xa_open and xa_close: an rmid of a thread, R0 and R1.

#include "impl.hpp"

namespace xabridge::rm {
namespace {

class Open final : public Operation {
 public:
  Open(Registry& registry, ThreadState& thread, int rmid, std::string info,
       std::shared_ptr<Instance> kept)
      : Operation(XAER_RMERR),
        registry_(registry),
        thread_(thread),
        rmid_(rmid),
        info_(std::move(info)),
        kept_(std::move(kept)) {}

  [[nodiscard]] bool waits() const noexcept override { return true; }

  Answer perform() override {
    return ask_server(unknown(), [&] { return kept_ == nullptr ? open() : look_again(); });
  }

  Answer conclude(Answer answer) override {
    if (answer.code != XA_OK) return answer;
    ThreadRm& rm = thread_.at(registry_, rmid_);
    if (kept_ == nullptr) {
      rm = ThreadRm{};
      rm.instance = std::move(opened_);
    }
    rm.failed = false;
    rm.state = after(R::R0, Verb::open, XA_OK);
    return answer;
  }

 private:
  Answer open() {
    auto opened = registry_.open(rmid_, info_);
    if (!opened) return std::move(opened.error());
    opened_ = *std::move(opened);
    return XA_OK;
  }
  // XAER_RMFAIL had closed it for this thread: is the server there again?
  Answer look_again() {
    auto control = kept_->control_session();
    if (control) {
      control->give_back();
      return XA_OK;
    }
    control.error().xa_code = XAER_RMERR;  // XA 5, xa_open: there is no XAER_RMFAIL
    return std::move(control.error());
  }

  Registry& registry_;
  ThreadState& thread_;
  const int rmid_;
  const std::string info_;
  const std::shared_ptr<Instance> kept_;
  std::shared_ptr<Instance> opened_;
};

class Close final : public Operation {
 public:
  Close(Registry& registry, ThreadState& thread, int rmid)
      : Operation(XAER_RMERR), registry_(registry), thread_(thread), rmid_(rmid) {}

  Answer perform() override { return XA_OK; }
  Answer conclude(Answer answer) override {
    thread_.leave(registry_, rmid_, thread_.at(registry_, rmid_), ThreadState::Why::closed);
    return answer;
  }

 private:
  Registry& registry_;
  ThreadState& thread_;
  const int rmid_;
};

}  // namespace

Checked open(Registry& registry, ThreadState& thread, int rmid, const std::string& info) {
  ThreadRm* const known = thread.find(registry, rmid);
  std::shared_ptr<Instance> kept;
  if (known != nullptr && known->instance != nullptr) {
    const bool same = known->instance->info() == info;
    if (same && known->state == R::R1) return Answer(XA_OK);
    if (same) kept = known->instance;
    if (!same && known->failed) thread.leave(registry, rmid, *known, ThreadState::Why::closed);
  }
  return std::make_unique<Open>(registry, thread, rmid, info, std::move(kept));
}

Checked close(Registry& registry, ThreadState& thread, int rmid) {
  ThreadRm* const rm = thread.find(registry, rmid);
  if (rm == nullptr || rm->instance == nullptr) return Answer(XA_OK);
  if (rm->native)
    return refused(XAER_PROTO,
                   "this thread still works outside any global transaction; release its "
                   "connection first");
  // T1, or suspended: table 6-2 has no cell for either.
  if (const auto left = rm->instance->branches().associated_with(thread.token()); !left.empty())
    return refused(XAER_PROTO, "this thread is still associated with branch " +
                                   left.front().to_string() + "; xa_end it first");
  return std::make_unique<Close>(registry, thread, rmid);
}

}  // namespace xabridge::rm
