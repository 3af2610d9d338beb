// xabridge log dump: the decision log as it is on disk, record by record.
#include <algorithm>
#include <iostream>
#include <type_traits>
#include <xabridge/codes.hpp>

#include "../src/register/file/log_view.hpp"
#include "command.hpp"
#include "json.hpp"

namespace xabridge::cli {
namespace {

using json = Json;

json branches_of(const std::vector<tm::Participant>& participants) {
  json all = json::array();
  for (const auto& p : participants) {
    all.push_back({{"resource_manager", p.resource_manager},
                   {"bqual", to_hex(p.bqual)},
                   {"server", p.server}});
  }
  return all;
}

json fields(const tm::SegmentRecord& r) {
  return {{"type", "segment"}, {"size", r.size}, {"slot", r.slot}, {"at", time_text(r.created_at)}};
}
json fields(const tm::DecisionRecord& r) {
  return {{"type", "decided commit"},
          {"at", time_text(r.decided_at)},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)},
          {"branches", branches_of(r.participants)}};
}
json fields(const tm::DoneRecord& r) {
  return {{"type", "done"},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)}};
}
json fields(const tm::HeuristicRecord& r) {
  return {{"type", "heuristic"},
          {"at", time_text(r.seen_at)},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)},
          {"resource_manager", r.resource_manager},
          {"bqual", to_hex(r.bqual)},
          {"decision", r.decision == tm::Decision::commit ? "commit" : "rollback"},
          {"code", code_name(r.code)},
          {"text", r.text}};
}
json fields(const tm::AcknowledgedRecord& r) {
  return {{"type", "acknowledged"},
          {"at", time_text(r.at)},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)},
          {"who", r.who}};
}

json fields(const tm::FinishedRecord& r) {
  return {{"type", "finished"},
          {"at", time_text(r.decided_at)},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)}};
}
json fields(const tm::EvidenceRecord& r) {
  return {{"type", "evidence"},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)},
          {"resource_manager", r.resource_manager},
          {"bqual", to_hex(r.bqual)},
          {"text", printable(r.server)}};
}
json fields(const tm::GivenUpRecord& r) {
  return {{"type", "given up"},
          {"at", time_text(r.at)},
          {"transaction", tm::transaction_text(r.gtrid)},
          {"gtrid", to_hex(r.gtrid)},
          {"resource_manager", r.resource_manager},
          {"bqual", to_hex(r.bqual)},
          {"who", r.who}};
}

/// One line for people: the values in a fixed order, the branches by resource manager.
std::string line_of(const json& record) {
  std::string text;
  for (const char* key :
       {"at", "transaction", "resource_manager", "decision", "code", "text", "who"}) {
    if (record.contains(key)) text += " " + record.at(key).text();
  }
  if (record.contains("branches")) {
    text += " at";
    for (const json& b : record.at("branches").elements()) {
      text += " " + b.at("resource_manager").text();
    }
  }
  return record.at("type").text() + text;
}

/// Of a commit decision in the slot that is not done yet.
bool is_unfinished(const tm::SlotView& slot, const tm::Record& record) {
  const std::string* gtrid = std::visit(
      [](const auto& r) -> const std::string* {
        if constexpr (requires { r.gtrid; }) return &r.gtrid;
        return nullptr;
      },
      record);
  return gtrid != nullptr && std::any_of(slot.unfinished.begin(), slot.unfinished.end(),
                                         [&](const auto& d) { return d.gtrid == *gtrid; });
}

json slot_json(const tm::SlotView& slot, const DumpOptions& options) {
  json records = json::array();
  for (const tm::LoggedRecord& logged : slot.records) {
    if (options.unfinished && !is_unfinished(slot, logged.record)) continue;
    json record = std::visit([](const auto& r) { return fields(r); }, logged.record);
    record["file"] = logged.file.string();
    record["offset"] = logged.offset;
    records.push_back(std::move(record));
  }
  json incarnations = json::array();
  for (const auto& i : slot.incarnations) {
    incarnations.push_back(
        {{"incarnation",
          to_hex({reinterpret_cast<const char*>(i.incarnation.data()), i.incarnation.size()})},
         {"started_at", time_text(i.started_at)}});
  }
  return {{"slot", slot.slot},
          {"directory", slot.directory.string()},
          {"owned", slot.owned},
          {"incarnations", std::move(incarnations)},
          {"records", std::move(records)},
          {"torn_at", slot.torn_at ? json(*slot.torn_at) : json(nullptr)},
          {"error", slot.error ? json(slot.error->to_string()) : json(nullptr)}};
}

void print(const json& slot, bool owned) {
  std::cout << "slot " << slot.at("slot").text() << " " << slot.at("directory").text()
            << (owned ? ", held by a running process" : ", free") << '\n';
  for (const json& i : slot.at("incarnations").elements()) {
    std::cout << "  incarnation " << i.at("incarnation").text() << " started "
              << i.at("started_at").text() << '\n';
  }
  for (const json& record : slot.at("records").elements()) {
    std::cout << "  " << std::filesystem::path(record.at("file").text()).filename().string() << ":"
              << record.at("offset").text() << "  " << line_of(record) << '\n';
  }
  if (!slot.at("torn_at").is_null()) {
    std::cout << "  " << slot.at("torn_at").text()
              << ": a batch that is not whole (being written, or cut at the next start)\n";
  }
  if (!slot.at("error").is_null()) std::cout << "  DAMAGE " << slot.at("error").text() << '\n';
}

}  // namespace

Exit dump_log(const std::filesystem::path& log_directory, const DumpOptions& options) {
  const auto log = tm::read_log(tm::posix_environment(), log_directory);
  if (!log) {
    std::cerr << "xabridge: " << log.error().to_string() << '\n';
    return Exit::log;
  }
  Exit exit = Exit::ok;
  json all{{"directory", log_directory.string()},
           {"register", to_hex({reinterpret_cast<const char*>(log->id.data()), log->id.size()})},
           {"slots", json::array()}};
  for (const tm::SlotView& slot : log->slots) {
    if (slot.error) exit = Exit::log;
    all["slots"].push_back(slot_json(slot, options));
  }
  if (options.json) {
    std::cout << all.dump() << '\n';
    return exit;
  }
  std::cout << "decision log " << all.at("register").text() << '\n';
  for (const tm::SlotView& slot : log->slots) print(slot_json(slot, options), slot.owned);
  return exit;
}

}  // namespace xabridge::cli
