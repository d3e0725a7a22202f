/* SPDX-License-Identifier: Apache-2.0
 *
 * See sandbox_dirs.h.
 */
#include "backend/runtime/sandbox_dirs.h"
#include "backend/runtime/zygote_client.h"
#include "common/ids.h"
#include "common/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define SOCKET_NAME "agent.sock"

enum {
    PAUSE_MS = 5,
    RETRY_MS = 200,
    PUT_OFF_TIMES = 50, /* by a pause each, for the sake of sandboxes that are being made */
};

static void empty_next(struct sandbox_dirs *dirs);

static int open_dir(int at, const char *name) {
    return openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_and_open(int at, const char *name, struct error *err) {
    int fd = mkdirat(at, name, 0700) < 0 && errno != EEXIST ? -1 : open_dir(at, name);
    if (fd < 0)
        error_errno(err, errno, "cannot make the directory %s", name);
    return fd;
}

static void free_handle(uv_handle_t *handle) {
    free(handle);
}

static void on_pause_over(uv_timer_t *timer) {
    struct sandbox_dirs *dirs = timer->data;
    if (dirs->made_one && dirs->put_off++ < PUT_OFF_TIMES)
        uv_timer_start(timer, on_pause_over, PAUSE_MS, 0);
    else
        empty_next(dirs);
    dirs->made_one = false;
}

bool sandbox_dirs_start(struct sandbox_dirs *dirs, uv_loop_t *loop, const char *state,
                        struct zygote_client *zygote, struct error *err) {
    *dirs = (struct sandbox_dirs){
        .sandboxes = -1, .layers = -1, .trash = -1, .emptying_socket = -1, .zygote = zygote};
    dirs->state = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirs->state < 0)
        return error_errno(err, errno, "cannot open %s", state);
    dirs->sandboxes = make_and_open(dirs->state, "sandboxes", err);
    if (dirs->sandboxes < 0)
        return false;
    dirs->layers = make_and_open(dirs->state, "layers", err);
    if (dirs->layers < 0)
        return false;
    dirs->trash = make_and_open(dirs->state, "trash", err);
    if (dirs->trash < 0)
        return false;
    dirs->pause = malloc(sizeof(*dirs->pause));
    if (!dirs->pause)
        return error_errno(err, ENOMEM, "cannot start");
    uv_timer_init(loop, dirs->pause);
    uv_unref((uv_handle_t *)dirs->pause);
    dirs->pause->data = dirs;
    uv_timer_start(dirs->pause, on_pause_over, PAUSE_MS, 0);
    return true;
}

static void end_emptying(struct sandbox_dirs *dirs) {
    if (!dirs->emptying)
        return;
    uv_close((uv_handle_t *)steal_ptr(&dirs->emptying), free_handle);
    close_fd(&dirs->emptying_socket);
}

void sandbox_dirs_stop(struct sandbox_dirs *dirs) {
    end_emptying(dirs);
    if (dirs->pause)
        uv_close((uv_handle_t *)steal_ptr(&dirs->pause), free_handle);
    close_fd(&dirs->trash);
    close_fd(&dirs->layers);
    close_fd(&dirs->sandboxes);
    close_fd(&dirs->state);
}

/* ---- making and finding -----------------------------------------------------------------------
 */

static int bind_socket(int dir) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir);
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0)
        return -1;
    if (fchmod(sock, 0600) == 0 && bind(sock, (struct sockaddr *)&address, sizeof(address)) == 0)
        return sock;
    close(sock);
    return -1;
}

/* What there is of a sandbox in which nothing was written: two overlays with what the kernel leaves
 * of each, innermost first. Nobody inside could reach any of it. */
static const struct {
    const char *name;
    int flags;
} untouched[] = {
    {SOCKET_NAME, 0},
    {"rw/upper", AT_REMOVEDIR},
    {"rw/usr-upper", AT_REMOVEDIR},
    {"rw/work/work/incompat/volatile/dirty", 0},
    {"rw/work/work/incompat/volatile", AT_REMOVEDIR},
    {"rw/work/work/incompat", AT_REMOVEDIR},
    {"rw/work/work", AT_REMOVEDIR},
    {"rw/work", AT_REMOVEDIR},
    {"rw/usr-work/work/incompat/volatile/dirty", 0},
    {"rw/usr-work/work/incompat/volatile", AT_REMOVEDIR},
    {"rw/usr-work/work/incompat", AT_REMOVEDIR},
    {"rw/usr-work/work", AT_REMOVEDIR},
    {"rw/usr-work", AT_REMOVEDIR},
    {"rw", AT_REMOVEDIR},
};

