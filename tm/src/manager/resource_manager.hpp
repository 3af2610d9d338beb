// ResourceManager: one configured resource manager behind its xa_switch_t, as the core's port sees
// it.
//
// XA wants xa_open once per thread of control. The first call of a thread opens, XAER_RMFAIL makes
// the next call open again (XA: the resource manager is then not open in that thread), and a
// thread's end closes what it opened (open_in_thread.hpp). rmids count up for the whole process, so
// two transaction managers in one process never share one.
//
// No call here waits less or more than its switch does. A caller with a deadline sets it with Bound
// where the switch keeps deadlines, and where it does not, has the call made by threads().
//
// Thread-safe. The switch is called without any lock held.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <xabridge/isolation.hpp>

#include "../ports.hpp"
#include "call_threads.hpp"
#include "open_in_thread.hpp"

namespace xabridge::tm {

/// A finding of the driver's own check of its server.
struct ServerFinding {
  int severity = XABRIDGE_FINDING_OK;
  std::string subject;
  std::string text;
  std::string fix;
};

/// A prepared branch as the server lists it; without extras only the XID is known.
struct ListedBranch {
  std::optional<Xid> xid;  // nullopt: the name is no XID
  std::string name;
  std::string owner;
  long age_seconds = -1;  // -1: not known
};

class ResourceManager final : public ResourceManagerPort {
 public:
  /// Loads the switch; does not open it. `owner_tag` is what this process's sessions carry at the
  /// server.
  [[nodiscard]] static Result<std::shared_ptr<ResourceManager>> load(
      const ResourceManagerConfig& config, const std::string& owner_tag);
  ~ResourceManager() override;

  [[nodiscard]] const std::string& name() const noexcept override { return name_; }
  [[nodiscard]] int rmid() const noexcept { return instance_->rmid; }
  [[nodiscard]] const std::string& open_string() const noexcept { return instance_->open_string; }
  /// The extras' word for it; empty for a foreign switch.
  [[nodiscard]] std::string driver() const;

  // --- Deadlines.
  /// The switch ends its waits when it is told to (extras of version 3).
  [[nodiscard]] bool keeps_deadlines() const noexcept;
  /// While it lives the waits of the calling thread's calls end at `deadline`, if the switch keeps
  /// it. Answered XAER_RMFAIL then, with outcome_known = false.
  class Bound {
   public:
    Bound(const ResourceManager& resource_manager, std::chrono::steady_clock::time_point deadline);
    ~Bound();
    Bound(const Bound&) = delete;
    Bound& operator=(const Bound&) = delete;

   private:
    std::shared_ptr<const Instance> instance_;  // null: it does not
  };
  /// See rm_extras.h; a foreign switch keeps what the standard says.
  [[nodiscard]] bool one_phase_survives() const noexcept;
  [[nodiscard]] CallThreads& threads() const noexcept { return *threads_; }

  /// While it lives, branches that the calling thread begins there are at this level (extras of
  /// version 3). False: the switch does not know levels.
  class Isolated {
   public:
    Isolated(const ResourceManager& resource_manager, Isolation level);
    ~Isolated();
    Isolated(const Isolated&) = delete;
    Isolated& operator=(const Isolated&) = delete;
    explicit operator bool() const noexcept { return instance_ != nullptr; }

   private:
    std::shared_ptr<const Instance> instance_;  // null: it does not
  };

  /// xa_open for the calling thread, when it has not.
  CallAnswer open();
  /// The same, but a second after it failed at the earliest: for callers that can do without.
  CallAnswer open_now_and_then(std::chrono::steady_clock::time_point now);
  CallAnswer start(const Xid& xid);
  CallAnswer call(Verb verb, const Xid& xid) override;
  /// XAER_RMFAIL of a call that the switch has not answered, or was not asked. `xid` may be null.
  [[nodiscard]] Error unavailable(std::string operation, const Xid* xid,
                                  std::string message) const;

