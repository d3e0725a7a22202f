/* SPDX-License-Identifier: Apache-2.0
 *
 * A build that goes on at the server: its log as it grows, and how it ends.
 */
#ifndef E2B_CLI_TEMPLATE_FOLLOW_H
#define E2B_CLI_TEMPLATE_FOLLOW_H

#include "cli/template/buildlog.h"
#include "client/client.h"

struct build_follow {
    struct client *client;
    const char *template_id, *build_id;
    struct buildlog *log; /* NULL: nothing of the log is shown */
    int64_t deadline_ms;  /* on the monotonic clock; 0: none */

    size_t offset;
    char status[16]; /* as the server says: waiting, building, ready, error */
    char reason[512], step[64];
};

/* One page of the log; *more is false when there was nothing on it. */
bool build_follow_page(struct build_follow *follow, bool *more, struct error *err);
/* Until the build ended and its log was shown. Ended by a signal: false with ERR_NONE. A build that
 * failed is no failure of this function: see follow->status. */
bool build_follow_run(struct build_follow *follow, struct error *err);
/* Fills `err` if the build failed. */
bool build_follow_verdict(const struct build_follow *follow, struct error *err);

/* After an interrupt: ends it at the local backend, the only one that can, and says what became of
 * it. */
void build_follow_interrupted(const struct build_follow *follow, bool can_cancel);

/* What a person calls a template (a name, or an id) as its id, free()d by the caller. */
char *build_template_id(struct client *client, const char *word, struct error *err);
/* The newest build of a template, free()d by the caller. */
char *build_newest(struct client *client, const char *template_id, struct error *err);

#endif
