/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/envd/media_type.h"
#include "common/util.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *extension, *type;
} by_name[] = {
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ipynb", "application/x-ipynb+json"},
    {"jar", "application/java-archive"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"py", "text/x-python; charset=utf-8"},
    {"sh", "application/x-sh"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/x-wav"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "text/xml; charset=utf-8"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

const char *media_type_of_name(const char *name) {
    const char *dot = strrchr(name, '.');
    if (!dot)
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(by_name); i++)
        if (strcasecmp(dot + 1, by_name[i].extension) == 0)
            return by_name[i].type;
    return NULL;
}

#define SIGNATURE(offset, bytes, type)                                                             \
    { offset, sizeof(bytes) - 1, bytes, type }

static const struct {
    size_t offset, len;
    const char *bytes, *type;
} signatures[] = {
    SIGNATURE(0, "%PDF-", "application/pdf"),
    SIGNATURE(0, "%!PS-Adobe-", "application/postscript"),
    SIGNATURE(0, "\x89PNG\r\n\x1a\n", "image/png"),
    SIGNATURE(0, "\xff\xd8\xff", "image/jpeg"),
    SIGNATURE(0, "GIF87a", "image/gif"),
    SIGNATURE(0, "GIF89a", "image/gif"),
    SIGNATURE(0, "BM", "image/bmp"),
    SIGNATURE(8, "WEBPVP", "image/webp"),
    SIGNATURE(8, "WAVE", "audio/wave"),
    SIGNATURE(0, "OggS\0", "application/ogg"),
    SIGNATURE(0, "ID3", "audio/mpeg"),
    SIGNATURE(4, "ftyp", "video/mp4"),
    SIGNATURE(0, "\x1a\x45\xdf\xa3", "video/webm"),
    SIGNATURE(0, "\x1f\x8b\x08", "application/x-gzip"),
    SIGNATURE(0, "PK\x03\x04", "application/zip"),
    SIGNATURE(0, "\0asm", "application/wasm"),
    SIGNATURE(0, "wOFF", "font/woff"),
    SIGNATURE(0, "wOF2", "font/woff2"),
};

static bool starts_with_markup(const char *bytes, size_t len) {
    static const char *const tags[] = {"<!doctype html",
                                       "<html",
                                       "<head",
                                       "<script",
                                       "<iframe",
                                       "<h1",
                                       "<div",
                                       "<font",
                                       "<table",
                                       "<a",
                                       "<style",
                                       "<title",
                                       "<b",
                                       "<body",
                                       "<br",
                                       "<p",
                                       "<!--"};
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        size_t tag = strlen(tags[i]);
        if (len > tag && strncasecmp(bytes, tags[i], tag) == 0 &&
            (bytes[tag] == ' ' || bytes[tag] == '>'))
            return true;
    }
    return false;
}

static bool is_binary(const unsigned char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (bytes[i] < 0x20 && !memchr("\t\n\f\r\x1b", bytes[i], 5))
            return true;
    return false;
}

const char *media_type_of_bytes(const void *bytes, size_t len) {
    const char *text = bytes;
    for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
        if (len >= signatures[i].offset + signatures[i].len &&
            memcmp(text + signatures[i].offset, signatures[i].bytes, signatures[i].len) == 0)
            return signatures[i].type;
    size_t blank = 0;
    while (blank < len && memchr("\t\n\f\r ", text[blank], 5))
        blank++;
    if (starts_with_markup(text + blank, len - blank))
        return "text/html; charset=utf-8";
    if (len - blank >= 5 && memcmp(text + blank, "<?xml", 5) == 0)
        return "text/xml; charset=utf-8";
    return is_binary(bytes, len) ? "application/octet-stream" : "text/plain; charset=utf-8";
}
