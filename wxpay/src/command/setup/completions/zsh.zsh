#compdef wxpay
_wxpay() {
    # Without their quotes: zsh writes \{ for {.
    local -a found open closed
    found=("${(@f)$(
        COMPLETE=zsh _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - 1)) \
            wxpay -- "${(@Q)words}" 2>/dev/null
    )}")
    # What goes on after `=`, `/` or `.` gets no space.
    local one
    for one in $found; do
        case ${one%%:*} in
            *[=/.]) open+=("$one") ;;
            *) closed+=("$one") ;;
        esac
    done
    local none=1
    (($#open)) && _describe -V values open -S '' && none=0
    (($#closed)) && _describe -V values closed && none=0
    return none
}
compdef _wxpay wxpay
