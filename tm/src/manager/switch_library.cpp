// Loads switches with the dynamic loader, and asks its symbol tables what a name stands for.
#include "switch_library.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace xabridge::tm {
namespace {

constexpr long kOldestExtras = 1;  // what came later is used where it is there

/// Our drivers, and the Debian packages they are in, without the number at the end.
struct KnownDriver {
  std::string_view name;
  std::string_view package;
};
constexpr std::array<KnownDriver, 2> kDrivers{
    {{"postgresql", "libxabridge"}, {"mysql", "libxabridge-mysql"}}};

const KnownDriver* known_driver(std::string_view name) noexcept {
  const auto* found = std::find_if(kDrivers.begin(), kDrivers.end(),
                                   [&](const KnownDriver& one) { return one.name == name; });
  return found == kDrivers.end() ? nullptr : found;
}

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

/// "xa_open, xa_commit": the entries that are null.
std::string null_entries(const xa_switch_t& s) {
  const std::array<std::pair<const char*, bool>, 10> entries{
      {{"xa_open", s.xa_open_entry == nullptr},
       {"xa_close", s.xa_close_entry == nullptr},
       {"xa_start", s.xa_start_entry == nullptr},
       {"xa_end", s.xa_end_entry == nullptr},
       {"xa_rollback", s.xa_rollback_entry == nullptr},
       {"xa_prepare", s.xa_prepare_entry == nullptr},
       {"xa_commit", s.xa_commit_entry == nullptr},
       {"xa_recover", s.xa_recover_entry == nullptr},
       {"xa_forget", s.xa_forget_entry == nullptr},
       {"xa_complete", s.xa_complete_entry == nullptr}}};
  std::string text;
  for (const auto& [name, null] : entries) {
    if (null) text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

/// What is wrong with the object as an xa_switch_t; empty: nothing.
std::string switch_fault(const xa_switch_t& s) {
  if (std::memchr(s.name, '\0', sizeof s.name) == nullptr) {
    return "its name has no end within " + std::to_string(RMNAMESZ) +
           " bytes: it is not an xa_switch_t";
  }
  const std::string name = "the switch '" + std::string(s.name) + "' ";
  if (s.version != 0) {
    return name + "has version " + std::to_string(s.version) +
           ", XA says 0: it was built against another interface";
  }
  constexpr long kFlags = TMREGISTER | TMNOMIGRATE | TMUSEASYNC;
  if ((s.flags & ~kFlags) != 0) {
    return name + "has flags XA does not know: " + std::to_string(s.flags);
  }
  if (const std::string missing = null_entries(s); !missing.empty()) {
    return name + "lacks " + missing + ": XA wants all ten entries";
  }
  return {};
}

Result<SwitchObject> checked(const ResourceManagerConfig& config, SwitchObject object) {
  if (std::string fault = switch_fault(*object.entries); !fault.empty()) {
    return load_error(config, std::move(fault), {});
  }
  if (object.extras != nullptr && object.extras->version < kOldestExtras) {
    return load_error(config,
                      "the driver library is older than this transaction manager (extras " +
                          std::to_string(object.extras->version) + ", needed " +
                          std::to_string(kOldestExtras) + "): install both from one release",
                      {});
  }
  return object;
}

const xabridge_rm_extras_t* extras_of(void* library, const std::string& symbol) {
  return static_cast<const xabridge_rm_extras_t*>(::dlsym(library, (symbol + "_extras").c_str()));
}

enum class Kind { object, function, unknown };
struct Symbol {
  Kind kind = Kind::unknown;
  std::size_t size = 0;  // 0: not told
};

/// What the library's own symbol table says of what dlsym() found; nothing where it points
/// elsewhere (an indirect function, a library without sizes or types).
Symbol symbol_at(void* address) {
  Dl_info info{};
  void* entry = nullptr;
  if (::dladdr1(address, &info, &entry, RTLD_DL_SYMENT) == 0 || entry == nullptr ||
      info.dli_saddr != address) {
    return {};
  }
  const auto& symbol = *static_cast<const ElfW(Sym)*>(entry);
  switch (ELF64_ST_TYPE(symbol.st_info)) {
    case STT_OBJECT:
      return {Kind::object, symbol.st_size};
    case STT_FUNC:
    case STT_GNU_IFUNC:
      return {Kind::function, symbol.st_size};
    default:
      return {};
  }
}

Result<const xa_switch_t*> switch_at(const ResourceManagerConfig& config, void* address) {
  const std::string name = config.library + ": " + config.symbol;
  Symbol symbol = symbol_at(address);
  if (config.symbol_is != SymbolKind::as_library_tells) {
    symbol.kind = config.symbol_is == SymbolKind::function ? Kind::function : Kind::object;
  }
  if (symbol.kind == Kind::unknown) {
    return load_error(config,
                      name +
                          " is neither an object nor a function as far as the library tells: "
                          "set symbol_is to \"object\" or \"function\"",
                      {});
  }
  if (symbol.kind == Kind::object) {
    if (symbol.size != 0 && symbol.size < sizeof(xa_switch_t)) {
      return load_error(config,
                        name + " has " + std::to_string(symbol.size) + " bytes, an xa_switch_t " +
                            std::to_string(sizeof(xa_switch_t)) + ": it is something else",
                        {});
    }
    return static_cast<const xa_switch_t*>(address);
  }
  const auto* found = reinterpret_cast<const xa_switch_t* (*)()>(address)();
  if (found == nullptr) return load_error(config, name + "() returned no switch", {});
  return found;
}

Result<SwitchObject> find_in_library(const ResourceManagerConfig& config) {
  void* library = ::dlopen(config.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return load_error(config, "the library " + config.library + " cannot be loaded", loader_text());
  }
  void* address = ::dlsym(library, config.symbol.c_str());
  if (address == nullptr) {
    return load_error(config, config.library + " has no symbol " + config.symbol, loader_text());
  }
  Result<const xa_switch_t*> found = switch_at(config, address);
  if (!found) return std::move(found.error());
  return checked(config, {*found, extras_of(library, config.symbol)});
}

/// Neither of the driver library's names could be loaded.
Error driver_missing(const ResourceManagerConfig& config, const std::string& library,
                     std::string loader) {
  std::string message = "driver '" + config.driver + "' cannot be loaded: " + library +
                        " must be in the library folder that belongs to this libxabridge or "
                        "program, or on the loader's path (LD_LIBRARY_PATH)";
  if (const KnownDriver* driver = known_driver(config.driver)) {
    message += "; on Debian install " + std::string(driver->package) + XABRIDGE_SOVERSION;
  }
  return load_error(config, std::move(message), std::move(loader));
}

Result<SwitchObject> find_driver(const ResourceManagerConfig& config) {
  // The versioned name is what a run-time package installs; the plain one is for a build tree.
  const std::string plain = "libxabridge_" + config.driver + ".so";
  const std::string versioned = plain + "." + XABRIDGE_SOVERSION;
  void* library = ::dlopen(versioned.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const std::string first = loader_text();
    library = ::dlopen(plain.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return driver_missing(config, versioned, first + "; " + loader_text());
    }
  }
  const bool dynamic = config.dynamic_registration;
  const std::string symbol =
      "xabridge_" + config.driver + (dynamic ? "_switch_dynamic" : "_switch");
  SwitchObject object;
  object.entries = static_cast<const xa_switch_t*>(::dlsym(library, symbol.c_str()));
  if (object.entries == nullptr) {
    return load_error(config, plain + " has no object " + symbol + ": it is not this driver",
                      loader_text());
  }
  object.extras = extras_of(library, symbol);
  return checked(config, object);
}

}  // namespace

bool is_known_driver(std::string_view name) noexcept {
  return known_driver(name) != nullptr;
}

std::string known_drivers_text() {
  std::string text;
  for (const KnownDriver& driver : kDrivers) {
    text += (text.empty() ? "" : ", ") + std::string(driver.name);
  }
  return text;
}

Result<SwitchObject> find_switch(const ResourceManagerConfig& config) {
  if (config.xa_switch != nullptr) return checked(config, {config.xa_switch, config.extras});
  if (!config.library.empty()) return find_in_library(config);
  return find_driver(config);
}

}  // namespace xabridge::tm
