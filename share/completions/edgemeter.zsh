#compdef edgemeter
# SPDX-License-Identifier: Apache-2.0
# zsh completion of edgemeter. A test holds it to what --help prints.

local -a flags
local command=${words[(r)(check-config|queue|top)]}

case $command in
check-config)
    flags=(
        '--syntax-only[look at none of the files that it names]'
        '--help[print the flags]'
        '*:configuration:_files'
    )
    ;;
queue)
    flags=(
        '--storage.path=[the folder that the agent is given]:folder:_files -/'
        '--dump[every sample that is still to be sent, too]'
        '--help[print the flags]'
    )
    ;;
top)
    flags=(
        '--url=[the agent to ask]:URL:'
        '--http.config.file=[how to reach it]:file:_files'
        '--meter[ask no agent: meter this host]'
        '--role=[requests served or sent out]:role:(server client)'
        '--by=[a line for each value of these labels]:labels:(namespace pod container service cgroup route host method status)'
        '--sort=[column to sort by]:column:(name rate errors p50 p90 p99 in out requests unanswered)'
        '--filter=[only names with this in them]:text:'
        '--interval=[between two readings]:duration:'
        '--once[print the table after one interval and end]'
        '--json[a line of JSON for each interval]'
        '--help[print the flags]'
    )
    ;;
*)
    flags=(
        '--config.file=[configuration]:file:_files'
        '--config.auto-reload-interval=[how often files are looked at]:duration:'
        '--enable-feature=[turn a feature on]:feature:(auto-reload-config)'
        '--log.format=[form of the log]:format:(logfmt json)'
        '--log.level=[least level of the log]:level:(debug info warn error)'
        '--storage.path=[where the queue is kept]:folder:_files -/'
        '--web.config.file=[TLS and users of the web server]:file:_files'
        '--web.enable-lifecycle[reload on POST /-/reload]'
        '--web.listen-address=[where to serve]:address:'
        '--version[print the version]'
        '--help[print the flags]'
        '1:command:(check-config queue top)'
    )
    ;;
esac
_arguments $flags
