// Loads drivers with the dynamic loader.
#include "switch_library.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>

namespace xabridge::tm {
namespace {

constexpr std::array<std::string_view, 2> kDrivers{"postgresql", "mysql"};

Error load_error(const ResourceManagerConfig& config, std::string message, std::string loader) {
  Error e;
  e.xa_code = XAER_INVAL;
  e.operation = "load switch";
  e.resource_manager = config.name;
  e.message = std::move(message);
  e.server_text = std::move(loader);
  return e;
}

std::string loader_text() {
  const char* text = ::dlerror();
  return text == nullptr ? std::string() : std::string(text);
}

Result<SwitchObject> checked(const ResourceManagerConfig& config, SwitchObject object) {
  if (object.entries->version != 0) {
    return load_error(config,
                      "the switch has version " + std::to_string(object.entries->version) +
                          ", XA says 0: it was built against another interface",
                      {});
  }
  if (object.extras != nullptr && object.extras->version < XABRIDGE_RM_EXTRAS_VERSION) {
    return load_error(config,
                      "the driver library is older than this transaction manager (extras " +
                          std::to_string(object.extras->version) + ", needed " +
                          std::to_string(XABRIDGE_RM_EXTRAS_VERSION) +
                          "): install both from one release",
                      {});
  }
  return object;
}

}  // namespace

bool is_known_driver(std::string_view name) noexcept {
  return std::find(kDrivers.begin(), kDrivers.end(), name) != kDrivers.end();
}

std::string known_drivers_text() {
  std::string text;
  for (const auto driver : kDrivers) text += (text.empty() ? "" : ", ") + std::string(driver);
  return text;
}

Result<SwitchObject> find_switch(const ResourceManagerConfig& config) {
  if (config.xa_switch != nullptr) return checked(config, {config.xa_switch, config.extras});

  // The versioned name is what a run-time package installs; the plain one is for a build tree.
  const std::string plain = "libxabridge_" + config.driver + ".so";
  const std::string versioned = plain + "." + XABRIDGE_SOVERSION;
  void* library = ::dlopen(versioned.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const std::string first = loader_text();
    library = ::dlopen(plain.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return load_error(config,
                        "driver '" + config.driver + "' cannot be loaded: " + versioned +
                            " must be installed beside libxabridge or be on the loader's path " +
                            "(LD_LIBRARY_PATH)",
                        first + "; " + loader_text());
    }
  }
  const std::string symbol = "xabridge_" + config.driver + "_switch";
  SwitchObject object;
  object.entries = static_cast<const xa_switch_t*>(::dlsym(library, symbol.c_str()));
  if (object.entries == nullptr) {
    return load_error(config, plain + " has no object " + symbol + ": it is not this driver",
                      loader_text());
  }
  object.extras =
      static_cast<const xabridge_rm_extras_t*>(::dlsym(library, (symbol + "_extras").c_str()));
  return checked(config, object);
}

}  // namespace xabridge::tm
