/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /files. The body goes, as it arrives, through gunzip if it is compressed, through the
 * multipart parser if it is a form, and into the files, which helpers open one after the other.
 * Whatever has to wait (an open, a slow disk) stops the reading of the socket.
 *
 * There are no temporary files: a client that vanishes leaves what it sent.
 *
 * upload.c reads the head and answers, upload_body.c is the way of the bytes, upload_file.c the
 * life of one file.
 */
#ifndef E2B_ENVD_UPLOAD_H
#define E2B_ENVD_UPLOAD_H

#include "backend/core/file_writer.h"
#include "backend/envd/files_http.h"
#include "backend/envd/gunzip.h"
#include "backend/envd/multipart.h"
#include "backend/envd/upload_metadata.h"

enum upload_state {
    BETWEEN,   /* no file is under way */
    SKIPPING,  /* a part that is no file */
    OPENING,   /* a helper opens the file */
    WRITING,   /* body goes into the writer */
    FINISHING, /* the last of the file is being written */
    ANSWERED,
};

struct upload {
    struct exchange *x;
    struct core *core;
    char sandbox_id[ID_SANDBOX];
    char user[USER_TEXT];
    const char *path; /* of the query; NULL: each part names its own */
    enum upload_state state;
    bool is_form, body_over, is_busy;
    struct gunzip *gunzip; /* NULL: the body is not compressed */
    struct multipart form;
    struct upload_metadata metadata;
    struct files_query *query;
    struct file_writer *writer;
    char *opened;    /* the path of the file that is being written */
    char *asked;     /* and as the client named it */
    json_t *paths;   /* a set of both, of the files so far */
    json_t *written; /* what the answer tells of them */
};

/* ---- upload.c: after any of these the upload is answered ---- */

void upload_fail(struct upload *u, int status, const char *format, ...) printf_like(3, 4);
void upload_fail_error(struct upload *u, const struct error *err);
void upload_fail_result(struct upload *u, const struct files_result *result);
void upload_fail_errno(struct upload *u, int error); /* of a write */
/* All of the body and every file is dealt with. */
void upload_succeed(struct upload *u);

/* ---- upload_body.c ---- */

extern const struct exchange_events upload_events;
/* What had to be waited for has come. */
void upload_go_on(struct upload *u);

/* ---- upload_file.c ---- */

/* Leads to OPENING, or to an answer. */
void upload_open_file(struct upload *u, const char *path);
/* Leads to FINISHING. */
void upload_end_file(struct upload *u);

#endif
