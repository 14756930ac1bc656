#!/bin/sh
# How does a fresh clone on a fresh machine get its environment?
#
# Leaves `.venv` with CPython 3.10 and everything installed, the project itself editable. It is quick when nothing has
# changed. It needs any Python 3 that can run pip, or uv; nothing has to be on PATH beforehand, and nothing outside the
# checkout is changed but uv's own cache (and a Python 3.10 that uv keeps there, if this machine has none).
#
# uv installs, not pip: mlagents 1.1.0 declares Python <= 3.10.12, which pip enforces and uv rightly ignores, and only uv
# can override the old pettingzoo that mlagents-envs asks for.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
EXTRAS=gym,dev
STAMP=.venv/.set-up

say() { echo "set-up: $*" >&2; }
die() { say "$*"; exit 1; }

# What the environment was made from; the place is part of it, because scripts in .venv/bin name their interpreter.
wanted() { cat setup.py pyproject.toml tools/bootstrap.sh | cksum; pwd -P; }

runs_python_310() {
    "$1" -c 'import ctypes, platform, ssl, sys, zlib
cpython = platform.python_implementation() == "CPython"
sys.exit(not (cpython and (3, 10, 1) <= sys.version_info < (3, 11)))' >/dev/null 2>&1
}

# Prints the first CPython 3.10 that runs. A name on PATH proves nothing: version managers put shims there that fail.
find_python_310() {
    for candidate in python3.10 python3 python \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python3.10 \
        /usr/local/bin/python3.10 /opt/*/bin/python3.10 /opt/python/*3.10*/bin/python3.10 /opt/homebrew/bin/python3.10 \
        "${CONDA_PREFIX:-/nonexistent}"/bin/python3.10 "$HOME"/*conda3/envs/*/bin/python3.10 "$HOME"/*conda3/bin/python3.10
    do
        if runs_python_310 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

# Prints a uv to use: this machine's own if it is recent enough, else one installed by pip into `.uv`.
find_uv() {
    case "$(uv --version 2>/dev/null)" in
        "" | "uv 0."[0-7].*) ;;
        *) command -v uv; return ;;
    esac
    if [ "$(.uv/bin/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$UV_VERSION" ]; then
        say "fetching uv $UV_VERSION into .uv"
        fetch_uv >&2 || die "no uv, and no Python 3 here could fetch it: install Python 3 with venv and pip (Debian:" \
            "apt-get install python3-venv) or uv, and see above for what went wrong"
    fi
    echo "$PWD/.uv/bin/uv"
}

# Debian's python3 may lack ensurepip, without which venv fails; then its pip, if any, can still fill a folder.
fetch_uv() {
    for candidate in "$python" python3 python; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 || continue
        rm -rf .uv
        if "$candidate" -m venv .uv >/dev/null 2>&1; then
            .uv/bin/python -m pip install --quiet --no-user "uv==$UV_VERSION" && return
        else
            "$candidate" -m pip install --quiet --no-user --target .uv "uv==$UV_VERSION" && return
        fi
    done
    return 1
}

# pip's package index, where this machine names one, is meant for uv as well.
adopt_pip_index() {
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "${PIP_INDEX_URL:-}" ]; then
        export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
    fi
}

# Two terminals may set up at once: the second waits for the first.
if command -v flock >/dev/null 2>&1; then
    exec 9>.set-up.lock
    flock 9
fi

found=$(cat "$STAMP" 2>/dev/null || true)
if [ "$found" = "$(wanted)" ] && runs_python_310 .venv/bin/python; then
    exit 0
fi

python=$(find_python_310)
uv=$(find_uv)
adopt_pip_index
if ! runs_python_310 .venv/bin/python; then
    [ -n "$python" ] || say "no Python 3.10 runs here; asking uv for one"
    "$uv" venv --quiet --clear --python "${python:-3.10}" .venv ||
        die "no CPython 3.10 here and none could be fetched: install one (pyenv install 3.10, or your system's python3.10)"
fi
# An installation that was interrupted may have left half a package, so the next one trusts nothing that is there.
[ "$found" = unfinished ] && again=--reinstall || again=
echo unfinished >"$STAMP"
say "installing into .venv (about 7 GB on Linux, most of it CUDA)"
"$uv" pip install $again --python .venv/bin/python --editable ".[$EXTRAS]" || die "the installation failed, see above"
wanted >"$STAMP"
say "done"
