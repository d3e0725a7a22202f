/* SPDX-License-Identifier: Apache-2.0
 *
 * The system calls a sandbox may make: an allow-list of names, compiled once a daemon into the BPF
 * program that PID 1 of every sandbox loads after its set-up, so that everything inside inherits
 * it.
 *
 * What the list does not know answers ENOSYS (a C library then falls back), what is known and
 * withheld answers EPERM. Native architecture only: calls of a foreign one answer ENOSYS.
 */
#ifndef E2B_RUNTIME_SECCOMP_H
#define E2B_RUNTIME_SECCOMP_H

#include "common/error.h"

/* A sealed memfd holding the program, an array of struct sock_filter; -1 on failure. */
int seccomp_program(struct error *err);

#endif
