# SPDX-License-Identifier: Apache-2.0
# bash completion of edgemeter. A test holds it to what --help prints.

_edgemeter() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i words
    # bash cuts words at "=", so that --flag=va is three of them.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        check-config | queue | top)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done

    case $before in
    --config.file | --http.config.file | --web.config.file)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
        return
        ;;
    --storage.path)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        compopt -o filenames 2>/dev/null
        return
        ;;
    --log.level) words='debug info warn error' ;;
    --log.format) words='logfmt json' ;;
    --enable-feature) words='auto-reload-config' ;;
    --role) words='server client' ;;
    --sort) words='name rate errors p50 p90 p99 in out requests unanswered' ;;
    --by) words='namespace pod container service cgroup route host method status' ;;
    --web.listen-address | --config.auto-reload-interval | --url | --filter | --interval) return ;;
    *)
        case $command in
        check-config) words='--syntax-only --help' ;;
        queue) words='--storage.path= --dump --help' ;;
        top)
            words='--url= --http.config.file= --meter --role= --by= --sort= --filter= --interval= --once --json
                --help'
            ;;
        *)
            words='check-config queue top --config.file= --config.auto-reload-interval= --enable-feature=
                --log.format= --log.level= --storage.path= --web.config.file= --web.enable-lifecycle
                --web.listen-address= --version --help'
            ;;
        esac
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    if [[ $command == check-config && $word != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        compopt -o filenames 2>/dev/null
    fi
}
complete -F _edgemeter edgemeter
