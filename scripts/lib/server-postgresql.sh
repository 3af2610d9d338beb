# shellcheck shell=bash
# PostgreSQL of the distribution as a test server: how it is created, run and asked whether it
# is ready.

postgresql_find() {
  local folder
  # The newest installed version; Debian keeps the server's programs out of PATH.
  folder=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1) || return 1
  postgresql_bin=${folder%/postgres}
}

postgresql_provide() { postgresql_find; }

postgresql_version() { "$postgresql_bin/postgres" --version | sed -E 's/.*\) ([0-9.]+).*/\1/'; }

postgresql_socket() { printf '%s/.s.PGSQL.%s' "$sockets" "$(port_of postgresql)"; }

# Its own superuser has the tests' administrator name: there is no account without a password.
postgresql_initialise() {
  local password_file=$state/tmp/postgresql-password
  printf '%s\n' "$admin_password" | write_state "$password_file"
  as_server_user "$postgresql_bin/initdb" -D "$1" --username=xabridge_admin \
    --pwfile="$password_file" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 \
    --no-instructions
  as_server_user rm -f "$password_file"
}

postgresql_command() {
  server_command=("$postgresql_bin/postgres" -D "$1"
    -c listen_addresses=127.0.0.1 -c port="$(port_of postgresql)"
    -c unix_socket_directories="$sockets"
    -c max_connections=300 -c max_prepared_transactions=300 -c shared_buffers=128MB
    -c ssl=on -c ssl_ca_file="$state/tls/ca.pem" -c ssl_cert_file="$state/tls/server.pem"
    -c ssl_key_file="$state/tls/server.key"
    -c log_destination=stderr -c logging_collector=off -c log_line_prefix='%m [%p] %u@%d ')
}

# A lock file's process id may belong to somebody else after a reboot, or to a killed server
# nobody has reaped, and PostgreSQL would refuse to start. The caller has made sure that no
# server runs on this folder.
postgresql_before_launch() {
  as_server_user rm -f "$1/postmaster.pid" "$(postgresql_socket)" "$(postgresql_socket).lock"
}

# SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, prepared transactions kept.
postgresql_stop_signal() { echo INT; }

# Backends outlive a killed postmaster for a moment: all of them go. They leave its process
# group and rename themselves, but all of them work in the data folder. (Root in a container may
# not look at other users' processes.)
postgresql_processes() {
  local entry folder
  # Processes of others, which it may not look at, and those that end meanwhile make it fail.
  { as_server_user find /proc -mindepth 2 -maxdepth 2 -path '/proc/[0-9]*/cwd' \
    -printf '%h %l\n' 2>/dev/null || true; } |
    while read -r entry folder; do
      [[ $folder == "$1" && $(cat "$entry/comm" 2>/dev/null) == postgres ]] || continue
      printf '%s\n' "${entry#/proc/}"
    done
}

# usage: postgresql_sql socket|tcp USER PASSWORD, the statements on standard input
postgresql_sql() {
  local host=127.0.0.1
  [[ $1 == socket ]] && host=$sockets
  PGPASSWORD=$3 PGCONNECT_TIMEOUT=5 PGAPPNAME=xabridge-servers psql -X -q -A -t -v ON_ERROR_STOP=1 \
    "host=$host port=$(port_of postgresql) user=$2 dbname=${database:-xabridge} sslmode=prefer"
}

postgresql_accepts_administrator() {
  database=postgres postgresql_sql socket xabridge_admin "$admin_password" <<<'SELECT 1'
}

postgresql_setup_sql() { cat "$checkout/docker/postgresql-init.sql"; }

postgresql_set_up() {
  postgresql_setup_sql | database=postgres postgresql_sql socket xabridge_admin "$admin_password"
}

postgresql_is_alive() { postgresql_sql tcp xabridge "$user_password" <<<'SELECT 1'; }

postgresql_can_prepare() {
  postgresql_sql tcp xabridge "$user_password" <<<"BEGIN;
PREPARE TRANSACTION 'xabridge-servers-ready-$BASHPID';
ROLLBACK PREPARED 'xabridge-servers-ready-$BASHPID';"
}
