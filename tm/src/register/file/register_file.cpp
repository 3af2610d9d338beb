// Making and reading the register file.

#include "register_file.hpp"

#include <thread>

#include "crc32c.hpp"
#include "fields.hpp"
#include "segment_reader.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "xabridge";
constexpr std::uint32_t kRootVersion = 2;
constexpr std::size_t kFileSize = 32;

fs::path file_of(const fs::path& root) { return root / "register"; }

Error failure(std::string message) {
  Error error;
  error.operation = "open decision log";
  error.message = std::move(message);
  return error;
}

Result<void> write_file(FileSystem& files, const fs::path& path, const RegisterId& id) {
  std::string bytes(kMagic);
  FieldWriter io(bytes);
  io.integer(kRootVersion);
  io.fixed(id);
  io.integer(crc32c(bytes));
  const auto there = files.exists(path);
  if (!there) return there.error();
  if (*there) {  // of a process that died between here and the rename
    if (auto removed = files.remove(path); !removed) return removed;
  }
  auto file = files.open(path, OpenMode::create_new);
  if (!file) return file.error();
  if (auto put = (*file)->write_at(0, std::as_bytes(std::span(bytes))); !put) return put;
  return (*file)->sync();
}

Result<bool> has_slots(FileSystem& files, const fs::path& root) {
  const auto there = files.exists(root / "slots");
  if (!there || !*there) return there;
  const auto slots = files.list(root / "slots");
  if (!slots) return slots.error();
  return !slots->empty();
}

Error without_register(const fs::path& root) {
  return failure("the log root " + root.string() +
                 " has slots but no file `register`; restore that file from a copy. In an empty "
                 "directory a new one is made");
}

// By the holder of register.lock. The name appears only with the whole, synced content behind it.
Result<void> make(Environment& environment, const fs::path& root) {
  FileSystem& files = environment.files;
  const auto used = has_slots(files, root);
  if (!used) return used.error();
  // A new id would turn every branch still in doubt into a stranger's.
  if (*used) return without_register(root);
  RegisterId id{};
  environment.entropy.fill(std::as_writable_bytes(std::span(id)));
  const fs::path temporary = root / "register.new";
  if (auto written = write_file(files, temporary, id); !written) return written;
  return files.rename(temporary, file_of(root));
}

}  // namespace

Result<RegisterId> read_register_file(FileSystem& files, const fs::path& root) {
  const fs::path path = file_of(root);
  const auto there = files.exists(path);
  if (!there) return there.error();
  if (!*there) {
    const auto used = has_slots(files, root);
    if (used && *used) return without_register(root);
    return failure("there is no decision log in " + root.string() +
                   ". Either this is not the service's configuration (--config, log.directory), or "
                   "the log's volume is not mounted, or the service has never been started. Find "
                   "out which. Only a service makes a log, at its first start");
  }
  const auto bytes = read_whole_file(files, path);
  if (!bytes) return bytes.error();
  if (bytes->size() < kFileSize || !bytes->starts_with(kMagic))
    return damaged(path, 0, "this is not the register file of a decision log");
  FieldReader io(std::string_view(*bytes).substr(kMagic.size(), kFileSize - kMagic.size()));
  std::uint32_t version = 0;
  std::uint32_t crc = 0;
  RegisterId id{};
  io.integer(version);
  io.fixed(id);
  io.integer(crc);
  if (version == 1)
    return failure(
        "the log root " + root.string() +
        " is of an xabridge whose XIDs had another layout (formatID 1480671826), and its "
        "decisions are on such XIDs: finish them with that version (`xabridge recover`, "
        "until `xabridge status` shows nothing), then give this one an empty directory");
  if (version != kRootVersion)
    return failure("the log root " + root.string() + " has layout version " +
                   std::to_string(version) + ", this program knows version " +
                   std::to_string(kRootVersion) + "; use the xabridge that made it");
  if (crc != crc32c(std::string_view(*bytes).substr(0, kFileSize - sizeof(crc))))
    return damaged(path, kFileSize - sizeof(crc), "the checksum does not fit");
  return id;
}

Result<bool> is_unused(FileSystem& files, const fs::path& root) {
  const auto there = files.exists(file_of(root));
  if (!there) return there;
  if (*there) return false;
  const auto used = has_slots(files, root);
  if (!used) return used;
  return !*used;
}

Result<OpenedRegister> open_register_file(Environment& environment, const fs::path& root) {
  FileSystem& files = environment.files;
  bool made_here = false;
  if (auto made = files.create_directories(root); !made) {
    made.error().message +=
        "; name another log.directory, on a disk that takes files, or make this one, owned by the "
        "user the service runs as, with mode 700";
    return made.error();
  }
  if (auto own = files.require_own_directory(root, FileSystem::Links::trusted); !own)
    return own.error();
  const auto give_up = environment.clock.now() + std::chrono::seconds(10);
  while (true) {
    auto there = files.exists(file_of(root));
    if (!there) return there.error();
    if (*there) break;
    auto lock = files.try_lock(root / "register.lock");
    if (!lock) return lock.error();
    if (*lock) {
      there = files.exists(file_of(root));
      if (!there) return there.error();
      if (*there) break;
      if (auto made = make(environment, root); !made) return made.error();
      made_here = true;
      break;
    }
    // Somebody else is making it, which takes a few writes.
    if (environment.clock.now() > give_up)
      return failure("another process has held " + (root / "register.lock").string() +
                     " for 10 seconds without making the register file; look at that process");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // Also by who found it there: its maker may not have come to this yet.
  if (auto synced = files.sync_directory(root); !synced) return synced.error();
  const auto id = read_register_file(files, root);
  if (!id) return id.error();
  return OpenedRegister{*id, made_here};
}

}  // namespace xabridge::tm
