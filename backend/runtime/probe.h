/* SPDX-License-Identifier: Apache-2.0
 *
 * Tries on this host what sandboxes need, with the calls that the runtime itself makes, and says of
 * each whether it is there, what is lost without it and how to get it. Every probe runs in a child
 * with a time limit and leaves nothing behind.
 */
#ifndef E2B_RUNTIME_PROBE_H
#define E2B_RUNTIME_PROBE_H

#include "common/paths.h"

enum probe_status { PROBE_OK, PROBE_DEGRADED, PROBE_MISSING };

/* What one probe found. Texts are whole sentences without the full stop, "" when there is nothing
 * to say. */
struct probe_row {
    enum probe_status status;
    char detail[256]; /* what was found */
    char lost[256];   /* what does not work because of it */
    char fix[512];    /* what to type */
};

/* One line of the table of probes. */
struct probe {
    const char *name;
    bool required; /* no sandbox can run without it */
    void (*run)(const struct paths *paths, struct probe_row *row);
};

extern const struct probe probe_kernel[], probe_host[]; /* ended by a row without name */

/* Prints {"canRun", "checks": [...]} on standard output; 0 when sandboxes can run here, else 1. */
int probe_main(void);

/* For the probes. Puts PROBE_DEGRADED or PROBE_MISSING with its texts. */
void probe_say(struct probe_row *row, enum probe_status status, const char *lost, const char *fix);
void probe_detail(struct probe_row *row, const char *format, ...) printf_like(2, 3);

#endif
