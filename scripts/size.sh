#!/bin/sh
# Prints the raw and `xz -9` size of every target beside its budget (bytes). Over budget: exit 1.
set -eu
command -v xz >/dev/null || { echo "size: xz is missing (Debian: xz-utils)" >&2; exit 1; }
bad=0
printf '%-16s %10s %10s %10s %10s\n' target raw budget 'xz -9' budget
for t in mips mipsle armv5 armv6 armv7 arm64 riscv64 amd64; do
	# The budget of the smallest boxes (mips, 16 MB flash) is the strict one.
	case $t in
	mips | mipsle) braw=8000000 bxz=2100000 ;;
	*) braw=8000000 bxz=2500000 ;;
	esac
	f=dist/linux-$t/tipring
	raw=$(wc -c <"$f") xz=$(xz -9 -c "$f" | wc -c)
	note=''
	[ "$raw" -le $braw ] && [ "$xz" -le $bxz ] || { note=' OVER BUDGET' bad=1; }
	printf '%-16s %10d %10d %10d %10d%s\n' "linux-$t" "$raw" $braw "$xz" $bxz "$note"
done
exit $bad
