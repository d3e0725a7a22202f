# SPDX-License-Identifier: Apache-2.0
#
# Reads the TAP of one test file and says what a person wants to know of it: failures with their
# diagnostics, skips with their reasons. Nested results (node) count once, as their leaves.
# In: name, status (exit status of the file), must_work, counts (file that gets "passed failed skipped").

function failure(text) {
    failed++
    printf "  FAILED  %s: %s\n", name, text
    diagnostics = 60
}

function skip(text, reason) {
    # "not here: ..." is a test that this lane is not about; everything else is a lack of the machine.
    if (must_work && reason !~ /^not here:/)
        return failure(text " (skipped: " reason ")")
    skipped++
    printf "  skipped %s: %s: %s\n", name, text, reason
}

/^ *(not )?ok( |$)/ {
    diagnostics = 0
    match($0, /^ */)
    depth = RLENGTH
    bad = $0 ~ /^ *not ok/
    children = bad_children = 0
    for (d in results) if (d + 0 > depth) {
        children += results[d]; bad_children += failures[d]
        delete results[d]; delete failures[d]
    }
    results[depth]++
    failures[depth] += bad || bad_children
    text = $0
    sub(/^ *(not )?ok */, "", text)
    if (depth == 0 && text ~ /^[0-9]/) numbered++
    sub(/^[0-9]+ *(- )?/, "", text)
    sub(/^- /, "", text)
    reason = ""
    if (match(tolower(text), / # (skip|todo)/)) {
        reason = substr(text, RSTART + 7)
        sub(/^[a-z]* */, "", reason)
        text = substr(text, 1, RSTART - 1)
        if (reason == "") reason = "no reason given"
    }
    if (children) { if (bad && !bad_children) failure(text) }
    else if (reason != "") skip(text, reason)
    else if (bad) failure(text)
    else passed++
    next
}
/^1\.\.[0-9]+/ { plan = substr($0, 4) + 0; planned = 1; if (match($0, /# *[Ss][Kk][Ii][Pp]/)) skip("all", substr($0, RSTART + RLENGTH + 1)); next }
/^Bail out!/ { failure($0); next }
diagnostics > 0 { diagnostics--; print "    " $0 }

END {
    if (planned && numbered < plan) failure("ended after " numbered + 0 " of " plan " tests, exit status " status)
    else if (status != 0 && !failed) failure("exit status " status)
    else if (!planned && !numbered && !failed) failure("reported no test at all")
    print passed + 0, failed + 0, skipped + 0 > counts
}
