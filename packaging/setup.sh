#!/bin/sh
# Prepare this machine for one job, and do nothing when it is prepared already.
#
#   sh packaging/setup.sh run     what the window and the command line need
#   sh packaging/setup.sh test    the same, and what the tests need
#   sh packaging/setup.sh freeze  the same as run, and what makes a program of it (packaging/freeze.sh)
#
# 1. system libraries (Debian and its children: through apt-get, as root or by sudo; elsewhere: named, not installed)
# 2. a Python of at least 3.11: the one HILUM_PYTHON names, else the first that is found
# 3. a virtual environment in .venv, or in the folder named by HILUM_VENV
# 4. the pinned packages of pyproject.toml, held to packaging/constraints.txt
set -eu

job=${1:-run}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=${HILUM_VENV:-$root/.venv}

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

case $job in run | test | freeze) ;; *) fail "the job is run, test or freeze, not $job." ;; esac

# --- 1. system libraries: the file that is loaded, and the Debian package that brings it -----------------------------

libraries='
libEGL.so.1 libegl1
libGL.so.1 libgl1
libxkbcommon.so.0 libxkbcommon0
libfontconfig.so.1 libfontconfig1
libdbus-1.so.3 libdbus-1-3
libglib-2.0.so.0 libglib2.0-0
'
window_libraries='
libX11-xcb.so.1 libx11-xcb1
libxcb-cursor.so.0 libxcb-cursor0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-image.so.0 libxcb-image0
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-randr.so.0 libxcb-randr0
libxcb-render-util.so.0 libxcb-render-util0
libxcb-shape.so.0 libxcb-shape0
libxcb-shm.so.0 libxcb-shm0
libxcb-sync.so.1 libxcb-sync1
libxcb-xfixes.so.0 libxcb-xfixes0
libxcb-xkb.so.1 libxcb-xkb1
libxkbcommon-x11.so.0 libxkbcommon-x11-0
'

# Print the packages whose library the linker does not know.
missing_packages() {
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) || return 0
    printf '%s\n' "$@" | while read -r library package; do
        [ -n "$library" ] || continue
        case $known in *"	$library "*) ;; *) printf '%s ' "$package" ;; esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Install Debian packages; a list may be stale and a mirror may stumble, so it is tried three times.
apt_install() {
    command -v apt-get >/dev/null || { say "please install by hand: $*"; return 1; }
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || { say "please have installed: $*"; return 1; }
    say "installing with apt-get: $*"
    for pause in 5 20 0; do
        as_root apt-get update -qq >/dev/null &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null &&
            return 0
        sleep "$pause"
    done
    say "apt-get could not install: $*"
    return 1
}

if [ "$(uname -s)" = Linux ]; then
    wanted=$(missing_packages "$libraries")
    [ "$job" = test ] || wanted="$wanted$(missing_packages "$window_libraries")"
    if [ "$job" = test ] && ! command -v pdftotext >/dev/null; then wanted="$wanted poppler-utils"; fi
    # Without them the command line may still work, so this goes on.
    # shellcheck disable=SC2086
    [ -z "$wanted" ] || apt_install $wanted || true
fi

# --- 2. Python ------------------------------------------------------------------------------------------------------

# Print the first Python that is new enough.
find_python() {
    for name in ${HILUM_PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return 0
        fi
    done
    return 1
}

python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
    fail "Hilum needs Python 3.11 or later, and none was found."

# --- 3. the virtual environment -------------------------------------------------------------------------------------

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    # Debian keeps ensurepip, which a virtual environment is made with, in a package of its own.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "python$version-venv" || fail "$python cannot make a virtual environment: ensurepip is missing."
    fi
    say "making a virtual environment with $python in $venv"
    # Only what is known to be one of these is ever emptied.
    if [ -f "$venv/pyvenv.cfg" ]; then clear=--clear; else clear=; fi
    # shellcheck disable=SC2086
    "$python" -m venv $clear "$venv"
fi

# --- 4. packages ----------------------------------------------------------------------------------------------------

# The stamp says what was installed for which tree: another pin, Python or folder makes another stamp.
fingerprint=$("$venv/bin/python" - "$root" <<'END'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
digest = hashlib.sha256(f"{root} {sys.version}".encode())
for name in ("pyproject.toml", "packaging/constraints.txt"):
    digest.update((root / name).read_bytes())
print(digest.hexdigest())
END
)
stamp=$venv/hilum-$job.stamp

# What is ready for another job is ready to run.
if [ "$job" = run ]; then others="$venv/hilum-test.stamp $venv/hilum-freeze.stamp"; else others=; fi
for ready in "$stamp" $others; do
    if [ "$(cat "$ready" 2>/dev/null)" = "$fingerprint" ]; then exit 0; fi
done

case $job in test) what="${root}[dev]" ;; freeze) what="${root}[packaging]" ;; *) what=$root ;; esac
if [ -t 2 ]; then quiet=; else quiet=--quiet; fi

install_packages() {
    # shellcheck disable=SC2086
    "$venv/bin/python" -m pip install $quiet --disable-pip-version-check --root-user-action=ignore --retries 5 \
        --constraint "$root/packaging/constraints.txt" --editable "$what" >&2
}

say "installing the packages; the first time this loads up to some gigabytes and takes minutes"
install_packages || { say "once more in 15 seconds"; sleep 15; install_packages; } ||
    fail "the packages could not be installed; what pip said stands above."
printf '%s\n' "$fingerprint" >"$stamp"
say "ready"