/* False, with errno: there is more in it, or it is not ours to remove. */
static bool remove_dir(int at, const char *id) {
    int dir = open_dir(at, id);
    if (dir < 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(untouched); i++)
        unlinkat(dir, untouched[i].name, untouched[i].flags);
    close_fd(&dir);
    return unlinkat(at, id, AT_REMOVEDIR) == 0;
}

int sandbox_dirs_make_rw(int dir, uint32_t owner) {
    if (mkdirat(dir, "rw", 0700) < 0 ||
        (owner != geteuid() && fchownat(dir, "rw", owner, owner, AT_SYMLINK_NOFOLLOW) < 0))
        return -1;
    return open_dir(dir, "rw");
}

bool sandbox_dirs_create(struct sandbox_dirs *dirs, const char *id, uint32_t owner,
                         struct sandbox_dir *made, struct error *err) {
    *made = (struct sandbox_dir){-1, -1};
    if (mkdirat(dirs->sandboxes, id, 0700) < 0)
        return error_errno(err, errno, "cannot make the directory of %s", id);
    cleanup_close int dir = open_dir(dirs->sandboxes, id);
    if (dir >= 0)
        made->rw = sandbox_dirs_make_rw(dir, owner);
    if (made->rw >= 0)
        made->listen = bind_socket(dir);
    dirs->made_one = true;
    if (made->listen >= 0)
        return true;
    error_errno(err, errno, "cannot make the directory of %s", id);
    close_fd(&made->rw);
    sandbox_dirs_discard(dirs, id); /* which takes no descriptors */
    return false;
}

bool sandbox_dirs_reopen(struct sandbox_dirs *dirs, const char *id, struct sandbox_dir *made,
                         struct error *err) {
    cleanup_close int dir = open_dir(dirs->sandboxes, id);
    *made = (struct sandbox_dir){dir < 0 ? -1 : open_dir(dir, "rw"), -1};
    if (made->rw >= 0) {
        unlinkat(dir, SOCKET_NAME, 0); /* of the earlier start */
        made->listen = bind_socket(dir);
    }
    if (made->listen >= 0)
        return true;
    error_errno(err, errno, "cannot open the directory of %s", id);
    close_fd(&made->rw);
    return false;
}

int sandbox_dirs_connect(struct sandbox_dirs *dirs, const char *id, struct error *err) {
    cleanup_close int dir = open_dir(dirs->sandboxes, id);
    if (dir < 0) {
        error_set(err, ERR_GONE, "the sandbox %s has no directory", id);
        return -1;
    }
    return io_unix_connect(dir, SOCKET_NAME, SOCK_SEQPACKET | SOCK_NONBLOCK, err);
}

int sandbox_dirs_open_rw(struct sandbox_dirs *dirs, const char *id) {
    cleanup_close int dir = open_dir(dirs->sandboxes, id);
    return dir < 0 ? -1 : open_dir(dir, "rw");
}

/* Of an entry that is no dot; empty: there is none. False: that is not known. */
static bool first_name(int at, char name[static 64]) {
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    bool found = false;
    name[0] = '\0';
    for (struct dirent *e; stream && !found && (e = readdir(stream));) {
        found = e->d_name[0] != '.' && strlen(e->d_name) < 64;
        if (found)
            strcpy(name, e->d_name);
    }
    if (stream)
        closedir(stream);
    else
        close_fd(&fd);
    return stream;
}

void sandbox_dirs_each_in(int at, void (*each)(void *ctx, const char *name), void *ctx) {
    int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; stream && (e = readdir(stream));)
        if (e->d_name[0] != '.')
            each(ctx, e->d_name);
    if (stream)
        closedir(stream);
}

void sandbox_dirs_each(struct sandbox_dirs *dirs, void (*each)(void *ctx, const char *id),
                       void *ctx) {
    sandbox_dirs_each_in(dirs->sandboxes, each, ctx);
}

/* ---- away -------------------------------------------------------------------------------------
 */

/* A name of its own, should the same one come again before the first is gone. */
void sandbox_dirs_trash(struct sandbox_dirs *dirs, int at, const char *from) {
    uint32_t random;
    char name[sizeof(dirs->emptying_name)];
    ids_random(&random, sizeof(random));
    snprintf(name, sizeof(name), "%.40s-%08x", from, random);
    if (renameat(at, from, dirs->trash, name) == 0 && !dirs->emptying)
        uv_timer_start(dirs->pause, on_pause_over, PAUSE_MS, 0);
}

void sandbox_dirs_discard(struct sandbox_dirs *dirs, const char *id) {
    sandbox_dirs_trash(dirs, dirs->sandboxes, id);
}

