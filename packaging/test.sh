#!/bin/sh
# Set up what is missing, then run every check: style, format, types, import contracts, tests. Arguments go to pytest.
# All checks run even when one fails; the exit status is 0 only when all pass.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
sh "$root/packaging/setup.sh" test
bin=$(CDPATH='' cd -- "${HILUM_VENV:-$root/.venv}/bin" && pwd)
cd "$root"

# No window appears, and no check depends on the language of the machine.
export QT_QPA_PLATFORM=offscreen LC_ALL=C.UTF-8

failed=
check() {
    title=$1
    shift
    printf '\n== %s\n' "$title"
    "$@" || failed="$failed, $title"
}

check 'style (ruff)' "$bin/ruff" check .
check 'format (ruff)' "$bin/ruff" format --check .
check 'types (mypy)' "$bin/python" -m mypy
check 'import contracts (import-linter)' "$bin/lint-imports"
check 'tests (pytest)' "$bin/python" -m pytest "$@"

if [ -n "$failed" ]; then
    printf '\n== failed: %s\n' "${failed#, }"
    exit 1
fi
printf '\n== all checks passed\n'
