// A switch of one's own, written against the installed component xa: a resource manager that
// notes in a file what it is told. Open string: file=PATH.
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <xabridge/rm/adapter.hpp>
#include <xabridge/rm/open_string.hpp>

namespace {

using xabridge::Error;
using xabridge::Result;
using xabridge::Xid;
using xabridge::rm::Answer;

/// What a server would be: the file, and what is prepared. Shared by all sessions.
class Journal {
 public:
  explicit Journal(std::string file) : file_(std::move(file)) {}

  int note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    std::ofstream out(file_, std::ios::app);
    out << line << '\n';
    return out.flush() ? XA_OK : XAER_RMFAIL;
  }
  void keep(const Xid& xid) {
    const std::lock_guard lock(mutex_);
    prepared_.insert(xid);
  }
  bool drop(const Xid& xid) {
    const std::lock_guard lock(mutex_);
    return prepared_.erase(xid) == 1;
  }
  std::set<Xid> prepared() {
    const std::lock_guard lock(mutex_);
    return prepared_;
  }

 private:
  std::mutex mutex_;
  const std::string file_;
  std::set<Xid> prepared_;
};

class Session final : public xabridge::rm::Session {
 public:
  explicit Session(std::shared_ptr<Journal> journal) : journal_(std::move(journal)) {}

  Answer begin(const Xid&) override { return journal_->note("begin"); }
  Answer end(const Xid&) override { return XA_OK; }
  Answer prepare(const Xid& xid) override {
    journal_->keep(xid);
    return journal_->note("prepare");
  }
  Answer commit_one_phase(const Xid&) override { return journal_->note("commit one phase"); }
  Answer rollback(const Xid&) override { return journal_->note("rollback"); }
  Answer commit_prepared(const Xid& xid) override { return finish(xid, "commit"); }
  Answer rollback_prepared(const Xid& xid) override { return finish(xid, "rollback prepared"); }

  Result<std::vector<xabridge::rm::InDoubt>> prepared(bool) override {
    std::vector<xabridge::rm::InDoubt> branches;
    for (const Xid& xid : journal_->prepared()) {
      branches.push_back({xid, xid.to_string(), std::nullopt, ""});
    }
    return branches;
  }
  bool reusable() noexcept override { return true; }
  bool alive() noexcept override { return true; }
  void interrupt() noexcept override {}
  std::string server_id() const override { return "1"; }
  void* native() noexcept override { return journal_.get(); }

 private:
  Answer finish(const Xid& xid, const char* what) {
    return journal_->drop(xid) ? Answer(journal_->note(what)) : Answer(XAER_NOTA);
  }
  std::shared_ptr<Journal> journal_;
};

class Server final : public xabridge::rm::Server {
 public:
  explicit Server(std::string file)
      : file_(std::move(file)), journal_(std::make_shared<Journal>(file_)) {}

  Result<std::unique_ptr<xabridge::rm::Session>> connect(const std::string&) override {
    return std::unique_ptr<xabridge::rm::Session>(std::make_unique<Session>(journal_));
  }
  Result<std::optional<long>> sessions_tagged(xabridge::rm::Session&,
                                              const std::string&) override {
    return std::optional<long>();
  }
  std::vector<xabridge::rm::Finding> preflight(xabridge::rm::Session&) override { return {}; }
  Result<std::string> identity(xabridge::rm::Session&) override { return file_; }
  std::size_t pool_size() const noexcept override { return 4; }
  std::chrono::milliseconds pool_timeout() const noexcept override {
    return std::chrono::seconds(1);
  }

 private:
  const std::string file_;
  std::shared_ptr<Journal> journal_;
};

class Driver final : public xabridge::rm::Driver {
 public:
  const char* name() const noexcept override { return "journal"; }
  Result<std::unique_ptr<xabridge::rm::Server>> parse(std::string_view text) override {
    static constexpr std::string_view kKeys[] = {"file"};
    auto open = xabridge::rm::OpenString::parse(text, kKeys);
    if (!open) return open.error();
    if (!open->has("file")) {
      Error error;
      error.xa_code = XAER_INVAL;
      error.message = "file=PATH is missing";
      return error;
    }
    return std::unique_ptr<xabridge::rm::Server>(std::make_unique<Server>(*open->get("file")));
  }
};

Driver& driver() {
  static auto* const instance = new Driver;
  return *instance;
}

}  // namespace

XABRIDGE_DEFINE_SWITCH(journal_switch, "journal", TMNOFLAGS, driver())
