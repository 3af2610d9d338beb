# shellcheck shell=bash
# The life of one test server, whatever its kind: ports, process ids, starting, readiness,
# stopping, killing. What differs per kind are the functions postgresql_*, mysql_* and mariadb_*
# of the server-*.sh files.

all_servers=(postgresql mysql mariadb)
# As in docker/*-init.sql. Known to everybody: these servers listen on the loopback interface
# and hold test data.
user_password=xabridge-test
admin_password=xabridge-admin-test

# Below the range from which the kernel takes client ports: a client that reconnects in a loop
# to a killed server's port could otherwise be given that very port, connect to itself, and keep
# the server from starting again.
declare -A default_port=([postgresql]=25432 [mysql]=23306 [mariadb]=23307)
declare -A display_name=([postgresql]=PostgreSQL [mysql]=MySQL [mariadb]=MariaDB)

data_of() { printf '%s/%s/data' "$state" "$1"; }
log_of() { printf '%s/%s/log' "$state" "$1"; }
read_state() { cat "$state/$1" 2>/dev/null || true; }

# One line per server and event, in columns.
say() { printf '%-11s %s\n' "$1" "$2"; }

# --- ports --------------------------------------------------------------------------------------

port_of() {
  local port
  port=$(read_state "$1/port")
  printf '%s' "${port:-${default_port[$1]}}"
}

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Keeps the port of the last time if it is free. Steps of ten keep the three servers out of each
# other's way.
choose_port() {
  local port
  port=$(port_of "$1")
  while port_in_use "$port"; do port=$((port + 10)); done
  printf '%s\n' "$port" | write_state "$state/$1/port"
}

# --- processes ----------------------------------------------------------------------------------

# Prints the server's process id if it runs. A number from a file is believed only if that
# process works on our data folder: after a reboot it may be anybody's.
live_pid_of() {
  local pid data
  pid=$(read_state "$1/pid")
  [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
  data=$(data_of "$1")
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" |
    grep -qxF -e "$data" -e "--datadir=$data" || return 1
  printf '%s' "$pid"
}

# Starts the server in a session of its own, with nothing of ours open: no lock, no terminal, no
# pipe of a CI job. The process writes its own id before it becomes the server, so that there is
# none without a file.
launch() {
  local folder=$state/$1 server_command=()
  "$1_command" "$(data_of "$1")"
  (
    for descriptor in /proc/"$BASHPID"/fd/*; do
      descriptor=${descriptor##*/}
      ((descriptor <= 2)) || eval "exec $descriptor>&-"
    done
    exec </dev/null >/dev/null 2>&1
    # shellcheck disable=SC2016  # expanded by the inner shell
    exec_as_server_user setsid sh -c '
      mv -f "$1/log" "$1/log.previous"
      exec >"$1/log" 2>&1
      echo $$ >"$1/pid"
      cd "$1/data" || exit
      shift
      exec "$@"' sh "$folder" "${server_command[@]}"
  ) &
  launched=$!
}

# A zombie nobody has reaped is no longer running.
is_running() {
  local state_line
  state_line=$(grep '^State:' "/proc/$1/status" 2>/dev/null) && [[ $state_line != *[ZX]\ * ]]
}

# usage: wait_until_gone SECONDS PID...
wait_until_gone() {
  local tries=$(($1 * 20)) pid
  shift
  for pid in "$@"; do
    while is_running "$pid"; do
      ((tries-- > 0)) || return 1
      sleep 0.05
    done
  done
}

# --- start --------------------------------------------------------------------------------------

# What the data folder was made for; anything else is made anew. It is written last, so a
# half-made folder has none.
expected_data() {
  printf '%s %s' "$("$1_version")" "$("$1_setup_sql" | sha256sum | cut -c1-16)"
}

start_server() {
  local name=$1 started=$EPOCHREALTIME
  as_server_user mkdir -p "$state/$name"
  # A start that was itself killed leaves this file and perhaps a server nobody waited for.
  if [[ -e $state/$name/starting ]]; then kill_server "$name" >/dev/null; fi
  "${name}_provide" 2>"$state_output" ||
    fail_with_output "$name" "its programs could not be provided"
  if live_pid_of "$name" >/dev/null; then
    wait_until_ready "$name" "${name}_is_alive" ||
      fail_with_log "$name" "it runs but accepts no login"
    say "$name" "running already, port $(port_of "$name")"
    return 0
  fi
  as_server_user touch "$state/$name/starting"
  initialise_if_needed "$name"
  bring_up "$name"
  as_server_user rm -f "$state/$name/starting"
  say "$name" "$(printf 'ready in %s s: %s %s, port %s' "$(seconds_since "$started")" \
    "${display_name[$name]}" "$("${name}_version")" "$(port_of "$name")")"
}

