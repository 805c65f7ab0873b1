# What benches of the running product share: a throw-away project on free ports, and figures of a process.
# Sourced by benches/auth/run and benches/storage/run, which set `nself`.

home=$(mktemp -d /tmp/nself-bench.XXXXXX)
export NSELF_HOME=$home/nself-home NO_COLOR=1
mkdir "$home/shop"

finish() {
    (cd "$home/shop" && "$nself" stop && "$nself" destroy --yes) >/dev/null 2>&1 || true
    rm -rf "$home"
}
trap finish EXIT

need() {
    for program in "$@"; do
        command -v "$program" >/dev/null || { echo "$program is missing: apt-get install $program" >&2; exit 2; }
    done
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# The project's folder is the working directory from here on. Arguments: NAME=value settings.
start_stack() {
    cd "$home/shop"
    "$nself" init >/dev/null
    http=$(free_port)
    "$nself" config set GATEWAY_PORT "$http" >/dev/null
    for name in GATEWAY_SSL_PORT POSTGRES_PORT MAILPIT_SMTP_PORT MAILPIT_UI_PORT; do
        "$nself" config set $name "$(free_port)" >/dev/null
    done
    # Limits are measured by their own tests; here they would be the only thing measured.
    for zone in GENERAL GRAPHQL AUTH UPLOAD USER; do "$nself" config set "RATE_LIMIT_${zone}_RATE" 1000000r/s >/dev/null; done
    for pair in "$@"; do "$nself" config set "${pair%%=*}" "${pair#*=}" >/dev/null; done
    "$nself" start >/dev/null
    server=$("$nself" status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["server"]["pid"])')
    secret=$("$nself" config get HASURA_GRAPHQL_ADMIN_SECRET --reveal)
}

machine() {
    echo "date     $(date -u +%Y-%m-%d)"
    echo "machine  $(nproc) x $(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(awk '/MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg)"
    echo "nself    $("$nself" version)"
}

# Seconds of processor time that a process has had, itself and with its children that have ended.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$1/stat"; }
# Resident memory in MiB: now, and the most since `forget_peak`.
resident() { awk '/^VmRSS/ {printf "%.0f", $2 / 1024}' "/proc/$1/status"; }
forget_peak() { echo 5 >"/proc/$1/clear_refs"; }
peak() { awk '/^VmHWM/ {printf "%.0f", $2 / 1024}' "/proc/$1/status"; }
# Of numbers, one a line.
median() { sort -g "$1" | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
# `of 10 20` is 0.50.
of() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }
# Requests a second of what wrk has said; its own words where something failed.
requests() {
    if grep -qE 'Non-2xx|Socket errors' "$1"; then cat "$1" >&2; return 1; fi
    awk '/Requests\/sec/ {print $2}' "$1"
}
