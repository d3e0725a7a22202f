/* SPDX-License-Identifier: Apache-2.0
 *
 * e2bd, the local backend. Started by `e2b` on demand; `e2bd` alone runs it in the foreground,
 * `e2bd --probe` prints for `e2b doctor` what this host gives.
 */
#include "backend/daemon/daemon.h"
#include "backend/runtime/probe.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--probe"))
        return probe_main();
    if (argc > 1) {
        fputs("e2bd takes no arguments; it is started by e2b\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    umask(077);
    return daemon_main();
}
