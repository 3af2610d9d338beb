// TransactionManager: opening, recovery at start and behind, log trouble, fork.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "catch.hpp"
#include "register/identity.hpp"
#include "manager/runtime.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;
using xabridge::Xid;

// A volume that is not mounted is an empty directory.
TEST_CASE_METHOD(ManagerFixture, "A new decision log is a warning that names its directory") {
  const auto told = [&] {
    const auto all = events.all();
    return std::count_if(all.begin(), all.end(), [&](const EventLog::Seen& e) {
      return e.kind == EventKind::warning &&
             e.text.starts_with("a new decision log was made in " +
                                (directory.path() / "log").string());
    });
  };
  { const TransactionManager tm(config()); }
  CHECK(told() == 1);
  { const TransactionManager tm(config()); }
  CHECK(told() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "A missing log directory is created and closed to others") {
  TransactionManager tm(config());
  const auto permissions = std::filesystem::status(directory.path() / "log").permissions();
  CHECK((permissions & std::filesystem::perms::all) == std::filesystem::perms::owner_all);
}

TEST_CASE_METHOD(ManagerFixture, "A log directory that cannot be used is named with the reason") {
  auto c = config();
  std::ofstream(directory.path() / "file") << "x";
  c.log_directory = directory.path() / "file" / "log";
  try {
    TransactionManager tm(c);
    FAIL("opened");
  } catch (const Exception& e) {
    CHECK(contains(e.what(), c.log_directory.string()));
  }
}

TEST_CASE_METHOD(ManagerFixture,
                 "Two transaction managers share a log directory in slots of their own") {
  TransactionManager first(config());
  TransactionManager second(config());
  Transaction a = first.begin();
  Transaction b = second.begin();
  CHECK(a.gtrid() != b.gtrid());
  const auto identity = [&](Transaction& tx) {
    tx.enlist("accounts");
    const Xid xid = accounts.branch().value();
    (void)tx.rollback();
    return xabridge::tm::Gtrid::decode(xid.gtrid()).value();
  };
  const auto of_a = identity(a);
  const auto of_b = identity(b);
  CHECK(of_a.register_id == of_b.register_id);
  CHECK(of_a.slot != of_b.slot);
}

TEST_CASE_METHOD(ManagerFixture, "The pass at start finishes what a dead owner left behind") {
  std::string gtrid;
  {
    auto c = config();
    c.recovery_background = false;
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    enlist_both(tx);
    ledger.answer("commit", std::deque<int>(1000, XAER_RMFAIL));
    const Outcome outcome = tx.commit();
    CHECK(outcome.kind == OutcomeKind::committed_pending);
    gtrid = outcome.gtrid;
    ledger.answer("commit", {});
  }
  CHECK(ledger.committed() == 0);
  REQUIRE(ledger.prepared().size() == 1);
  TransactionManager tm(config());
  CHECK(ledger.was_committed(gtrid));
}

TEST_CASE_METHOD(ManagerFixture,
                 "Foreign branches and branches of running transactions are left alone") {
  const Xid foreign = *Xid::make(4711, "someone", "else");
  accounts.add_prepared(foreign);
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.active());
  // A branch of a transaction that is running, as a server lists it between prepare and commit.
  const Xid live = *Xid::make(xabridge::tm::kFormatId, ledger.branch().value().gtrid(),
                              xabridge::tm::make_bqual(9, "accounts"));
  accounts.add_prepared(live);
  tm.recover_now();
  CHECK(accounts.prepared() == std::set<Xid>{foreign, live});
  (void)tx.rollback();
  tm.recover_now();
  CHECK(accounts.prepared() == std::set<Xid>{foreign});
}

TEST_CASE_METHOD(ManagerFixture, "A scan ends although the resource manager never says so") {
  const Xid foreign = *Xid::make(4711, "someone", "else");
  accounts.add_prepared(foreign);
  accounts.set_endless_recover();
  TransactionManager tm(config());
  tm.recover_now();
  CHECK(accounts.prepared() == std::set<Xid>{foreign});
}

