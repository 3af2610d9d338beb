#!/usr/bin/env bash
# Runs one block of a page's shell session, and is what blocks hidden from readers may call.
#
# usage: shell.sh SCRIPT PAGE       (with DOCS_* set by check-page)

set -euo pipefail

# --- for hidden blocks --------------------------------------------------------------------------

# Two databases of the page, the log beside FILE.
# usage: pair_configuration FILE SERVER NAME_A NAME_B
pair_configuration() {
  local variable=XABRIDGE_TEST_${2^^}
  cat >"$1" <<TOML
[log]
directory = "${1%.toml}.log"

[[resource_manager]]
name = "$3"
driver = "postgresql"
open = "$XABRIDGE_TEST_POSTGRESQL"

[[resource_manager]]
name = "$4"
driver = "mysql"
open = "${!variable}"
TOML
  chmod 600 "$1" # it has passwords in it
}

# usage: expect WHAT WANTED FOUND
expect() {
  [[ $2 == "$3" ]] && return
  printf '%s: expected "%s", found "%s"\n' "$1" "$2" "$3"
  return 1
}

# One value from a query. usage: pg SQL; my SERVER SQL
pg() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$XABRIDGE_TEST_POSTGRESQL" -c "$1"; }
my() {
  local variable=XABRIDGE_TEST_${1^^} string key
  string=${!variable}
  local -A value=()
  for key in $string; do value[${key%%=*}]=${key#*=}; done
  MYSQL_PWD=${value[password]} mariadb --no-defaults --ssl --protocol=tcp --batch \
    --skip-column-names --host="${value[host]}" --port="${value[port]}" --user="${value[user]}" \
    --execute="$2" "${value[dbname]}"
}

# usage: until_true COMMAND...; a server needs a moment to notice that its client is gone
until_true() {
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "did not become true: $*"
  return 1
}

# --- the session --------------------------------------------------------------------------------

keep_session() {
  local code=$?
  trap - EXIT ERR
  export -p >"$DOCS_STATE/variables"
  declare -f >"$DOCS_STATE/functions"
  pwd >"$DOCS_STATE/directory"
  jobs -p >>"$DOCS_STATE/jobs"
  exit "$code"
}

# Names that no page uses: what it assigns stays.
DOCS_BLOCK=$1
DOCS_PAGE=$2
for docs_file in variables functions; do
  # shellcheck source=/dev/null
  [[ ! -e $DOCS_STATE/$docs_file ]] || source "$DOCS_STATE/$docs_file"
done
cd "$(cat "$DOCS_STATE/directory" 2>/dev/null || echo "$DOCS_CHECKOUT")"
trap keep_session EXIT
trap 'echo "$DOCS_PAGE:$LINENO: ended with $?: $BASH_COMMAND" >&2' ERR
set -a
# shellcheck source=/dev/null
source "$DOCS_BLOCK"
