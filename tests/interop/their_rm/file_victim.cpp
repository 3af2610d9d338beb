// foreign-file-victim CONFIG EVENT ID: writes ID at the resource managers of files "a" and "b",
// which are in the folders of the same name beside the configuration.
#include <filesystem>
#include <stdexcept>

#include "foreign_config.hpp"
#include "victim.hpp"

int main(int argc, char** argv) {
  return foreign::run_victim(
      argc, argv, [&](xabridge::Transaction& tx, const std::string& id, const auto&) {
        for (const char* name : {"a", "b"}) {
          tx.enlist(name);
          const auto directory = std::filesystem::path(argv[1]).parent_path() / name;
          if (foreign::put(directory, id, id) != FILE_RM_OK)
            throw std::runtime_error("file_rm_put");
        }
      });
}
