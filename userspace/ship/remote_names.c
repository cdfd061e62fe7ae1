/* SPDX-License-Identifier: Apache-2.0 */
/* Of the places of one url each remote takes the one that it was before; then those that were
 * changed take what is left, in the order of the file; then new ones get new names. */
#include "ship/remote_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NAMES_OF_A_URL 64 /* looked at, and as many more as there are remotes */

struct choice {
    const struct remote_names *names;
    struct remote_write_config *const *configs;
    size_t count;
    char **out;
};

enum wanted { THE_SAME, ANY_PLACE, ANY_NAME };

static void name_of_url(const char *url, size_t ordinal, char out[8])
{
    unsigned digits = (unsigned)(XXH3_64bits_withSeed(url, strlen(url), ordinal) >> 40);
    snprintf(out, 8, "%06x", digits);
}

static bool is_chosen(const struct choice *choice, const char *name)
{
    for (size_t i = 0; i < choice->count; i++)
        if (choice->out[i] && strcmp(choice->out[i], name) == 0)
            return true;
    return choice->names->is_taken(choice->names->context, name);
}

static bool fits(const struct choice *choice, const struct remote_write_config *config,
                 const char *name, enum wanted wanted)
{
    uint64_t digest;
    if (is_chosen(choice, name))
        return false;
    if (wanted == ANY_NAME)
        return true;
    if (!queue_has_place(choice->names->queue, name, &digest))
        return false;
    return wanted == ANY_PLACE || (digest && digest == config->digest);
}

static int choose(struct choice *choice, size_t index, enum wanted wanted)
{
    const struct remote_write_config *config = choice->configs[index];
    size_t most = NAMES_OF_A_URL + choice->count;
    char name[8];
    if (choice->out[index])
        return 0;
    for (size_t ordinal = 0; ordinal < most; ordinal++) {
        name_of_url(config->url, ordinal, name);
        if (!fits(choice, config, name, wanted))
            continue;
        choice->out[index] = strdup(name);
        return choice->out[index] ? 0 : -ENOMEM;
    }
    return wanted == ANY_NAME ? -ENOMEM : 0;
}

int remote_names_choose(const struct remote_names *names,
                        struct remote_write_config *const *configs, size_t count, char **out)
{
    struct choice choice = {names, configs, count, out};
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        out[i] = configs[i]->name ? strdup(configs[i]->name) : NULL;
        if (configs[i]->name && !out[i])
            error = -ENOMEM;
    }
    for (enum wanted pass = THE_SAME; pass <= ANY_NAME; pass++)
        for (size_t i = 0; i < count && !error; i++)
            error = choose(&choice, i, pass);
    return error;
}
