#!/bin/sh
# Set up what is missing, then start Hilum: on the sample film, or with whatever stands behind the command.
#
#   sh packaging/run.sh                    the window, on the synthetic sample film
#   sh packaging/run.sh film.dcm           the window, on a film
#   sh packaging/run.sh analyse film.dcm   any verb of main.py
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/packaging/setup.sh" run
[ $# -gt 0 ] || set -- --sample
exec "${HILUM_VENV:-$root/.venv}/bin/python" "$root/main.py" "$@"
