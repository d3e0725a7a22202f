/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories that are watched. A node is one inode under inotify; a place says where a watch
 * meets it, as several watches may share it. Directories that appear are included at once, and what
 * was in them before inotify looked is told as if it had been seen to appear.
 */
#ifndef E2B_AGENT_FILES_WATCH_H
#define E2B_AGENT_FILES_WATCH_H

#include "backend/agent/files_job.h"

struct watch {
    uint32_t id, flags;
    char *root; /* the directory, resolved */
    struct watch *next;
};

struct place {
    struct watch *watch;
    char *below; /* path below the root; "" is the root itself */
    struct place *next;
};

struct node {
    int wd;
    struct place *places;
    /* Names a scan has told of; their creations up to `seen_until` in the stream are old news. */
    char *seen;
    size_t seen_len;
    uint64_t seen_until;
    struct node *next; /* in its bucket */
};

enum { NODE_BUCKETS = 1024, SEEN_MAX = 16 << 20 };

struct watching {
    struct files_job *job;
    int inotify;
    uint64_t position; /* bytes of events up to the end of the one at hand */
    size_t unread;     /* bytes that were read and not dealt with */
    struct watch *watches;
    struct node *buckets[NODE_BUCKETS];
};

struct node *watching_find(struct watching *w, int wd);
void watching_drop_node(struct watching *w, struct node *node);
/* Puts the watch's root, and if it is recursive all below, under inotify. 0 or errno. */
int watching_plant(struct watching *w, struct watch *watch);
/* `name` appeared in `node`, as a directory: includes it for the recursive watches there. */
void watching_grow(struct watching *w, struct node *node, const char *name);
/* It was moved away from there. */
void watching_prune(struct watching *w, struct node *node, const char *name);
/* Forgets the watch and frees it. */
void watching_remove(struct watching *w, struct watch *watch);
/* Was this creation told of by a scan already? */
bool watching_was_seen(struct watching *w, struct node *node, const char *name);

/* Tells every watch at `node` of an event there (files_watch.c). `name` "": the directory itself.
 */
void watching_emit(struct watching *w, const struct node *node, const char *name, uint32_t event);

#endif
