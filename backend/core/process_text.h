/* SPDX-License-Identifier: Apache-2.0
 *
 * How the end of a process reads, in the words of the hosted service.
 */
#ifndef E2B_CORE_PROCESS_TEXT_H
#define E2B_CORE_PROCESS_TEXT_H

#include "backend/core/process.h"

/* From a status of wait(2); leaves `deadline` alone. */
void process_text_end(int32_t wait_status, struct process_end *end);

#endif
