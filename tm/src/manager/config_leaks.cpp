// Who else can read the passwords of a configuration.
//
// A warning, not an error: where the file comes from a secret store, its mode is often not the
// service's to choose. `passwordfile` has no such excuse and is refused (xa/src/open_string.cpp).
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "config_check.hpp"

namespace xabridge::tm {
namespace {

/// How the keys end whose value is the secret itself; keys that name a file end otherwise.
constexpr std::array<std::string_view, 4> kSecrets{"password", "_secret", "scram_client_key",
                                                   "scram_server_key"};

/// Any key=value of ours or of another vendor: blanks may stand around the '='.
bool has_secret(std::string_view open) {
  for (auto equals = open.find('='); equals != std::string_view::npos;
       equals = open.find('=', equals + 1)) {
    std::string key(open.substr(0, equals));
    while (!key.empty() && key.back() == ' ') key.pop_back();
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::any_of(kSecrets.begin(), kSecrets.end(),
                    [&](std::string_view secret) { return key.ends_with(secret); })) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> holders_of_secrets(const Config& config) {
  std::vector<std::string> names;
  for (const ResourceManagerConfig& rm : config.resource_managers) {
    if (has_secret(rm.open)) names.push_back(rm.name);
  }
  return names;
}

std::vector<std::string> leaks(const Config& config, const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  if ((status.st_mode & (S_IROTH | S_IWOTH)) == 0) return {};
  const std::vector<std::string> names = holders_of_secrets(config);
  if (names.empty()) return {};
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return {"the configuration " + file.string() +
          " can be read or written to by every user of this machine, and holds a password (" +
          list + "): chmod 600 " + file.string() + ", or give the password with passwordfile"};
}

}  // namespace xabridge::tm
