#!/bin/sh
# Runs every fuzz target of the tree for FUZZTIME.
set -eu
: "${GO:=go}" "${FUZZTIME:=10s}"
n=0
for f in $(grep -rl --include='*_test.go' '^func Fuzz' .); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$f"); do
		echo "== $(dirname "$f") $target"
		"$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" "$(dirname "$f")"
		n=$((n + 1))
	done
done
echo "$n fuzz targets clean"
