/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target for the other files of a configuration: that of --web.config.file, a kubeconfig,
 * and one of scrape_config_files. Every file that is read holds the input. */
#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file_read.h"
#include "config/config.h"
#include "config/config_web.h"

static struct text input;

int file_read(const char *path, struct buffer *out)
{
    (void)path;
    return buffer_append_text(out, input);
}

int glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *out)
{
    static char *paths[] = {"included.yml", NULL};

    (void)pattern, (void)flags, (void)on_error;
    out->gl_pathc = 1;
    out->gl_pathv = paths;
    return 0;
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

static void check_outcome(int error, struct problems *problems)
{
    require(error == 0 || error == -EINVAL);
    require((error != 0) == problems_have_error(problems));
    problems_free(problems);
}

static void load_web_config(void)
{
    struct web_config *config = NULL;
    struct problems problems;

    check_outcome(config_web_load("web.yml", &config, &problems), &problems);
    web_config_free(&config);
}

static void load_config(const char *main_file)
{
    struct config *config = NULL;
    struct problems problems;
    int error = config_parse("f", main_file, strlen(main_file), &config, &problems);

    check_outcome(error, &problems);
    config_free(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    input = (struct text){(const char *)bytes, size};
    load_web_config();
    load_config("scrape_config_files: [a.yml]\n");
    load_config("scrape_configs:\n- job_name: j\n  kubernetes_sd_configs:\n"
                "  - {role: pod, kubeconfig_file: k}\n");
    return 0;
}
