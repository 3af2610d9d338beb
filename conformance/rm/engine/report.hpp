// What came out: the verdict on each statement, printed as it falls, and the closing count.
//
// Made for programs that walk the catalogue with bodies of their own:
//
//   Report report(std::cout, Report::Format::text);
//   for (const Statement& statement : catalogue())
//     if (selected(statement.id, only)) report.add(judge(statement, [&] { body(statement.id); }));
//   report.close();
//   return report.exit_code();
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/statement.hpp"

namespace xabridge::conformance {

enum class Verdict { pass, fail, not_applicable, uncertain };
std::string_view verdict_name(Verdict verdict);

struct Finding {
  const Statement* statement = nullptr;
  Verdict verdict = Verdict::pass;
  std::string text;  // why it failed or does not apply; what was seen
  std::chrono::milliseconds took{};
};

/// Thrown by a body: the statement says nothing about what is tested. `reason` ends the sentence
/// "not applicable: ...".
struct NotApplicable {
  std::string reason;
};

/// Thrown by a body: what was called, what it returned, what it must.
struct Failed {
  std::string text;
};

/// Thrown by a body of Kind::uncertain, or anywhere else where no judgement is possible.
struct Seen {
  std::string text;
};

/// Runs the body and turns what it throws into a verdict. Any other exception is a failure. A
/// failure of a Kind::uncertain statement is reported as uncertain.
Finding judge(const Statement& statement, const std::function<void()>& body);

/// Does --only name this id? An entry is an id (C13), a section (E) or a range (B05-B10); an empty
/// list names all.
bool selected(std::string_view id, const std::vector<std::string>& only);
/// The first entry that names no statement.
std::optional<std::string> unknown_selection(const std::vector<std::string>& only);

class Report {
 public:
  enum class Format { text, json };  // json: one object, written by close()
  Report(std::ostream& out, Format format) : out_(out), format_(format) {}

  void add(Finding finding);
  /// The closing count. `remark`: why the run ended early, if it did.
  void close(const std::string& remark = {});

  [[nodiscard]] std::size_t count(Verdict verdict) const;
  [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
  /// 1 when a statement failed, else 0.
  [[nodiscard]] int exit_code() const { return count(Verdict::fail) == 0 ? 0 : 1; }

 private:
  std::ostream& out_;
  Format format_;
  std::vector<Finding> findings_;
};

/// The catalogue itself, for --list.
void print_catalogue(std::ostream& out, const std::vector<std::string>& only,
                     Report::Format format);

}  // namespace xabridge::conformance
