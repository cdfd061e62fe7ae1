/* SPDX-License-Identifier: Apache-2.0 */
/* What --help prints, for each command. A test holds the manual page and the completions to it. */
#include "command/options.h"

static const char run_help[] =
    "usage: edgemeter [FLAGS]\n"
    "       edgemeter check-config [--syntax-only] FILE\n"
    "       edgemeter queue --storage.path=FOLDER [--dump]\n"
    "       edgemeter top [--url=URL] [FLAGS]\n"
    "       edgemeter COMMAND --help\n"
    "\n"
    "Meters the HTTP of a node in the kernel, scrapes targets, and sends both to a Prometheus by\n"
    "remote write. Without --config.file it meters the HTTP of this host (as root) and serves the\n"
    "result on /metrics.\n"
    "\n"
    "Flags, as --flag=value or --flag value:\n"
    "  --config.file=FILE           configuration, in Prometheus' own YAML\n"
    "  --web.listen-address=ADDR    where to serve /metrics and the health checks: host:port,\n"
    "                               :port (every address) or [ipv6]:port; port 0 takes a free\n"
    "                               one (default 127.0.0.1:9595)\n"
    "  --web.config.file=FILE       TLS, client certificates and users for it, in the format of\n"
    "                               Prometheus' exporter-toolkit; read again when it changes\n"
    "  --storage.path=FOLDER        where to keep what is not sent yet, made if missing; without\n"
    "                               it that is in memory and lost when the agent ends\n"
    "  --web.enable-lifecycle       reload the configuration on POST or PUT /-/reload, too\n"
    "  --enable-feature=auto-reload-config\n"
    "                               reload the configuration when a file of it changes\n"
    "  --config.auto-reload-interval=TIME\n"
    "                               and how often to look where inotify says nothing (default\n"
    "                               30s)\n"
    "  --log.level=LEVEL            debug, info, warn or error (default info)\n"
    "  --log.format=FORMAT          logfmt or json (default logfmt)\n"
    "  --version                    print the version and exit\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Commands:\n"
    "  check-config                 check a configuration and the files that it names\n"
    "  queue                        print what waits to be sent, and where each remote stands\n"
    "  top                          show the HTTP of each pod or service, live\n"
    "\n"
    "SIGHUP loads the configuration again; a bad one changes nothing. SIGTERM and SIGINT send\n"
    "what is left and end the agent with status 0; a second one ends it at once. Status 1: it\n"
    "could not start or run; 2: wrong usage or configuration.\n";

static const char check_config_help[] =
    "usage: edgemeter check-config [--syntax-only] FILE\n"
    "\n"
    "Checks a configuration, and that the files it names are there and can be read. Prints every\n"
    "problem as FILE:LINE:COLUMN: what is wrong.\n"
    "\n"
    "  --syntax-only                look at none of the files that it names\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Status 0: the file is valid, with warnings perhaps; 2: it is not.\n";

static const char queue_help[] =
    "usage: edgemeter queue --storage.path=FOLDER [--dump]\n"
    "\n"
    "Prints what the queue in FOLDER holds and where each remote stands. An agent may run on it\n"
    "meanwhile; nothing is changed.\n"
    "\n"
    "  --storage.path=FOLDER        the folder that the agent is given\n"
    "  --dump                       every sample that is still to be sent, too\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Status 0; 1: the folder cannot be read; 2: wrong usage.\n";

static const char top_help[] =
    "usage: edgemeter top [FLAGS]\n"
    "\n"
    "Shows requests per second, errors, duration and bytes of each pod or service, live: of the\n"
    "agent on this host, or where none listens (as root) metered by itself for as long as it "
    "runs.\n"
    "\n"
    "  --url=URL                    the agent to ask (default http://127.0.0.1:9595)\n"
    "  --http.config.file=FILE      how to reach it: basic_auth, tls_config and so on, in YAML, "
    "as\n"
    "                               promtool takes them\n"
    "  --meter                      ask no agent: meter this host\n"
    "  --role=server|client         requests that were served, or sent out (default server)\n"
    "  --by=LABELS                  a line for each value of these labels, with commas between;\n"
    "                               route, host, method and status are some (default: the pod, or\n"
    "                               else the service, or else the cgroup)\n"
    "  --sort=COLUMN                name, rate, errors, p50, p90, p99, in, out, requests or\n"
    "                               unanswered (default rate)\n"
    "  --filter=TEXT                only names with this in them\n"
    "  --interval=TIME              between two readings (default 2s)\n"
    "  --once                       print the table after one interval and end\n"
    "  --json                       a line of JSON for each interval\n"
    "  -h, --help                   print this and exit\n"
    "\n"
    "Without a terminal it prints the table at every interval. Keys are listed by the key ?.\n"
    "\n"
    "Status 0; 1: nothing could be read; 2: wrong usage.\n";

const char *options_help(enum command command)
{
    switch (command) {
    case COMMAND_CHECK_CONFIG:
        return check_config_help;
    case COMMAND_QUEUE:
        return queue_help;
    case COMMAND_TOP:
        return top_help;
    default:
        return run_help;
    }
}
