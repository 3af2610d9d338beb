// foreign-database-victim CONFIG EVENT ID TABLE: writes ID at the resource manager of files
// "files", whose folder is beside the configuration, and inserts it into TABLE at "accounts"
// (PostgreSQL) and "ledger" (MySQL or MariaDB).
#include <filesystem>
#include <stdexcept>

#include "foreign_config.hpp"
#include "real_servers.hpp"
#include "victim.hpp"

int main(int argc, char** argv) {
  return foreign::run_victim(
      argc, argv,
      [&](xabridge::Transaction& tx, const std::string& id,
          const std::vector<std::string>& arguments) {
        const std::string insert = "INSERT INTO " + arguments.at(0) + " VALUES ('" + id + "')";
        RealServers::pg(tx.postgresql("accounts"), insert);
        tx.enlist("files");
        const auto directory = std::filesystem::path(argv[1]).parent_path() / "files";
        if (foreign::put(directory, id, id) != FILE_RM_OK) throw std::runtime_error("file_rm_put");
        RealServers::my(tx.mysql("ledger"), insert);
      });
}
