# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets
# The rows "layers" and "unpack" of tests/bench/run, which reads this: a template of ten steps, built
# again and started from; a large image against what GNU tar needs to write the same files.

row_layers() {
    local i began first
    e2b local start >/dev/null || return 1
    mkdir -p "$work/ten/files"
    seq 1000 >"$work/ten/files/numbers"
    {
        echo "FROM e2bdev/base"
        echo "COPY files /opt/files"
        for i in 1 2 3 4 5 6 7 8 9; do echo "RUN echo $i > /tmp/step-$i"; done
    } >"$work/ten/Dockerfile"
    began=$EPOCHREALTIME
    e2b template create ten -p "$work/ten" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
    first=$(awk "BEGIN { print int(($EPOCHREALTIME - $began) * 1e6) }")
    head_line "A template of ten steps"
    "$bench/pair" $((rounds / 4 + 1)) rebuild e2b template create ten -p "$work/ten" >"$work/out" || return 1
    echo "first $first $first $first $first" >>"$work/out"
    line "built for the first time" "$work/out" first rebuild
    line "built again, nothing changed" "$work/out" rebuild
    "$bench/pair" "$rounds" base e2b sandbox run -- true :: ten e2b sandbox run ten -- true >"$work/runs" || return 1
    line "e2b sandbox run -- true" "$work/runs" base
    line "e2b sandbox run ten -- true" "$work/runs" ten base
    promise "a build of ten kept steps takes at most 150 ms" "$(field "$work/out" rebuild 2) <= 150000"
    promise "ten layers cost at most half as much again as base" \
        "$(field "$work/runs" ten 2) <= 1.5 * $(field "$work/runs" base 2)"
}

# A root file system: what a shell needs, and MB of this machine's own files.
image_tree() { # folder megabytes
    local program library
    mixed_tree "$1/opt" "$2" || return 1
    mkdir -p "$1"/{usr/bin,etc,var,root,tmp}
    ln -s usr/bin "$1/bin"
    for program in sh bash cat ls mkdir chown chmod sed head stat id; do
        cp -L "$(command -v "$program")" "$1/usr/bin/$program" || return 1
        for library in $(ldd "$(command -v "$program")" | grep -o '/[^ ]*'); do
            cp -L --parents "$library" "$1" || return 1
        done
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
    echo 'root:x:0:' >"$1/etc/group"
}

# Seconds that a command takes.
seconds() { # name command...
    local name=$1 began=$EPOCHREALTIME
    shift
    "$@" >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
    awk "BEGIN { print \"$name\", $EPOCHREALTIME - $began }" >>"$work/unpacks"
}

unpack_median() { # name
    awk -v name="$1" '$1 == name { print $2 }' "$work/unpacks" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# In memory, so that neither waits for the disk, nor for what the other one left it to do.
row_unpack() {
    local kind memory
    memory=$(mktemp -d /dev/shm/e2b-bench.XXXXXX) || return 1
    image_tree "$memory/image" "${IMAGE:-500}" && mkdir "$memory/home" &&
        E2B_HOME=$memory/home e2b local start >/dev/null && unpack_kinds
    local status=$?
    E2B_HOME=$memory/home e2b local stop >/dev/null
    rm -rf "$memory" 2>/dev/null || unshare --user --map-root-user --map-auto rm -rf "$memory"
    return $status
}

unpack_kinds() {
    printf '\n%-46s %9s %9s %7s\n' "Image: $(du -sm "$memory/image" | cut -f1) MB, $(find "$memory/image" -type f | wc -l) files" "import s" "tar -x s" ratio
    for kind in gzip zstd; do
        command -v "$kind" >/dev/null || continue
        tar -C "$memory/image" -cf - . | "$kind" >"$memory/image.tar" || return 1
        : >"$work/unpacks"
        for _ in 1 2 3; do
            mkdir "$memory/plain"
            seconds tar tar -C "$memory/plain" -I "$kind" -xpf "$memory/image.tar" || return 1
            rm -rf "$memory/plain"
            E2B_HOME=$memory/home seconds import e2b template import "image:$kind" "$memory/image.tar" || return 1
            E2B_HOME=$memory/home e2b template delete --yes "image:$kind" >/dev/null || return 1
        done
        printf '%-46s %9s %9s %7s\n' "$kind" "$(unpack_median import)" "$(unpack_median tar)" \
            "$(awk "BEGIN { printf \"%.2f\", $(unpack_median import) / $(unpack_median tar) }")"
        promise "$kind: import within twice of tar -x" "$(unpack_median import) <= 2 * $(unpack_median tar)"
    done
}
