// The names and the order of writing; acknowledgements.hpp tells what they are for.
#include "acknowledgements.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <xabridge/xid.hpp>

#include "segment_reader.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "acknowledge-";
constexpr std::string_view kGiveUp = "give-up-";
// In front, where no resource manager's name can imitate it.
constexpr std::string_view kUnfinished = "unfinished-";

std::string name_of(const Acknowledgement& a) {
  return std::string(a.give_up ? kGiveUp : kPrefix) + to_hex(a.gtrid) + "-" + a.resource_manager;
}

std::optional<Acknowledgement> parse(std::string_view name) {
  const bool give_up = name.starts_with(kGiveUp);
  if (!give_up && !name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(give_up ? kGiveUp.size() : kPrefix.size());
  const auto dash = name.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == name.size()) return std::nullopt;
  auto gtrid = from_hex(name.substr(0, dash));
  if (!gtrid) return std::nullopt;
  return Acknowledgement{*std::move(gtrid), std::string(name.substr(dash + 1)), {}, give_up};
}

}  // namespace

Result<void> leave_acknowledgement(FileSystem& files, const fs::path& slot,
                                   const Acknowledgement& acknowledgement) {
  const std::string name = name_of(acknowledgement);
  const fs::path unfinished = slot / (std::string(kUnfinished) + name);
  const auto there = files.exists(unfinished);
  if (!there) return there.error();
  if (*there) {  // of somebody who died before the rename
    if (auto removed = files.remove(unfinished); !removed) return removed;
  }
  {
    auto file = files.open(unfinished, OpenMode::create_new);
    if (!file) return file.error();
    const std::string text = acknowledgement.give_up
                                 ? acknowledgement.server + "\n" + acknowledgement.who
                                 : acknowledgement.who;
    const auto bytes = std::as_bytes(std::span(text));
    if (auto put = (*file)->write_at(0, bytes); !put) return put;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  if (auto renamed = files.rename(unfinished, slot / name); !renamed) return renamed;
  return files.sync_directory(slot);
}

Result<std::vector<Acknowledgement>> waiting_acknowledgements(FileSystem& files,
                                                              const fs::path& slot) {
  const auto names = files.list(slot);
  if (!names) return names.error();
  std::vector<Acknowledgement> waiting;
  for (const std::string& name : *names) {
    auto one = parse(name);
    if (!one) continue;
    auto who = read_whole_file(files, slot / name);
    if (!who) return who.error();
    const auto line = one->give_up ? who->find('\n') : std::string::npos;
    if (line != std::string::npos) one->server = who->substr(0, line);
    one->who = line == std::string::npos ? *std::move(who) : who->substr(line + 1);
    waiting.push_back(*std::move(one));
  }
  return waiting;
}

Result<void> remove_acknowledgement(FileSystem& files, const fs::path& slot,
                                    const Acknowledgement& acknowledgement) {
  return files.remove(slot / name_of(acknowledgement));
}

}  // namespace xabridge::tm
