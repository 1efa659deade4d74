# shellcheck shell=bash
# The Python that trains the models and is the reference in tests: .caz/venv with the pinned libraries of models/requirements.txt.
# To be sourced after scripts/lib/common.sh, which says where `root` and `cache` are.
# shellcheck disable=SC2154

# make_venv: does nothing when it is there. Needs Python 3.11, 3.12 or 3.13 with venv; PYTHON=... chooses which.
make_venv() {
    local python=${PYTHON:-python3} venv=$cache/venv requirements=$root/models/requirements.txt
    local stamp=$venv/requirements.installed
    ! cmp --silent "$requirements" "$stamp" || return 0
    "$python" -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null ||
        die "\`$python\` is not a Python 3.11 to 3.13 with venv: install python3 and python3-venv, or name another with PYTHON=/path/to/python3.11"
    say "installing the pinned Python libraries into .caz/venv"
    "$python" -m venv --clear "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
    "$venv/bin/python" -m pip check --disable-pip-version-check
    # Made last: a broken installation is begun again.
    cp "$requirements" "$stamp"
}