TEST_CASE_METHOD(ManagerFixture,
                 "An unreachable resource manager does not keep the service from starting") {
  ledger.set_reachable(false);
  TransactionManager tm(config());
  CHECK(events.wait_for(EventKind::recovery_waits));
  Transaction tx = tm.begin();
  tx.enlist("accounts");
  CHECK(tx.commit().committed());
  CHECK_THROWS_AS(tm.begin().enlist("ledger"), Exception);
  ledger.set_reachable(true);
  Transaction later = tm.begin();
  later.enlist("ledger");
  CHECK(later.commit().committed());
}

// Its branches' locks would hold up the transactions that use it again.
TEST_CASE_METHOD(ManagerFixture, "Recovery does not back off at a server that is in use again") {
  auto c = config();
  c.recovery_interval = 60s;
  ledger.set_reachable(false);
  TransactionManager tm(c);
  CHECK(events.wait_for(EventKind::recovery_waits, 4));  // the next try is in 4 seconds
  const auto lists = ledger.count("recover");
  ledger.set_reachable(true);
  const auto begun = std::chrono::steady_clock::now();
  Transaction tx = tm.begin();
  tx.enlist("ledger");
  while (ledger.count("recover") == lists && std::chrono::steady_clock::now() - begun < 3s) {
    std::this_thread::yield();
  }
  CHECK(ledger.count("recover") > lists);
  CHECK(tx.commit().committed());
}

TEST_CASE_METHOD(ManagerFixture, "A forked child is refused with what to do and can open its own") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      (void)tm.begin();
    } catch (const Exception& e) {
      said = e.what();
    }
    try {
      (void)tx.commit();
      said = "committed in the child";
    } catch (const Exception&) {
    }
    { const Transaction dropped = std::move(tx); }
    said += accounts.rolled_back() == 0 ? "" : " rolled back in the child";
    (void)!::write(pipe_ends[1], said.data(), said.size());
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  std::string said(4096, '\0');
  said.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, ::read(pipe_ends[0], said.data(), 4096))));
  ::close(pipe_ends[0]);
  int state = 0;
  ::waitpid(child, &state, 0);
  CHECK(contains(said, "open a new TransactionManager after fork"));
  CHECK_FALSE(contains(said, "in the child"));
  CHECK(tx.commit().committed());
}

// The completion timeout is over at once, and recovery comes when it is called.
TEST_CASE_METHOD(ManagerFixture,
                 "A branch rolled back by hand before its first commit is reported and recorded") {
  xabridge::Config c = config();
  c.completion_timeout = 0ms;
  c.recovery_background = false;
  TransactionManager tm(c);
  for (const int answer : {XA_RETRY, XAER_RMFAIL}) {  // of a foreign switch: lost, may have arrived
    events.clear();
    ledger.answer("commit", {answer});
    Transaction tx = tm.begin();
    enlist_both(tx);
    CHECK(tx.commit().kind == OutcomeKind::committed_pending);
    ledger.roll_back_by_hand();
    tm.recover_now();
    CHECK(events.count(EventKind::heuristic) == (answer == XA_RETRY ? 1 : 0));
    CHECK(events.count(EventKind::done) == 1);
  }
}

namespace {

/// A file system whose disk is full when told so.
class FullDisk final : public xabridge::tm::FileSystem {
 public:
  using Path = std::filesystem::path;
  explicit FullDisk(FileSystem& real) : real_(real) {}
  std::atomic<bool> full{false};

