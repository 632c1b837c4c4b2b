#!/bin/sh
# deploy/setup.sh [light|all]: sets the project up on a machine that has Python 3.11, 3.12 or 3.13: uv into .uv, the
# locked environment into .venv. `light` is what the embedded servers and the encoders mini and standard run on; `all` adds
# torch, every other extra and what tests and checks need. Neither removes what the other installed.
# Second runs end at once: they find the stamp that the first one left.
set -eu
part=${1:-all}
# The environment is the project's own, made with a Python that is on the machine.
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT
export UV_PYTHON_DOWNLOADS=never
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

suitable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; }

find_python() {
    # 3.11 first: for it every package comes built. PocketSphinx is built on 3.12, and Redis on 3.13.
    for name in "${PYTHON:-}" python3.11 python3.12 python3 python3.13; do
        [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && suitable "$name" && { command -v "$name"; return; }
    done
    fail 'no Python 3.11, 3.12 or 3.13 found: install one, or name it: make setup PYTHON=/path/to/python3'
}

# shellcheck disable=SC2086
get_uv() {
    echo 'setup: fetching uv'
    # By the hashes of its wheels: what is fetched here decides what everything else is.
    pinned='--quiet --disable-pip-version-check --require-hashes --only-binary :all: -r deploy/uv.txt'
    rm -rf .uv
    if "$python" -m venv .uv 2>/dev/null && .uv/bin/python -m pip --version >/dev/null 2>&1; then
        .uv/bin/python -m pip install $pinned || fail 'uv could not be installed as deploy/uv.txt pins it: is PyPI reachable?'
    elif "$python" -m pip --version >/dev/null 2>&1; then
        rm -rf .uv
        "$python" -m pip install $pinned --target .uv || fail 'uv could not be installed as deploy/uv.txt pins it: is PyPI reachable?'
    else
        rm -rf .uv
        fail "$python has neither venv nor pip: install its packages (on Debian: python3-venv) and try again"
    fi
}

case $part in
    # Inexact: what else is installed stays. Not compiled: that is a tenth of its size, and most of it is never imported.
    light) options='--inexact --no-dev --extra local --extra standard'; size='about 1.3 GB' ;;
    # Exact: this is everything, so that what the lock file no longer has can go. Compiled once for all processes to
    # come: where Python may not write beside its modules, each would compile torch anew.
    all) options='--all-extras --compile-bytecode'; size='some GB the first time: torch brings its libraries' ;;
    *) fail "no part '$part': light or all" ;;
esac

fresh() { [ -f "$1" ] && [ "$1" -nt uv.lock ] && [ "$1" -nt pyproject.toml ]; }

# Whoever has everything has the light part.
if { fresh ".venv/.locked-$part" || fresh .venv/.locked-all; } && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi
python=$(find_python)
{ [ -x .uv/bin/uv ] && [ .uv/bin/uv -nt deploy/uv.txt ]; } || get_uv
# The environment's own Python goes on, as long as none is asked for: another one would make it anew, without the rest.
if [ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] && suitable .venv/bin/python; then python=.venv/bin/python; fi
echo "setup: installing the locked environment into .venv ($part, $size)"
# shellcheck disable=SC2086
.uv/bin/uv sync --locked $options --python "$python" || fail 'the environment could not be installed; the lines above say why'
touch ".venv/.locked-$part"
echo 'setup: done'
