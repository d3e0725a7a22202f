/* SPDX-License-Identifier: Apache-2.0
 *
 * Turns what a server answered into JSON or into a struct error: the API's bodies
 * {"code":404,"message":...}, Connect's {"code":"not_found",...}, and whatever proxies write.
 * Internal to client/.
 */
#ifndef E2B_CLIENT_ANSWER_H
#define E2B_CLIENT_ANSWER_H

#include "common/error.h"
#include "common/json.h"

/* The error of an answer with a status of 400 and above (or any that was not expected). */
bool answer_failed(int status, const char *body, size_t len, struct error *err);
/* A Connect error object: {"code":"not_found","message":"..."}. */
bool answer_connect_error(const json_t *error, struct error *err);
/* The JSON of a good answer; *json is NULL if the body is empty. */
bool answer_json(const char *body, size_t len, json_t **json, struct error *err);

#endif
