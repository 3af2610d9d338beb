# shellcheck shell=bash
# What the installation tests share. Source it after `set -euo pipefail`.

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# usage: need PROGRAM...
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || fail "$program is missing: run scripts/install-deps"
  done
}

# usage: expect WHAT FOUND WANTED
expect() { [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"; }

# usage: expect_in WHAT TEXT PART
expect_in() { [[ $2 == *"$3"* ]] || fail "$1 does not say '$3' but:"$'\n'"$2"; }

# A folder of this run alone, gone with it.
make_work_folder() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/xabridge-install-test.XXXXXX")
  trap 'rm -rf "$work"' EXIT
}

# usage: open_string postgresql|mysql|mariadb
open_string() {
  local variable=XABRIDGE_TEST_${1^^}
  [[ -n ${!variable:-} ]] ||
    fail "$variable is not set: scripts/servers start; eval \"\$(scripts/servers env)\""
  printf '%s' "${!variable}"
}

# The names are no other test's: `xabridge check` tells of branches of its resource managers.
# usage: print_config SERVER_OF_B [SWITCH_LIBRARY JOURNAL]
# Relative file names in it are relative to where it will be written.
print_config() {
  local pg my
  pg=$(open_string postgresql)
  my=$(open_string "$1")
  printf '[log]\ndirectory = "log"\n'
  printf '[[resource_manager]]\nname = "%s"\ndriver = "%s"\nopen = "%s"\n' \
    inst_a postgresql "$pg" inst_b mysql "$my"
  (($# == 3)) || return 0
  printf '[[resource_manager]]\nname = "journal"\nlibrary = "%s"\nsymbol = "journal_switch"\n' "$2"
  printf 'open = "file=%s"\n' "$3"
}
