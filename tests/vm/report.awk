# SPDX-License-Identifier: Apache-2.0
# Turns the VM's console log into a line for each test, with the whole output of those that fail, and
# the sum. A skipped test has failed: the VM exists to run it. Exit status 1 for any failure.
#
#   awk -v kernel=6.1 -v expected=TESTS [-v verbose=1] -f report.awk CONSOLE-LOG

function first_number(line) {
    match(line, /[0-9]+/)
    return substr(line, RSTART, RLENGTH) + 0
}

function show(output) {
    if (!verbose)
        printf "%s", output
}

# finish(STATUS): the line of test `name`. A program without a summary of cmocka's kind is one test.
function finish(status,    verdict) {
    if (status == "")
        verdict = "FAIL, no result"
    else if (bad > 0 || (status != 0 && status != 77))
        verdict = "FAIL, status " status
    else if (skipped > 0 || status == 77)
        verdict = "FAIL, skipped"
    else
        verdict = "ok"
    if (verdict == "ok" && ok == 0)
        ok = 1
    if (verdict != "ok" && bad + skipped == 0)
        bad = 1
    printf "%-32s %4d passed %7.1f s  %s\n", kernel "/" name, ok, ended - started, verdict
    if (verdict != "ok")
        show(output)
    passed += ok
    failed += bad + skipped
    reported++
    name = output = ""
}

{ sub(/\r+$/, "") }

/^VM BOOT / {
    booted = $3
    release = match($0, /Debian [0-9.]+/) ? substr($0, RSTART + 7, RLENGTH - 7) : kernel
    output = ""
    next
}
/^VM TEST / {
    name = $3
    started = ended = $4
    ok = bad = skipped = 0
    output = ""
    next
}
/^VM RESULT / && $3 == name {
    ended = $5
    finish(substr($4, 4))
    next
}
/^VM DONE / {
    finished = $3
    next
}
/^\[ *PASSED *\] [0-9]+ test/ { ok += first_number($0) }
/^\[ *FAILED *\] [0-9]+ test/ { bad += first_number($0) }
/^\[ *SKIPPED *\] [0-9]+ test/ { skipped += first_number($0) }
/^VM TROUBLE/ { trouble = 1 }
{ output = output "    | " $0 "\n" }

END {
    if (!booted)
        print kernel ": the VM did not reach init"
    if (name != "")
        finish("")
    else if (!finished)
        show(output)
    if (trouble) {
        print kernel ": the kernel complained"
        show(output)
        failed++
    }
    if (reported < expected)
        failed += expected - reported
    printf "kernel %s: %d passed, %d failed", booted ? release : kernel, passed, failed
    if (finished)
        printf " (booted in %.1f s, done after %.1f s)", booted, finished
    print ""
    exit(failed > 0 || !finished)
}
