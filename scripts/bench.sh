#!/bin/sh
# Benchmarks print their figure beside the budget; nothing here fails on wall time, machines differ.
set -eu
: "${GO:=go}"
"$GO" test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" ./... | grep -vE '^(\?|ok|PASS)'
GO="$GO" scripts/footprint.sh
