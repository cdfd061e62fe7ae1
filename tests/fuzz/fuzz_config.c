/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for the configuration: YAML, every block's decoder, regexes of rules. Whatever
 * the bytes are: all problems have a place in the file, and what is taken is printed as a file that
 * is taken as well and printed the same. No file is read: file_read and glob are those below. */
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "base/log.h"
#include "config/config.h"

int file_read(const char *path, struct buffer *out)
{
    (void)path, (void)out;
    return -ENOENT;
}

int glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *out)
{
    (void)pattern, (void)flags, (void)on_error;
    out->gl_pathc = 0;
    return GLOB_NOMATCH;
}

void globfree(glob_t *found)
{
    (void)found;
}

static void require(bool fine)
{
    if (!fine)
        abort();
}

static uint32_t count_lines(struct text text)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < text.length; i++)
        lines +=
            text.bytes[i] == '\n' || text.bytes[i] == '\r' || (unsigned char)text.bytes[i] > 127;
    return lines;
}

/* NULL where it is refused; then at least one error says why. */
static struct config *parse(struct text text)
{
    struct problems problems;
    struct config *config = NULL;
    int error = config_parse("f", text.bytes, text.length, &config, &problems);
    uint32_t lines = count_lines(text);

    require(error == 0 || error == -EINVAL);
    require((error != 0) == problems_have_error(&problems));
    for (size_t i = 0; i < problems.count; i++)
        require(problems.list[i].line <= lines + 1);
    problems_free(&problems);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct config *config = parse((struct text){(const char *)bytes, size});
    if (config && config->printed.length) {
        struct config *again = parse(buffer_text(&config->printed));
        require(again && text_equal(buffer_text(&config->printed), buffer_text(&again->printed)));
        config_free(&again);
    }
    config_free(&config);
    return 0;
}
