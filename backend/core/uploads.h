/* SPDX-License-Identifier: Apache-2.0
 *
 * The archives that COPY steps take their files from, called by the client's own hash of them:
 * state/uploads/HASH. Each is announced before it comes, and the announcement is good for one
 * whole upload within the hour. What is not used for some days goes.
 */
#ifndef E2B_CORE_UPLOADS_H
#define E2B_CORE_UPLOADS_H

#include "backend/core/build_spec.h"
#include "common/ids.h"

struct core;

enum { UPLOAD_TOKEN = 64 + 1 };
static const int64_t upload_max_bytes = INT64_C(16) << 30;

bool upload_is_hash(const char *text);
/* Counts as a use of it. */
bool upload_is_present(const struct core *core, const char *hash);
bool upload_announce(struct core *core, const char *hash, char token[static UPLOAD_TOKEN],
                     struct error *err);

struct upload_file {
    char hash[BUILD_FILES_HASH];
    char temporary[ID_UUID];
    char token[UPLOAD_TOKEN];
    int64_t until_ms; /* the announcement's end */
    int fd;           /* to be written */
};
/* Takes the announcement. ERR_UNAUTHENTICATED: there is none. */
bool upload_begin(struct core *core, const char *token, struct upload_file *file,
                  struct error *err);
/* It is whole, or to be forgotten: then it may be tried again. */
bool upload_commit(struct core *core, const struct upload_file *file, struct error *err);
void upload_abort(struct core *core, const struct upload_file *file);

/* To be read; -1. */
int upload_open(struct core *core, const char *hash, bool *is_gzip, struct error *err);

bool uploads_start(struct core *core, struct error *err); /* removes what is half there */
void uploads_free(struct core *core);
void uploads_collect(struct core *core, int64_t before_ms);

/* An archive that is here. */
struct upload_kept {
    const char *hash;
    int64_t bytes, used_ms; /* on the disk; when it was last asked for */
    bool is_needed;         /* by a build that runs, or may be about to */
    int dir;
};
void uploads_each(const struct core *core, void (*each)(void *ctx, const struct upload_kept *file),
                  void *ctx);
/* Within uploads_each; false: it is needed, or cannot be removed. */
bool upload_remove(const struct upload_kept *file);

#endif
