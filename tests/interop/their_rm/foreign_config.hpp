// Resource managers of files in a configuration, named as an administrator would: by library and
// symbol.
#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <xabridge/config.hpp>

#include "file_rm.h"
#include "temporary_directory.hpp"

namespace foreign {

/// The part of a configuration file for one of them.
inline std::string file_section(const std::string& name, const std::filesystem::path& directory,
                                const std::string& symbol = "file_rm_switch") {
  return "[[resource_manager]]\nname = \"" + name + "\"\nlibrary = \"" + FILE_RM_LIBRARY +
         "\"\nsymbol = \"" + symbol + "\"\nopen = \"directory=" + directory.string() +
         " sync=no\"\n";
}

inline std::string common_sections(const std::filesystem::path& log) {
  return "[log]\ndirectory = \"" + log.string() +
         "\"\nsegment_size = \"64KiB\"\n"
         "[transaction]\ncompletion_timeout = \"100ms\"\n"
         "[recovery]\ninterval = \"100ms\"\nbackoff_maximum = \"100ms\"\n"
         "[logging]\nlevel = \"off\"\n";
}

/// What is committed under the key; empty: nothing.
inline std::string committed(const std::filesystem::path& directory, const std::string& key) {
  std::array<char, 64> value{};
  const int code = file_rm_read(directory.c_str(), key.c_str(), value.data(), value.size());
  return code == FILE_RM_OK ? value.data() : "";
}

/// Writes in the branch of this thread; the code of file_rm_put.
inline int put(const std::filesystem::path& directory, const std::string& key,
               const std::string& value) {
  return file_rm_put(file_rm_rmid(directory.c_str()), key.c_str(), value.c_str());
}

}  // namespace foreign