/* What cannot be removed is not tried again and again. */
static void set_aside(struct sandbox_dirs *dirs, int error) {
    const bool later = error_is_passing(error);
    char hidden[sizeof(dirs->emptying_name) + 1];
    snprintf(hidden, sizeof(hidden), ".%s", dirs->emptying_name);
    if (!later)
        renameat(dirs->trash, dirs->emptying_name, dirs->trash, hidden);
    uv_timer_start(dirs->pause, on_pause_over, later ? RETRY_MS : PAUSE_MS, 0);
}

static void on_emptied(uv_poll_t *poll, int status, int events) {
    struct sandbox_dirs *dirs = poll->data;
    struct helper_reply reply;
    (void)status;
    (void)events;
    ssize_t n = recv(dirs->emptying_socket, &reply, sizeof(reply), 0);
    /* It was done before it had read that it should hurry: the reset comes before its answer. */
    if (n < 0 && errno == ECONNRESET)
        n = recv(dirs->emptying_socket, &reply, sizeof(reply), 0);
    if (n < 0 && errno == EAGAIN)
        return;
    end_emptying(dirs);
    if (n <= 0) { /* the helper died, with its zygote as a rule: the next one does it */
        uv_timer_start(dirs->pause, on_pause_over, RETRY_MS, 0);
        return;
    }
    if (remove_dir(dirs->trash, dirs->emptying_name))
        uv_timer_start(dirs->pause, on_pause_over, PAUSE_MS, 0);
    else
        set_aside(dirs, errno);
}

static void hurry(const struct sandbox_dirs *dirs) {
    send(dirs->emptying_socket, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* 0, or an errno. */
static int start_emptying(struct sandbox_dirs *dirs) {
    struct error err = ERROR_INIT;
    cleanup_close int dir = open_dir(dirs->trash, dirs->emptying_name);
    int rw = dir < 0 ? -1 : open_dir(dir, "rw");
    if (rw < 0 && errno == ENOENT) /* a base template: it is theirs altogether */
        rw = steal_fd(&dir);
    cleanup_close int content = rw;
    if (content < 0)
        return errno;
    int sock = zygote_client_helper(dirs->zygote, HELPER_EMPTY, NULL, &rw, 1, &err);
    uv_poll_t *poll = sock < 0 ? NULL : malloc(sizeof(*poll));
    if (!poll || uv_poll_init(dirs->pause->loop, poll, sock) < 0) {
        free(poll);
        close_fd(&sock);
        return ENOMEM;
    }
    poll->data = dirs;
    dirs->emptying = poll;
    dirs->emptying_socket = sock;
    if (dirs->emptied)
        hurry(dirs);
    uv_unref((uv_handle_t *)poll);
    uv_poll_start(poll, UV_READABLE, on_emptied);
    return 0;
}

static void tell_emptied(struct sandbox_dirs *dirs, bool all) {
    void (*emptied)(void *ctx, bool all) = steal_ptr(&dirs->emptied);
    if (!emptied)
        return;
    uv_close((uv_handle_t *)steal_ptr(&dirs->patience), free_handle);
    emptied(dirs->emptied_ctx, all);
}

static void on_impatient(uv_timer_t *timer) {
    tell_emptied(timer->data, false);
}

void sandbox_dirs_finish(struct sandbox_dirs *dirs, uint64_t ms,
                         void (*emptied)(void *ctx, bool all), void *ctx) {
    dirs->patience = malloc(sizeof(*dirs->patience));
    if (!dirs->patience) {
        emptied(ctx, false);
        return;
    }
    uv_timer_init(dirs->pause->loop, dirs->patience);
    dirs->patience->data = dirs;
    uv_timer_start(dirs->patience, on_impatient, ms, 0);
    dirs->emptied = emptied;
    dirs->emptied_ctx = ctx;
    if (dirs->emptying)
        hurry(dirs);
    empty_next(dirs);
}

static void empty_next(struct sandbox_dirs *dirs) {
    if (dirs->emptying)
        return;
    const bool looked = first_name(dirs->trash, dirs->emptying_name);
    if (dirs->zygote->lost || (looked && !dirs->emptying_name[0])) {
        dirs->put_off = 0;
        tell_emptied(dirs, !dirs->zygote->lost);
        return;
    }
    if (!looked || remove_dir(dirs->trash, dirs->emptying_name)) {
        uv_timer_start(dirs->pause, on_pause_over, looked ? PAUSE_MS : RETRY_MS, 0);
        return;
    }
    const int error = start_emptying(dirs);
    if (error)
        set_aside(dirs, error);
}

void sandbox_dirs_empty(struct sandbox_dirs *dirs) {
    if (!dirs->emptying)
        uv_timer_start(dirs->pause, on_pause_over, PAUSE_MS, 0);
}
