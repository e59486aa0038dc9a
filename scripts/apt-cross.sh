#!/bin/sh
# Installs what `make cross-test` and `make size` need: qemu user emulation and xz.
set -eu
P="qemu-user xz-utils"
miss=
for p in $P; do dpkg -s "$p" >/dev/null 2>&1 || miss="$miss $p"; done
[ -n "$miss" ] || { echo "cross packages: all installed"; exit 0; }
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 -q update >/dev/null
# shellcheck disable=SC2086
apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends $miss >/dev/null
echo "cross packages installed:$miss"
