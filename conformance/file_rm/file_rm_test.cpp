// The file resource manager where the conformance suite does not look: what a crash leaves in its
// directory, keys held across processes, and a directory that goes away.
#include "file_rm.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "catch.hpp"
#include "temporary_directory.hpp"

namespace {

namespace fs = std::filesystem;

constexpr int kRmid = 7;

XID xid_number(int n) {
  XID xid{};
  xid.formatID = 4711;
  xid.gtrid_length = 64;
  xid.bqual_length = 64;
  for (int i = 0; i < 128; ++i) xid.data[i] = static_cast<char>(i * n);
  return xid;
}

struct Scene {
  TemporaryDirectory directory;
  XID x = xid_number(1);
  XID y = xid_number(2);

  Scene() { REQUIRE(open() == XA_OK); }
  ~Scene() { file_rm_switch.xa_close_entry(nullptr, kRmid, TMNOFLAGS); }
  [[nodiscard]] std::string path() const { return directory.path().string(); }
  [[nodiscard]] int open() const {
    std::string info = "directory=" + path() + " sync=no";
    return file_rm_switch.xa_open_entry(info.data(), kRmid, TMNOFLAGS);
  }
  [[nodiscard]] std::string read(const char* key) const {
    std::array<char, 64> value{};
    const int code = file_rm_read(path().c_str(), key, value.data(), value.size());
    return code == FILE_RM_OK ? value.data() : "code " + std::to_string(code);
  }
  /// Starts, writes, ends.
  void work(XID& xid, const char* key, const char* value) const {
    REQUIRE(file_rm_switch.xa_start_entry(&xid, kRmid, TMNOFLAGS) == XA_OK);
    REQUIRE(file_rm_put(kRmid, key, value) == FILE_RM_OK);
    REQUIRE(file_rm_switch.xa_end_entry(&xid, kRmid, TMSUCCESS) == XA_OK);
  }
  [[nodiscard]] fs::path branch_file(const std::string& suffix) const {
    for (const auto& entry : fs::directory_iterator(directory.path() / "branch")) {
      if (entry.path().extension() == suffix) return entry.path();
    }
    return {};
  }
};

/// Runs it in a process that then dies without ending anything.
void in_dying_process(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
}

auto prepare = file_rm_switch.xa_prepare_entry;
auto commit = file_rm_switch.xa_commit_entry;
auto rollback = file_rm_switch.xa_rollback_entry;

}  // namespace

