// file-rm: the operator's hand on a directory of the file resource manager, for scripts and for the
// conformance suite's fault commands.
//
//   file-rm restart|doom|busy|ready|commit|rollback|list DIRECTORY     file-rm read DIRECTORY KEY
#include <array>
#include <cstdio>
#include <string>

#include "file_rm.h"

namespace {

int list(const char* directory) {
  const long prepared = file_rm_prepared(directory);
  if (prepared < 0) return static_cast<int>(prepared);
  std::printf("prepared %ld, decided by hand %ld\n", prepared, file_rm_decided(directory));
  return FILE_RM_OK;
}

int decide(const char* directory, int commit) {
  const long decided = file_rm_decide(directory, nullptr, commit);
  if (decided < 0) return static_cast<int>(decided);
  std::printf("%s %ld\n", commit != 0 ? "committed" : "rolled back", decided);
  return FILE_RM_OK;
}

int busy(const char* directory) { return file_rm_busy(directory, 1); }
int ready(const char* directory) { return file_rm_busy(directory, 0); }
int commit(const char* directory) { return decide(directory, 1); }
int rollback(const char* directory) { return decide(directory, 0); }

struct Command {
  const char* name;
  int (*run)(const char* directory);
};
constexpr Command commands[] = {
    {"restart", file_rm_restart}, {"doom", file_rm_doom}, {"busy", busy}, {"ready", ready},
    {"commit", commit},           {"rollback", rollback}, {"list", list},
};

int run(int argc, char** argv) {
  const std::string name = argc > 2 ? argv[1] : "";
  if (argc == 4 && name == "read") {
    std::array<char, 1024> value{};
    const int answer = file_rm_read(argv[2], argv[3], value.data(), value.size());
    if (answer == FILE_RM_OK) std::puts(value.data());
    return answer;
  }
  for (const Command& command : commands) {
    if (argc == 3 && name == command.name) return command.run(argv[2]);
  }
  std::fputs(
      "usage: file-rm restart|doom|busy|ready|commit|rollback|list DIRECTORY\n"
      "       file-rm read DIRECTORY KEY\n",
      stderr);
  return FILE_RM_INVALID;
}

}  // namespace

int main(int argc, char** argv) {
  const int answer = run(argc, argv);
  if (answer != FILE_RM_OK && argc > 2) {
    std::fprintf(stderr, "file-rm: %s %s answered %d\n", argv[1], argv[2], answer);
  }
  return answer == FILE_RM_OK ? 0 : 1;
}
