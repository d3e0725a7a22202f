# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # what tests/bench/run sets
# The row "pack" of tests/bench/run, which reads this: hash and archive of a large mixed tree and of
# 50,000 small files against GNU tar with gzip and pigz (which hash nothing) and the official client.

# About MB megabytes of this machine's own files: text, programs, what packages hold.
mixed_tree() { # folder megabytes
    local from size left=$2
    mkdir -p "$1"
    for from in /usr/include /usr/lib/python3 /usr/share/perl /usr/lib/node_modules /usr/lib/gcc \
        /usr/lib/python3.* /usr/share/doc /usr/lib/x86_64-linux-gnu /usr/bin /usr/share; do
        [ -d "$from" ] && [ "$left" -gt 0 ] || continue
        size=$(du -sm "$from" 2>/dev/null | cut -f1)
        # What is larger than what is left is cut off where it is full.
        tar -C "$from" --exclude='*.pyc' -cf - . 2>/dev/null | head -c "$((left * 1048576))" |
            (mkdir -p "$1$from" && tar -C "$1$from" -xf - 2>/dev/null)
        left=$((left - size))
    done
    # The official client stops at a link that leads nowhere.
    find "$1" \( ! -type f ! -type d ! -type l -o -xtype l \) -delete
    chmod -R u+rwX "$1"
}

# Files of 1 to 8 KB, each another piece of this machine's headers.
small_tree() { # folder count
    node -e '
        const { mkdirSync, readdirSync, readFileSync, writeFileSync } = require("fs"), [dir, count] = process.argv.slice(1)
        const parts = []
        for (const name of readdirSync("/usr/include", { recursive: true }))
            if (name.endsWith(".h") && parts.length < 4000) try { parts.push(readFileSync(`/usr/include/${name}`)) } catch {}
        const text = Buffer.concat(parts)
        for (let i = 0, at = 0; i < Number(count); i++) {
            const folder = `${dir}/${i % 200}`, len = 1000 + (i * 7919) % 7000
            if (i < 200) mkdirSync(folder, { recursive: true })
            writeFileSync(`${folder}/${i}.js`, text.subarray(at, at + len))
            at = (at + len + 4001) % (text.length - 8000)
        }' "$1" "$2"
}

# One run: seconds on the clock and of processor, and the size of what came out.
packed() { # name file command...
    local name=$1 file=$2
    shift 2
    TIMEFORMAT="$name %R %U %S"
    { time "$@" >"$work/packed" 2>"$work/packed.err"; } 2>"$work/time" || { cat "$work/packed.err"; return 1; }
    # shellcheck disable=SC2086 # a pattern
    echo "$(tail -n 1 "$work/time") $(cat $file | wc -c)" >>"$work/packs"
}

pack_median() { # name column
    awk -v name="$1" -v c="$2" '$1 == name { print (c == 3 ? $3 + $4 : $c) }' "$work/packs" | sort -n |
        awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

pack_line() { # label name
    printf '%-46s %9s %9s %9s %7s\n' "$1" "$(pack_median "$2" 2)" "$(pack_median "$2" 3)" \
        "$(awk "BEGIN { printf \"%.1f\", $(pack_median "$2" 5) / 1e6 }")" \
        "$(awk "BEGIN { printf \"%.2f\", $(pack_median "$2" 2) / $(pack_median e2b 2) }")"
}

pack_tree() { # folder title
    local dir=$1
    : >"$work/packs"
    printf 'FROM x\nCOPY tree /tree\n' >"$dir/Dockerfile"
    for _ in 1 2 3; do
        rm -rf "$work/layers"
        packed e2b "$work/layers/*.tar.gz" e2b template pack -p "$dir" -o "$work/layers" || return 1
        packed gzip "$work/packed" tar -C "$dir" -czf - tree || return 1
        [ $with_pigz = no ] || packed pigz "$work/packed" tar -C "$dir" -I 'pigz -6' -cf - tree || return 1
        [ $with_sdk = no ] || packed sdk "$work/sdk.tar.gz" node "$source/tests/bench/pack.mjs" "$dir" "$work/sdk.tar.gz" || return 1
    done
    printf '\n%-46s %9s %9s %9s %7s\n' "$2" "wall s" "cpu s" MB ratio
    pack_line "e2b template pack (hash and archive)" e2b
    pack_line "tar + gzip -6" gzip
    [ $with_pigz = no ] || pack_line "tar + pigz -6" pigz
    [ $with_sdk = no ] || pack_line "official SDK (hash, archive, upload)" sdk
    [ $with_sdk = no ] || promise "at least 3 times the SDK" "$(pack_median sdk 2) >= 3 * $(pack_median e2b 2)"
    [ $with_pigz = no ] || promise "at least 1.8 times tar + pigz" "$(pack_median pigz 2) >= 1.8 * $(pack_median e2b 2)"
    promise "not more than 2 % larger than gzip's" "$(pack_median e2b 5) <= 1.02 * $(pack_median gzip 5)"
}

row_pack() {
    local with_pigz=no with_sdk=no
    command -v pigz >/dev/null && with_pigz=yes
    [ -d "$source/tests/sdk/node_modules/e2b" ] && with_sdk=yes
    [ $with_pigz = yes ] || echo "  without pigz: it is not installed"
    [ $with_sdk = yes ] || echo "  without the SDK: ./bootstrap deps installs it"
    mixed_tree "$work/mixed/tree" "${MIXED:-500}" || return 1
    pack_tree "$work/mixed" "Mixed tree: $(du -sm "$work/mixed/tree" | cut -f1) MB, $(find "$work/mixed/tree" -type f | wc -l) files" || return 1
    rm -rf "$work/mixed"
    command -v node >/dev/null || return 0
    small_tree "$work/small/tree" "${SMALL_FILES:-50000}" || return 1
    pack_tree "$work/small" "${SMALL_FILES:-50000} small files" || return 1
    rm -rf "$work/small"
}
