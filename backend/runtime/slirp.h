/* SPDX-License-Identifier: Apache-2.0
 *
 * Network for an ordinary user: one slirp4netns process a sandbox, which needs no privilege but
 * /dev/net/tun. It only brings the interface; addresses and routes are ours, so no packet leaves
 * before the rules stand. It leaves when PID 1 of the sandbox dies, daemon or not.
 */
#ifndef E2B_RUNTIME_SLIRP_H
#define E2B_RUNTIME_SLIRP_H

#include "common/error.h"

#include <sys/types.h>

#define SLIRP_GATEWAY    "10.0.2.2"
#define SLIRP_NAMESERVER "10.0.2.3"
#define SLIRP_LINK       "link tap0 10.0.2.100/24 65520"

/* The program's path, or NULL. */
const char *slirp_program(void);
/* Blocks until it is ready (2 ms; 5 s at most). `exit_fd` is a socket whose other end PID 1 holds.
 * Returns the process, a child to be reaped, or -1. */
pid_t slirp_attach(pid_t target, int exit_fd, struct error *err);

#endif
