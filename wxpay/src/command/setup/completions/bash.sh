_wxpay() {
    # bash splits at `=` and `:` what the program takes as one word: `-f amount.total=1`.
    local line=${COMP_LINE:0:COMP_POINT} words=() word at
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if [[ $at == 0 || $line == [[:space:]]* ]]; then
            line=${line#"${line%%[![:space:]]*}"}
            words+=("")
        fi
        if ((at == COMP_CWORD)); then
            word=$line
        fi
        words[${#words[@]} - 1]+=$word
        line=${line#"$word"}
    done
    local current=${words[${#words[@]} - 1]} typed=$2
    if [[ $typed == [=:] ]]; then
        typed=
    fi
    local IFS=$'\013'
    COMPREPLY=($(
        COMPLETE=bash _CLAP_IFS=$'\013' _CLAP_COMPLETE_INDEX=$((${#words[@]} - 1)) \
            wxpay -- "${words[@]}" 2>/dev/null
    )) || COMPREPLY=()
    # bash replaces only the part after the last `=`.
    COMPREPLY=("${COMPREPLY[@]#"${current%"$typed"}"}")
    if [[ ${COMPREPLY-} == *[=/.] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o default -o nosort -F _wxpay wxpay 2>/dev/null ||
    complete -o bashdefault -o default -F _wxpay wxpay
