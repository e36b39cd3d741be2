# Progress lines for tools/setup, tools/test and tools/run: one line per step, with its time; full output goes to a log.
# shellcheck shell=bash
# Sourced. Needs `log_file` set by the caller. Not here: colours, and any decision about what to run.

seconds_since() { echo $(($(date +%s) - $1)); }

# One line about a running step: rewritten in place on a terminal, said every 30 s elsewhere.
# shellcheck disable=SC2154  # log_file belongs to the caller
watch_step() { # label pid start
    local label=$1 pid=$2 start=$3 said=0 now last
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.5
        now=$(seconds_since "$start")
        if [[ -t 1 ]]; then
            last=$(tail -c 400 "$log_file" 2>/dev/null | tr '\r' '\n' | sed '/^[[:space:]]*$/d' | tail -n 1)
            printf '\r\033[K%s  %3d s  %.90s' "$label" "$now" "$last"
        elif ((now / 30 > said)); then
            said=$((now / 30))
            last=$(tail -n 1 "$log_file" 2>/dev/null)
            printf '%s  %3d s  %.110s\n' "$label" "$now" "$last"
        fi
    done
    [[ -t 1 ]] && printf '\r\033[K'
    return 0
}

# CPU seconds that finished children of this shell have used: on a busy machine they say more than the clock.
# `times` speaks of the shell that calls it, so no pipe and no $() around it.
cpu_seconds() { # variable to set
    local spent minutes seconds total=0 report
    report=$(mktemp)
    times >"$report"
    for spent in $(tail -n 1 "$report"); do
        minutes=${spent%m*} seconds=${spent#*m}
        total=$((total + minutes * 60 + ${seconds%%.*}))
    done
    rm -f "$report"
    printf -v "$1" '%d' "$total"
}

# run_step <label> <command>...: runs it with no input and its output in $log_file; says ok or FAILED and how long it took.
run_step() {
    local label=$1 start status=0 cpu_before cpu_after word=ok
    shift
    start=$(date +%s)
    cpu_seconds cpu_before
    printf '\n== %s: %s\n' "$label" "$*" >>"$log_file"
    "$@" >>"$log_file" 2>&1 </dev/null &
    local pid=$!
    watch_step "$label" "$pid" "$start"
    wait "$pid" || status=$?
    ((status == 0)) || word=FAILED
    cpu_seconds cpu_after
    printf '%s  %3d s  %s (%d s of CPU)\n' "$label" "$(seconds_since "$start")" "$word" "$((cpu_after - cpu_before))"
    return "$status"
}