initialise_if_needed() {
  local name=$1 data
  data=$(data_of "$name")
  [[ $(read_state "$name/made-for") == "$(expected_data "$name")" && -d $data ]] && return 0
  say "$name" "creating a data folder"
  as_server_user rm -rf "$data" "$state/$name/made-for"
  as_server_user mkdir -m 700 "$data"
  "${name}_initialise" "$data" >"$state_output" 2>&1 ||
    fail_with_output "$name" "its data folder could not be created"
}

# Another program may take the port between the look and the start: then the next one is tried.
bring_up() {
  local name=$1 attempts=0
  choose_port "$name"
  until launch_and_wait "$name"; do
    if ((++attempts == 3)) || ! port_in_use "$(port_of "$name")"; then
      fail_with_log "$name" "it did not start"
    fi
    choose_port "$name"
  done
  if [[ ! -e $state/$name/made-for ]]; then
    "${name}_set_up" >"$state_output" 2>&1 ||
      fail_with_output "$name" "its users could not be created"
    expected_data "$name" | write_state "$state/$name/made-for"
  fi
  wait_until_ready "$name" "${name}_is_alive" || fail_with_log "$name" "it accepts no login"
  "${name}_can_prepare" >"$state_output" 2>&1 ||
    fail_with_output "$name" "it prepares no transaction"
}

# Asked over its socket first: on the port somebody else might answer.
launch_and_wait() {
  "$1_before_launch" "$(data_of "$1")"
  launch "$1"
  wait_until_ready "$1" "$1_accepts_administrator"
}

# Succeeds when the check does; fails when the server has ended or two minutes have passed.
wait_until_ready() {
  local name=$1 deadline=$((SECONDS + 120))
  until "$2" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || return 1
    if [[ -n ${launched:-} ]]; then
      [[ -d /proc/$launched ]] || return 1
    else
      live_pid_of "$name" >/dev/null || return 1
    fi
    sleep 0.1
  done
}

fail_with_output() {
  tail -n 25 "$state_output" >&2
  die "$1: $2"
}

fail_with_log() {
  warn "the end of $(log_of "$1") is:"
  as_server_user tail -n 25 "$(log_of "$1")" >&2 || true
  die "$1: $2"
}

# --- stop, kill ---------------------------------------------------------------------------------

stop_server() {
  local name=$1 pid started=$EPOCHREALTIME
  if ! pid=$(live_pid_of "$name"); then
    say "$name" "not running"
    return 0
  fi
  signal_server "$name" CONT 'goes on' >/dev/null
  as_server_user kill "-$("${name}_stop_signal")" "$pid" || true
  if ! wait_until_gone 60 "$pid"; then
    warn "$name does not end within 60 s, killing it"
    kill_server "$name"
    return 0
  fi
  as_server_user rm -f "$state/$name/pid"
  say "$name" "stopped in $(seconds_since "$started") s"
}

# usage: signal_server NAME SIGNAL WHAT-IT-DOES-THEN. All its processes; the parent first, so that
# none is added to those that were found.
signal_server() {
  local name=$1 pid pids
  pid=$(live_pid_of "$name") || die "$name: not running"
  as_server_user kill "-$2" "$pid"
  pids=$("${name}_processes" "$(data_of "$name")")
  # shellcheck disable=SC2086  # one word per process
  as_server_user kill "-$2" $pids 2>/dev/null || true
  say "$name" "$3"
}

# The crash a test wants: no shutdown of any kind, and gone, with all its processes, when this
# returns.
kill_server() {
  local name=$1 pid pids
  if pid=$(live_pid_of "$name"); then
    as_server_user kill -KILL "$pid" || true
    wait_until_gone 10 "$pid" || true
  fi
  while pids=$("${name}_processes" "$(data_of "$name")") && [[ -n $pids ]]; do
    # shellcheck disable=SC2086  # one word per process
    as_server_user kill -KILL $pids 2>/dev/null || true
    # shellcheck disable=SC2086
    wait_until_gone 10 $pids || die "$name: processes $pids cannot be killed"
  done
  as_server_user rm -f "$state/$name/pid" "$state/$name/starting"
  say "$name" "$([[ -n $pid ]] && echo 'killed' || echo 'not running')"
}
