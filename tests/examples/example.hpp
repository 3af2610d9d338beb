// Example: one of the example programs on databases of its own, and what all of them must survive:
// being killed at any step.
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "../crash/support/program.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"

namespace example {

constexpr int failed = 1;
constexpr int refused = 2;
constexpr int not_committed = 3;
constexpr int books_differ = 4;

using Words = std::vector<std::string>;

class Example {
 public:
  Example(std::string program, std::vector<scene::Database> databases)
      : program_(std::move(program)), scene_(std::move(databases)) {}

  [[nodiscard]] scene::Ran run(Words words) const {
    words.insert(words.begin(), {"--config", scene_.config_file()});
    return scene::run_program(program_, words);
  }
  [[nodiscard]] scene::Ran run_and_signal(Words words, const std::string& text, int signal) const {
    words.insert(words.begin(), {"--config", scene_.config_file()});
    return scene::run_program_and_signal(program_, words, text, signal);
  }
  [[nodiscard]] const scene::Scene& scene() const noexcept { return scene_; }

  void expect(int exit_code, const std::string& text, const Words& words) const {
    const scene::Ran ran = run(words);
    INFO(ran.output);
    CHECK(ran.exit_code == exit_code);
    CHECK(ran.says(text));
  }
  void expect_ok(const Words& words) const { expect(0, "", words); }

  void kill(const std::string& step, Words words) const {
    words.insert(words.begin(), {"--kill-at", step});
    const scene::Ran killed = run(std::move(words));
    INFO(killed.output);
    REQUIRE(killed.signal == SIGKILL);
  }
  void kill_and_recover(const std::string& step, const Words& words) const {
    kill(step, words);
    const scene::Ran recovered = run({"recover"});
    INFO(recovered.output);
    REQUIRE(recovered.exit_code == 0);
  }

 private:
  std::string program_;
  scene::Scene scene_;
};

/// A step of a commit, and whether the work must be there after a kill at it.
struct Step {
  std::string name;
  bool written;
};

/// The steps of a commit over so many databases: the decision is what divides them. Where it
/// matters which branch it is, every one; of the others the last.
inline std::vector<Step> steps_of_commit(int databases) {
  const std::string last = ":" + std::to_string(databases);
  std::vector<Step> steps{{"begun", false},
                          {"enlisted" + last, false},
                          {"before_end" + last, false},
                          {"before_prepare" + last, false}};
  const auto at_each = [&](const std::string& event, bool written) {
    for (int i = 1; i <= databases; ++i) {
      steps.push_back({event + ":" + std::to_string(i), written});
    }
  };
  at_each("prepared", false);
  steps.push_back({"before_decide", false});
  steps.push_back({"decided", true});
  at_each("before_commit", true);
  at_each("committed", true);
  steps.push_back({"before_done", true});
  steps.push_back({"done", true});
  return steps;
}

/// The steps of the hand-written variant at which a kill does no harm: all or nothing is committed.
/// The others lie between two commits: "committed:1" and so on, but for the last.
inline std::vector<Step> harmless_ad_hoc_steps(int databases) {
  const std::string last = std::to_string(databases);
  return {{"begun", false},
          {"enlisted:" + last, false},
          {"before_commit:1", false},
          {"committed:" + last, true},
          {"done", true}};
}

}  // namespace example
