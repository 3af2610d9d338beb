// The real files, locks and processes.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <register/file/log_view.hpp>

#include "log_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::test;
namespace fs = std::filesystem;

namespace {

struct Directory {
  fs::path path;
  Directory() {
    std::string name = (fs::temp_directory_path() / "xabridge-log-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { fs::remove_all(path); }

  [[nodiscard]] Result<std::unique_ptr<FileRegister>> open() const {
    return FileRegister::open(
        posix_environment(),
        {.directory = path / "a" / "root", .segment_size = 16384, .report = {}});
  }
};

// Another process. What it returns is its exit status; the destructor ends it if it still runs.
class Process {
 public:
  explicit Process(const std::function<int()>& body) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(body());
    REQUIRE(pid_ > 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)wait();
    }
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void kill() const { ::kill(pid_, SIGKILL); }

 private:
  pid_t pid_;
};

// One byte from one process to another: "I am there".
struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { REQUIRE(::pipe(ends) == 0); }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void tell() const { (void)!::write(ends[1], "x", 1); }
  void hear() const {
    char byte = 0;
    while (::read(ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
  }
};

unsigned mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("looking_at_a_log_keeps_nobody_from_a_slot_and_shows_no_owner_to_another_look") {
  const Directory directory;
  const auto log = directory.open().value();
  auto dead = directory.open().value();
  REQUIRE(commits(*dead, gtrid_of(*dead, 1)));
  dead.reset();
  FileSystem& files = posix_environment().files;
  const fs::path lock = directory.path / "a" / "root" / "slots" / "0001" / "lock";
  // A look of another process (within one, looks and locks wait for each other) that is over only
  // when somebody has asked for the lock in vain: whoever does closes the file then.
  const Pipe ready;
  const Pipe asked;
  Process looker([&] {
    const int file = ::open(lock.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0 || ::flock(file, LOCK_SH | LOCK_NB) != 0) return 1;
    ready.tell();
    asked.hear();
    const int closed = ::inotify_init1(IN_CLOEXEC);
    if (::inotify_add_watch(closed, lock.c_str(), IN_CLOSE_WRITE) < 0) return 2;
    ready.tell();
    std::array<char, 4096> event{};
    return ::read(closed, event.data(), event.size()) > 0 ? 0 : 3;
  });
  ready.hear();
  CHECK_FALSE(*files.is_locked(lock));
  CHECK_FALSE(read_log(posix_environment(), directory.path / "a" / "root").value().slots[1].owned);
  asked.tell();
  ready.hear();
  REQUIRE(log->begin_pass());
  CHECK(log->unfinished().size() == 1);
  log->end_pass();
  CHECK(looker.wait() == 0);
  CHECK_FALSE(*files.is_locked(directory.path / "none"));
  CHECK_FALSE(fs::exists(directory.path / "none"));
  CHECK(*files.is_locked(lock.parent_path().parent_path() / "0000" / "lock"));
}

TEST_CASE("missing_directories_are_made_and_nobody_else_may_look") {
  const Directory directory;
  const auto log = directory.open().value();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  int seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory.path)) {
    INFO(entry.path().string());
    CHECK(mode_of(entry.path()) == (entry.is_directory() ? 0700U : 0600U));
    ++seen;
  }
  CHECK(seen >= 8);
}

TEST_CASE("decision_survives_in_real_files") {
  const Directory directory;
  auto log = directory.open().value();
  const std::string gtrid = gtrid_of(*log, 1);
  for (std::uint64_t i = 2; i < 300; ++i) {
    REQUIRE(commits(*log, gtrid_of(*log, i)));
    log->done(gtrid_of(*log, i));
    if (i == 100) REQUIRE(commits(*log, gtrid));
  }
  log.reset();
  log = directory.open().value();
  REQUIRE(log->unfinished().size() == 1);
  CHECK(log->unfinished()[0].gtrid == gtrid);
  CHECK(read_log(posix_environment(), directory.path / "a" / "root").value().slots.size() == 1);
}

TEST_CASE("two_processes_take_two_slots_and_the_survivor_takes_over") {
  const Directory directory;
  const Pipe ready;
  const auto log = directory.open().value();
  Process other([&] {
    const auto opened = directory.open();
    if (!opened || (*opened)->slot() != 1) return 1;
    if (!commits(**opened, gtrid_of(**opened, 42))) return 2;
    ready.tell();
    ::pause();
    return 0;
  });
  ready.hear();
  REQUIRE(log->begin_pass());
  CHECK(log->unfinished().empty());
  const LogView view = read_log(posix_environment(), directory.path / "a" / "root").value();
  REQUIRE(view.slots.size() == 2);
  REQUIRE(view.slots[1].unfinished.size() == 1);
  CHECK(view.slots[1].owned);
  const Gtrid gtrid = *Gtrid::decode(view.slots[1].unfinished[0].gtrid);
  CHECK(log->owner_of(gtrid).value() == Owner::live);
  log->end_pass();

  other.kill();
  other.wait();
  REQUIRE(log->begin_pass());
  REQUIRE(log->unfinished().size() == 1);
  CHECK(log->owner_of(gtrid).value() == Owner::dead);
  CHECK(log->decision(gtrid.encode()));
  log->end_pass();
}

// The copy's lock is free while the owner of the original is alive: it must not pass for proof.
TEST_CASE("owner_of_the_original_is_not_dead_to_a_copy_of_its_log") {
  const Directory directory;
  const auto original = directory.open().value();
  const auto root = directory.path / "a" / "root";
  const auto copy = directory.path / "copy";
  std::filesystem::copy(root, copy, std::filesystem::copy_options::recursive);
  const auto opened = FileRegister::open(posix_environment(), {.directory = copy, .report = {}});
  REQUIRE(opened);
  const Gtrid gtrid = *Gtrid::decode(gtrid_of(*original, 1));
  CHECK((*opened)->owner_of(gtrid).value() == Owner::vanished);
}

TEST_CASE("processes_that_start_at_once_agree_on_the_register") {
  const Directory directory;
  std::vector<std::unique_ptr<Process>> processes;
  for (int i = 0; i < 8; ++i)
    processes.push_back(std::make_unique<Process>([&] {
      const auto opened = directory.open();
      if (!opened) return 1;
      return commits(**opened, gtrid_of(**opened, 1)) ? 0 : 2;
    }));
  for (const auto& process : processes) CHECK(process->wait() == 0);
  const LogView view = read_log(posix_environment(), directory.path / "a" / "root").value();
  std::size_t decisions = 0;
  for (const SlotView& slot : view.slots) {
    CHECK_FALSE(slot.error);
    for (const DecisionRecord& record : slot.unfinished)
      CHECK(Gtrid::decode(record.gtrid)->register_id == view.id);
    decisions += slot.unfinished.size();
  }
  CHECK(decisions == 8);
}

TEST_CASE("forked_child_cannot_write_to_its_parents_log_and_gets_a_slot_of_its_own") {
  const Directory directory;
  const auto log = directory.open().value();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  log->done(gtrid_of(*log, 1));  // buffered: the child must not write it either
  Process child([&] {
    const auto inherited = log->decide(gtrid_of(*log, 2), {}, Decision::commit);
    if (inherited || !inherited.error().outcome_known) return 1;
    if (!mentions(inherited.error(), "fork")) return 2;
    const auto own = directory.open();
    if (!own || (*own)->slot() != 1) return 3;
    return commits(**own, gtrid_of(**own, 1)) ? 0 : 4;
  });
  CHECK(child.wait() == 0);
  CHECK(commits(*log, gtrid_of(*log, 3)));
}

TEST_CASE("child_that_outlives_its_parent_does_not_keep_the_slot") {
  const Directory directory;
  const Pipe ready;
  const Pipe stop;
  const auto log = directory.open().value();
  Process parent([&] {
    const auto opened = directory.open();
    if (!opened || !commits(**opened, gtrid_of(**opened, 1))) return 1;
    if (::fork() == 0) {
      ready.tell();
      stop.hear();  // lives on while its parent is killed
      ::_exit(0);
    }
    ::pause();
    return 0;
  });
  ready.hear();
  parent.kill();
  parent.wait();
  REQUIRE(log->begin_pass());
  CHECK(log->unfinished().size() == 1);
  log->end_pass();
  stop.tell();
}

TEST_CASE("directory_without_permission_says_whose_process_and_what_to_do") {
  const Directory directory;
  REQUIRE(directory.open());
  const auto message_as_nobody = [&](const fs::path& root) {
    const Pipe text;
    Process nobody([&] {
      if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 1;
      const auto opened =
          FileRegister::open(posix_environment(), {.directory = root, .report = {}});
      const std::string message = opened ? "opened" : opened.error().to_string();
      return ::write(text.ends[1], message.data(), message.size()) > 0 ? 0 : 2;
    });
    REQUIRE(nobody.wait() == 0);
    std::string message(4096, '\0');
    const ssize_t got = ::read(text.ends[0], message.data(), message.size());
    REQUIRE(got > 0);
    message.resize(static_cast<std::size_t>(got));
    return message;
  };
  // The root belongs to somebody else, and a root that cannot be made.
  fs::permissions(directory.path, fs::perms::all);
  fs::permissions(directory.path / "a", ::geteuid() == 0 ? fs::perms::owner_all : fs::perms::none);
  const std::string existing = message_as_nobody(directory.path / "a" / "root");
  CHECK(existing.find((directory.path / "a" / "root").string()) != std::string::npos);
  CHECK(existing.find("must own the log directory") != std::string::npos);
  fs::permissions(directory.path / "a", fs::perms::owner_all);
  const std::string missing = message_as_nobody("/xabridge-no-such-root/log");
  CHECK(missing.find("/xabridge-no-such-root") != std::string::npos);
  CHECK(missing.find("must own the log directory") != std::string::npos);
}

TEST_CASE("path_through_a_file_says_so") {
  const Directory directory;
  { (void)posix_environment().files.open(directory.path / "file", OpenMode::create_new).value(); }
  const auto log = FileRegister::open(
      posix_environment(), {.directory = directory.path / "file" / "root", .report = {}});
  REQUIRE_FALSE(log);
  CHECK(mentions(log.error(), "a part of the path is a file"));
}

TEST_CASE("errors_of_files_carry_errno_and_path") {
  const Directory directory;
  FileSystem& files = posix_environment().files;
  const auto missing = files.open(directory.path / "missing", OpenMode::read);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().sys_errno == ENOENT);
  CHECK(mentions(missing.error(), (directory.path / "missing").string()));
  const auto file = files.open(directory.path / "file", OpenMode::create_new).value();
  CHECK(files.open(directory.path / "file", OpenMode::create_new).error().sys_errno == EEXIST);
  const auto read_only = files.open(directory.path / "file", OpenMode::read).value();
  const std::byte byte{1};
  CHECK(read_only->write_at(0, std::span(&byte, 1)).error().sys_errno == EBADF);
}

