#!/bin/sh
# Installs the peers and judges of `make interop` (Debian 12). Nothing is started as a service.
set -eu
P="kamailio sip-tester baresip-core tshark sox minimodem multimon-ng iproute2 python3 util-linux"
miss=
for p in $P; do dpkg -s "$p" >/dev/null 2>&1 || miss="$miss $p"; done
[ -n "$miss" ] || { echo "interop packages: all installed"; exit 0; }
export DEBIAN_FRONTEND=noninteractive
# invoke-rc.d asks this policy before it starts a service; 101 means "no".
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get -o DPkg::Lock::Timeout=300 -q update >/dev/null
# shellcheck disable=SC2086 # the list is meant to be split
apt-get -o DPkg::Lock::Timeout=300 install -y -q --no-install-recommends $miss >/dev/null
echo "interop packages installed:$miss"
