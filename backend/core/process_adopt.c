/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes that outlived the daemon. What they were started with comes back from the agent in the
 * memfd that it was given; it came out of a sandbox, so every length in it is doubted.
 */
#include "backend/core/process_internal.h"
#include "backend/core/process_io.h"
#include "common/log.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* The strings of one argument memfd, one after the other. */
struct strings {
    char *bytes;
    size_t len, at;
};

static char *next_string(struct strings *strings) {
    if (strings->at >= strings->len)
        return NULL;
    char *text = strings->bytes + strings->at;
    strings->at += strlen(text) + 1; /* the last byte is a NUL of ours */
    return text;
}

static bool read_all(int fd, void *bytes, size_t len, off_t from) {
    for (char *at = bytes; len;) {
        ssize_t n = pread(fd, at, len, from);
        if (n <= 0)
            return false;
        at += n;
        from += n;
        len -= (size_t)n;
    }
    return true;
}

/* Only a file in memory: reading any other could hang. */
static bool read_arguments(int fd, struct spawn_arguments *head, struct strings *strings) {
    struct stat st;
    struct statfs fs;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0 ||
        fs.f_type != TMPFS_MAGIC || !read_all(fd, head, sizeof(*head), 0) ||
        head->version != AGENT_PROTOCOL || !head->bytes || head->bytes > AGENT_MAX_ARGUMENTS)
        return false;
    *strings = (struct strings){.bytes = malloc(head->bytes), .len = head->bytes};
    if (!strings->bytes || !read_all(fd, strings->bytes, head->bytes, sizeof(*head)))
        return false;
    strings->bytes[head->bytes - 1] = '\0';
    return true;
}

static bool take_args(struct process *process, struct strings *strings, uint32_t count) {
    /* Each is at least its NUL. */
    if (count > strings->len - strings->at)
        return false;
    process->args = calloc((size_t)count + 1, sizeof(*process->args));
    for (uint32_t i = 0; process->args && i < count; i++) {
        const char *arg = next_string(strings);
        process->args[i] = arg ? strdup(arg) : NULL;
        if (!process->args[i])
            return false;
    }
    return process->args != NULL;
}

/* Those behind the environment that all processes of the sandbox share. */
static bool take_env(struct process *process, struct strings *strings, uint32_t count) {
    size_t skip = SANDBOX_OWN_ENV + process->sandbox->env.count;
    if (count < skip || count > strings->len - MIN(strings->at, strings->len))
        return false;
    for (size_t i = 0; i < skip; i++)
        if (!next_string(strings))
            return false;
    cleanup_json json_t *object = json_object();
    for (size_t i = skip; i < count; i++) {
        char *text = next_string(strings);
        char *equals = text ? strchr(text, '=') : NULL;
        if (!equals)
            return false;
        *equals = '\0';
        json_object_set_new(object, text, json_string(equals + 1));
    }
    return pairs_from_json(&process->env, object);
}

static char *copy_unless_empty(const char *text) {
    return *text ? strdup(text) : NULL;
}

static bool take_description(struct process *process, const struct spawn_arguments *head,
                             struct strings *strings) {
    if (!next_string(strings)) /* the user */
        return false;
    const char *cwd = next_string(strings);
    const char *tag = next_string(strings);
    const char *cmd = next_string(strings);
    if (!cwd || !tag || !cmd)
        return false;
    process->cwd = copy_unless_empty(cwd);
    process->tag = copy_unless_empty(tag);
    process->cmd = strdup(cmd);
    process->deadline_ms = MAX(head->deadline_ms, (int64_t)0);
    return process->cmd && take_args(process, strings, head->arg_count) &&
           take_env(process, strings, head->env_count);
}

static bool describe(struct process *process, int arguments) {
    struct spawn_arguments head;
    struct strings strings = {NULL, 0, 0};
    bool ok =
        read_arguments(arguments, &head, &strings) && take_description(process, &head, &strings);
    free(strings.bytes);
    return ok;
}

void process_adopt(struct sandbox *sandbox, struct guest_process *guest) {
    struct error err = ERROR_INIT;
    struct process *process = process_new(sandbox);
    if (process && describe(process, guest->arguments) && process_connect(process, guest, &err)) {
        process->exit_known = guest->exited;
        process->wait_status = guest->status;
        process_enter(process);
    } else {
        log_warn("a process of an adopted sandbox is not understood", "sandbox", sandbox->id,
                 "error", err.message);
        if (process)
            process_free(process);
    }
    process_close_all(guest);
}

void process_begin_adopted(struct sandbox *sandbox) {
    for (struct process *at = sandbox->processes, *next; at; at = next) {
        next = at->next;
        process_watch_deadline(at);
        process_settle(at);
    }
}
