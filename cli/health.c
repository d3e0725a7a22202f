/* SPDX-License-Identifier: Apache-2.0
 *
 * `e2b health`: does the server in force answer?
 */
#include "cli/context.h"
#include "cli/root.h"
#include "common/clock.h"

static int health_run(struct invocation *in, struct error *err) {
    cleanup_response struct response response = {0};
    int64_t start = clock_mono_us();
    if (!client_call(in->client, "GET", "/health", NULL, &response, err))
        return -1;
    printf("%s answers in %.1f ms\n", in->context->name, (double)(clock_mono_us() - start) / 1000);
    return EXIT_OK;
}

const struct command command_health = {
    .name = "health",
    .summary = "ask the server whether it is well",
    .description = "Starts the local backend if that is the one in force. Exits 7 when it does not "
                   "answer.",
    .flags = COMMAND_API | COMMAND_MAY_START,
    .examples =
        (const char *const[]){"e2b health", "which server is in force, and how far it is", NULL},
    .handler = health_run,
};
