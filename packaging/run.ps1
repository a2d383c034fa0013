# Set up what is missing, then start Hilum: on the sample film, or with whatever stands behind the command.
#
#   powershell -ExecutionPolicy Bypass -File packaging\run.ps1
#   powershell -ExecutionPolicy Bypass -File packaging\run.ps1 analyse film.dcm
$ErrorActionPreference = "Stop"

$root = Split-Path -Parent $PSScriptRoot
& (Join-Path $PSScriptRoot "setup.ps1") run
$venv = if ($env:HILUM_VENV) { $env:HILUM_VENV } else { Join-Path $root ".venv" }
$arguments = if ($args.Count -gt 0) { $args } else { @("--sample") }
# What the program writes on stderr is no fault of this script.
$ErrorActionPreference = "Continue"
& (Join-Path $venv "Scripts\python.exe") (Join-Path $root "main.py") @arguments
exit $LASTEXITCODE