TEST_CASE("decision_written_to_a_deleted_file_is_not_reported_as_durable") {
  const Directory directory;
  const auto log = directory.open().value();
  REQUIRE(commits(*log, gtrid_of(*log, 1)));
  std::filesystem::remove_all(directory.path / "a");
  const auto decision = log->decide(gtrid_of(*log, 2), two_branches(), Decision::commit);
  REQUIRE_FALSE(decision);
  CHECK_FALSE(decision.error().outcome_known);
  CHECK(mentions(decision.error(), "was deleted or replaced while this process used it"));
}

// Its decisions are in its memory, and in the file that it still has open.
TEST_CASE("process_whose_segment_was_deleted_says_not_to_restart_it") {
  const Directory directory;
  const fs::path slot = directory.path / "a" / "root" / "slots" / "0000";
  auto log = directory.open().value();
  const std::string before = gtrid_of(*log, 1);
  REQUIRE(commits(*log, before));
  const bool all = GENERATE(false, true);  // of the slot, its lock too
  const auto segment = current_segment(posix_environment().files, slot).value().path;
  if (all)
    fs::remove_all(slot);
  else
    fs::remove(segment);

  const auto unknown = log->decide(gtrid_of(*log, 2), two_branches(), Decision::commit);
  REQUIRE_FALSE(unknown);
  CHECK_FALSE(unknown.error().outcome_known);
  const auto refused = log->decide(gtrid_of(*log, 3), two_branches(), Decision::commit);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().outcome_known);
  for (const Error* error : {&unknown.error(), &refused.error()}) {
    CHECK(mentions(*error, segment.string()));
    CHECK(mentions(*error, "Do not restart it while `xabridge status` lists branches of "));
    CHECK_FALSE(mentions(*error, "Restart this process"));
    CHECK_FALSE(mentions(*error, "after a restart"));
  }
  CHECK(log->decision(before));  // recovery finishes it
  CHECK_FALSE(log->owner_of(*Gtrid::decode(gtrid_of(*log, 2))));

  if (all) return;
  // As docs/operating.md has it: the file comes back from the process.
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code closed;
    const std::string target = fs::read_symlink(entry.path(), closed).string();
    if (target == segment.string() + " (deleted)") fs::copy_file(entry.path(), segment);
  }
  REQUIRE(fs::exists(segment));
  log.reset();
  log = directory.open().value();
  CHECK(log->decision(before));
  CHECK(log->unfinished().size() == 2);
}

