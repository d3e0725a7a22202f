/* SPDX-License-Identifier: Apache-2.0
 *
 * faults.so, preloaded into the backend by tests: sets its wall clock and takes its memory away.
 * What it does is read at each call from the page that FAULTS names a file of, so a test changes it
 * with a write. Only the main thread of e2bd is meddled with; whatever it starts is left alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t wall_ms; /* how far the wall clock is ahead */
    int64_t fail_at; /* the allocation that fails, counted from 1; 0: none */
    int64_t count;   /* allocations up to now; set to 0 by the test */
    int64_t limited; /* there is room for so many bytes more: */
    int64_t room;
};

static struct faults nothing, *faults = &nothing;
static pid_t main_thread;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS");
    int fd = path && !strcmp(program_invocation_short_name, "e2bd") ? open(path, O_RDWR | O_CLOEXEC)
                                                                    : -1;
    if (fd < 0)
        return;
    void *page = mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        abort();
    main_thread = getpid();
    faults = page;
}

/* ---- memory ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *memory);

static bool is_meddled_with(void) {
    return (faults->fail_at || faults->limited) && syscall(SYS_gettid) == main_thread;
}

static bool fails(size_t size) {
    if (!is_meddled_with())
        return false;
    if ((!faults->fail_at || ++faults->count != faults->fail_at) &&
        (!faults->limited || (int64_t)size <= faults->room))
        return false;
    errno = ENOMEM;
    return true;
}

/* What was taken before there was a limit gives room when it goes, as it does elsewhere. */
static void *account(void *memory, int64_t sign) {
    if (memory && faults->limited && is_meddled_with())
        faults->room -= sign * (int64_t)malloc_usable_size(memory);
    return memory;
}

void *malloc(size_t size) {
    return fails(size) ? NULL : account(__libc_malloc(size), 1);
}

void *calloc(size_t count, size_t size) {
    return fails(count * size) ? NULL : account(__libc_calloc(count, size), 1);
}

void *realloc(void *old, size_t size) {
    const int64_t had = old ? (int64_t)malloc_usable_size(old) : 0;
    if (fails((int64_t)size > had ? size - (size_t)had : 0))
        return NULL;
    account(old, -1);
    return account(__libc_realloc(old, size), 1);
}

void free(void *memory) {
    account(memory, -1);
    __libc_free(memory);
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t id, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, id, now);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t ms = now->tv_nsec / 1000000 + faults->wall_ms % 1000 + 1000;
        now->tv_sec += faults->wall_ms / 1000 + ms / 1000 - 1;
        now->tv_nsec = ms % 1000 * 1000000 + now->tv_nsec % 1000000;
    }
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec t;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *now = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *into) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    if (into)
        *into = t.tv_sec;
    return t.tv_sec;
}
