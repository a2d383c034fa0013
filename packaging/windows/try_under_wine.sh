#!/bin/sh
# Try the Windows installer under Wine on a stand-in for the program, and print a table. Exit status 1 if a row fails.
#
#   sh packaging/windows/try_under_wine.sh
#
# Debian: apt-get install --no-install-recommends nsis wine wine64 xvfb gcc-mingw-w64-x86-64. Where one of them is missing
# it says so and ends with 0, unless HILUM_MUST_TRY is set. HILUM_PYTHON names a Python with PySide6 and Pillow.
# Everything happens in a folder of its own, which is removed at the end; HILUM_KEEP names one that stays.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${HILUM_PYTHON:-python3}

for tool in makensis wine wineserver Xvfb x86_64-w64-mingw32-gcc; do
    PATH=$PATH:/usr/lib/wine command -v "$tool" >/dev/null && continue
    echo "not tried: $tool is not here."
    [ -z "${HILUM_MUST_TRY:-}" ] || exit 1
    exit 0
done
PATH=$PATH:/usr/lib/wine

scratch=${HILUM_KEEP:-$(mktemp -d)}
mkdir -p "$scratch/home"
export HOME="$scratch/home" WINEPREFIX="$scratch/wine" WINEDEBUG=-all LC_ALL=C.UTF-8 QT_QPA_PLATFORM=offscreen
# Nothing of this belongs into the menus of this machine, and no window asks for Mono or Gecko.
export WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=;mshtml='
display=:$((90 + $$ % 900))
Xvfb "$display" -screen 0 1024x768x24 >/dev/null 2>&1 &
screen=$!
export DISPLAY="$display"
finish() {
    wineserver -k 2>/dev/null || true
    kill "$screen" 2>/dev/null || true
    [ -n "${HILUM_KEEP:-}" ] || rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' INT TERM

# --------------------------------------------------------------------------------------------------- payload, installers

sentence='文字 $INSTDIR 100%'
# The inner folder and the names have spaces, Chinese characters and signs that NSIS has a use for of its own.
make_tree() {
    tree=$scratch/tree-$1
    mkdir -p "$tree/_internal/胸片 模型/v $1" "$tree/_internal/deep/er/est"
    x86_64-w64-mingw32-gcc -O1 -s -o "$tree/hilum.exe" "$here/stand_in.c"
    cp "$tree/hilum.exe" "$tree/hilum-console.exe"
    printf '%s\n' "$sentence $1" >"$tree/_internal/胸片 模型/v $1/数据 \$1 (a).txt"
    printf '%s\n' "$1" >"$tree/_internal/both versions.txt"
    printf '%s\n' "$1" >"$tree/_internal/deep/er/est/only $1.txt"
}
target=
[ ! -e /usr/share/nsis/Stubs/zlib-amd64-unicode ] || target='--target amd64-unicode'
for version in 1.2.0 1.10.0; do
    make_tree "$version"
    # shellcheck disable=SC2086
    "$python" "$here/make_installer.py" "$scratch/tree-$version" --version "$version" --fast $target \
        --out "$scratch/hilum-$version-setup.exe"
done
old=$scratch/hilum-1.2.0-setup.exe new=$scratch/hilum-1.10.0-setup.exe

wineboot() { wine wineboot "$@" >/dev/null 2>&1; }
wineboot -i
wine winecfg -v win10 >/dev/null 2>&1

drive=$WINEPREFIX/drive_c
profile=$(find "$drive/users" -mindepth 1 -maxdepth 1 -type d ! -name Public | head -n 1)
log=$drive/setup.log

# --------------------------------------------------------------------------------------------------------------- helpers

failed=0
row() {
    if [ "$1" = 0 ]; then word=ok; else word=FAILED failed=1; fi
    printf '  %-7s %s\n' "$word" "$2"
    [ "$1" = 0 ] || sed 's/^/          /' "$scratch/said" 2>/dev/null || true
}
# is "what is claimed" COMMAND...
is() {
    claim=$1
    shift
    if "$@" >"$scratch/said" 2>&1; then row 0 "$claim"; else row 1 "$claim"; fi
}
isnt() {
    claim=$1
    shift
    if "$@" >"$scratch/said" 2>&1; then row 1 "$claim"; else row 0 "$claim"; fi
}
# Run an installer; its exit status stays in $status. Wine puts quotation marks around a word with spaces, which /D= and
# _?= do not take; so such a folder is handed over as several words.
setup() {
    rm -f "$log"
    status=0
    wine "$@" >/dev/null 2>&1 || status=$?
}
# The uninstaller goes on in a copy of itself; its log says when it has ended.
uninstall() {
    rm -f "$log"
    wine "$1/uninstall.exe" /S '/LOG=C:\setup.log' ${2:-} >/dev/null 2>&1 || true
    for _ in $(seq 120); do
        if said '^Done' || said 'Nothing has been changed'; then break; fi
        sleep 0.5
    done
    sleep 1
}
said() { iconv -f UTF-16 -t UTF-8 "$log" 2>/dev/null | grep -q -- "$1"; }
ended_with() { echo "status $status"; [ "$status" = "$1" ]; }
# The Windows registry: reg ROOT KEY [VALUE] prints what is there.
reg() {
    if [ $# = 3 ]; then
        if [ -z "$3" ]; then what=/ve; else what="/v $3"; fi
        # shellcheck disable=SC2086
        wine reg query "$1\\$2" $what 2>/dev/null
    else
        wine reg query "$1\\$2" 2>/dev/null
    fi
}
holds() { reg "$1" "$2" "$3" >"$scratch/value"; cat "$scratch/value"; grep -qF -- "$4" "$scratch/value"; }
# The same for what a terminal of Wine cannot print; the text is as it stands in a .reg file.
exported() {
    wine reg export "$1\\$2" 'C:\key.reg' /y >/dev/null 2>&1
    iconv -f UTF-16 -t UTF-8 "$drive/key.reg" | tee "$scratch/value"
    grep -qF -- "$3" "$scratch/value"
}
same_tree() {
    "$python" - "$scratch/tree-$1" "$2" <<'END'
import pathlib, sys
wanted, found = ({p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in map(pathlib.Path, sys.argv[1:]))
for ours in ("installed-files.txt", "uninstall.exe"):
    assert found.pop(pathlib.Path(ours), b""), f"no {ours}"
found.pop(pathlib.Path("policy.toml"), None)
missing, more = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
assert wanted == found, f"missing {missing}, too many {more}"
END
}
snapshot() {
    for root in HKLM HKCU; do
        wine reg export "$root\\Software" "C:\\$root.reg" /y >/dev/null 2>&1
        iconv -f UTF-16 -t UTF-8 "$drive/$root.reg"
    # Wine itself writes down the network cards, some time after its start.
    done | tr -d '\r' | awk 'BEGIN { RS = ""; ORS = "\n\n" } !/\\NetworkCards(\\|\])/' >"$scratch/$1.reg"
    rm -f "$drive/HKLM.reg" "$drive/HKCU.reg"
}
open_program() {
    rm -f "$drive/close"
    wine "$1/hilum$2.exe" --open 'C:\close' >/dev/null 2>&1 &
    program=$!
    sleep 4
}
close_program() {
    touch "$drive/close"
    wait "$program" || true
}
drafts_of_a_user() {
    mkdir -p "$profile/AppData/Local/Hilum/models" "$drive/ProgramData/Hilum"
    echo draft >"$profile/AppData/Local/Hilum/drafts.sqlite3"
    echo model >"$profile/AppData/Local/Hilum/models/own.txt"
    echo policy >"$drive/ProgramData/Hilum/policy.toml"
}

uninstall_key='Software\Microsoft\Windows\CurrentVersion\Uninstall\Hilum'
progids='Software\Classes\.dcm\OpenWithProgids'
command='Software\Classes\Hilum.DICOM\shell\open\command'
for_all="$drive/Program Files/Hilum"
for_me="$profile/AppData/Local/Programs/Hilum"
chosen="$drive/影像 Station/Hilum 程序"
drafts_of_a_user
# Windows has these from the beginning, Wine only when something is put into them.
for key in 'Classes\Applications' 'Microsoft\Windows\CurrentVersion\App Paths' 'Microsoft\Windows\CurrentVersion\Uninstall'; do
    wine reg add "HKCU\\Software\\$key" /f >/dev/null 2>&1
done
snapshot before

# -------------------------------------------------------------------------------------------------------------- the rows

echo 'For everybody, silently'
setup "$old" /S '/LOG=C:\setup.log' /AllUsers
is 'ends with 0' ended_with 0
is 'every file of the tree, each the same' same_tree 1.2.0 "$for_all"
is 'Add/Remove Programs: name' holds HKLM "$uninstall_key" DisplayName Hilum
is 'Add/Remove Programs: version' holds HKLM "$uninstall_key" DisplayVersion 1.2.0
is 'Add/Remove Programs: quiet uninstall' holds HKLM "$uninstall_key" QuietUninstallString '"C:\Program Files\Hilum\uninstall.exe" /S'
is 'Add/Remove Programs: size' holds HKLM "$uninstall_key" EstimatedSize 0x
is 'Add/Remove Programs: nothing to modify' holds HKLM "$uninstall_key" NoModify 0x1
is 'Open with: offered for .dcm' holds HKLM "$progids" Hilum.DICOM REG_NONE
is 'Open with: the command' holds HKLM "$command" '' '"C:\Program Files\Hilum\hilum.exe" "%1"'
is 'Open with: known by its name' holds HKLM 'Software\Classes\Applications\hilum.exe' FriendlyAppName Hilum
is '.dcm, which nobody had, is opened with Hilum' holds HKLM 'Software\Classes\.dcm' '' Hilum.DICOM
is 'start menu' test -f "$drive/ProgramData/Microsoft/Windows/Start Menu/Programs/Hilum.lnk"
isnt 'no icon on the desktop that was not asked for' test -e "$drive/users/Public/Desktop/Hilum.lnk"
isnt 'nothing in the part of the one user' reg HKCU 'Software\Hilum'

echo 'Upgrade over it, 1.2.0 to 1.10.0'
echo site >"$for_all/policy.toml"
open_program "$for_all" ''
setup "$new" /S '/LOG=C:\setup.log'
is 'program open: ends with 3' ended_with 3
is 'program open: the log says so' said 'Hilum is open'
is 'program open: nothing has changed' same_tree 1.2.0 "$for_all"
close_program
open_program "$for_all" -console
setup "$new" /S '/LOG=C:\setup.log'
is 'a command of it under way: ends with 3' ended_with 3
close_program
setup "$new" /S '/LOG=C:\setup.log'
is 'program closed: ends with 0' ended_with 0
is 'files of the older version are gone, new ones there' same_tree 1.10.0 "$for_all"
isnt 'folders of the older version are gone' test -e "$for_all/_internal/胸片 模型/v 1.2.0"
is 'the policy file of the site stays' test -f "$for_all/policy.toml"
is 'version in Add/Remove Programs' holds HKLM "$uninstall_key" DisplayVersion 1.10.0

echo 'Downgrade, 1.10.0 to 1.2.0'
setup "$old" /S '/LOG=C:\setup.log'
is 'ends with 4' ended_with 4
is 'nothing has changed' same_tree 1.10.0 "$for_all"
setup "$old" /S '/LOG=C:\setup.log' /DOWNGRADE
is '/DOWNGRADE: ends with 0' ended_with 0
is '/DOWNGRADE: every file' same_tree 1.2.0 "$for_all"
setup "$new" /S '/LOG=C:\setup.log'

echo 'Uninstall, silently'
open_program "$for_all" ''
uninstall "$for_all"
is 'program open: nothing has changed' same_tree 1.10.0 "$for_all"
setup "$for_all/uninstall.exe" /S '/LOG=C:\setup.log' '_?=C:\Program' 'Files\Hilum'
is 'program open: ends with 3 where it is waited for (_?=)' ended_with 3
close_program
rm "$for_all/policy.toml"
uninstall "$for_all"
isnt 'the folder is gone' test -e "$for_all"
isnt 'start menu is tidy' test -e "$drive/ProgramData/Microsoft/Windows/Start Menu/Programs/Hilum.lnk"
is 'drafts stay' test -f "$profile/AppData/Local/Hilum/drafts.sqlite3"
snapshot after
is 'the registry is what it was' diff "$scratch/before.reg" "$scratch/after.reg"

echo 'For one user, .dcm of another program'
wine reg add 'HKCU\Software\Classes\.dcm' /ve /d Other.Viewer /f >/dev/null 2>&1
setup "$new" /S '/LOG=C:\setup.log' /CurrentUser /DESKTOP
is 'ends with 0' ended_with 0
is 'every file, below the user' same_tree 1.10.0 "$for_me"
isnt 'nothing in the part of the machine' reg HKLM 'Software\Hilum'
is '.dcm is still opened with the other program' holds HKCU 'Software\Classes\.dcm' '' Other.Viewer
is 'Open with: offered all the same' holds HKCU "$progids" Hilum.DICOM REG_NONE
is 'icon on the desktop, as asked' test -f "$profile/Desktop/Hilum.lnk"

echo 'Another folder, with spaces and Chinese characters'
setup "$new" /S '/LOG=C:\setup.log' '/D=C:\影像' 'Station\Hilum' '程序'
is 'ends with 0' ended_with 0
is 'every file' same_tree 1.10.0 "$chosen"
isnt 'the folder of before is gone' test -e "$for_me"
is 'Open with: the command' exported HKCU "$command" '@="\"C:\\影像 Station\\Hilum 程序\\hilum.exe\" \"%1\""'

echo 'Uninstall with the drafts, and a list that somebody has changed'
echo victim >"$drive/victim.txt"
printf '..\\..\\victim.txt\r\nC:\\victim.txt\r\n\\victim.txt\r\n' | iconv -t UTF-16LE >>"$chosen/installed-files.txt"
uninstall "$chosen" /PURGE
is 'nothing outside the folder is deleted' test -f "$drive/victim.txt"
isnt 'the folder is gone' test -e "$chosen"
isnt 'drafts, settings and models are gone' test -e "$profile/AppData/Local/Hilum"
is 'the policy of the machine stays' test -f "$drive/ProgramData/Hilum/policy.toml"
isnt 'the icon on the desktop is gone' test -e "$profile/Desktop/Hilum.lnk"
is '.dcm of the other program stays' holds HKCU 'Software\Classes\.dcm' '' Other.Viewer
wine reg delete 'HKCU\Software\Classes\.dcm' /f >/dev/null 2>&1
snapshot after
is 'the registry is what it was' diff "$scratch/before.reg" "$scratch/after.reg"

echo 'What is refused, and what is left alone'
setup "$new" /S '/LOG=C:\setup.log' '/D=C:\windows'
is 'the folder of Windows: ends with 6' ended_with 6
setup "$new" /S '/LOG=C:\setup.log' /CurrentUser "/D=C:\\users\\$(basename "$profile")\\AppData\\Local\\Hilum"
is 'the folder of the drafts: ends with 6' ended_with 6
setup "$new" /S '/LOG=C:\setup.log' /AllUsers /NOASSOC
isnt '/NOASSOC: .dcm is left without a program' holds HKLM 'Software\Classes\.dcm' '' Hilum.DICOM
uninstall "$for_all"
snapshot after
is 'the registry is what it was' diff "$scratch/before.reg" "$scratch/after.reg"

if [ "$failed" = 0 ]; then echo 'All of it works.'; else echo 'Something failed; see above.'; fi
exit "$failed"