TEST_CASE("deleted_lock_file_lets_a_second_process_in_and_the_first_never_commits_again") {
  const Directory directory;
  const auto first = directory.open().value();
  const std::string before = gtrid_of(*first, 1);
  REQUIRE(commits(*first, before));
  fs::remove(directory.path / "a" / "root" / "slots" / "0000" / "lock");
  Process second([&] {
    const auto opened = directory.open();
    if (!opened || (*opened)->slot() != 0) return 1;
    if ((*opened)->unfinished().size() != 1) return 2;
    // The lock is another file: nothing proves that the first is dead.
    if ((*opened)->owner_of(*Gtrid::decode(before)).value() != Owner::vanished) return 3;
    return commits(**opened, gtrid_of(**opened, 1)) ? 0 : 4;
  });
  REQUIRE(second.wait() == 0);
  const auto decision = first->decide(gtrid_of(*first, 2), two_branches(), Decision::commit);
  REQUIRE_FALSE(decision);
  CHECK_FALSE(decision.error().outcome_known);
  CHECK(directory.open().value()->unfinished().size() == 2);
}

TEST_CASE("root_of_another_user_is_refused_also_by_root") {
  if (::geteuid() != 0) return;  // only root can give a directory away
  const Directory directory;
  const fs::path root = directory.path / "a" / "root";
  constexpr uid_t kService = 4711;
  REQUIRE(directory.open());
  REQUIRE(::chown(root.c_str(), kService, kService) == 0);
  const auto opened = directory.open();
  REQUIRE_FALSE(opened);
  CHECK(mentions(opened.error(), root.string() + " belongs to uid 4711"));
  CHECK(mentions(opened.error(), "sudo -u"));
  // Looking is allowed, and leaves nothing behind.
  fs::remove(root / "slots" / "0000" / "lock");
  CHECK(read_log(posix_environment(), root).value().slots.size() == 1);
  CHECK_FALSE(fs::exists(root / "slots" / "0000" / "lock"));
}

