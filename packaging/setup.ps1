# Prepare this machine for one job, and do nothing when it is prepared already.
#
#   powershell -ExecutionPolicy Bypass -File packaging\setup.ps1 run     what the window and the command line need
#   powershell -ExecutionPolicy Bypass -File packaging\setup.ps1 test    the same, and what the tests need
#   powershell -ExecutionPolicy Bypass -File packaging\setup.ps1 freeze  the same as run, and what makes a program of it
#
# The virtual environment is .venv, or the folder named by HILUM_VENV; HILUM_PYTHON names the Python it is made with,
# else it is py -3.11, else the first python that is new enough.
param([ValidateSet("run", "test", "freeze")] [string] $Job = "run")
$ErrorActionPreference = "Stop"

$root = Split-Path -Parent $PSScriptRoot
$venv = if ($env:HILUM_VENV) { $env:HILUM_VENV } else { Join-Path $root ".venv" }
$python = Join-Path $venv "Scripts\python.exe"

function Find-Python {
    # A Python that is missing says so on stderr, which must not stop the search.
    $ErrorActionPreference = "Continue"
    if ($env:HILUM_PYTHON) { return $env:HILUM_PYTHON }
    foreach ($candidate in @("py", "-3.11"), @("py", "-3.12"), @("py", "-3.13"), @("python")) {
        if (-not (Get-Command $candidate[0] -ErrorAction SilentlyContinue)) { continue }
        $options = @($candidate | Select-Object -Skip 1)
        & $candidate[0] @options -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>$null
        if ($LASTEXITCODE -eq 0) { return $candidate }
    }
    throw "Hilum needs Python 3.11 or later, and none was found. It can be had from python.org."
}

if (-not (Test-Path $python)) {
    $found = @(Find-Python)
    $options = @($found | Select-Object -Skip 1)
    Write-Host "setup: making a virtual environment in $venv"
    & $found[0] @options -m venv $venv
    if ($LASTEXITCODE -ne 0) { throw "The virtual environment could not be made in $venv." }
}

# The stamp says what was installed for which tree: another pin, Python or folder makes another stamp.
$parts = @($root, (& $python -VV | Out-String))
foreach ($name in "pyproject.toml", "packaging\constraints.txt") {
    $parts += (Get-FileHash -Algorithm SHA256 (Join-Path $root $name)).Hash
}
$fingerprint = $parts -join "`n"
$enough = if ($Job -eq "run") { "run", "test", "freeze" } else { , $Job }
foreach ($ready in $enough) {
    $stamp = Join-Path $venv "hilum-$ready.stamp"
    if ((Test-Path $stamp) -and ((Get-Content -Raw $stamp).Trim() -eq $fingerprint.Trim())) { return }
}

Write-Host "setup: installing the packages; the first time this takes minutes"
$what = switch ($Job) { "test" { "${root}[dev]" } "freeze" { "${root}[packaging]" } default { $root } }
& $python -m pip install --disable-pip-version-check --retries 5 `
    --constraint (Join-Path $root "packaging\constraints.txt") --editable $what
if ($LASTEXITCODE -ne 0) { throw "The packages could not be installed; what pip said stands above." }
Set-Content -NoNewline -Path (Join-Path $venv "hilum-$Job.stamp") -Value $fingerprint
Write-Host "setup: ready"
