#!/bin/sh
# Make the frozen program: one folder that runs without Python, dist/hilum (on macOS dist/Hilum.app as well).
#
#   sh packaging/freeze.sh [FOLDER]    FOLDER holds dist/ and build/; the checkout, if none is named
#
# HILUM_VENV names the virtual environment it is made from; else it is one of its own, build/venv.
# HILUM_FREEZE=everything leaves the exclusions out, to see what they save.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "${1:-$root}/build"
out=$(CDPATH='' cd -- "${1:-$root}" && pwd)
tree=$out/dist/hilum
export HILUM_VENV="${HILUM_VENV:-$out/build/venv}"
say() { printf 'freeze: %s\n' "$*" >&2; }

sh "$root/packaging/setup.sh" freeze
python=$HILUM_VENV/bin/python

say 'licences'
"$python" "$root/packaging/licences.py" --without opencv-python-headless setuptools --also PyInstaller

if [ "$(uname -s)" = Darwin ]; then
    export HILUM_ICON="$out/build/hilum.icns"
    QT_QPA_PLATFORM=offscreen "$python" "$root/packaging/windows/make_icon.py" "$HILUM_ICON"
fi

say 'PyInstaller, which takes some minutes'
"$python" -m PyInstaller --noconfirm --log-level WARN --distpath "$out/dist" --workpath "$out/build" \
    "$root/packaging/hilum.spec"

# Names for debuggers, 150 MB of them. Not those of libraries that were patched after linking (numpy's and scipy's in
# folders NAME.libs), which do not survive it, nor those of Qt and CUDA, which have none.
if [ "$(uname -s)" = Linux ] && [ "${HILUM_FREEZE:-}" != everything ]; then
    find "$tree" -type f -name '*.so*' ! -path '*.libs/*' ! -path '*/PySide6/*' ! -path '*/nvidia/*' \
        -exec strip --strip-unneeded {} +
fi

say 'before: what the program is made from'
"$python" "$root/packaging/sizes.py" "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" 3
say 'after: the program'
"$python" "$root/packaging/sizes.py" "$tree"
