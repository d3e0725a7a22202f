/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox's own users and groups, read from its /etc/passwd and /etc/group. Not by the C
 * library: a static program would load name service modules of the sandbox's choice. The files are
 * hostile: anything but a regular file counts as empty, lines over USERS_LINE bytes are skipped.
 */
#ifndef E2B_AGENT_USERS_H
#define E2B_AGENT_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    USERS_LINE = 16384,
    USERS_NAME = 64,
    USERS_HOME = 1024,
};

struct user {
    uint32_t uid, gid;
    char name[USERS_NAME];
    char home[USERS_HOME];
};

/* "0" to "4294967294". */
bool users_number(const char *text, uint32_t *value);
/* By name, or by number where no such name exists (an image may say USER 1000). */
bool users_find(const char *name, struct user *user);
/* The group's number, by name or as a number. */
bool users_find_group(const char *name, uint32_t *gid);
/* Fills `gids` with the primary group and those that list the user; returns how many. */
size_t users_groups(const struct user *user, uint32_t *gids, size_t room);
/* The name, or the decimal number if there is none. */
void users_name_of(uint32_t uid, char name[static USERS_NAME]);
void users_group_name_of(uint32_t gid, char name[static USERS_NAME]);

#endif
