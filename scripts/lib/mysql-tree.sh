# shellcheck shell=bash
# A real MySQL server without installing it: Debian 12 has none, Debian unstable does. Its
# packages are unpacked into a folder and run through that folder's own dynamic loader and
# libraries, so nothing of the machine is touched.

mysql_suite=unstable

# True when an unpacked tree is there and whole; sets `mysql_program` and `mysql_tree_options`.
mysql_tree_is_complete() {
  local tree=$state/mysql-tree loader libraries
  [[ -e $tree/complete && -x $tree/usr/sbin/mysqld ]] || return 1
  libraries=$(compgen -G "$tree/usr/lib/*-linux-gnu*" | head -n 1) || return 1
  loader=$(compgen -G "$libraries/ld-linux*.so.*" | head -n 1) || return 1
  mysql_program=("$loader" --library-path "$libraries" "$tree/usr/sbin/mysqld")
  mysql_tree_options=(--basedir="$tree/usr" --lc-messages-dir="$tree/usr/share/mysql"
    --character-sets-dir="$tree/usr/share/mysql/charsets" --plugin-dir="$tree/usr/lib/mysql/plugin"
    --secure-file-priv=NULL)
}

# Unpacks as the server user: extraction alone needs no privileges.
mysql_tree_unpack() {
  mysql_tree_is_complete && return 0
  local tree=$state/mysql-tree mirror mirror_options
  find_mirror_options
  while read -r mirror; do
    note "mysql       unpacking a real MySQL from Debian $mysql_suite (once, about 330 MB)"
    as_server_user rm -rf "$tree"
    if as_server_user mmdebstrap --mode=chrootless --variant=extract \
      --include=mysql-server-core "${mirror_options[@]}" \
      "$mysql_suite" "$tree" ${mirror:+"$mirror"} </dev/null; then
      as_server_user touch "$tree/complete"
      mysql_tree_is_complete && return 0
    fi
    warn "could not unpack MySQL from ${mirror:-the default mirror}"
  done < <(debian_mirrors)
  return 1
}
