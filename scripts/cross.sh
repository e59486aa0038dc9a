#!/bin/sh
# Builds dist/<os>-<arch>/tipring for every target of the firmware builders: no cgo, stripped, reproducible paths.
# Inlining is for the voice path and the runtime only: everywhere else it buys microseconds and costs half a megabyte.
set -eu
: "${GO:=go}" "${TAGS:=nethttpomithttp2}" "${LDFLAGS:=-s -w}"
for t in mips mipsle armv5 armv6 armv7 arm64 riscv64 amd64; do
	arm='' mips=''
	case $t in
	mips | mipsle) arch=$t mips=softfloat ;;
	armv*) arch=arm arm=${t#armv} ;;
	*) arch=$t ;;
	esac
	mkdir -p "dist/linux-$t"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOARM=$arm GOMIPS=$mips \
		"$GO" build -gcflags=all=-l -gcflags=tipring/media/...= -gcflags=runtime/...= -gcflags=internal/runtime/...= -trimpath -tags "$TAGS" -ldflags "$LDFLAGS" -o "dist/linux-$t/tipring" ./cmd/tipring
	echo "dist/linux-$t/tipring"
done
