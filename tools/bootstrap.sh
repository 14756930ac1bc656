#!/bin/sh
# How does a fresh clone on a fresh machine get its environment?
#
# Leaves `.venv` with CPython 3.10 and everything installed, the project itself editable. Quick when nothing has
# changed, safe to interrupt. It needs any Python 3 that can run pip, or uv. Outside the checkout it changes nothing but
# the cache of uv, where uv also keeps the Python 3.10 that it fetches if this machine has none.
#
# uv installs, not pip: mlagents 1.1.0 declares Python <= 3.10.12, which pip enforces and uv rightly ignores, and only
# uv can override the old pettingzoo that mlagents-envs asks for.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.8
EXTRAS=gym,dashboard,dev
STAMP=.venv/.set-up

say() { echo "set-up: $*" >&2; }
die() { say "$*"; exit 1; }

# What the environment is made from. The place is part of it: scripts in .venv/bin name their interpreter in full.
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
        /usr/local/bin/python3.10 /opt/*/bin/python3.10 /opt/python/*3.10*/bin/python3.10 \
        "${CONDA_PREFIX:-/nonexistent}"/bin/python3.10 \
        "$HOME"/*conda3/bin/python3.10 "$HOME"/*conda3/envs/*/bin/python3.10
    do
        if runs_python_310 "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
}

# Prints the uv to use: this machine's own if it is recent enough, else one that pip puts into `.uv`.
find_uv() {
    case "$(uv --version 2>/dev/null)" in
        "" | "uv 0."[0-7].*) ;;
        *) command -v uv; return ;;
    esac
    if [ "$(.uv/bin/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$UV_VERSION" ]; then
        say "fetching uv $UV_VERSION into .uv"
        fetch_uv >&2 || die "no uv here, and no Python 3 that could fetch it:" \
            "install uv, or Python 3 with venv and pip (Debian: apt-get install python3-venv)"
    fi
    echo "$PWD/.uv/bin/uv"
}

# Debian's python3 may lack ensurepip, without which venv fails; then its pip, if any, can still fill a folder.
fetch_uv() {
    for candidate in "$python" python3 python; do
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1 || continue
        rm -rf .uv
        if "$candidate" -m venv .uv >/dev/null 2>&1; then
            set -- .uv/bin/python -m pip install
        else
            set -- "$candidate" -m pip install --target .uv
        fi
        "$@" --quiet --no-user --disable-pip-version-check "uv==$UV_VERSION" && return
    done
    return 1
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
case "$found" in
    "" | *"$(pwd -P)") ;;  # none yet, one made by hand, or ours from before something changed
    *)
        say "the last set-up was interrupted or made elsewhere; starting again"
        rm -rf .venv
        found=
        ;;
esac

python=$(find_python_310)
uv=$(find_uv)
# Behind a proxy with a certificate of its own, this machine's store knows it and uv's built-in list does not. Where the
# machine has no store (a bare container), the built-in list is all there is.
for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ ! -s "$store" ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
done
# A package index that this machine names for pip is meant for uv as well.
if [ -n "${PIP_INDEX_URL:-}" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
fi
if ! runs_python_310 .venv/bin/python; then
    [ -n "$python" ] || say "no Python 3.10 runs here; asking uv for one"
    "$uv" venv --quiet --clear --python "${python:-3.10}" .venv ||
        die "no CPython 3.10 here and none could be fetched: install it (pyenv install 3.10, or your system's package)"
    found=
fi
echo unfinished >"$STAMP"
say "installing into .venv (about 7 GB on Linux, most of it CUDA)"
# Where Python may not keep what it has compiled, every start would compile PyTorch anew: six seconds of a core.
bytecode=
[ -z "${PYTHONDONTWRITEBYTECODE:-}" ] || bytecode=--compile-bytecode
if ! "$uv" pip install --python .venv/bin/python $bytecode --editable ".[$EXTRAS]"; then
    # What worked before still does, for instance where only the network was away.
    [ -z "$found" ] || echo "$found" >"$STAMP"
    die "the installation failed, see above"
fi
wanted >"$STAMP"
say "done"
