# SPDX-License-Identifier: Apache-2.0
# fish completion of edgemeter. A test holds it to what --help prints.

set -l commands check-config queue top
set -l agent "not __fish_seen_subcommand_from $commands"
set -l queue "__fish_seen_subcommand_from queue; or $agent"
set -l top "__fish_seen_subcommand_from top"

complete -c edgemeter -f
complete -c edgemeter -l help -d "print the flags"
complete -c edgemeter -n $agent -a check-config -d "check a configuration"
complete -c edgemeter -n $agent -a queue -d "what waits to be sent"
complete -c edgemeter -n $agent -a top -d "the HTTP of each pod or service, live"

complete -c edgemeter -n $agent -l config.file -rF -d "configuration"
complete -c edgemeter -n $agent -l config.auto-reload-interval -x -d "how often files are looked at"
complete -c edgemeter -n $agent -l enable-feature -xa auto-reload-config -d "turn a feature on"
complete -c edgemeter -n $agent -l log.format -xa "logfmt json" -d "form of the log"
complete -c edgemeter -n $agent -l log.level -xa "debug info warn error" -d "least level of the log"
complete -c edgemeter -n $agent -l web.config.file -rF -d "TLS and users of the web server"
complete -c edgemeter -n $agent -l web.enable-lifecycle -d "reload on POST /-/reload"
complete -c edgemeter -n $agent -l web.listen-address -x -d "where to serve"
complete -c edgemeter -n $agent -l version -d "print the version"
complete -c edgemeter -n $queue -l storage.path -xa "(__fish_complete_directories)" -d "where the queue is kept"

complete -c edgemeter -n "__fish_seen_subcommand_from check-config" -l syntax-only -d "look at no file that it names"
complete -c edgemeter -n "__fish_seen_subcommand_from check-config" -F
complete -c edgemeter -n "__fish_seen_subcommand_from queue" -l dump -d "every sample still to be sent, too"

complete -c edgemeter -n $top -l url -x -d "the agent to ask"
complete -c edgemeter -n $top -l http.config.file -rF -d "how to reach it"
complete -c edgemeter -n $top -l meter -d "ask no agent: meter this host"
complete -c edgemeter -n $top -l role -xa "server client" -d "requests served or sent out"
complete -c edgemeter -n $top -l by -xa "namespace pod container service cgroup route host method status" -d "a line for each value of these labels"
complete -c edgemeter -n $top -l sort -xa "name rate errors p50 p90 p99 in out requests unanswered" -d "column to sort by"
complete -c edgemeter -n $top -l filter -x -d "only names with this in them"
complete -c edgemeter -n $top -l interval -x -d "between two readings"
complete -c edgemeter -n $top -l once -d "print the table after one interval and end"
complete -c edgemeter -n $top -l json -d "a line of JSON for each interval"
