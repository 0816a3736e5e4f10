#!/usr/bin/env bash
# Makes a small system below a directory: copies of the essential packages of this
# Debian, what they need, adduser, and the packages named after the directory. No
# network, and nothing else of the machine.
set -euo pipefail
root=$1
shift

packages=$(dpkg-query -W -f '${db:Status-Status}\t${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\n' | awk -F '\t' -v more="$*" '
    BEGIN { count = split("adduser mawk " more, wanted, " ") + 1 }
    $1 == "installed" {
        needs[$2] = $4
        if ($3 == "yes") wanted[count++] = $2
    }
    END {
        for (at = 1; at < count; at++) {
            name = wanted[at]
            if (seen[name]++) continue
            print name
            parts = split(needs[name], part, /[,|]/)
            for (i = 1; i <= parts; i++) {
                # All alternatives that are here; without versions.
                sub(/^ */, "", part[i]); sub(/[ :(].*/, "", part[i])
                if (part[i] in needs) wanted[count++] = part[i]
            }
        }
    }')

# /bin and its like are links into /usr, on most systems.
mkdir -p "$root"/usr/{bin,sbin,lib,lib32,lib64,libx32} "$root"/{dev,proc,run,tmp,etc,var/lib/dpkg/{info,updates,alternatives,triggers}}
chmod 1777 "$root/tmp"
# shellcheck disable=SC2086
dpkg-query -L $packages | sed -n 's|^/||p' \
    | grep -vE '^(\.|usr/share/(doc|man|info|locale|zoneinfo|lintian)/.*|package diverts.*)$' | sort -u \
    | tar -C / --no-recursion --ignore-failed-read --files-from - -cf - 2>/dev/null \
    | tar -C "$root" --keep-directory-symlink -xf -
# What scripts of packages and of the installation make.
[ -e "$root/bin/sh" ] || ln -s dash "$root/bin/sh"
[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
for file in passwd group; do
    cp "$root/usr/share/base-passwd/$file.master" "$root/etc/$file"
done
# Of the machine, but for chfn only, which asks them and then lets root do it.
cp /etc/pam.d/common-* "$root/etc/pam.d/"
for device in null:3 zero:5 urandom:9; do
    mknod -m 666 "$root/dev/${device%:*}" c 1 "${device#*:}"
done

cp /var/lib/dpkg/info/format "$root/var/lib/dpkg/info/"
for package in $packages; do
    dpkg-query -s "$package"
    echo
    for file in /var/lib/dpkg/info/"$package".* /var/lib/dpkg/info/"$package":*; do
        [ ! -e "$file" ] || cp "$file" "$root/var/lib/dpkg/info/"
    done
done > "$root/var/lib/dpkg/status"