TEST_CASE("root_that_others_can_write_to_is_refused") {
  const Directory directory;
  const fs::path root = directory.path / "a" / "root";
  REQUIRE(directory.open());
  const bool below = GENERATE(false, true);
  const fs::path loose = below ? root / "slots" : root;
  const auto who = GENERATE(fs::perms::group_write, fs::perms::others_write);
  fs::permissions(loose, who, fs::perm_options::add);
  const auto opened = directory.open();
  REQUIRE_FALSE(opened);
  CHECK(mentions(opened.error(), "can be written to by its group or by others"));
  CHECK(mentions(opened.error(), "chmod 700 " + loose.string()));
  fs::permissions(loose, who, fs::perm_options::remove);
  CHECK(directory.open());
}

TEST_CASE("slot_that_others_can_write_to_is_left_out") {
  const Directory directory;
  const fs::path slot = directory.path / "a" / "root" / "slots" / "0000";
  REQUIRE(directory.open());
  fs::permissions(slot, fs::perms::others_write, fs::perm_options::add);
  CHECK(directory.open().value()->slot() == 1);
}

TEST_CASE("nothing_is_opened_through_a_symbolic_link") {
  const Directory directory;
  const fs::path root = directory.path / "a" / "root";
  const fs::path victim = directory.path / "victim";
  REQUIRE(directory.open());
  const std::string contents = "somebody else's";
  const auto plant = [&](const fs::path& name) {
    (void)posix_environment().files.remove(victim);
    REQUIRE(posix_environment()
                .files.open(victim, OpenMode::create_new)
                .value()
                ->write_at(0, std::as_bytes(std::span(contents))));
    fs::remove_all(name);
    fs::create_symlink(victim, name);
  };
  for (const char* name : {"lock", "incarnations", "spare.log"}) {
    INFO(name);
    plant(root / "slots" / "0000" / name);
    (void)directory.open();
    CHECK(fs::file_size(victim) == contents.size());
    CHECK(fs::is_symlink(root / "slots" / "0000" / name));
    fs::remove(root / "slots" / "0000" / name);
  }
  plant(root / "register.new");
  fs::remove(root / "register");
  fs::remove_all(root / "slots");
  REQUIRE(directory.open());
  CHECK(fs::file_size(victim) == contents.size());

  // A directory in the place of a slot, and of the slots.
  const fs::path elsewhere = directory.path / "elsewhere";
  fs::create_directory(elsewhere);
  fs::permissions(elsewhere, fs::perms::owner_all);
  fs::remove_all(root / "slots" / "0000");
  fs::create_directory_symlink(elsewhere, root / "slots" / "0000");
  CHECK(directory.open().value()->slot() == 1);
  fs::remove_all(root / "slots");
  fs::create_directory_symlink(elsewhere, root / "slots");
  CHECK(directory.open().error().sys_errno == ELOOP);
  CHECK(fs::is_empty(elsewhere));
}

TEST_CASE("root_itself_may_be_a_link_of_this_user_or_root_and_of_nobody_else") {
  const Directory directory;
  const fs::path disk = directory.path / "disk";
  fs::create_directory(disk);
  fs::permissions(disk, fs::perms::owner_all);
  fs::create_directory(directory.path / "a");
  fs::create_directory_symlink(disk, directory.path / "a" / "root");
  REQUIRE(directory.open());
  CHECK(fs::exists(disk / "register"));
  if (::geteuid() != 0) return;
  REQUIRE(::lchown((directory.path / "a" / "root").c_str(), 4711, 4711) == 0);
  const auto opened = directory.open();
  REQUIRE_FALSE(opened);
  CHECK(mentions(opened.error(), "is a symbolic link of uid 4711"));
}
