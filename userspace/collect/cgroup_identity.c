/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pod, container and service out of a cgroup path, one folder name at a time. Looks at no file. */
#include "collect/cgroup_identity.h"

#include <ctype.h>
#include <stddef.h>

#include "base/cleanup.h"

#define UID_LENGTH 36
#define CONTAINER_ID_LENGTH 64
#define STATIC_POD_UID_LENGTH 32 /* a static pod's UID is a hash without dashes */

static bool text_starts(struct text text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.bytes, prefix, length) == 0;
}

static bool text_ends(struct text text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length &&
           memcmp(text.bytes + text.length - length, suffix, length) == 0;
}

static struct text text_cut(struct text text, size_t front, size_t back)
{
    return (struct text){text.bytes + front, text.length - front - back};
}

static bool is_hex(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!isxdigit((unsigned char)text.bytes[i]))
            return false;
    return true;
}

/* Copies a UID of either form; underscores stand for dashes in a systemd slice. */
static bool uid_copy(struct text text, char out[40])
{
    if (text.length != UID_LENGTH && text.length != STATIC_POD_UID_LENGTH)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        bool dash = text.length == UID_LENGTH && (i == 8 || i == 13 || i == 18 || i == 23);
        char c = text.bytes[i];
        if (dash ? c != '-' && c != '_' : !isxdigit((unsigned char)c))
            return false;
        out[i] = dash ? '-' : c;
    }
    out[text.length] = '\0';
    return true;
}

/* "pod<UID>", or "kubepods...-pod<UID>.slice" */
static bool pod_parse(struct text name, char out[40])
{
    if (text_starts(name, "kubepods") && text_ends(name, ".slice")) {
        struct text rest = text_cut(name, 0, strlen(".slice"));
        static const char *const prefixes[] = {"kubepods-pod", "kubepods-burstable-pod",
                                               "kubepods-besteffort-pod"};
        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
            if (text_starts(rest, prefixes[i]) &&
                uid_copy(text_cut(rest, strlen(prefixes[i]), 0), out))
                return true;
        return false;
    }
    return text_starts(name, "pod") && uid_copy(text_cut(name, 3, 0), out);
}

/* "<64 hex digits>", or "<runtime>-<64 hex digits>.scope" */
static struct text container_parse(struct text name)
{
    if (text_ends(name, ".scope"))
        name = text_cut(name, 0, strlen(".scope"));
    if (name.length > CONTAINER_ID_LENGTH &&
        name.bytes[name.length - CONTAINER_ID_LENGTH - 1] == '-')
        name = text_cut(name, name.length - CONTAINER_ID_LENGTH, 0);
    if (name.length == CONTAINER_ID_LENGTH && is_hex(name))
        return name;
    return (struct text){NULL, 0};
}

void cgroup_identity_parse(const char *path, struct cgroup_identity *out)
{
    memset(out, 0, sizeof(*out));
    while (*path) {
        size_t length = strcspn(path, "/");
        struct text name = {path, length}, container = container_parse(name);
        char uid[40];

        if (pod_parse(name, uid)) {
            memcpy(out->pod_uid, uid, sizeof(uid));
            out->container = (struct text){NULL, 0};
        } else if (out->pod_uid[0] && !out->container.length && container.length) {
            out->container = container;
        } else if (text_ends(name, ".service") && length > strlen(".service")) {
            out->service = name;
        }
        path += length + (path[length] == '/');
    }
}
