// Processes at the other end of two pipes.
#include "child.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace foreign_tm {

std::string server() {
  const char* const name = std::getenv("XABRIDGE_TEST_SERVER");
  return name == nullptr ? "" : name;
}

std::string open_string(const std::string& more, const std::string& who) {
  std::string variable = "XABRIDGE_TEST_" + server() + who;
  for (char& c : variable) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const char* const text = std::getenv(variable.c_str());
  if (text == nullptr)
    throw std::runtime_error(variable + " is not set: eval \"$(scripts/servers env)\"");
  return more.empty() ? text : std::string(text) + " " + more;
}

std::string unique_name() {
  static std::atomic<int> number{0};
  return "ftm_" + std::to_string(::getpid()) + "_" + std::to_string(++number);
}

std::string accessor(const std::string& suffix) {
  const std::string database = server() == "postgresql" ? "postgresql" : "mysql";
  return XABRIDGE_LIBRARIES "/libxabridge_" + database + "_accessor" + suffix + ".so";
}

Child::Child() {
  ::signal(SIGPIPE, SIG_IGN);  // a child that died is told by its answer
  std::array<int, 2> in{}, out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe failed");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execl(FOREIGN_TM_PROCESS, FOREIGN_TM_PROCESS, nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = ::fdopen(in[1], "w");
  from_ = ::fdopen(out[0], "r");
}

Child::~Child() { kill(); }

std::string Child::say(const std::string& command) {
  if (pid_ <= 0) return "died";
  std::fprintf(to_, "%s\n", command.c_str());
  std::fflush(to_);
  std::array<char, 8192> line{};
  if (std::fgets(line.data(), line.size(), from_) == nullptr) return "died";
  std::string text = line.data();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

int Child::code(const std::string& command) {
  const std::string said = say(command);
  char* stop = nullptr;
  const long value = std::strtol(said.c_str(), &stop, 10);
  return stop == said.c_str() || *stop != '\0' ? -1000 : static_cast<int>(value);
}

void Child::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  (void)end();
}

int Child::end() {
  if (pid_ <= 0) return 0;
  std::fclose(to_);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  std::fclose(from_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string prepare_at_end() {
  return open_string("prepare_at_end=1");
}

Loaded::Loaded(const std::string& suffix) {
  const std::string loaded = say("load " + accessor(suffix) + " ndrx_get_xa_switch");
  if (!loaded.starts_with("ok")) throw std::runtime_error(loaded);
  const std::string library = server() == "postgresql" ? APPLICATION_POSTGRESQL : APPLICATION_MYSQL;
  if (const std::string said = say("application " + library); said != "ok")
    throw std::runtime_error(said);
}

Manager::Manager(const std::string& suffix) : Loaded(suffix) {
  if (const int opened = code("open 1 " + prepare_at_end()); opened != 0)
    throw std::runtime_error("xa_open: " + std::to_string(opened));
}

}  // namespace foreign_tm
