# shellcheck shell=bash
# Where mmdebstrap gets packages: the mirrors and proxies this machine uses itself.

# The machine's Debian release by name: bookworm.
debian_release() {
  # shellcheck source=/dev/null
  (. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# The mirrors this machine uses for its own Debian release, whatever the form of its apt
# sources; last an empty line, mmdebstrap's own default, for machines whose sources are not a full
# mirror.
debian_mirrors() {
  {
    # shellcheck disable=SC2016  # apt expands these
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
      'Created-By: Packages' 2>/dev/null |
      awk -v release="$(debian_release)" '$2 == release && $3 == "main" { print $1 }'
    echo
  } | sed 's:/*$::' | awk '!seen[$0]++'
}

# Sets `mirror_options`, for mmdebstrap.
find_mirror_options() {
  local proxy
  # Check-Valid-Until: snapshots and slow mirrors serve release files past their date; signatures
  # are still checked.
  mirror_options=(--aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"')
  for proxy in http https; do
    proxy=$(apt-config dump --format '%f "%v";%n' "Acquire::$proxy::Proxy" 2>/dev/null)
    [[ -z $proxy ]] || mirror_options+=("--aptopt=$proxy")
  done
}
