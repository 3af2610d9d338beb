// Text for people: one line each, a failure's calls indented below it. JSON for programs.
#include "engine/report.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <utility>

#include "json.hpp"

namespace xabridge::conformance {
namespace {

using cli::Json;

std::string statement_text(const Statement& s) {
  std::ostringstream text;
  text << s.before << " | " << s.call << " | " << s.must_return << " | " << s.after;
  return text.str();
}

Json statement_json(const Statement& s) {
  return {{"id", s.id},       {"class", std::string(1, static_cast<char>(s.kind))},
          {"needs", s.needs}, {"before", s.before},
          {"call", s.call},   {"must_return", s.must_return},
          {"after", s.after}};
}

std::string_view section_of(std::string_view id) { return id.substr(0, 1); }

bool names(const std::string& entry, std::string_view id) {
  if (entry == id || entry == section_of(id)) return true;
  const auto dash = entry.find('-');
  return dash == 3 && entry.size() == 7 && entry.substr(0, 3) <= id && id <= entry.substr(4);
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::not_applicable:
      return "not applicable";
    case Verdict::uncertain:
      return "uncertain";
  }
  return "?";
}

const Statement* find_statement(std::string_view id) {
  const auto all = catalogue();
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.id == id; });
  return at == all.end() ? nullptr : &*at;
}

Finding judge(const Statement& statement, const std::function<void()>& body) {
  const auto begun = std::chrono::steady_clock::now();
  Finding finding;
  finding.statement = &statement;
  try {
    body();
  } catch (const NotApplicable& reason) {
    finding.verdict = Verdict::not_applicable;
    finding.text = reason.reason;
  } catch (const Seen& seen) {
    finding.verdict = Verdict::uncertain;
    finding.text = seen.text;
  } catch (const Failed& failure) {
    finding.verdict = statement.kind == Kind::uncertain ? Verdict::uncertain : Verdict::fail;
    finding.text = failure.text;
  } catch (const std::exception& failure) {
    finding.verdict = Verdict::fail;
    finding.text = failure.what();
  }
  finding.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begun);
  return finding;
}

bool selected(std::string_view id, const std::vector<std::string>& only) {
  return only.empty() ||
         std::any_of(only.begin(), only.end(), [&](const auto& entry) { return names(entry, id); });
}

std::optional<std::string> unknown_selection(const std::vector<std::string>& only) {
  const auto all = catalogue();
  for (const std::string& entry : only) {
    if (std::none_of(all.begin(), all.end(), [&](const auto& s) { return names(entry, s.id); }))
      return entry;
  }
  return std::nullopt;
}

void Report::add(Finding finding) {
  if (format_ == Format::text) {
    const Statement& s = *finding.statement;
    out_ << s.id << "  " << std::left << std::setw(14) << verdict_name(finding.verdict) << "  "
         << statement_text(s);
    if (finding.verdict == Verdict::not_applicable) {
      out_ << "  (" << finding.text << ")";
    } else if (!finding.text.empty()) {
      std::istringstream lines(finding.text);
      for (std::string line; std::getline(lines, line);) out_ << "\n       " << line;
    }
    out_ << '\n' << std::flush;
  }
  findings_.push_back(std::move(finding));
}

std::size_t Report::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      findings_.begin(), findings_.end(), [&](const Finding& f) { return f.verdict == verdict; }));
}

void Report::close(const std::string& remark) {
  if (format_ == Format::text) {
    out_ << '\n'
         << findings_.size() << " statements: " << count(Verdict::pass) << " passed, "
         << count(Verdict::fail) << " failed, " << count(Verdict::not_applicable)
         << " not applicable, " << count(Verdict::uncertain) << " uncertain\n";
    std::string failed;
    for (const Finding& f : findings_) {
      if (f.verdict == Verdict::fail) failed += " " + std::string(f.statement->id);
    }
    if (!failed.empty()) out_ << "failed:" << failed << '\n';
    if (!remark.empty()) out_ << remark << '\n';
    out_ << std::flush;
    return;
  }
  Json document;
  Json list = Json::array();
  for (const Finding& f : findings_) {
    Json row = statement_json(*f.statement);
    row["verdict"] = verdict_name(f.verdict);
    row["text"] = f.text;
    row["milliseconds"] = f.took.count();
    list.push_back(std::move(row));
  }
  for (const auto verdict :
       {Verdict::pass, Verdict::fail, Verdict::not_applicable, Verdict::uncertain})
    document["count"][verdict_name(verdict)] = count(verdict);
  document["statements"] = std::move(list);
  document["remark"] = remark;
  out_ << document.dump() << '\n' << std::flush;
}

void print_catalogue(std::ostream& out, const std::vector<std::string>& only,
                     Report::Format format) {
  Json document = Json::array();
  for (const Statement& s : catalogue()) {
    if (!selected(s.id, only)) continue;
    if (format == Report::Format::json) {
      document.push_back(statement_json(s));
      continue;
    }
    out << s.id << "  " << static_cast<char>(s.kind) << ' ' << std::left << std::setw(5) << s.needs
        << ' ' << statement_text(s) << '\n';
  }
  if (format == Report::Format::json) out << document.dump() << '\n';
  out << std::flush;
}

}  // namespace xabridge::conformance
