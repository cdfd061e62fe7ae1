/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pod, container and service out of a cgroup path, one folder name at a time. Looks at no
 * file. */
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
    return text.length >= length && memcmp(text.bytes + text.length - length, suffix, length) == 0;
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

/* "kubepods", "kubepods-burstable" or "kubepods-besteffort", behind the slices that the kubelet's
 * own cgroup root adds: kind has "kubelet-kubepods-burstable". */
static bool is_qos_slice(struct text name)
{
    static const char *const names[] = {"kubepods", "kubepods-burstable", "kubepods-besteffort"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (text_ends(name, names[i]) && (name.length == strlen(names[i]) ||
                                          name.bytes[name.length - strlen(names[i]) - 1] == '-'))
            return true;
    return false;
}

/* "QOS-pod<UID>.slice" */
static bool pod_slice_parse(struct text name, char out[40])
{
    static const size_t lengths[] = {UID_LENGTH, STATIC_POD_UID_LENGTH};

    name = text_cut(name, 0, strlen(".slice"));
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        if (name.length < lengths[i])
            continue;
        struct text before = text_cut(name, 0, lengths[i]);
        if (text_ends(before, "-pod") && is_qos_slice(text_cut(before, 0, strlen("-pod"))) &&
            uid_copy(text_cut(name, before.length, 0), out))
            return true;
    }
    return false;
}

/* "pod<UID>" or a slice */
static bool pod_parse(struct text name, char out[40])
{
    if (text_ends(name, ".slice"))
        return pod_slice_parse(name, out);
    return text_starts(name, "pod") && uid_copy(text_cut(name, 3, 0), out);
}

/* "<64 hex digits>", "<runtime>-<64 hex digits>.scope", or the last part of "cri-containerd:<...>"
 */
static struct text container_parse(struct text name)
{
    if (text_ends(name, ".scope"))
        name = text_cut(name, 0, strlen(".scope"));
    if (name.length > CONTAINER_ID_LENGTH &&
        strchr("-:", name.bytes[name.length - CONTAINER_ID_LENGTH - 1]))
        name = text_cut(name, name.length - CONTAINER_ID_LENGTH, 0);
    if (name.length == CONTAINER_ID_LENGTH && is_hex(name))
        return name;
    return (struct text){NULL, 0};
}

/* The name up to its next colon where a runtime that keeps cgroups by itself was given systemd's
 * name for one: "QOS-pod<UID>.slice:cri-containerd:<container>". */
static size_t name_length(const char *path)
{
    size_t length = strcspn(path, "/");
    const char *slice = memmem(path, length, ".slice:", strlen(".slice:"));

    return slice ? (size_t)(slice - path) + strlen(".slice") : length;
}

void cgroup_identity_parse(const char *path, struct cgroup_identity *out)
{
    memset(out, 0, sizeof(*out));
    while (*path) {
        size_t length = name_length(path);
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
        path += length + (path[length] != '\0');
    }
}
