/* SPDX-License-Identifier: Apache-2.0
 *
 * PID 1 of a sandbox: forks, reaps, passes descriptors. Its memory is what it is born with: one
 * static table, no allocation, so nothing that happens inside can make it fail or grow.
 *
 * Of every process it keeps duplicates of the near pipe ends until the daemon says that its end was
 * dealt with: a daemon that dies breaks no pipe and hangs up no terminal, and the next one goes on.
 */
#include "backend/agent/helpers.h"
#include "backend/agent/parts.h"
#include "backend/agent/streams.h"
#include "backend/agent/sys.h"
#include "common/io.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

struct process {
    int32_t pid; /* 0: a free slot */
    uint32_t flags;
    int32_t status;
    int arguments;
    struct streams streams;
};

static struct {
    struct process processes[AGENT_MAX_PROCESSES];
    size_t used; /* slots in use lie below it */
    uint64_t max_files;
    int64_t deadline; /* seconds of the boot clock; 0: none; -1: nobody told one, and so nobody
                         knows us */
    int kept;         /* a descriptor; -1: none */
    bool has_ids, connected;
} agent = {.deadline = -1, .kept = -1};

static struct process *find(int32_t pid) {
    for (size_t i = 0; i < agent.used; i++)
        if (agent.processes[i].pid == pid)
            return &agent.processes[i];
    return NULL;
}

static void forget(struct process *p) {
    streams_close(&p->streams);
    close_fd(&p->arguments);
    p->pid = 0;
    while (agent.used && agent.processes[agent.used - 1].pid == 0)
        agent.used--;
}

static struct process *free_slot(void) {
    struct process *slot = find(0);
    if (!slot && agent.used < AGENT_MAX_PROCESSES)
        slot = &agent.processes[agent.used++];
    return slot;
}

/* The number stays taken, so that nothing else gets it. */
static void disconnect(void) {
    agent.connected = false;
    dup3(AGENT_LISTEN, AGENT_CONNECTION, O_CLOEXEC);
}

static void reply(const struct agent_reply *r, const int *fds, size_t fd_count) {
    if (agent.connected && io_send_fds(AGENT_CONNECTION, r, sizeof(*r), fds, fd_count, 0) < 0)
        disconnect();
}

static void reply_done(uint32_t id, int error) {
    const struct agent_reply r = {
        .version = AGENT_PROTOCOL, .type = AGENT_DONE, .id = id, .error = error};
    reply(&r, NULL, 0);
}

static void reply_process(const struct process *p, const struct agent_reply *r) {
    int fds[4];
    size_t count = 0;
    if (r->type == AGENT_PROCESS)
        fds[count++] = p->arguments;
    count += streams_list(&p->streams, fds + count);
    reply(r, fds, count);
}

