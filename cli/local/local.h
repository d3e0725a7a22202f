/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands below `e2b local`, a file each, and what they share: calls to the backend itself,
 * which only its own socket answers.
 */
#ifndef E2B_CLI_LOCAL_LOCAL_H
#define E2B_CLI_LOCAL_LOCAL_H

#include "cli/command.h"
#include "client/client.h"

extern const struct command command_local_start;
extern const struct command command_local_stop;
extern const struct command command_local_status;
extern const struct command command_local_env;
extern const struct command command_local_logs;
extern const struct command command_local_gc;
extern const struct command command_local_export;
extern const struct command command_local_import;
extern const struct command command_local_reset;

/* The answer's JSON (the caller's; NULL in *json where there is none); `json` may be NULL. */
bool local_call(struct client *client, const char *method, const char *path, json_t **json,
                struct error *err);
/* A client of the backend if one runs; NULL without an error if none does. */
struct client *local_running(const struct invocation *in, struct error *err);
enum local_was { LOCAL_WAS_NOT_THERE, LOCAL_RAN, LOCAL_STAYED /* until it was stopped */ };
/* Stops the backend if it runs, with `kill` after it has ended all sandboxes; returns when it is
 * gone. */
bool local_stop(const struct invocation *in, bool kill, enum local_was *was, struct error *err);
void local_close(struct client **client);
#define cleanup_local_client cleanup(local_close)

#endif
