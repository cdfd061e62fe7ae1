/* SPDX-License-Identifier: Apache-2.0 */
/* The effective set, out of capget(2). */
#include "collect/capabilities.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BIT(capability) ((uint64_t)1 << (capability))

/* CAP_SYS_ADMIN stands for all of them. */
static const struct {
    const char *name;
    uint64_t any;
} needed[] = {
    {"CAP_BPF", BIT(CAP_BPF) | BIT(CAP_SYS_ADMIN)},
    {"CAP_PERFMON", BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN)},
    {"CAP_NET_ADMIN", BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN)},
};

static uint64_t effective_set(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, data))
        return 0;
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}

void capabilities_missing(char out[CAPABILITIES_TEXT_SIZE])
{
    uint64_t effective = effective_set();

    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
        size_t length = strlen(out);
        if (!(effective & needed[i].any))
            snprintf(out + length, CAPABILITIES_TEXT_SIZE - length, "%s%s", length ? ", " : "",
                     needed[i].name);
    }
}

bool capabilities_may_lock_memory(void)
{
    return effective_set() & BIT(CAP_SYS_RESOURCE);
}
