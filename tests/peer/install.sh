#!/usr/bin/env bash
# Installs the original Python client (esmond_client 4.2.1 of PyPI) below
# target/peer, for the test that lets it talk to our archive: as it is for
# Python 2, and translated by 2to3 for Python 3 (before 3.13); and schemathesis,
# which asks our archive what its description says; and pyarrow and DuckDB, which read
# the Parquet files that get-bulk writes; and numpy, which `--stats` must agree with. What
# cannot be installed here is left out, and the test says that it skips it.
set -u
cd "$(dirname "$0")/../.."
peer=target/peer
version=4.2.1
mkdir -p "$peer"

say() { echo "peer: $*" >&2; }

find_python2() {
    local candidate
    for candidate in python2.7 python2 "$(pyenv root 2>/dev/null)"/versions/2.7*/bin/python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

install_python2() {
    local python
    python=$(find_python2)
    [ -n "$python" ] || { say "no Python 2.7 here"; return; }
    "$python" -m pip install --quiet --disable-pip-version-check --target "$peer/python2" \
        "esmond_client==$version" 'requests==2.27.1' 'python-dateutil==2.8.2' 2>/dev/null \
        || { say "could not install for Python 2"; rm -rf "$peer/python2"; return; }
    echo "$python" > "$peer/python2/interpreter"
}

install_python3() {
    local python=python3 work
    "$python" -c 'import lib2to3' 2>/dev/null || { say "no Python 3 with lib2to3 here"; return; }
    work=$(mktemp -d)
    if "$python" -m pip download --quiet --no-deps --no-binary :all: --dest "$work" \
            "esmond_client==$version" 2>/dev/null \
        && "$python" -m pip install --quiet --target "$peer/python3" requests 'python-dateutil<3' 2>/dev/null \
        && tar -xzf "$work/esmond_client-$version.tar.gz" -C "$work" \
        && "$python" -m lib2to3 --write --nobackups "$work/esmond_client-$version/esmond_client" >/dev/null 2>&1 \
        && cp -r "$work/esmond_client-$version/esmond_client" "$peer/python3/"; then
        command -v "$python" > "$peer/python3/interpreter"
    else
        say "could not install for Python 3"
        rm -rf "$peer/python3"
    fi
    rm -rf "$work"
}

install_schemathesis() {
    local python=python3
    "$python" -m pip install --quiet --disable-pip-version-check --target "$peer/schemathesis" \
        'schemathesis==4.32.5' 2>/dev/null \
        || { say "could not install schemathesis"; rm -rf "$peer/schemathesis"; return; }
    command -v "$python" > "$peer/schemathesis/interpreter"
}

install_parquet() {
    local python=python3
    "$python" -m pip install --quiet --disable-pip-version-check --target "$peer/parquet" \
        --only-binary :all: 'pyarrow==26.0.1' 'duckdb==2.0.1' 2>/dev/null \
        || { say "could not install pyarrow and DuckDB"; rm -rf "$peer/parquet"; return; }
    command -v "$python" > "$peer/parquet/interpreter"
}

install_numpy() {
    local python=python3
    "$python" -m pip install --quiet --disable-pip-version-check --target "$peer/numpy" \
        --only-binary :all: 'numpy>=1.20' 2>/dev/null \
        || { say "could not install numpy"; rm -rf "$peer/numpy"; return; }
    command -v "$python" > "$peer/numpy/interpreter"
}

[ -e "$peer/python2/interpreter" ] || install_python2
[ -e "$peer/python3/interpreter" ] || install_python3
[ -e "$peer/schemathesis/interpreter" ] || install_schemathesis
[ -e "$peer/parquet/interpreter" ] || install_parquet
[ -e "$peer/numpy/interpreter" ] || install_numpy
exit 0
