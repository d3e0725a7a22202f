/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent's file operations, each run as in a sandbox: by a child that answers on a socket, here
 * in a directory of the test's own.
 */
#ifndef E2B_TESTS_UNIT_AGENT_FILES_FIXTURE_H
#define E2B_TESTS_UNIT_AGENT_FILES_FIXTURE_H

#include "backend/agent/files.h"
#include "backend/agent/files_job.h"
#include "tests/unit/unit.h"

/* One record as the daemon would see it. */
struct seen {
    struct files_record record;
    char path[FILES_PATH], target[FILES_PATH], owner[USERS_NAME], metadata[FILES_METADATA];
};

struct answer {
    struct helper_reply last;
    int fd;
    size_t count;
    struct seen *seen;
};

extern struct answer answer;
extern char top[], user[USERS_NAME], home[USERS_HOME]; /* top is the directory */

void setup(void);
void teardown(void);

/* A path below the test's directory; four at a time. */
const char *in(const char *name);
void put(const char *name, const char *text);
void check_content(const char *name, const char *text);

/* A child at work, as our end of its socket; `args` are the operation's. */
int start(uint32_t op, const char *who, char *const *args, size_t count, pid_t *pid);
/* Adds a message to the answer. False when the other end was closed. */
bool receive(int sock);

/* Starts a child and takes all it says. */
enum files_failure ask_as(const char *who, uint32_t op, const char *const *args);
#define ask(op, ...) ask_as(user, HELPER_FILE_##op, (const char *const[]){__VA_ARGS__, NULL})

#endif