  xabridge::Result<std::unique_ptr<xabridge::tm::File>> open(const Path& path,
                                                             xabridge::tm::OpenMode mode) override {
    auto file = real_.open(path, mode);
    if (!file) return file;
    return std::unique_ptr<xabridge::tm::File>(new FullFile(*this, std::move(*file)));
  }
  xabridge::Result<void> create_directories(const Path& p) override {
    return real_.create_directories(p);
  }
  xabridge::Result<std::vector<std::string>> list(const Path& p) override { return real_.list(p); }
  xabridge::Result<bool> exists(const Path& p) override { return real_.exists(p); }
  xabridge::Result<void> rename(const Path& a, const Path& b) override {
    return real_.rename(a, b);
  }
  xabridge::Result<void> remove(const Path& p) override { return real_.remove(p); }
  xabridge::Result<void> sync_directory(const Path& p) override { return real_.sync_directory(p); }
  xabridge::Result<std::unique_ptr<xabridge::tm::FileLock>> try_lock(const Path& p) override {
    return real_.try_lock(p);
  }
  xabridge::Result<bool> is_locked(const Path& p) override { return real_.is_locked(p); }

 private:
  class FullFile final : public xabridge::tm::File {
   public:
    FullFile(FullDisk& disk, std::unique_ptr<File> file) : disk_(disk), file_(std::move(file)) {}
    xabridge::Result<std::size_t> read_at(std::uint64_t o, std::span<std::byte> b) override {
      return file_->read_at(o, b);
    }
    xabridge::Result<void> write_at(std::uint64_t o, std::span<const std::byte> b) override {
      if (!disk_.full) return file_->write_at(o, b);
      xabridge::Error e;
      e.sys_errno = ENOSPC;
      e.message = "no space left on device";
      return e;
    }
    xabridge::Result<void> sync() override { return file_->sync(); }
    xabridge::Result<std::uint64_t> size() override { return file_->size(); }
    xabridge::Result<void> truncate(std::uint64_t s) override { return file_->truncate(s); }

   private:
    FullDisk& disk_;
    std::unique_ptr<File> file_;
  };
  FileSystem& real_;
};

}  // namespace

TEST_CASE_METHOD(ManagerFixture,
                 "A commit that cannot be decided for want of disk space commits nothing") {
  auto& real = xabridge::tm::posix_environment();
  FullDisk disk(real.files);
  xabridge::tm::Environment environment{disk, real.clock, real.entropy, real.host};
  auto tm = xabridge::tm::ManagerAccess::open(config(), environment);
  disk.full = true;
  Transaction tx = tm->begin();
  enlist_both(tx);
  const Outcome outcome = tx.commit();
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(contains(outcome.reason, "no space left"));
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(accounts.prepared().empty());
}

TEST_CASE_METHOD(ManagerFixture, "What weakens a promise at a server is told once in a process") {
  MemoryRm lax("lax");
  lax.set_finding(XABRIDGE_FINDING_OK, "is as it should be");
  lax.set_finding(XABRIDGE_FINDING_WARNING, "is 0: a commit may be lost");
  lax.set_finding(XABRIDGE_FINDING_ERROR, "is off: no branch survives");
  lax.set_reachable(false);
  const auto told = [&](const std::string& text) {
    const auto all = events.all();
    return std::count_if(all.begin(), all.end(), [&](const EventLog::Seen& event) {
      return event.kind == EventKind::warning && event.resource_manager == "lax" &&
             contains(event.text, text);
    });
  };
  auto c = config();
  c.resource_managers = {lax.config()};
  for (int i = 0; i < 2; ++i) {
    TransactionManager tm(c);
    CHECK(lax.preflights() == static_cast<std::size_t>(i));  // not while it is away
    lax.set_reachable(true);
    const std::size_t passes = events.count(EventKind::recovery_finished);
    REQUIRE(events.wait_for(EventKind::recovery_finished, passes + 3));
    CHECK(tm.run([](Transaction& tx) { tx.enlist("lax"); }).committed());
  }
  CHECK(lax.preflights() == 1);
  CHECK(told("a setting is 0: a commit may be lost; change it") == 1);
  CHECK(told("a setting is off") == 1);
  CHECK(told("as it should be") == 0);
}
