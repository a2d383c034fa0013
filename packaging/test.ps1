# Set up what is missing, then run every check: style, format, types, import contracts, tests. Arguments go to pytest.
# All checks run even when one fails; the exit status is 0 only when all pass.
#
#   powershell -ExecutionPolicy Bypass -File packaging\test.ps1
$ErrorActionPreference = "Stop"

$root = Split-Path -Parent $PSScriptRoot
& (Join-Path $PSScriptRoot "setup.ps1") test
$venv = if ($env:HILUM_VENV) { $env:HILUM_VENV } else { Join-Path $root ".venv" }
$scripts = (Resolve-Path (Join-Path $venv "Scripts")).Path
$pytestArguments = $args

$env:QT_QPA_PLATFORM = "offscreen"
$env:PYTHONUTF8 = "1"
# What a tool writes on stderr is no fault of this script.
$ErrorActionPreference = "Continue"
$failed = @()

function Invoke-Check([string] $Title, [scriptblock] $Check) {
    Write-Host "`n== $Title"
    & $Check
    if ($LASTEXITCODE -ne 0) { $script:failed += $Title }
}

Push-Location $root
try {
    Invoke-Check "style (ruff)" { & "$scripts\ruff.exe" check . }
    Invoke-Check "format (ruff)" { & "$scripts\ruff.exe" format --check . }
    Invoke-Check "types (mypy)" { & "$scripts\python.exe" -m mypy }
    Invoke-Check "import contracts (import-linter)" { & "$scripts\lint-imports.exe" }
    Invoke-Check "tests (pytest)" { & "$scripts\python.exe" -m pytest @pytestArguments }
}
finally { Pop-Location }

if ($failed.Count -gt 0) {
    Write-Host "`n== failed: $($failed -join ', ')"
    exit 1
}
Write-Host "`n== all checks passed"