static void hello(void) {
    const struct agent_reply r = {.version = AGENT_PROTOCOL, .type = AGENT_HELLO};
    reply(&r, NULL, 0);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static int start_process(const struct agent_request *request, const int *fds, struct process *p) {
    struct streams far;
    if (!streams_make(&p->streams, &far, request))
        return errno;
    pid_t pid = fork();
    if (pid == 0) {
        close(AGENT_CONNECTION);
        close(AGENT_LISTEN);
        const struct spawn spawn = {.request = request,
                                    .arguments = fds[0],
                                    .status = fds[1],
                                    .far = far,
                                    .max_files = agent.max_files,
                                    .has_ids = agent.has_ids};
        spawn_exec(&spawn);
    }
    int error = pid < 0 ? errno : 0;
    streams_close(&far);
    if (error) {
        streams_close(&p->streams);
        return error;
    }
    p->pid = pid;
    p->flags =
        (request->flags & SPAWN_PTY ? PROCESS_PTY : 0u) | (p->streams.in >= 0 ? PROCESS_STDIN : 0u);
    return 0;
}

static int on_spawn(const struct agent_request *request, int *fds) {
    struct process fresh = {.arguments = -1};
    if (!free_slot())
        return EAGAIN;
    int error = start_process(request, fds, &fresh);
    if (error)
        return error;
    /* An end that nobody asked for yet, and whose number came round again: the new one has it. */
    struct process *stale = find(fresh.pid);
    if (stale)
        forget(stale);
    struct process *p = free_slot();
    fresh.arguments = steal_fd(&fds[0]);
    *p = fresh;
    const struct agent_reply r = {.version = AGENT_PROTOCOL,
                                  .type = AGENT_SPAWNED,
                                  .id = request->id,
                                  .flags = p->flags,
                                  .pid = p->pid};
    reply_process(p, &r);
    return 0;
}

static int on_helper(const struct agent_request *request, int *fds) {
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? errno : 0;
    struct helper h = {.op = (uint32_t)request->value, .socket = fds[0], .arguments = fds[1]};
    close(AGENT_CONNECTION);
    close(AGENT_LISTEN);
    helper_run(&h, HELPER_IN_AGENT);
}

static int on_signal(const struct agent_request *request, int *fds) {
    (void)fds;
    struct process *p = find(request->pid);
    if (request->pid <= 0 || !p || p->flags & PROCESS_EXITED)
        return ESRCH;
    if (request->value < 0 || request->value > SIGRTMAX)
        return EINVAL;
    return kill(p->pid, (int)request->value) < 0 ? errno : 0;
}

static int on_close_stdin(const struct agent_request *request, int *fds) {
    (void)fds;
    struct process *p = request->pid > 0 ? find(request->pid) : NULL;
    if (!p)
        return ESRCH;
    close_fd(&p->streams.in);
    p->flags &= ~(uint32_t)PROCESS_STDIN;
    return 0;
}

static int on_adopt(const struct agent_request *request, int *fds) {
    (void)fds;
    for (size_t i = 0; i < agent.used; i++) {
        const struct process *p = &agent.processes[i];
        const struct agent_reply r = {.version = AGENT_PROTOCOL,
                                      .type = AGENT_PROCESS,
                                      .id = request->id,
                                      .flags = p->flags,
                                      .pid = p->pid,
                                      .status = p->status};
        if (p->pid)
            reply_process(p, &r);
    }
    return 0;
}

static int on_forget(const struct agent_request *request, int *fds) {
    (void)fds;
    struct process *p = request->pid > 0 ? find(request->pid) : NULL;
    if (p && p->flags & PROCESS_EXITED)
        forget(p);
    return 0;
}

/* One at most; the descriptor itself stays, whatever its number. */
static int on_keep(const struct agent_request *request, int *fds) {
    (void)request;
    close_fd(&agent.kept);
    agent.kept = steal_fd(&fds[0]);
    return 0;
}

static int on_deadline(const struct agent_request *request, int *fds) {
    (void)fds;
    agent.deadline = request->value;
    return 0;
}

static const struct {
    int (*run)(const struct agent_request *request, int *fds);
    size_t fd_count;
    bool answers; /* by itself, when it succeeds; or there is no answer */
} requests[] = {
    [AGENT_SPAWN] = {on_spawn, 2, true},    [AGENT_HELPER] = {on_helper, 2, false},
    [AGENT_SIGNAL] = {on_signal, 0, false}, [AGENT_CLOSE_STDIN] = {on_close_stdin, 0, false},
    [AGENT_ADOPT] = {on_adopt, 0, false},   [AGENT_FORGET] = {on_forget, 0, true},
    [AGENT_KEEP] = {on_keep, 1, true},      [AGENT_DEADLINE] = {on_deadline, 0, true},
};

static void serve(void) {
    struct agent_request request;
    int fds[2];
    size_t fd_count = ARRAY_LEN(fds);
    ssize_t n =
        io_recv_fds(AGENT_CONNECTION, &request, sizeof(request), fds, &fd_count, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n != sizeof(request) || request.version != AGENT_PROTOCOL ||
        request.type >= ARRAY_LEN(requests) || !requests[request.type].run ||
        fd_count != requests[request.type].fd_count) {
        disconnect();
    } else {
        int error = requests[request.type].run(&request, fds);
        if (error || !requests[request.type].answers)
            reply_done(request.id, error);
    }
    for (size_t i = 0; i < fd_count; i++)
        close_fd(&fds[i]);
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void reap(void) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct process *p = find(pid);
        if (!p || p->flags & PROCESS_EXITED)
            continue; /* an orphan, or a helper */
        p->flags |= PROCESS_EXITED;
        p->status = status;
        const struct agent_reply r = {.version = AGENT_PROTOCOL,
                                      .type = AGENT_EXITED,
                                      .flags = p->flags,
                                      .pid = pid,
                                      .status = status};
        reply(&r, NULL, 0);
    }
}

/* The newest daemon is the right one: it holds the lock that the other one lost. */
static void accept_daemon(void) {
    int fd = accept4(AGENT_LISTEN, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    dup3(fd, AGENT_CONNECTION, O_CLOEXEC);
    close(fd);
    agent.connected = true;
    hello();
}

static int wait_ms(void) {
    if (agent.connected || !agent.deadline)
        return -1;
    struct timespec now = {.tv_sec = 0};
    clock_gettime(CLOCK_BOOTTIME, &now);
    int64_t left = agent.deadline < 0 ? 0 : agent.deadline - now.tv_sec;
    if (left <= 0)
        _exit(0); /* and the kernel kills all that is left of the sandbox */
    return left > 3600 ? 3600 * 1000 : (int)left * 1000;
}

static int watch_children(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

noreturn void agent_run(const struct zygote_create *plan) {
    agent.max_files = plan->max_files;
    agent.has_ids = plan->id_count > 1;
    agent.connected = true;
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, "e2b-agent");
    int children = watch_children();
    if (children < 0 || !streams_start() || listen(AGENT_LISTEN, 8) < 0)
        _exit(1);
    hello();
    for (;;) {
        const int connection = agent.connected ? AGENT_CONNECTION : -1;
        struct pollfd fds[] = {{.fd = children, .events = POLLIN},
                               {.fd = AGENT_LISTEN, .events = POLLIN},
                               {.fd = connection, .events = POLLIN}};
        if (poll(fds, ARRAY_LEN(fds), wait_ms()) < 0)
            continue;
        if (fds[0].revents) {
            struct signalfd_siginfo info[8];
            (void)!read(children, info, sizeof(info));
            reap();
        }
        if (fds[2].revents)
            serve();
        if (fds[1].revents)
            accept_daemon();
    }
}
