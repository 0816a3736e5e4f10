#!/bin/sh
# Makes packages of programs that are built already.
#
#   package.sh deb|rpm BUILD OUT
#
# BUILD is the directory of the programs, OUT gets the packages: esmond-ps (the
# programs that talk to archives) and esmond-ps-archive (the archive, with its
# service). Needs dpkg-deb or rpmbuild, objdump, and cargo. From the environment:
#   SOURCE_DATE_EPOCH  time of all files, default that of the last commit
#   MAINTAINER         NAME <ADDRESS> of who makes the packages
#   COMPRESSION        none: for tests
#
# The same programs make the same packages, byte for byte. Both kinds come from
# the list in install.sh, so no cargo-deb nor cargo-generate-rpm with a list of
# its own each, which would have to be built first.
set -eu
umask 022

if [ $# -ne 3 ]; then
    echo "usage: package.sh deb|rpm BUILD OUT" >&2
    exit 2
fi
kind=$1
BUILD=$(cd "$2" && pwd)
mkdir -p "$3"
out=$(cd "$3" && pwd)
dist=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$dist/../../.." && pwd)
# Before 1.0.0 comes 1.0.0-rc.1, which packages call 1.0.0~rc.1.
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$top/Cargo.toml" | head -n 1 | tr - '~')
: "${MAINTAINER:=esmond-ps developers <maintainers@esmond-ps.invalid>}"
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct 2>/dev/null) \
        || SOURCE_DATE_EPOCH=$(stat -c %Y "$top/Cargo.lock")
fi
export BUILD SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$dist/notices.sh" > "$work/notices"
gzip -9n "$work/notices"

# stage PART ZSHDIR: the files of a package below $work/PART, their list beside it.
stage() {
    DESTDIR=$work/$1 PREFIX=/usr STRIP=1 MANIFEST=$work/$1.manifest \
        NOTICES=$work/notices.gz ZSHDIR=$2 "$dist/install.sh" install "$1"
}

# What the programs of a part need of the system; nothing when they are static.
libraries() {
    needed=$(objdump -p "$work/$1"/usr/bin/* | sed -n 's/^ *NEEDED *//p' | sort -u)
    for library in $needed; do
        case $library in
        libc.so.6 | libm.so.6 | libpthread.so.0 | libdl.so.2 | librt.so.1 | ld-linux*) ;;
        libgcc_s.so.1) echo libgcc-s1 ;;
        *)
            echo "package.sh: no package known for $library" >&2
            exit 1
            ;;
        esac
    done
    objdump -T "$work/$1"/usr/bin/* | sed -n 's/.*(\{0,1\}GLIBC_\([0-9.]*\).*/\1/p' \
        | sort -uV | sed -n '$s/.*/libc6 (>= &)/p'
}

# deb PACKAGE PART DEPENDS: makes a package; the end of its control file is on stdin.
deb() {
    package=$1 part=$2 depends=$3
    stage "$part" /usr/share/zsh/vendor-completions
    control=$work/$part/DEBIAN
    mkdir "$control"
    {
        echo "$package ($version) unstable; urgency=medium"
        echo
        echo "  * The changes are in /usr/share/doc/esmond-ps/CHANGELOG.md and at"
        echo "    https://github.com/esmond-ps/esmond-ps."
        echo
        echo " -- $MAINTAINER  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n > "$work/$part/usr/share/doc/$package/changelog.gz"
    # Own line: a failure in there must end the script.
    found=$(libraries "$part")
    depends=$(printf '%s\n' "$found" $depends | sed '/^$/d' | paste -sd, | sed 's/,/, /g')
    # Of files only: that of directories depends on the file system.
    size=$(find "$work/$part" -path "$control" -prune -o -type f -printf '%s\n' \
        | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
    {
        echo "Package: $package"
        echo "Version: $version"
        echo "Architecture: $(dpkg --print-architecture)"
        echo "Maintainer: $MAINTAINER"
        echo "Installed-Size: $size"
        [ -z "$depends" ] || echo "Depends: $depends"
        echo "Section: net"
        echo "Priority: optional"
        echo "Homepage: https://github.com/esmond-ps/esmond-ps"
        cat
    } > "$control/control"
    sed -n 's/^config //p' "$work/$part.manifest" > "$control/conffiles"
    (cd "$work/$part" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' \
        | sort -z | xargs -0 md5sum) > "$control/md5sums"
    for script in "$dist/debian/$package".*; do
        [ ! -e "$script" ] || install -m 755 "$script" "$control/${script##*.}"
    done
    dpkg-deb --root-owner-group -Z"${COMPRESSION:-xz}" --build "$work/$part" "$out" >&2
}

case $kind in
deb)
    deb esmond-ps programs "" <<END
Suggests: bash-completion, logrotate
Description: programs for perfSONAR measurement archives
 Find, read and download what perfSONAR hosts have measured (throughput, loss,
 delay, paths) from measurement archives with the esmond REST API and from
 archives of perfSONAR 5, and load transfer logs of GridFTP servers and results
 of iperf3, bwctl and pScheduler into them. Successors of the esmond client.
END
    deb esmond-ps-archive archive adduser <<END
Suggests: esmond-ps, logrotate, default-mta | mail-transport-agent
Description: perfSONAR measurement archive in one program
 Keeps the results of perfSONAR hosts in one file and serves them over the
 esmond REST API, to old clients and new ones. Takes results from pScheduler,
 too. Successor of the esmond server that needs no database server.
END
    ;;
rpm)
    case ${COMPRESSION:-} in none) payload=w.ufdio ;; *) payload=w19.zstdio ;; esac
    for part in programs archive; do
        stage "$part" /usr/share/zsh/site-functions
        sed -e 's/^config /%config(noreplace) /' -e 's/^dir /%dir /' -e 's/^file //' \
            "$work/$part.manifest" | sort -u > "$work/$part.files"
    done
    rpmbuild -bb --quiet \
        --define "_topdir $work/rpm" --define "_rpmdir $work/rpms" \
        --define "_binary_payload $payload" --define "_tmppath $work" \
        --define "esmond_version $version" --define "staged $work" \
        --define "packager $MAINTAINER" "$dist/esmond-ps.spec" >&2
    find "$work/rpms" -name '*.rpm' -exec mv {} "$out" \;
    ;;
*)
    echo "package.sh: deb or rpm, not $kind" >&2
    exit 2
    ;;
esac
