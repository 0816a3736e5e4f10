#!/bin/sh
# Prints the crates that are built into the programs, with their licences and the
# texts that these ask to be passed on: each text once.
set -eu
export LC_ALL=C
top=$(cd "$(dirname "$0")/../../.." && pwd)
sources=${CARGO_HOME:-$HOME/.cargo}/registry/src
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$top"
cargo tree --locked --offline --workspace --exclude esmond-ps-tests \
    --edges normal,no-proc-macro --prefix none --format '{p}|{l}' \
    | sed -n 's/^\([^ ]*\) v\([^ |]*\)|\(.*\)$/\1 \2 \3/p' \
    | sed 's/ (\*)$//' | sort -u > "$work/crates"
[ -s "$work/crates" ]

echo "The programs of esmond-ps hold these crates of others, whose sources are on crates.io:"
echo
sed 's/^/  /' "$work/crates"
while read -r name version _; do
    found=$(find "$sources"/*/"$name-$version" -maxdepth 1 -type f \
        \( -iname 'licen[sc]e*' -o -iname 'copying*' -o -iname 'notice*' \) | sort)
    for file in $found; do
        text=$(tr -s ' \t\r\n' ' ' < "$file" | sha256sum | cut -c -64)
        [ -e "$work/$text.text" ] || cp "$file" "$work/$text.text"
        echo "$name" >> "$work/$text.whose"
    done
done < "$work/crates"
for whose in "$work"/*.whose; do
    # In the order of the first crate, not of the sums.
    echo "$(head -n 1 "$whose") $whose"
done | sort | while read -r _ whose; do
    echo
    echo "------------------------------------------------------------------------"
    sort -u "$whose" | paste -sd ' ' - | sed 's/^/Of: /' | fold -s -w 78
    echo
    tr -d '\r' < "${whose%.whose}.text"
done

# What is built in and comes from no crate.
for file in crates/*/assets/LICENSE; do
    echo
    echo "------------------------------------------------------------------------"
    cat "$file"
done
