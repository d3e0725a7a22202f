/* SPDX-License-Identifier: Apache-2.0
 *
 * See arguments.h.
 */
#include "backend/agent/arguments.h"
#include "backend/agent/protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct strings {
    char *at, *end;
};

static char *next_string(struct strings *s) {
    char *nul = memchr(s->at, '\0', (size_t)(s->end - s->at));
    char *start = s->at;
    if (!nul)
        return NULL;
    s->at = nul + 1;
    return start;
}

static bool fill(struct strings *s, char **into, size_t count) {
    for (size_t i = 0; i < count; i++) {
        into[i] = next_string(s);
        if (!into[i])
            return false;
    }
    return true;
}

static bool bad(int error) {
    errno = error;
    return false;
}

bool arguments_read(int memfd, struct arguments *a) {
    struct stat st;
    if (fstat(memfd, &st) < 0)
        return false;
    if (st.st_size < (off_t)sizeof(struct spawn_arguments) || st.st_size > AGENT_MAX_ARGUMENTS)
        return bad(EPROTO);
    size_t size = (size_t)st.st_size;
    char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, memfd, 0);
    if (bytes == MAP_FAILED)
        return false;
    struct spawn_arguments head;
    memcpy(&head, bytes, sizeof(head));
    size_t most = size - sizeof(head);
    if (head.version != AGENT_PROTOCOL || head.bytes != most || head.arg_count > most ||
        head.env_count > most)
        return bad(EPROTO);
    size_t slots = (size_t)head.arg_count + head.env_count + 3 + ARGUMENTS_SPARE;
    char **room = mmap(NULL, slots * sizeof(char *), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return false;
    struct strings s = {bytes + sizeof(head), bytes + size};
    char *first[3];
    a->argv = room;
    a->argc = (size_t)head.arg_count + 1;
    a->env = room + a->argc + 1;
    a->env_count = head.env_count;
    if (!fill(&s, first, 3) || !fill(&s, a->argv, a->argc) || !fill(&s, a->env, a->env_count))
        return bad(EPROTO);
    a->user = first[0];
    a->cwd = first[1];
    a->tag = first[2];
    return true;
}
