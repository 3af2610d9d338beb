// The numbers in use, per owner tag.
#include "session_mark.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <xabridge/rm/children.hpp>

namespace xabridge::mysql {
namespace {

constexpr std::size_t kLongestTag = 58;  // a lock's name has 64 characters at most
constexpr std::string_view kOwner = "xabridge/";

struct Numbers {
  std::mutex mutex;
  std::map<std::string, std::set<std::size_t>> used;
};

Numbers& numbers() {
  static auto& kept = []() -> Numbers& {
    auto* const made = new Numbers;  // never destroyed: sessions may outlive main()
    rm::free_in_children(made->mutex);
    return *made;
  }();
  return kept;
}

// Before threads can be: see rm::free_in_children().
[[maybe_unused]] const Numbers& numbers_made = numbers();

std::string random_name() {
  std::random_device device;
  std::string name("xabridge:");
  for (int i = 0; i < 24; ++i) name += "0123456789abcdef"[device() % 16];
  return name;
}

}  // namespace

bool SessionMark::tells_owners_apart(const std::string& owner_tag) noexcept {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '/'; };
  return owner_tag.starts_with(kOwner) && owner_tag.size() <= kLongestTag &&
         std::all_of(owner_tag.begin(), owner_tag.end(), plain);
}

std::string SessionMark::numbered(const std::string& owner_tag, std::size_t number) {
  return owner_tag + "/" + std::to_string(number);
}

SessionMark::SessionMark(const std::string& owner_tag) : owner_tag_(owner_tag) { take(); }

SessionMark::SessionMark(SessionMark&& other) noexcept
    : owner_tag_(std::move(other.owner_tag_)),
      taken_(std::exchange(other.taken_, false)),
      held_(std::exchange(other.held_, false)),
      number_(other.number_),
      lock_(std::move(other.lock_)) {}

SessionMark& SessionMark::operator=(SessionMark&& other) noexcept {
  std::swap(owner_tag_, other.owner_tag_);
  std::swap(taken_, other.taken_);
  std::swap(held_, other.held_);
  std::swap(number_, other.number_);
  std::swap(lock_, other.lock_);
  return *this;
}

SessionMark::~SessionMark() { give_back(); }

void SessionMark::take() {
  if (!tells_owners_apart(owner_tag_)) {
    lock_ = random_name();
    return;
  }
  const std::lock_guard lock(numbers().mutex);
  auto& used = numbers().used[owner_tag_];
  while (used.contains(number_)) ++number_;
  used.insert(number_);
  taken_ = true;
  lock_ = numbered(owner_tag_, number_);
}

void SessionMark::next() {
  give_back();
  held_ = false;
  ++number_;
  take();
}

void SessionMark::give_back() noexcept {
  if (!std::exchange(taken_, false)) return;
  const std::lock_guard lock(numbers().mutex);
  const auto found = numbers().used.find(owner_tag_);
  if (found == numbers().used.end()) return;
  found->second.erase(number_);
  if (found->second.empty()) numbers().used.erase(found);
}

}  // namespace xabridge::mysql
