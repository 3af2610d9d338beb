// Loads switches and work libraries with the dynamic loader.
#include "engine/subject.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

namespace xabridge::conformance {
namespace {

std::string loader_text() {
  const char* text = ::dlerror();
  return text == nullptr ? "no reason given" : text;
}

void* open_library(const std::string& file) {
  // A switch calls ax_reg of whoever loads it; a name without a folder is searched for.
  void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Unusable("cannot load " + file + ": " + loader_text());
  return library;
}

/// What the library's own symbol table says of an address; null where it says nothing.
const ElfW(Sym) * symbol_at(void* address) {
  Dl_info info{};
  void* entry = nullptr;
  if (::dladdr1(address, &info, &entry, RTLD_DL_SYMENT) == 0 || info.dli_saddr != address)
    return nullptr;
  return static_cast<const ElfW(Sym)*>(entry);
}

}  // namespace

void load_switch(Subject& subject, const std::string& file, const std::string& symbol) {
  void* library = open_library(file);
  void* found = ::dlsym(library, symbol.c_str());
  if (found == nullptr) throw Unusable(file + " has no symbol " + symbol + ": " + loader_text());
  const auto* const entry = symbol_at(found);
  const int type = entry == nullptr ? STT_NOTYPE : ELF64_ST_TYPE(entry->st_info);
  if (type == STT_OBJECT && entry->st_size != 0 && entry->st_size < sizeof(xa_switch_t))
    throw Unusable(symbol + " of " + file + " has " + std::to_string(entry->st_size) +
                   " bytes, an xa_switch_t " + std::to_string(sizeof(xa_switch_t)) +
                   ": it is something else");
  if (type == STT_FUNC || type == STT_GNU_IFUNC) {
    using Accessor = xa_switch_t* (*)();
    found = reinterpret_cast<Accessor>(found)();
    if (found == nullptr) throw Unusable(symbol + "() of " + file + " returned no switch");
  }
  subject.entries = static_cast<const xa_switch_t*>(found);
  subject.extras = ::dlsym(library, (symbol + "_extras").c_str());
  subject.library = file;
  subject.symbol = symbol;
}

void load_work(Subject& subject, const std::string& file) {
  void* library = open_library(file);
  const auto* work =
      static_cast<const xa_conformance_work_t*>(::dlsym(library, "xa_conformance_work"));
  if (work == nullptr)
    throw Unusable(file + " has no object xa_conformance_work: " + loader_text());
  if (work->version != XA_CONFORMANCE_VERSION)
    throw Unusable(file + " was built against version " + std::to_string(work->version) +
                   " of work.h, this program knows " + std::to_string(XA_CONFORMANCE_VERSION));
  subject.work = work;
  subject.work_library = file;
}

}  // namespace xabridge::conformance