  /// The switch takes TMASYNC, for every verb but `confirm`.
  [[nodiscard]] bool asynchronous() const noexcept;
  /// ... and occupies a thread of its own with it: one such call is better made by call().
  [[nodiscard]] bool asynchronous_by_thread() const noexcept;
  /// call() without waiting. With a handle the call is under way, and this thread must fetch its
  /// answer with complete() before it makes any other call here. Without one `answer` is the
  /// call's, or XAER_ASYNC: nothing was begun, use call().
  struct Issued {
    int handle = 0;
    CallAnswer answer;
  };
  Issued issue(Verb verb, const Xid& xid);
  CallAnswer complete(Verb verb, const Xid& xid, int handle);
  /// complete() for when nobody wants to know: takes no memory.
  void discard(int handle) const noexcept;
  Result<std::vector<Xid>> list() override;
  Result<std::vector<OutOfReach>> out_of_reach() override;
  std::optional<long> owner_sessions(const std::string& owner_tag) override;
  std::string answered_by() override;
  [[nodiscard]] bool prepared_at(const Xid& xid, const std::string& server) override;
  void end_owner_sessions(const std::string& owner_tag) override;

  // --- Dynamic registration (registration.hpp).
  /// TMREGISTER: never started; it calls ax_reg, which enlists it.
  [[nodiscard]] bool registers() const noexcept { return instance_->registers(); }
  [[nodiscard]] bool foreign() const noexcept { return instance_->object.extras == nullptr; }
  /// It works outside any global transaction in this thread (D3).
  [[nodiscard]] bool works_outside() const;
  /// The branch it is registered with in this thread, suspended ones included.
  [[nodiscard]] std::optional<Xid> registered_with() const;
  /// Why connection() gave none: what the extras say about this thread's last failure.
  [[nodiscard]] CallAnswer why_no_connection(const Xid* xid) const;

  /// The native connection of the branch this thread works in; null: none, or a foreign switch.
  [[nodiscard]] void* connection() const;
  /// Runs a statement on that connection, for programs in C. Null: no memory, or !executes().
  [[nodiscard]] bool executes() const noexcept;
  [[nodiscard]] xabridge_mysql_result* execute(const char* sql,
                                               const xabridge_mysql_parameter* parameters,
                                               std::size_t count) const;
  /// This thread's work outside any global transaction is over (extras).
  CallAnswer release();
  /// Ends the branch's running statement; from any thread. Waits `limit` for that, if the switch
  /// keeps deadlines.
  void interrupt(const Xid& xid, std::chrono::milliseconds limit) const noexcept;
  /// What an exception the application let escape says about its branch: RB* or XA_OK.
  [[nodiscard]] int classify(const std::exception& exception) const noexcept;

  // For the command line. Errors: not reachable.
  [[nodiscard]] Result<std::vector<ServerFinding>> preflight();
  /// nullopt: cannot tell.
  [[nodiscard]] Result<std::optional<std::string>> identity();
  /// in_doubt of the extras, or xa_recover of a foreign switch.
  [[nodiscard]] Result<std::vector<ListedBranch>> in_doubt();

 private:
  ResourceManager(std::string name, std::shared_ptr<const Instance> instance);

  CallAnswer answer(int code, const char* operation, const Xid* xid) const;
  CallAnswer answer_of(Verb verb, int code, const Xid& xid) const;
  CallAnswer signed_answer(CallAnswer answer);
  std::optional<CallAnswer> not_open(const Xid& xid);
  int wait_for(int& handle, int& code) const noexcept;
  void undo_start(const Xid& xid) const noexcept;

  std::string name_;
  std::shared_ptr<const Instance> instance_;
  const std::unique_ptr<CallThreads> threads_ = std::make_unique<CallThreads>();
  std::atomic<std::chrono::steady_clock::time_point> next_open_{};  // see open_now_and_then()
};

}  // namespace xabridge::tm
