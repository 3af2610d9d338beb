# shellcheck shell=bash
# How programs find the test servers: the XABRIDGE_TEST_* variables, and which of them mean
# servers of somebody else.

variable_of() { printf 'XABRIDGE_TEST_%s' "${1^^}"; }

# usage: connection_string PORT USER PASSWORD
connection_string() {
  printf 'host=127.0.0.1 port=%s user=%s password=%s dbname=xabridge' "$@"
}

# True when the variable was set beforehand and means a server elsewhere. What our own `env`
# printed earlier, perhaps with another port, is ours: tests and shells that evaluated it must
# still be able to start and stop the server.
is_elsewhere() {
  local variable value
  variable=$(variable_of "$1")
  value=${!variable:-}
  [[ -n $value ]] || return 1
  [[ $value != "$(connection_string "$(port_of "$1")" xabridge "$user_password")" ]] || return 1
  local control=${variable}_CONTROL any_port=${value/ port=+([0-9]) / port=0 }
  [[ ${!control:-} != "$(control_command "$1")" ||
    $any_port != "$(connection_string 0 xabridge "$user_password")" ]]
}

# A command that takes a further word: start, stop, kill, restart, freeze, thaw.
control_command() { printf '%q %s' "$checkout/scripts/servers" "$1"; }

print_export() { printf "export %s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; }

print_environment() {
  local name variable any_own=''
  for name in "$@"; do
    variable=$(variable_of "$name")
    if is_elsewhere "$name"; then
      print_set_beforehand "$name" "$variable"
    elif [[ -e $state/$name/made-for ]]; then
      any_own=1
      print_own "$name" "$variable"
    else
      warn "$name has never been started here: run scripts/servers start $name"
    fi
  done
  [[ -z $any_own ]] || print_export XABRIDGE_TEST_TLS_CA "$state/tls/ca.pem"
}

print_own() {
  local name=$1 variable=$2 port
  port=$(port_of "$name")
  print_account() { print_export "$variable$1" "$(connection_string "$port" "$2" "$3")"; }
  print_account '' xabridge "$user_password"
  print_account _ADMIN xabridge_admin "$admin_password"
  if [[ $name == postgresql ]]; then
    print_account _OTHER xabridge_other "$user_password"
    print_export "${variable}_SOCKET" "$sockets"
  else
    print_account _LIMITED xabridge_limited "$user_password"
    print_export "${variable}_SOCKET" "$("${name}_socket")"
  fi
  # Only for who may really do it.
  if ((EUID == 0)) || [[ $(stat -c %U "$state/.") == "$(id -un)" ]]; then
    print_export "${variable}_CONTROL" "$(control_command "$name")"
  fi
  live_pid_of "$name" >/dev/null || warn "$name is not running: run scripts/servers start $name"
}

# What else belongs to that server. Leftovers of an earlier `env` of ours would lead a program
# to the wrong server.
print_set_beforehand() {
  local name=$1 variable=$2 suffix full control=${2}_CONTROL ours=''
  [[ ${!control:-} != "$(control_command "$name")" ]] || ours=1
  print_export "$variable" "${!variable}"
  for suffix in ADMIN OTHER LIMITED SOCKET CONTROL; do
    full=${variable}_$suffix
    if [[ -n $ours ]]; then
      echo "unset $full"
    elif [[ -n ${!full:-} ]]; then
      print_export "$full" "${!full}"
    fi
  done
}
