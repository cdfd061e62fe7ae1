/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the process's own figures, most of them from the kernel, when somebody looks. What cannot
 * be read keeps the value that it had. */
#include "agent/process_metrics.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "model/regex/regex.h"

enum {
    PROCESS_CPU,
    PROCESS_RESIDENT,
    PROCESS_VIRTUAL,
    PROCESS_START,
    PROCESS_OPEN_FDS,
    PROCESS_MAX_FDS,
    PROCESS_SERIES,
    PROCESS_REGEX_GIVEN_UP,
    PROCESS_METRICS,
};

static const struct metric_family families[PROCESS_METRICS] = {
    [PROCESS_CPU] = {"process_cpu_seconds_total",
                     "Total user and system CPU time spent in seconds.", METRIC_COUNTER},
    [PROCESS_RESIDENT] = {"process_resident_memory_bytes", "Resident memory size in bytes.",
                          METRIC_GAUGE},
    [PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", "Virtual memory size in bytes.",
                         METRIC_GAUGE},
    [PROCESS_START] = {"process_start_time_seconds",
                       "Start time of the process since unix epoch in seconds.", METRIC_GAUGE},
    [PROCESS_OPEN_FDS] = {"process_open_fds", "Number of open file descriptors.", METRIC_GAUGE},
    [PROCESS_MAX_FDS] = {"process_max_fds", "Maximum number of open file descriptors.",
                         METRIC_GAUGE},
    [PROCESS_SERIES] = {"prometheus_agent_active_series",
                        "Series that are scraped, metered or wait to be sent.", METRIC_GAUGE},
    [PROCESS_REGEX_GIVEN_UP] = {"edgemeter_regex_given_up_total",
                                "Texts too large and too hard for the regex of a relabelling "
                                "rule, which counted as not matching.",
                                METRIC_COUNTER},
};

/* The second for dashboards made for Prometheus, whose variables are this family's labels. */
static const struct metric_family build_infos[] = {
    {"edgemeter_build_info", "Always 1; the version of the agent is in its label.", METRIC_GAUGE},
    {"prometheus_build_info", "Always 1; the version is edgemeter's.", METRIC_GAUGE},
};

struct process_metrics {
    const struct series_table *series;
    struct metric *metrics[PROCESS_METRICS];
    double cpu_seconds;      /* as added to the counter so far */
    uint64_t regex_given_up; /* the same */
};

static double seconds_of(clockid_t clock)
{
    struct timespec now = {0};
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void memory_set(const struct process_metrics *process)
{
    unsigned long virtual_pages, resident_pages;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    if (fscanf(file, "%lu %lu", &virtual_pages, &resident_pages) == 2) {
        double page = (double)sysconf(_SC_PAGESIZE);
        metric_set(process->metrics[PROCESS_VIRTUAL], (double)virtual_pages * page);
        metric_set(process->metrics[PROCESS_RESIDENT], (double)resident_pages * page);
    }
    fclose(file);
}

static void descriptors_set(const struct process_metrics *process)
{
    struct rlimit limit;
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");

    if (folder) {
        for (const struct dirent *entry; (entry = readdir(folder));)
            count += entry->d_name[0] != '.';
        closedir(folder);
        metric_set(process->metrics[PROCESS_OPEN_FDS], (double)(count - 1)); /* without our own */
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_set(process->metrics[PROCESS_MAX_FDS], (double)limit.rlim_cur);
}

/* Field 22 of /proc/self/stat, in clock ticks since boot; the command's name, field 2, may hold
 * blanks and parentheses. */
static void start_time_set(const struct process_metrics *process)
{
    char stat[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return;
    size_t length = fread(stat, 1, sizeof(stat) - 1, file);
    fclose(file);
    stat[length] = '\0';
    const char *field = strrchr(stat, ')');
    for (int i = 2; field && i < 22; i++)
        field = strchr(field + 1, ' ');
    if (!field)
        return;
    double since_boot = strtod(field, NULL) / (double)sysconf(_SC_CLK_TCK);
    double booted = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
    metric_set(process->metrics[PROCESS_START], booted + since_boot);
}

static void process_update(void *context)
{
    struct process_metrics *process = context;
    double cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID);

    metric_add(process->metrics[PROCESS_CPU], cpu_seconds - process->cpu_seconds);
    process->cpu_seconds = cpu_seconds;
    metric_set(process->metrics[PROCESS_SERIES], series_table_count(process->series));
    metric_add(process->metrics[PROCESS_REGEX_GIVEN_UP],
               (double)(regex_given_up() - process->regex_given_up));
    process->regex_given_up = regex_given_up();
    memory_set(process);
    descriptors_set(process);
}

static int process_register(struct process_metrics *process, struct metric_registry *registry)
{
    struct metric *info;

    for (size_t i = 0; i < PROCESS_METRICS; i++) {
        int error = metric_new(registry, &families[i], NULL, &process->metrics[i]);
        if (error)
            return error;
    }
    for (size_t i = 0; i < ARRAY_SIZE(build_infos); i++) {
        int error = metric_new(registry, &build_infos[i],
                               METRIC_LABELS("version", EDGEMETER_VERSION), &info);
        if (error)
            return error;
        metric_set(info, 1);
    }
    start_time_set(process);
    return metric_registry_on_write(registry, process_update, process);
}

int process_metrics_new(struct metric_registry *registry, const struct series_table *series,
                        struct process_metrics **out)
{
    autofree struct process_metrics *process = calloc(1, sizeof(*process));
    if (!process)
        return -ENOMEM;
    process->series = series;
    int error = process_register(process, registry);
    if (error)
        return error;
    *out = TAKE_PTR(process);
    return 0;
}

void process_metrics_free(struct process_metrics **metrics)
{
    free(*metrics);
    *metrics = NULL;
}
