# shellcheck shell=bash
# What every script needs: messages, step headers with elapsed times, clean exits, interruptible
# steps. Source it after `set -euo pipefail`.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# Colours only for a human: a terminal, and NO_COLOR not asked for.
if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' red='' green='' yellow='' plain=''
fi

note() { printf '%s\n' "$*"; }
warn() { printf '%s%s: %s%s\n' "$yellow" "${0##*/}" "$*" "$plain" >&2; }
die() {
  printf '%s%s: %s%s\n' "$red" "${0##*/}" "$*" "$plain" >&2
  exit 1
}

# Prints the comment block at the top of a script: the help text lives where the reader of the
# code sees it too.
print_header_comment() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$1"; }

# --- time ---------------------------------------------------------------------------------------

# Seconds with one decimal since a moment taken from $EPOCHREALTIME.
seconds_since() {
  local now=${EPOCHREALTIME/[.,]/} then=${1/[.,]/}
  local tenths=$(((now - then) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

minutes_and_seconds() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# A header that tells a waiting person what happens now and how long the whole has been running.
step() { printf '\n%s==> [%s] %s%s\n' "$bold" "$(minutes_and_seconds "$SECONDS")" "$*" "$plain"; }

# --- leaving ------------------------------------------------------------------------------------

# Commands to run on every way out, last registered first.
exit_actions=()
at_exit() { exit_actions=("$*" "${exit_actions[@]}"); }

# The process group run_step is waiting for, if any.
step_group=''

leave() {
  local code=$?
  trap '' INT TERM HUP # a second Ctrl-C must not leave half of the cleaning up undone
  trap - EXIT
  set +e
  end_step_group
  local action
  for action in "${exit_actions[@]}"; do eval "$action"; done
  exit "$code"
}

clean_up_on_exit() {
  trap leave EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}

end_step_group() {
  [[ -n $step_group ]] || return 0
  end_group "$step_group"
  step_group=''
}

# Asks a process group to end, and insists after five seconds.
end_group() {
  local tries
  kill -TERM -- "-$1" 2>/dev/null || return 0
  for ((tries = 0; tries < 50; tries++)); do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

# Runs a command in a process group of its own and waits for it, so that a signal sent to the
# script alone is acted upon at once and takes everything the command started with it. Monitor
# mode gives the command a default SIGINT, which a plain background job would ignore (and so
# would every program under test).
run_step() {
  local code=0
  set -m
  "$@" </dev/null &
  step_group=$!
  set +m
  wait "$step_group" || code=$?
  step_group=''
  return "$code"
}
