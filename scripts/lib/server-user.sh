# shellcheck shell=bash
# Who the test servers run as, and where their files live: never root, and in a place that user
# can reach.

server_system_user=xabridge-servers

# Sets `state`, the folder of everything the servers own, and `server_user`. Creates nothing.
find_state() {
  local link=$checkout/.servers
  state=$link
  [[ ! -L $link ]] || state=$(readlink -f "$link")
  if ((EUID != 0)); then
    server_user=$(id -un)
  else
    # A state folder made by a user who now runs the script with sudo stays that user's.
    server_user=$(stat -c %U "$state" 2>/dev/null || echo root)
    [[ $server_user != root && $server_user != UNKNOWN ]] || server_user=$server_system_user
  fi
  find_sockets
}

# Sets `sockets`. A Unix socket's path has room for 107 bytes; a long checkout path leaves none
# for the file name.
find_sockets() {
  sockets=$state/run
  ((${#sockets} <= 80)) || sockets=/tmp/xabridge-$(printf '%s' "$state" | sha256sum | cut -c1-12)
}

create_sockets() {
  find_sockets
  [[ -d $sockets && ! -L $sockets && $(stat -c %U "$sockets") == "$server_user" ]] && return 0
  as_server_user mkdir -m 755 "$sockets" || die "cannot create $sockets for the servers' sockets"
}

create_server_user() {
  ((EUID == 0)) || return 0
  id "$server_user" >/dev/null 2>&1 && return 0
  note "creating the system user $server_user (database servers refuse to run as root)"
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
    "$server_user" || id "$server_user" >/dev/null
}

# Runs a command as the server user with a small, predictable environment, outside the checkout:
# that user may not be able to enter it.
as_server_user() { (exec_as_server_user "$@"); }

# The same, in place of the calling shell.
exec_as_server_user() {
  local become=() environment=(PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME="$state"
    TMPDIR="$state/tmp" LC_ALL=C.UTF-8 TZ=UTC)
  if ((EUID == 0)); then
    become=(setpriv --reuid "$server_user" --regid "$(id -g "$server_user")" --init-groups)
  fi
  cd / && exec "${become[@]}" env -i "${environment[@]}" "$@"
}

# Creates `state` where the server user can work: in the checkout if possible, else under
# /var/tmp with `.servers` as a link to it (a checkout below root's home or in a 0700 temporary
# directory is out of that user's reach).
create_state() {
  local link=$checkout/.servers
  create_server_user
  if [[ ! -e $link ]]; then
    if [[ ! -L $link ]] && as_server_user test -x "$checkout"; then
      mkdir "$link"
    else
      make_state_elsewhere "$link"
    fi
    ((EUID != 0)) || chown "$server_user:" "$state"
  fi
  if ! as_server_user test -w "$state/."; then
    die "$state belongs to $(stat -c %U "$state/."), who cannot use it from here or is not you:
  run this as that user or as root, or remove it with 'scripts/servers remove'"
  fi
  as_server_user mkdir -p "$state/tmp" "$state/locks"
  as_server_user chmod 755 "$state"
  create_sockets
}

make_state_elsewhere() {
  local hash
  hash=$(printf '%s' "$checkout" | sha256sum | cut -c1-12)
  state=/var/tmp/xabridge-servers-$hash
  # The name can be guessed and everybody may write there: never adopt a folder somebody else
  # prepared.
  if ! mkdir -m 755 "$state" 2>/dev/null &&
    [[ -L $state || $(stat -c %U "$state") != "$server_user" ]]; then
    state=$(mktemp -d "/var/tmp/xabridge-servers-$hash.XXXXXX")
    chmod 755 "$state"
  fi
  ln -sfn "$state" "$1"
  note "the servers' user cannot enter $checkout: their files go to $state"
}

# Writes standard input to a file of the state folder, all or nothing, owned by the server user.
write_state() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  as_server_user sh -c 'cat >"$1.new.$$" && mv -f "$1.new.$$" "$1"' sh "$1"
}
