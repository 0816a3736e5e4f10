#!/bin/sh
# Builds one program from two copies of these files, in directories of different
# names, and compares. Takes minutes.
set -eu
top=$(cd "$(dirname "$0")/../../.." && pwd)
program=esmond-ps-get-endpoints
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for copy in first and/then/the/second; do
    mkdir -p "$work/$copy"
    # Without what was built.
    tar -C "$top" --exclude=./target --exclude=./tests/fuzz/target -cf - . | tar -C "$work/$copy" -xf -
    env -u CARGO_TARGET_DIR make -C "$work/$copy" build WHAT="--package $program"
done
if cmp "$work/first/target/release/$program" "$work/and/then/the/second/target/release/$program"; then
    echo "$program is the same: $(sha256sum < "$work/first/target/release/$program" | cut -c -64)"
else
    exit 1
fi
