# SPDX-License-Identifier: Apache-2.0
#
# user, root and whoever is made inside: sudo, su, owners, setuid programs, packages.

load common

setup_file() { have_sandbox; }
teardown_file() { end_backend; }

@test "user is user, and sudo makes him root without asking" {
    [ "$(inside sudo id -u)" = 0 ]
    [ "$(inside whoami)" = user ] || [ "$E2B_LANE" = single ]
    [ "$(inside sudo -n -u user sh -c 'echo $HOME')" = /home/user ]
    run inside sudo sh -c 'exit 23'
    [ "$status" = 23 ]
}

@test "only the allow-list of accounts is there, and no password opens one" {
    inside getent passwd user
    inside getent passwd root
    [ "$(inside getent passwd | awk -F: '$6 ~ "^/home/" { n++ } END { print n }')" = 1 ]
    [ "$(inside_as_root awk -F: '$2 != "*"' /etc/shadow)" = "" ]
}

@test "root makes users, and su becomes them" {
    skip_with_one_id
    inside_as_root useradd --create-home ann
    [ "$(inside_as_root su ann -c 'id -un')" = ann ]
    [ "$(inside_as_root su - ann -c 'pwd')" = /home/ann ]
    [ "$(inside_as_root stat -c %U /home/ann)" = ann ]
}

@test "files can be given away, by root only" {
    skip_with_one_id
    inside sh -c 'echo mine >~/given'
    refute inside chown daemon given
    inside_as_root chown daemon:daemon /home/user/given
    [ "$(inside stat -c %U:%G given)" = daemon:daemon ]
    inside_as_root rm /home/user/given
}

@test "a setuid program of root's raises user" {
    skip_with_one_id
    inside_as_root sh -c 'cp /usr/bin/id /usr/local/bin/setuid-id && chmod 4755 /usr/local/bin/setuid-id'
    [ "$(inside setuid-id -u)" = 0 ]
    [ "$(inside id -u)" = 1000 ]
}

@test "a directory that only the host has is changed, for this sandbox alone" {
    local other
    inside_as_root sh -c 'rm /usr/bin/who && touch /usr/share/perl5/new && mkdir /usr/lib/sandbox'
    refute inside test -e /usr/bin/who
    inside test -e /usr/share/perl5/new
    [ -e /usr/bin/who ]
    [ ! -e /usr/share/perl5/new ]
    other=$(new_sandbox)
    e2b sandbox exec "$other" -- test -e /usr/bin/who
    e2b sandbox kill "$other"
}

@test "a package is built, installed, found whole and removed" {
    inside sh -ec '
        command -v dpkg-deb >/dev/null
        mkdir -p ~/p/DEBIAN ~/p/usr/bin ~/p/usr/share/doc/tiny
        printf "Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: x\n" >~/p/DEBIAN/control
        printf "#!/bin/sh\nset -e\ntest \$(id -u) = 0\necho configured >/var/lib/tiny\n" >~/p/DEBIAN/postinst
        printf "#!/bin/sh\necho tiny runs\n" >~/p/usr/bin/tiny
        chmod 755 ~/p/usr/bin/tiny ~/p/DEBIAN/postinst
        echo free >~/p/usr/share/doc/tiny/copyright
        dpkg-deb --root-owner-group --build ~/p ~/tiny.deb'
    inside sudo dpkg --install /home/user/tiny.deb
    [ "$(inside tiny)" = "tiny runs" ]
    [ "$(inside cat /var/lib/tiny)" = configured ]
    [ "$(inside dpkg --audit)" = "" ]
    inside sudo dpkg --remove tiny
    refute inside test -e /usr/bin/tiny
}

@test "a file that the host brings is replaced, as an upgrade does" {
    inside_as_root sh -ec '
        cp /usr/bin/env /usr/bin/env.dpkg-new
        ln /usr/bin/env /usr/bin/env.dpkg-tmp || cp /usr/bin/env /usr/bin/env.dpkg-tmp
        mv /usr/bin/env.dpkg-new /usr/bin/env
        rm /usr/bin/env.dpkg-tmp'
    [ "$(inside env -i /bin/echo still there)" = "still there" ]
}

@test "what developers use runs: a compiler, git, python, node where the host has them" {
    local out
    out=$(inside sh -c 'cd ~ && if command -v cc >/dev/null; then echo "int main(void) { return 9; }" >a.c && cc a.c -o a && ./a; echo $?; else echo 9; fi')
    [ "$out" = 9 ]
    inside python3 -c 'import multiprocessing, sqlite3, ssl; assert multiprocessing.Pool(2).map(abs, [-1, 2]) == [1, 2]'
    inside sh -c '! command -v git >/dev/null || { git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; }'
    inside sh -c '! command -v node >/dev/null || [ "$(node -p 6*7)" = 42 ]'
}
