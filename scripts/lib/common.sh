# shellcheck shell=bash
# What every script here shares: where things are, how to speak, how to start a service and be sure of ending it.
# To be sourced, after `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Everything that is downloaded or made at run time lives here; deleting the folder is always safe.
# shellcheck disable=SC2034
cache=$root/.caz

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# usage FILE: the comment at the head of a script is its help.
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }

# fingerprint FILE...: one short name for the contents of all of them.
fingerprint() { cat "$@" | sha256sum | cut -c1-16; }

# build_caz: builds the `caz` that tests run, and prints where it is. The example turns on the features of libraries that tests turn on;
# without it Cargo would build those libraries, and what stands on them, once more.
build_caz() {
    # `set -e` does not hold in a command substitution.
    (cd "$root" && cargo build --quiet --bin caz --example instructions) || return
    realpath "${CARGO_TARGET_DIR:-$root/target}/debug/caz"
}

# free_ports COUNT: ports on the loopback which the kernel says are free, one a line, all different.
free_ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets), sep="\n")
PYTHON
}

# http_ok URL: whether a GET is answered with 200.
http_ok() {
    python3 - "$1" 2>/dev/null <<'PYTHON'
import sys, urllib.request

sys.exit(urllib.request.urlopen(sys.argv[1], timeout=2).status != 200)
PYTHON
}

# A service is a directory (an absolute path, without links) with `pid` and `log`, where its process runs. That
# process leads a session of its own: a Ctrl-C meant for the command under test does not take the broker from under it.

# launch DIR COMMAND...: starts the command in DIR, in the background.
# With `tether` set, the kernel ends it when this shell dies, even by SIGKILL.
launch() {
    local dir=$1 here=$PWD tie=()
    shift
    if [[ -n ${tether:-} ]] && command -v setpriv >/dev/null; then
        tie=(setpriv --pdeathsig TERM)
    fi
    # In this shell and not in one below it, which would be the parent, and would be gone at once.
    cd "$dir" || return
    setsid "${tie[@]}" "$@" >log 2>&1 </dev/null &
    echo $! >pid
    # Without this, bash would report the end of a node that a test kills.
    disown
    cd "$here" || return
}

# alive DIR: whether the service's process runs, and is that service and not a later owner of the same pid.
alive() {
    local pid
    pid=$(cat "$1/pid" 2>/dev/null) || return 1
    [[ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" == "$1" ]]
}

# await DIR SECONDS COMMAND...: returns when the command succeeds; fails when the service dies or the time is over.
await() {
    local dir=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        alive "$dir" || return 1
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# end DIR: asks the service to end, and after 15 s makes it.
end() {
    local dir=$1 pid deadline=$((SECONDS + 15))
    if alive "$dir"; then
        pid=$(cat "$dir/pid")
        kill -TERM "$pid" 2>/dev/null || true
        while alive "$dir"; do
            if ((SECONDS >= deadline)); then
                kill -KILL "$pid" 2>/dev/null || true
            fi
            sleep 0.05
        done
    fi
    rm -f "$dir/pid"
}

# descendants PID: the pids of all processes below it.
descendants() {
    { cat /proc/"$1"/task/*/children 2>/dev/null || true; } | tr ' ' '\n' | while read -r child; do
        echo "$child"
        descendants "$child"
    done
}

# supervise COMMAND...: runs the command with this script's terminal and standard input, and returns its exit status.
# A signal to this script is passed on to the command and all below it, and this script goes on: it has a broker to stop.
supervise() {
    local status=0
    # Bash starts background commands with SIGINT ignored, which they would inherit.
    env --default-signal=INT,QUIT "$@" <&0 &
    supervised=$!
    trap pass_on INT TERM HUP
    # A trapped signal ends a `wait` early, so the process says when it is over.
    while wait "$supervised" || status=$?; kill -0 "$supervised" 2>/dev/null; do :; done
    trap - INT TERM HUP
    return "$status"
}

pass_on() {
    local pids
    mapfile -t pids < <(descendants "$supervised")
    kill -TERM "$supervised" "${pids[@]}" 2>/dev/null || true
}
