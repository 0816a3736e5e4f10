#!/usr/bin/env bash
# Runs every fuzz target for a while. Usage: tests/fuzz/run.sh [target...]
set -euo pipefail
cd "$(dirname "$0")"

if ! cargo +nightly --version >/dev/null 2>&1 || ! command -v cargo-fuzz >/dev/null; then
    echo "SKIPPED: fuzzing needs a nightly compiler and cargo-fuzz; see tests/fuzz/README.md" >&2
    exit 0
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cd seeds && ls)
fi
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-20}" -max_len=16384 -timeout=10
done
