/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of one COPY: what its pattern matches in the build context, with all that is below it,
 * less what is ignored; in the order in which the official clients hash and pack them.
 */
#ifndef E2B_CLI_PACK_TREE_H
#define E2B_CLI_PACK_TREE_H

#include "cli/pack/ignore.h"

struct tree_entry {
    char *path;     /* relative to the context; "" is the context itself */
    uint32_t mode;  /* st_mode, type included: a file, a directory or a symbolic link */
    uint64_t size;  /* st_size, of directories too: it is hashed */
    bool is_root;   /* the pattern itself matched it */
    bool is_double; /* seen through a link to its folder: hashed, not packed */
};

struct tree {
    int context; /* borrowed: the directory */
    struct tree_entry *entries;
    size_t count, room, root_count;
    size_t files;
    uint64_t bytes; /* of files */
};

enum tree_kind { TREE_PATH, TREE_PATTERN };

/* Nothing matched: ERR_NOT_FOUND. Sockets, pipes and devices are refused. */
bool tree_select(struct tree *tree, int context, enum tree_kind kind, const char *source,
                 const struct ignore *ignore, struct error *err);
void tree_free(struct tree *tree);
#define cleanup_tree cleanup(tree_free)

/* Opens something of the context, never leaving it by a symbolic link. */
int tree_open(int context, const char *path, int flags);

#endif
