// Files: write elsewhere, sync, rename, sync the folder. In that order, always.
#include "directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <memory>
#include <sstream>

namespace file_rm {
namespace {

constexpr std::array<const char*, 5> kSuffix{".prepared", ".committing", ".heurcommitting",
                                             ".heurcom", ".heurrb"};
constexpr std::array kStates{Kept::prepared, Kept::committing, Kept::heurcommitting, Kept::heurcom,
                             Kept::heurrb};

std::string hex(const std::string& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string from_hex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    out += static_cast<char>(byte);
  }
  return out;
}

std::string format(const Values& values) {
  std::string text;
  // The trailing dot keeps an empty key or value a word of its own.
  for (const auto& [key, value] : values) text += hex(key) + ". " + hex(value) + ".\n";
  return text;
}

int open_file(const std::string& file, int flags) {
  return ::open(file.c_str(), flags | O_CLOEXEC, 0600);
}

bool write_all(int file, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Directory::Lock::Lock(const Directory& directory)
    : file_(open_file(directory.path_ + "/lock", O_RDWR)) {
  if (file_ < 0) throw Unavailable{};
  while (::flock(file_, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    ::close(file_);
    throw Unavailable{};
  }
  try {
    directory.replay();
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Directory::Lock::~Lock() { ::close(file_); }

void Directory::initialise() const {
  if (::access(path_.c_str(), W_OK | X_OK) != 0) throw Unavailable{};
  // In the order in which they are needed; a second process doing the same does no harm.
  const std::string folder = path_ + "/branch";
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail(errno);
  for (const char* name : {"/keys", "/lock"}) {
    const int file = open_file(path_ + name, O_RDWR | O_CREAT);
    if (file < 0) fail(errno);
    ::close(file);
  }
  sync_folder(path_);
}

void Directory::fail(int error) const {
  // Whatever failed, it was because the whole directory went away if it did.
  if (::access((path_ + "/lock").c_str(), F_OK) != 0) throw Unavailable{};
  throw Failure{error};
}

long Directory::number(const char* file) const {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen((path_ + "/" + file).c_str(), "re"),
                                                     &std::fclose);
  long value = 0;
  if (!in || std::fscanf(in.get(), "%ld", &value) != 1) return 0;
  return value;
}

void Directory::set_number(const char* file, long value) const {
  replace(path_ + "/" + file, std::to_string(value) + "\n");
}

bool Directory::busy() const { return ::access((path_ + "/busy").c_str(), F_OK) == 0; }

void Directory::set_busy(bool on) const {
  if (on) {
    replace(path_ + "/busy", "");
  } else if (::unlink((path_ + "/busy").c_str()) != 0 && errno != ENOENT) {
    fail(errno);
  }
}

Values Directory::data() const { return read_values(path_ + "/data"); }

void Directory::apply(const Values& writes) const {
  Values all = data();
  for (const auto& [key, value] : writes) all[key] = value;
  replace(path_ + "/data", format(all));
}

void Directory::clear() const { replace(path_ + "/data", ""); }

std::vector<KeptBranch> Directory::branches() const {
  std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir((path_ + "/branch").c_str()), &::closedir);
  if (!folder) fail(errno);
  std::vector<KeptBranch> all;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string file = entry->d_name;
    for (const Kept state : kStates) {
      const std::string suffix = kSuffix[static_cast<std::size_t>(state)];
      if (file.size() > suffix.size() && file.ends_with(suffix)) {
        all.push_back({file.substr(0, file.size() - suffix.size()), state});
      }
    }
  }
  return all;
}

std::optional<Kept> Directory::find(const std::string& name) const {
  for (const Kept state : kStates) {
    if (::access(branch_file(name, state).c_str(), F_OK) == 0) return state;
    if (errno != ENOENT) fail(errno);
  }
  return std::nullopt;
}

Values Directory::writes(const KeptBranch& branch) const {
  return read_values(branch_file(branch.name, branch.state));
}

void Directory::prepare(const std::string& name, const Values& writes) const {
  replace(branch_file(name, Kept::prepared), format(writes));
}

/// A crash before the first rename is durable leaves the branch prepared; after it the next holder
/// of the lock does the rest.
void Directory::commit(const std::string& name) const {
  move(name, Kept::prepared, Kept::committing);
  replay();
}

void Directory::decide(const std::string& name, bool commit) const {
  move(name, Kept::prepared, commit ? Kept::heurcommitting : Kept::heurrb);
  replay();
}

void Directory::remove(const std::string& name, Kept state) const {
  if (::unlink(branch_file(name, state).c_str()) != 0) fail(errno);
  sync_folder(path_ + "/branch");
}

void Directory::replay() const {
  for (const KeptBranch& branch : branches()) {
    if (branch.state == Kept::committing) {
      apply(writes(branch));
      remove(branch.name, branch.state);
    } else if (branch.state == Kept::heurcommitting) {
      apply(writes(branch));
      move(branch.name, Kept::heurcommitting, Kept::heurcom);
    }
  }
}

void Directory::move(const std::string& name, Kept from, Kept to) const {
  if (::rename(branch_file(name, from).c_str(), branch_file(name, to).c_str()) != 0) fail(errno);
  sync_folder(path_ + "/branch");
}

std::string Directory::branch_file(const std::string& name, Kept state) const {
  return path_ + "/branch/" + name + kSuffix[static_cast<std::size_t>(state)];
}

Values Directory::read_values(const std::string& file) const {
  Values values;
  const int in = open_file(file, O_RDONLY);
  if (in < 0) {
    if (errno == ENOENT && ::access((path_ + "/lock").c_str(), F_OK) == 0) return values;
    fail(errno);
  }
  std::string text;
  std::array<char, 4096> block{};
  ssize_t n = 0;
  while ((n = ::read(in, block.data(), block.size())) > 0) {
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  const int error = errno;
  ::close(in);
  if (n < 0) fail(error);
  std::istringstream words(text);
  for (std::string key, value; words >> key >> value;) values[from_hex(key)] = from_hex(value);
  return values;
}

/// The old text or the new one, never anything between, whatever happens.
void Directory::replace(const std::string& file, const std::string& text) const {
  const std::string temporary = path_ + "/new";
  const int out = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (out < 0) fail(errno);
  const bool written = write_all(out, text) && (!sync_ || ::fsync(out) == 0);
  const int error = errno;
  if (::close(out) != 0 || !written) fail(error);
  if (::rename(temporary.c_str(), file.c_str()) != 0) fail(errno);
  sync_folder(file.substr(0, file.rfind('/')));
}

void Directory::sync_folder(const std::string& folder) const {
  if (!sync_) return;
  const int file = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (file < 0) fail(errno);
  const bool synced = ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (!synced) fail(error);
}

}  // namespace file_rm
