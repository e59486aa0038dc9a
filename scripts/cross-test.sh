#!/bin/sh
# Runs the given packages' tests (L0-L1) under qemu-user on foreign CPUs: big-endian MIPS without FPU, little-endian MIPS, ARMv5.
# A missing emulator is a failure. -short leaves out the long soaks: an emulated MIPS is fifty times slower.
set -eu
: "${GO:=go}"
fail=0
for t in mips mipsle arm; do
	q=qemu-$t
	[ "$t" = mipsle ] && q=qemu-mipsel
	command -v $q >/dev/null || { echo "cross-test: $q is missing (Debian: qemu-user)" >&2; exit 1; }
	echo "== linux-$t under $q"
	CGO_ENABLED=0 GOOS=linux GOARCH=$t GOMIPS=softfloat GOARM=5 \
		"$GO" test -short -timeout 15m -exec "$q" "$@" || fail=1
done
exit $fail
