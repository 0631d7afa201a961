#!/bin/bash
# make_base_rootfs.sh SUITE MIRROR FOLDER: a minimal Debian that takes packages
# from where this machine does. Run it in a mount namespace of its own.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=/dev/null
. "$HERE/common.sh" && . "$HERE/deps.sh"

suite=$1 mirror=$2 root=$3
rm -rf "$root"
debootstrap --variant=minbase "$suite" "$root" "$mirror"
rm -f "$root/etc/apt/sources.list"
write_apt_entries deb "$root/etc/apt/sources.list.d"
# Keys that those entries name.
grep -rhoE '/[^] ]+\.(gpg|asc|pgp)' "$root/etc/apt/sources.list.d" | sort -u | while read -r key; do
  [[ -e $root$key || ! -e $key ]] || install -D -m 0644 "$key" "$root$key"
done
apt-config dump | grep -iE '^Acquire::https?::Proxy' >"$root/etc/apt/apt.conf.d/90proxy" || true
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
