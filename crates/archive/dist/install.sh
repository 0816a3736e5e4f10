#!/bin/sh
# Installs the programs and the files beside them, or removes them again. One
# list for `make install`, `make uninstall`, the .deb and the .rpm packages.
#
#   install.sh install|uninstall [programs] [archive]
#
# Without a part, both. From the environment:
#   PREFIX      default /usr/local
#   SYSCONFDIR  configuration, default /etc: the programs look there
#   DESTDIR     put in front of all paths, for packages
#   BUILD       directory of the built programs, default target/release
#   ZSHDIR      completions of zsh, default PREFIX/share/zsh/site-functions
#   STRIP       1: without symbols
#   NOTICES     file with the licences of others, for packages
#   MANIFEST    file to which "file PATH", "config PATH" or "dir PATH" is added
#               for all that was installed, without DESTDIR
set -eu
umask 022

dist=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$dist/../../.." && pwd)
: "${PREFIX:=/usr/local}" "${SYSCONFDIR:=/etc}" "${DESTDIR:=}" "${STRIP:=}" "${MANIFEST:=}" "${NOTICES:=}"
: "${BUILD:=$top/target/release}" "${ZSHDIR:=$PREFIX/share/zsh/site-functions}"

# Every crate with a main.rs is a program of the crate's name.
programs=$(for main in "$top"/crates/*/src/main.rs; do
    sed -n 's/^name = "\(.*\)"$/\1/p' "${main%/src/main.rs}/Cargo.toml" | head -n 1
done | grep -vx esmond-ps-archive)

usage() {
    echo "usage: install.sh install|uninstall [programs] [archive]" >&2
    exit 2
}

action=${1:-}
case $action in install | uninstall) shift ;; *) usage ;; esac
[ $# -gt 0 ] || set -- programs archive

new=$(mktemp)
trap 'rm -f "$new"' EXIT

note() { [ -z "$MANIFEST" ] || echo "$1 $2" >> "$MANIFEST"; }

# put MODE SOURCE PATH
put() {
    if [ "$action" = install ]; then
        mkdir -p "$(dirname "$DESTDIR$3")"
        # Beside, then renamed: a program that runs is not written to.
        install -m "$1" "$2" "$DESTDIR$3.new"
        mv -f "$DESTDIR$3.new" "$DESTDIR$3"
        note file "$3"
    else
        rm -f "$DESTDIR$3"
    fi
}

# What an administrator has changed is left alone.
configuration() {
    if [ "$action" = uninstall ]; then
        ! cmp -s "$1" "$DESTDIR$2" || rm -f "$DESTDIR$2"
        return
    fi
    note config "$2"
    if [ -e "$DESTDIR$2" ]; then
        cmp -s "$1" "$DESTDIR$2" || echo "kept as it is: $DESTDIR$2" >&2
        return
    fi
    mkdir -p "$(dirname "$DESTDIR$2")"
    install -m 644 "$1" "$DESTDIR$2"
}

# A directory of ours; goes when it is empty.
directory() {
    if [ "$action" = install ]; then
        mkdir -p "$DESTDIR$1"
        note dir "$1"
    else
        directories="$1 $directories"
    fi
}
directories=

# generated PROGRAM KIND PATH: what a program says of itself.
generated() {
    if [ "$action" = install ]; then
        "$BUILD/$1" --generate "$2" > "$new"
        case $3 in *.gz) gzip -9n < "$new" > "$new.gz" && mv "$new.gz" "$new" ;; esac
    fi
    put 644 "$new" "$3"
}

# Paths in our files are those of packages, below /usr.
here() {
    sed "s|/usr/bin/|$PREFIX/bin/|g" "$1" > "$new"
    put 644 "$new" "$2"
}

program() {
    if [ "$action" = install ] && [ -n "$STRIP" ]; then
        cp "$BUILD/$1" "$new.program"
        strip --strip-all "$new.program"
        put 755 "$new.program" "$PREFIX/bin/$1"
        rm -f "$new.program"
    else
        put 755 "$BUILD/$1" "$PREFIX/bin/$1"
    fi
    generated "$1" man "$PREFIX/share/man/man1/$1.1.gz"
    generated "$1" bash "$PREFIX/share/bash-completion/completions/$1"
    generated "$1" zsh "$ZSHDIR/_$1"
    generated "$1" fish "$PREFIX/share/fish/vendor_completions.d/$1.fish"
}

# licences DIRECTORY
licences() {
    put 644 "$dist/copyright" "$1/copyright"
    [ -z "$NOTICES" ] || put 644 "$NOTICES" "$1/third-party-licences.gz"
}

part_programs() {
    for name in $programs; do program "$name"; done
    directory "$SYSCONFDIR/esmond-ps"
    configuration "$dist/config.toml" "$SYSCONFDIR/esmond-ps/config.toml"
    doc=$PREFIX/share/doc/esmond-ps
    directory "$doc"
    directory "$doc/examples"
    here "$dist/load-gridftp.cron" "$doc/examples/load-gridftp.cron"
    here "$dist/load-gridftp.logrotate" "$doc/examples/load-gridftp.logrotate"
    put 644 "$top/README.md" "$doc/README.md"
    put 644 "$top/CHANGELOG.md" "$doc/CHANGELOG.md"
    licences "$doc"
    directory "$doc/docs"
    for page in "$top"/docs/*.md; do
        put 644 "$page" "$doc/docs/${page##*/}"
    done
    directory "$doc/docs/schema"
    for schema in "$top"/docs/schema/*.json; do
        put 644 "$schema" "$doc/docs/schema/${schema##*/}"
    done
}

part_archive() {
    program esmond-ps-archive
    here "$dist/esmond-ps-archive.service" "$PREFIX/lib/systemd/system/esmond-ps-archive.service"
    put 644 "$dist/sysusers.conf" "$PREFIX/lib/sysusers.d/esmond-ps.conf"
    directory "$SYSCONFDIR/esmond-ps"
    configuration "$dist/archive.toml" "$SYSCONFDIR/esmond-ps/archive.toml"
    doc=$PREFIX/share/doc/esmond-ps-archive
    directory "$doc"
    directory "$doc/examples"
    for name in apache.conf nginx.conf logrotate retention.json; do
        put 644 "$dist/$name" "$doc/examples/$name"
    done
    here "$dist/prune.cron" "$doc/examples/prune.cron"
    licences "$doc"
}

if [ "$action" = install ] && [ ! -x "$BUILD/esmond-ps-archive" ]; then
    echo "install.sh: no programs in $BUILD: run 'make build' first" >&2
    exit 1
fi
for part in "$@"; do
    case $part in programs | archive) "part_$part" ;; *) usage ;; esac
done
for path in $directories; do
    rmdir "$DESTDIR$path" 2>/dev/null || true
done
