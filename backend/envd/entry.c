/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/entry.h"
#include "common/buf.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Length of the UTF-8 sequence at `s` that jansson takes, 0 if it is none. */
static size_t sequence(const unsigned char *s) {
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool too_long = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool foreign = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return too_long || foreign ? 0 : len;
}

json_t *entry_text(const char *bytes) {
    json_t *text = json_string(bytes);
    if (text)
        return text;
    cleanup_buf struct buf b = BUF_INIT(1 << 20);
    bool ok = true;
    for (const char *at = bytes; ok && *at;) {
        size_t len = sequence((const unsigned char *)at);
        ok = len ? buf_add(&b, at, len) : buf_puts(&b, "\xef\xbf\xbd");
        at += len ? len : 1;
    }
    return ok ? json_string(b.data ? b.data : "") : NULL;
}

const char *entry_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

const char *entry_permissions(uint32_t mode, char text[static ENTRY_PERMISSIONS]) {
    static const struct {
        uint32_t format;
        char letter;
    } formats[] = {
        {S_IFDIR, 'd'}, {S_IFLNK, 'L'},  {S_IFBLK, 'D'},
        {S_IFIFO, 'p'}, {S_IFSOCK, 'S'}, {S_IFCHR, 'D'},
    };
    static const struct {
        uint32_t bit;
        char letter;
    } flags[] = {{S_ISUID, 'u'}, {S_ISGID, 'g'}};
    char *to = text;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if ((mode & S_IFMT) == formats[i].format)
            *to++ = formats[i].letter;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        if (mode & flags[i].bit)
            *to++ = flags[i].letter;
    if (S_ISCHR(mode))
        *to++ = 'c';
    if (mode & S_ISVTX)
        *to++ = 't';
    if (to == text)
        *to++ = '-';
    for (int bit = 8; bit >= 0; bit--)
        *to++ = mode & (1U << bit) ? "xwr"[bit % 3] : '-';
    *to = '\0';
    return text;
}

static const char *type_of(uint32_t target_mode) {
    return S_ISREG(target_mode)   ? "FILE_TYPE_FILE"
           : S_ISDIR(target_mode) ? "FILE_TYPE_DIRECTORY"
                                  : "FILE_TYPE_UNSPECIFIED";
}

/* RFC 3339; NULL for a time that has no such form. */
static json_t *time_json(int64_t sec, uint32_t nsec) {
    struct tm tm;
    time_t time = sec;
    if (!gmtime_r(&time, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900)
        return NULL;
    return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%09uZ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, nsec);
}

static json_t *metadata_json(const char *pairs, size_t len) {
    json_t *map = json_object();
    for (size_t at = 0; at < len;) {
        const char *key = pairs + at;
        at += strlen(key) + 1;
        if (at >= len)
            break; /* a key without a value */
        const char *value = pairs + at;
        at += strlen(value) + 1;
        cleanup_json json_t *name = entry_text(key);
        if (name)
            json_object_set_new(map, json_string_value(name), entry_text(value));
    }
    return map;
}

json_t *entry_written(const char *path, const char *metadata, size_t metadata_len) {
    json_t *entry = json_pack("{s:o, s:o, s:s}", "name", entry_text(entry_name(path)), "path",
                              entry_text(path), "type", "file");
    if (entry && metadata_len)
        json_object_set_new(entry, "metadata", metadata_json(metadata, metadata_len));
    return entry;
}

json_t *entry_json(const struct file_info *info, const char *path) {
    char permissions[ENTRY_PERMISSIONS];
    if (!path)
        path = info->path;
    json_t *entry = json_pack(
        "{s:o, s:s, s:o, s:o, s:i, s:s, s:o, s:o}", "name", entry_text(entry_name(path)), "type",
        type_of(info->target_mode), "path", entry_text(path), "size",
        json_sprintf("%lld", (long long)info->size), "mode", (int)(info->target_mode & 0777),
        "permissions", entry_permissions(info->mode, permissions), "owner", entry_text(info->owner),
        "group", entry_text(info->group));
    if (!entry)
        return NULL;
    json_t *time = time_json(info->mtime_sec, info->mtime_nsec);
    if (time)
        json_object_set_new(entry, "modifiedTime", time);
    if (info->target)
        json_object_set_new(entry, "symlinkTarget", entry_text(info->target));
    if (info->metadata_len)
        json_object_set_new(entry, "metadata", metadata_json(info->metadata, info->metadata_len));
    return entry;
}
