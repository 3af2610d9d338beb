# shellcheck shell=bash
# A real MySQL (from an unpacked tree) and the distribution's MariaDB as test servers. They
# differ in how they are found, initialised and granted; the rest is shared.

# --- what differs -------------------------------------------------------------------------------

mariadb_find() { command -v mariadbd mariadb mariadb-install-db >/dev/null; }
mariadb_provide() { mariadb_find; }
mariadb_version() { mariadbd --no-defaults --version | version_number; }

mariadb_initialise() {
  as_server_user mariadb-install-db --no-defaults --datadir="$1" --skip-test-db \
    --auth-root-authentication-method=normal --skip-name-resolve
}

mariadb_command() {
  server_command=(mariadbd --no-defaults)
  add_common_options mariadb "$1"
}

mariadb_find_client() { command -v mariadb >/dev/null; }

mysql_find() { mysql_tree_is_complete && mariadb_find_client; }
mysql_provide() { mysql_tree_unpack && mysql_find; }
mysql_version() { as_server_user "${mysql_program[@]}" --no-defaults --version | version_number; }

mysql_initialise() {
  as_server_user "${mysql_program[@]}" --no-defaults "${mysql_tree_options[@]}" --datadir="$1" \
    --initialize-insecure
}

mysql_command() {
  server_command=("${mysql_program[@]}" --no-defaults "${mysql_tree_options[@]}")
  add_common_options mysql "$1"
  server_command+=(--mysqlx=OFF --server-id=1 --sync-binlog=1 --max-binlog-size=64M
    --binlog-expire-logs-seconds=86400)
}

# --- what they share ----------------------------------------------------------------------------

# usage: add_common_options NAME DATA_FOLDER
# A server that starts deletes the temporary tables in its folder for them, whosever they are.
add_common_options() {
  server_command+=(--datadir="$2" --tmpdir="$state/$1" --pid-file="$2/server.pid"
    --socket="$(mysql_like_socket "$1")" --port="$(port_of "$1")" --bind-address=127.0.0.1
    --skip-name-resolve --max-connections=300 --innodb-buffer-pool-size=128M
    --innodb-flush-log-at-trx-commit=1
    --ssl-ca="$state/tls/ca.pem" --ssl-cert="$state/tls/server.pem"
    --ssl-key="$state/tls/server.key")
}

version_number() { sed -E 's/.*Ver ([0-9.]+).*/\1/'; }

mysql_like_socket() { printf '%s/%s.sock' "$sockets" "$1"; }

# A socket's lock file names a process id, which after a reboot may be somebody else's: MySQL
# would refuse to start. The caller has made sure that no server runs on this folder.
remove_stale_socket() {
  as_server_user rm -f "$(mysql_like_socket "$1")" "$(mysql_like_socket "$1").lock"
}

# usage: mysql_like_sql NAME socket|tcp USER PASSWORD, the statements on standard input
mysql_like_sql() {
  local where=(--protocol=tcp --host=127.0.0.1 --port="$(port_of "$1")" --ssl)
  [[ $2 == socket ]] && where=(--protocol=socket --socket="$(mysql_like_socket "$1")")
  MYSQL_PWD=$4 mariadb --no-defaults --batch --skip-column-names --connect-timeout=5 \
    --user="$3" "${where[@]}"
}

# Before the set-up root has no password yet.
mysql_like_accepts_administrator() {
  mysql_like_sql "$1" socket xabridge_admin "$admin_password" <<<'SELECT 1' >/dev/null 2>&1 ||
    mysql_like_sql "$1" socket root '' <<<'SELECT 1'
}

mysql_like_setup_sql() {
  cat "$checkout/docker/$1-init.sql"
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$admin_password';"
}

mysql_like_set_up() { mysql_like_setup_sql "$1" | mysql_like_sql "$1" socket root ''; }

mysql_like_is_alive() { mysql_like_sql "$1" tcp xabridge "$user_password" <<<'SELECT 1'; }

mysql_like_can_prepare() {
  mysql_like_sql "$1" tcp xabridge "$user_password" <<<"XA START 'xabridge-servers-ready-$BASHPID';
XA END 'xabridge-servers-ready-$BASHPID';
XA PREPARE 'xabridge-servers-ready-$BASHPID';
XA ROLLBACK 'xabridge-servers-ready-$BASHPID';"
}

mysql_socket() { mysql_like_socket mysql; }
mysql_before_launch() { remove_stale_socket mysql; }
mysql_stop_signal() { echo TERM; }
mysql_processes() { live_pid_of mysql || true; }
mysql_setup_sql() { mysql_like_setup_sql mysql; }
mysql_accepts_administrator() { mysql_like_accepts_administrator mysql; }
mysql_set_up() { mysql_like_set_up mysql; }
mysql_is_alive() { mysql_like_is_alive mysql; }
mysql_can_prepare() { mysql_like_can_prepare mysql; }

mariadb_socket() { mysql_like_socket mariadb; }
mariadb_before_launch() { remove_stale_socket mariadb; }
mariadb_stop_signal() { echo TERM; }
mariadb_processes() { live_pid_of mariadb || true; }
mariadb_setup_sql() { mysql_like_setup_sql mariadb; }
mariadb_accepts_administrator() { mysql_like_accepts_administrator mariadb; }
mariadb_set_up() { mysql_like_set_up mariadb; }
mariadb_is_alive() { mysql_like_is_alive mariadb; }
mariadb_can_prepare() { mysql_like_can_prepare mariadb; }
