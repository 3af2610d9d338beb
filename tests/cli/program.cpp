// The path of the program comes from the build.
#include "program.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "temporary_directory.hpp"

ProgramResult run_xabridge(const std::string& arguments) {
  const TemporaryDirectory directory;
  const std::string errors = (directory.path() / "stderr").string();
  // A thread may be about to end when the program does, and the search for leaks stumbles over it.
  const std::string command = "ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 " +
                              std::string(XABRIDGE_PROGRAM) + " " + arguments + " 2>" + errors;
  ProgramResult result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  std::ostringstream text;
  text << std::ifstream(errors).rdbuf();
  result.err = text.str();
  return result;
}