TEST_CASE(
    "a branch prepared by a process that died is listed byte for byte and commits elsewhere") {
  Scene scene;
  in_dying_process([&] {
    scene.work(scene.x, "a", "1");
    (void)prepare(&scene.x, kRmid, TMNOFLAGS);
  });
  std::array<XID, 4> list{};
  REQUIRE(file_rm_switch.xa_recover_entry(list.data(), 4, kRmid, TMSTARTRSCAN | TMENDRSCAN) == 1);
  CHECK(std::memcmp(&list[0], &scene.x, sizeof(XID)) == 0);
  CHECK(scene.read("a") == "code 1");
  CHECK(commit(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(scene.read("a") == "1");
  CHECK(commit(&scene.x, kRmid, TMNOFLAGS) == XAER_NOTA);
}

TEST_CASE("a process that dies between the commit point and the data leaves a commit to replay") {
  const auto [point, left] =
      GENERATE(std::pair(".committing", ""), std::pair(".heurcommitting", ".heurcom"));
  INFO(point);
  Scene scene;
  scene.work(scene.x, "a", "1");
  REQUIRE(prepare(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  const fs::path file = scene.branch_file(".prepared");
  fs::rename(file, fs::path(file).replace_extension(point));
  CHECK(scene.read("a") == "1");
  CHECK(scene.branch_file(point).empty());
  CHECK(scene.branch_file(left).empty() == (std::strlen(left) == 0));
}

TEST_CASE("a process that dies before the commit point leaves what was there and its locks") {
  Scene scene;
  in_dying_process([&] { scene.work(scene.x, "a", "1"); });
  CHECK(scene.read("a") == "code 1");
  CHECK(prepare(&scene.x, kRmid, TMNOFLAGS) == XAER_NOTA);
  // The dead process's key is free again.
  scene.work(scene.y, "a", "2");
  CHECK(commit(&scene.y, kRmid, TMONEPHASE) == XA_OK);
  CHECK(scene.read("a") == "2");
}

TEST_CASE("a key of another branch is refused until that branch is finished") {
  Scene scene;
  scene.work(scene.x, "a", "1");
  REQUIRE(file_rm_switch.xa_start_entry(&scene.y, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_put(kRmid, "a", "2") == FILE_RM_LOCKED);
  in_dying_process([&] {
    // Another process, with a session of its own.
    std::thread([&] {
      XID z = xid_number(3);
      if (scene.open() != XA_OK) ::_exit(1);
      (void)file_rm_switch.xa_start_entry(&z, kRmid, TMNOFLAGS);
      if (file_rm_put(kRmid, "b", "2") != FILE_RM_OK) ::_exit(2);
      (void)file_rm_switch.xa_end_entry(&z, kRmid, TMSUCCESS);
      (void)prepare(&z, kRmid, TMNOFLAGS);
    }).join();
  });
  CHECK(file_rm_put(kRmid, "b", "2") == FILE_RM_LOCKED);
  REQUIRE(prepare(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_put(kRmid, "a", "2") == FILE_RM_LOCKED);
  REQUIRE(rollback(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_put(kRmid, "a", "2") == FILE_RM_OK);
  REQUIRE(file_rm_switch.xa_end_entry(&scene.y, kRmid, TMSUCCESS) == XA_OK);
}

TEST_CASE("while the directory is away every call says so and what was not prepared is lost") {
  Scene scene;
  scene.work(scene.x, "a", "1");
  REQUIRE(prepare(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  scene.work(scene.y, "b", "1");
  const fs::path away = scene.path() + ".away";
  fs::rename(scene.path(), away);
  CHECK(commit(&scene.x, kRmid, TMNOFLAGS) == XAER_RMFAIL);
  CHECK(commit(&scene.x, kRmid, TMNOFLAGS) == XAER_PROTO);
  CHECK(scene.open() == XAER_RMERR);
  fs::rename(away, scene.path());
  REQUIRE(scene.open() == XA_OK);
  CHECK(prepare(&scene.y, kRmid, TMNOFLAGS) == XAER_NOTA);
  CHECK(commit(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(scene.read("a") == "1");
  CHECK(scene.read("b") == "code 1");
}

TEST_CASE("a decision by hand is told until it is forgotten") {
  Scene scene;
  scene.work(scene.x, "a", "1");
  scene.work(scene.y, "b", "1");
  REQUIRE(prepare(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  REQUIRE(prepare(&scene.y, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_decide(scene.path().c_str(), &scene.x, 1) == 1);
  CHECK(file_rm_decide(scene.path().c_str(), nullptr, 0) == 1);
  CHECK(scene.read("a") == "1");
  CHECK(scene.read("b") == "code 1");
  CHECK(rollback(&scene.x, kRmid, TMNOFLAGS) == XA_HEURCOM);
  CHECK(commit(&scene.y, kRmid, TMNOFLAGS) == XA_HEURRB);
  CHECK(file_rm_decided(scene.path().c_str()) == 2);
  CHECK(file_rm_switch.xa_forget_entry(&scene.x, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_switch.xa_forget_entry(&scene.y, kRmid, TMNOFLAGS) == XA_OK);
  CHECK(file_rm_decided(scene.path().c_str()) == 0);
}

TEST_CASE("a thread that ends takes its unprepared work along") {
  Scene scene;
  std::thread([&] {
    (void)scene.open();
    (void)file_rm_switch.xa_start_entry(&scene.x, kRmid, TMNOFLAGS);
    (void)file_rm_put(kRmid, "a", "1");
  }).join();
  CHECK(rollback(&scene.x, kRmid, TMNOFLAGS) == XAER_NOTA);
  scene.work(scene.y, "a", "2");
  CHECK(commit(&scene.y, kRmid, TMONEPHASE) == XA_OK);
}
