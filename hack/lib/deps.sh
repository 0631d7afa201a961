# Debian packages that builds and clusters need. Source it after common.sh.
# shellcheck shell=bash

BUILD_PACKAGES=(
  build-essential cmake ninja-build ccache pkg-config
  clang clang-format clang-tidy libclang-rt-14-dev lld
  libcpprest-dev libboost-dev libboost-system-dev libssl-dev libyaml-cpp-dev
  libtss2-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libsimdjson-dev
  prometheus-cpp-dev libcbor-dev libre2-dev libcli11-dev libarchive-dev libxml2-dev zlib1g-dev
  libpq-dev postgresql-15
  libgtest-dev libgmock-dev libbenchmark-dev
)

CLUSTER_PACKAGES=(
  etcd-server containerd runc containernetworking-plugins buildah
  iptables conntrack socat iproute2 dnsmasq-base debootstrap
  swtpm swtpm-tools tpm2-tools
  busybox-static golang-1.19-go dpkg-dev gcc libc6-dev make rsync unzip xz-utils
  ca-certificates curl jq openssl python3 python3-cbor2 python3-cryptography
  procps util-linux
)

# apt_get ARGUMENTS...: apt-get that never asks and waits for other runs.
apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get --yes --quiet \
    -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0 "$@"
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

# install_packages WHAT PACKAGE...: installs what is missing, if anything is.
# Services that packages bring along are not started.
install_packages() {
  local what=$1 log=$CACHE_DIR/logs/apt.log
  shift
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  require_root
  require_debian
  say "installing ${#missing[@]} Debian packages for $what (log: $log)"
  if ! quietly "$log" install_now "${missing[@]}"; then
    say "updating apt's package lists"
    quietly "$log" apt_get update || die "apt-get update failed: are the network and the mirrors of /etc/apt reachable?" "$log"
    quietly "$log" install_now "${missing[@]}" ||
      die "apt-get install failed (is the network there?) for: ${missing[*]}" "$log"
  fi
}

install_now() {
  local policy=/usr/sbin/policy-rc.d made='' status=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    made=yes
  fi
  apt_get install --no-install-recommends "$@" || status=$?
  [[ -z $made ]] || rm -f "$policy"
  return "$status"
}

install_build_deps() { install_packages "building" "${BUILD_PACKAGES[@]}"; }

install_cluster_deps() { install_packages "the cluster" "${CLUSTER_PACKAGES[@]}"; }

# write_apt_entries deb|deb-src FOLDER: this machine's own Debian entries (third
# parties left out), of the given type.
write_apt_entries() {
  local type=$1 out=$2 file suites
  # shellcheck source=/dev/null
  suites=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
  suites="(($suites|stable)(-updates|-security)?)(/updates)?"
  mkdir -p "$out"
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ -e $file ]] || continue
    awk -v RS= -v type="$type" -v suites="$suites" '
      ("\n" $0) ~ "\nSuites:[^\n]*[ \t]" suites "([ \t\n]|$)" && ("\n" $0) !~ /\nEnabled:[ \t]*(no|false)/ {
        text = "\n" $0
        sub(/\nTypes:[^\n]*/, "\nTypes: " type, text)
        print substr(text, 2) "\n"
      }' "$file" >"$out/$(basename "$file")"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ -e $file ]] || continue
    sed -nE "s#^[[:space:]]*deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+[[:space:]]+${suites}[[:space:]].*)#$type \2\3#p" \
      "$file" | sort -u >"$out/$(basename "${file%.list}").list"
  done
  find "$out" -type f -empty -delete
  [[ -n $(ls -A "$out") ]] || die "no entry for Debian in /etc/apt/sources.list or /etc/apt/sources.list.d"
}
