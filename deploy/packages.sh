# Debian packages for ./run and ./test, sourced by both. Installs what is missing and nothing else, starts and enables no service, and
# makes no PostgreSQL cluster. The libraries' list is cmake/Packages.cmake, so that there is one list only. Messages go to stderr.

everup_say() { printf 'everup: %s\n' "$*" >&2; }

everup_as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -- "$@"; fi
}

# What every build needs: compilers, tools, and the libraries that cmake/Packages.cmake names in its first column.
everup_build_packages() {
  printf '%s\n' g++ make cmake ninja-build pkg-config ccache ca-certificates tzdata postgresql-15 postgresql-client-15
  awk -F'[ ()]+' '/^everup_(pkg|header)\(/ { print $(NF - 1) }' "$1/cmake/Packages.cmake"
}

# What the tests need beside it: real peers, and the test libraries (indented in cmake/Packages.cmake).
everup_test_packages() {
  printf '%s\n' lld nginx-light openssl gnutls-bin postfix dnsmasq-base nftables iproute2 procps libxml2-utils libbenchmark-dev python3
  awk -F'[ ()]+' '/^ +everup_(pkg|header)\(/ { print $(NF - 1) }' "$1/cmake/Packages.cmake"
}

# Mail servers that cannot be installed beside Postfix, with what they need: ./test unpacks them (everup_unpack), no script of theirs runs.
everup_peer_packages() { printf '%s\n' exim4-daemon-light libidn12; }

everup_missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
  done
}

# Services that a package brought along on this run: switched off again, if nobody had them before.
everup_disable_new_services() {
  local service
  for service in "$@"; do
    if command -v systemctl >/dev/null; then everup_as_root systemctl disable "$service.service" >/dev/null 2>&1 || true; fi
    if command -v update-rc.d >/dev/null; then everup_as_root update-rc.d "$service" disable >/dev/null 2>&1 || true; fi
  done
}

# While apt runs: no service may be started (policy-rc.d), no main cluster made.
everup_guard_on() {
  if [ -e /usr/sbin/policy-rc.d ]; then everup_as_root mv /usr/sbin/policy-rc.d /usr/sbin/policy-rc.d.everup-kept; fi
  printf '#!/bin/sh\nexit 101\n' | everup_as_root tee /usr/sbin/policy-rc.d >/dev/null
  everup_as_root chmod 755 /usr/sbin/policy-rc.d
  everup_as_root mkdir -p /etc/postgresql-common/createcluster.d
  printf 'create_main_cluster = false\n' | everup_as_root tee /etc/postgresql-common/createcluster.d/everup.conf >/dev/null
}

everup_guard_off() {
  everup_as_root rm -f /usr/sbin/policy-rc.d /etc/postgresql-common/createcluster.d/everup.conf
  everup_as_root rmdir --ignore-fail-on-non-empty /etc/postgresql-common/createcluster.d
  if [ -e /usr/sbin/policy-rc.d.everup-kept ]; then everup_as_root mv /usr/sbin/policy-rc.d.everup-kept /usr/sbin/policy-rc.d; fi
}

everup_apt() {
  everup_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" >&2
}

# everup_install PACKAGE…: in a subshell, so that the guard's trap is its own.
everup_install() {
  local missing new_services=() service
  mapfile -t missing < <(everup_missing_packages "$@")
  if [ "${#missing[@]}" -eq 0 ]; then return 0; fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    everup_say "missing packages; as root:  apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  if ! command -v apt-get >/dev/null; then
    everup_say "this is no Debian; install what stands for: ${missing[*]}"
    return 1
  fi
  everup_say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  for service in postgresql nginx postfix; do
    if [ ! -e "/etc/init.d/$service" ]; then new_services+=("$service"); fi
  done
  (
    trap everup_guard_off EXIT
    trap 'exit 130' INT TERM
    everup_guard_on
    everup_apt update || everup_say "apt-get update failed; trying with the lists that are there"
    everup_apt install -y --no-install-recommends "${missing[@]}"
  ) || { everup_say "apt-get could not install: ${missing[*]}"; return 1; }
  everup_disable_new_services "${new_services[@]}"
}

# Into the current directory; with fresh lists when those that are there do not know it.
everup_download() {
  apt-get -q download "$1" >&2 && return 0
  everup_apt update && apt-get -q download "$1" >&2
}

# everup_unpack DIRECTORY PACKAGE…: their files below DIRECTORY; nothing is installed. Once.
everup_unpack() {
  local directory="$1" package fetched
  shift
  for package in "$@"; do
    if [ -e "$directory/.$package" ]; then continue; fi
    everup_say "unpacking $package"
    mkdir -p "$directory"
    fetched="$(mktemp -d)"
    if (cd "$fetched" && everup_download "$package" && dpkg -x ./*.deb "$directory"); then
      touch "$directory/.$package"
    else
      everup_say "cannot download $package"
    fi
    rm -rf "$fetched"
  done
}
