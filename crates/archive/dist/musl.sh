#!/bin/sh
# Makes ready for a build that needs nothing of the system it runs on.
#
#   musl.sh TARGET
#
# Needs musl-gcc, for SQLite and ring; gets Rust's own part from rustup.
set -eu
target=$1
if ! command -v musl-gcc >/dev/null; then
    echo "musl.sh: no musl-gcc: apt-get install musl-tools, or your system's package" >&2
    exit 1
fi
installed=$(rustc --print sysroot)/lib/rustlib/$target
if [ ! -d "$installed" ] && ! rustup target add "$target"; then
    echo "musl.sh: no Rust library for $target: rustup target add $target" >&2
    exit 1
fi
