#!/bin/sh
# Sets the project up on a machine that has Python 3.11 or later: uv into .uv, the locked environment into .venv.
# Second runs end at once: they find the stamp that the first one left.
set -eu
# The environment is the project's own, made with a Python that is on the machine.
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
export UV_PYTHON_DOWNLOADS=never
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

suitable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    # 3.12 and 3.11 first: for those every package comes built.
    for name in "${PYTHON:-}" python3.12 python3.11 python3 python3.13 python3.14; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && suitable "$name" && { command -v "$name"; return; }
    done
    fail 'no Python 3.11 or later found: install one, or name it: make setup PYTHON=/path/to/python3'
}

get_uv() {
    echo 'setup: fetching uv'
    if "$python" -m venv .uv 2>/dev/null && .uv/bin/python -m pip --version >/dev/null 2>&1; then
        .uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1' || fail 'uv could not be installed: is PyPI reachable?'
    elif "$python" -m pip --version >/dev/null 2>&1; then
        rm -rf .uv
        "$python" -m pip install --quiet --disable-pip-version-check --target .uv 'uv>=0.9,<1' || fail 'uv could not be installed: is PyPI reachable?'
    else
        rm -rf .uv
        fail "$python has neither venv nor pip: install its packages (on Debian: python3-venv) and try again"
    fi
}

stamp=.venv/.locked
if [ -f "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
python=$(find_python)
[ -x .uv/bin/uv ] || get_uv
echo "setup: installing the locked environment into .venv (some GB the first time: torch brings its libraries)"
# Compiled once for all processes to come: where Python may not write beside its modules, each would compile torch anew.
.uv/bin/uv sync --locked --all-extras --compile-bytecode --python "$python" || fail 'the environment could not be installed; the lines above say why'
touch "$stamp"
echo 'setup: done'
