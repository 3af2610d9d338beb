# shellcheck shell=bash
# What ctest said about the tests that failed. With thousands of lines between a failure and the
# end of a run, the end repeats them: it is what a person, or a CI system's excerpt, looks at.

failed_tests_lines=40 # of each test; the rest is in ctest's log, which is named

# usage: forget_failed_tests BUILD_DIRECTORY; before ctest runs there, which keeps the old list
forget_failed_tests() { rm -f "$1/Testing/Temporary/LastTestsFailed.log"; }

# usage: print_failed_tests BUILD_DIRECTORY
print_failed_tests() {
  local list=$1/Testing/Temporary/LastTestsFailed.log log=$1/Testing/Temporary/LastTest.log name
  [[ -s $list && -r $log ]] || return 0
  while IFS= read -r name; do
    printf '\n--- %s (%s)\n' "$name" "$1"
    awk -v name="$name" -v limit="$failed_tests_lines" -v log_file="$log" '
      $0 == "<end of output>" { inside = 0 }
      inside && ++lines > 1 { if (lines <= limit + 1) print substr($0, 1, 250); else ++left }
      index($0, "\"" name "\" start time:") == 1 { mine = 1; lines = 0 }
      mine && $0 == "Output:" { inside = 1; mine = 0 }
      END { if (left) printf "... %d more lines in %s\n", left, log_file }' "$log"
  done < <(sed 's/^[0-9]*://' "$list")
}
