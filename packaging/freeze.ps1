# Make the frozen program: one folder that runs without Python, dist\hilum.
#
#   powershell -ExecutionPolicy Bypass -File packaging\freeze.ps1 [FOLDER]
#
# FOLDER holds dist and build; the checkout, if none is named. HILUM_VENV names the virtual environment it is made from;
# else it is one of its own, build\venv. HILUM_FREEZE=everything leaves the exclusions out, to see what they save.
param([string] $Folder = "")
$ErrorActionPreference = "Stop"

$root = Split-Path -Parent $PSScriptRoot
$out = if ($Folder) { $Folder } else { $root }
New-Item -ItemType Directory -Force (Join-Path $out "build") | Out-Null
$out = (Resolve-Path $out).Path
if (-not $env:HILUM_VENV) { $env:HILUM_VENV = Join-Path $out "build\venv" }

# Run a program, and stop where it fails.
function Invoke-Checked([string] $Program) {
    & $Program @args
    if ($LASTEXITCODE -ne 0) { throw "$Program $args ended with $LASTEXITCODE." }
}

& (Join-Path $PSScriptRoot "setup.ps1") freeze
$python = Join-Path $env:HILUM_VENV "Scripts\python.exe"

Write-Host "freeze: licences"
Invoke-Checked $python (Join-Path $PSScriptRoot "licences.py") --without opencv-python-headless setuptools --also PyInstaller
$env:HILUM_ICON = Join-Path $out "build\hilum.ico"
$env:QT_QPA_PLATFORM = "offscreen"
Invoke-Checked $python (Join-Path $PSScriptRoot "windows\make_icon.py") $env:HILUM_ICON
Remove-Item Env:QT_QPA_PLATFORM

Write-Host "freeze: PyInstaller, which takes some minutes"
Invoke-Checked $python -m PyInstaller --noconfirm --log-level WARN --distpath (Join-Path $out "dist") `
    --workpath (Join-Path $out "build") (Join-Path $PSScriptRoot "hilum.spec")

Write-Host "freeze: before, what the program is made from"
$libraries = & $python -c "import sysconfig; print(sysconfig.get_path('purelib'))"
Invoke-Checked $python (Join-Path $PSScriptRoot "sizes.py") $libraries 3
Write-Host "freeze: after, the program"
Invoke-Checked $python (Join-Path $PSScriptRoot "sizes.py") (Join-Path $out "dist\hilum")
