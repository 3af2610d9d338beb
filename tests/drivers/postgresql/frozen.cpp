// Finding a server's processes, and stopping them.

#include "frozen.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

namespace xabridge::test {
namespace {

// The fourth field of /proc/PID/stat, after a name that may contain anything.
pid_t parent_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto name_ends = text.rfind(") ");
  return name_ends == std::string::npos ? 0 : std::stoi(text.substr(name_ends + 4));
}

}  // namespace

Frozen::Frozen(rm::Session& session) {
  processes_.push_back(std::stoi(session.server_id()));
  stop();
}

Frozen::Frozen(const std::string& folder) {
  std::ifstream file(folder + "/data/postmaster.pid");
  pid_t postmaster = 0;
  REQUIRE(file >> postmaster);
  processes_.push_back(postmaster);
  stop();  // now it has no new children
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos &&
        parent_of(entry.path()) == postmaster)
      processes_.push_back(std::stoi(name));
  }
  stop();
}

void Frozen::stop() {
  for (const pid_t process : processes_) {
    REQUIRE(kill(process, SIGSTOP) == 0);
    const auto stopped = [&] {
      std::ifstream file("/proc/" + std::to_string(process) + "/stat");
      std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      const auto name_ends = text.rfind(") ");
      return name_ends != std::string::npos && text[name_ends + 2] == 'T';
    };
    REQUIRE(eventually(stopped));
  }
}

void Frozen::thaw() noexcept {
  for (const pid_t process : processes_) kill(process, SIGCONT);
  processes_.clear();
}

}  // namespace xabridge::test
