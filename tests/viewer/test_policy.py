"""The site's policy: read strictly, closed where it is in doubt, and never a crash."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from viewer import paths
from viewer.errors import SecondReaderError
from viewer.model_list import find_installed, installed_models, model_faults
from viewer.options import DEVICE, FETCH_LIMIT_MB, HEAT_MAP_OPACITY, MODEL
from viewer.policy import Policy, Server, own_servers, read_policy, site_policy
from viewer.second_reader.reader import SecondReader
from viewer.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WHOLE = """
[report]
institution = "Example Hospital, Radiology"
footer = "Not part of the record."

[settings]
locked = ["reading/device", "examples/limit_mb"]
[settings.reading]
model = "ours"
device = "cpu"
[settings.heat_map]
opacity = 0.4

[network]
allowed = true
own_servers = false

[second_reader]
override_allowed = false

[retrieved]
keep_days = 2

[[server]]
name = "pacs"
url = "https://pacs.example.org/dicom-web/"
token = "secret"
ca_file = "site-ca.pem"

[[server]]
name = "here"
url = "http://localhost:8042/dicom-web"
user = "reader"
password = "word"
"""


@pytest.fixture
def policy_file(tmp_path, monkeypatch):
    """Return a function that puts a policy in force and says what is read of it."""

    def write(text: str) -> Policy:
        file = tmp_path / f"{hashlib.sha256(text.encode()).hexdigest()[:8]}.toml"
        file.write_text(text, encoding="utf-8")
        monkeypatch.setenv("HILUM_POLICY", str(file))
        return site_policy()

    return write


@pytest.fixture
def bundle(tmp_path, shipped_model):
    """Return the folder of a site's model: the card of ours under another name."""
    folder = tmp_path / "models" / "ours"
    folder.mkdir(parents=True)
    card = json.loads((shipped_model / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, "name": "ours"}), encoding="utf-8")
    return folder


def listed(bundle: Path, **hashes: str) -> str:
    return "\n".join(["[[model]]", f"folder = {json.dumps(str(bundle))}", *(f'{k} = "{v}"' for k, v in hashes.items())])


def card_hash(bundle: Path) -> str:
    return hashlib.sha256((bundle / "card.json").read_bytes()).hexdigest()


def test_without_a_file_everything_is_allowed():
    assert site_policy() == Policy()


def test_a_whole_policy_is_read(policy_file, tmp_path):
    policy = policy_file(WHOLE)
    assert policy.faults == ()
    assert (policy.institution, policy.report_footer) == ("Example Hospital, Radiology", "Not part of the record.")
    assert (policy.network_allowed, policy.own_servers_allowed, policy.override_allowed) == (True, False, False)
    assert policy.keep_days == 2
    assert policy.servers == (
        Server("pacs", "https://pacs.example.org/dicom-web", token="secret", ca_file=tmp_path / "site-ca.pem"),
        Server("here", "http://localhost:8042/dicom-web", user="reader", password="word"),
    )


def test_what_opens_a_server_is_in_no_text(policy_file):
    text = repr(policy_file(WHOLE))
    assert "secret" not in text
    assert "word'" not in text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[network]\nallowed = no", "It is not TOML: "),
        ("[network]\nalowed = false", '[network] has an unknown entry "alowed"; known are allowed, own_servers.'),
        ("[netwrok]\nallowed = false", 'There is an unknown entry "netwrok"; known are report, network'),
        ('[network]\nallowed = "no"', '[network] allowed must be true or false, and is "no".'),
        ("network = false", "network must be a table, and is false."),
        ("[report]\ninstitution = 3", "[report] institution must be a text in quotes, and is 3."),
        ('[report]\nfooter = "a\\nb"', "[report] footer must be one line of text."),
        ("[retrieved]\nkeep_days = -1", "[retrieved] keep_days must be from 0 to 3,650, and is -1."),
        ("[retrieved]\nkeep_days = true", "[retrieved] keep_days must be a whole number, and is true."),
        ('[settings.reading]\ndevice = "gpu"', "[settings.reading] device must be one of auto, cpu, cuda, and is"),
        ("[settings.films]\nmemory_mb = 1.5", "[settings.films] memory_mb must be a whole number from 0 to 1,000,000"),
        ("[settings.films]\nmemory = 1", '[settings.films] has an unknown entry "memory"; known are memory_mb.'),
        ('[settings]\nlocked = ["view/corner_text"]', '[settings] locked names "view/corner_text", which cannot be'),
        ('[[server]]\nname = "a"\nurl = "http://pacs/dw"', "[[server]] number 1: url is not encrypted (http)"),
        ('[[server]]\nname = "a"\nurl = "https://u:p@pacs/dw"', "[[server]] number 1: url must be the root"),
        ('[[server]]\nname = "a b"\nurl = "https://pacs/dw"', "[[server]] number 1: name must be letters"),
        ('[[server]]\nname = "a"\nurl = "https://p/d"\ntoken = "t"\nuser = "u"', "number 1: give one way to be let in"),
        ("[server]\nname = 'a'", "server must be a list of tables, each under [[server]]"),
        ("[[model]]\nfolder = 'm'", "[[model]] number 1: card_sha256 or weights_sha256 is missing."),
        ("[[model]]\nfolder = 'm'\ncard_sha256 = 'abc'", "number 1: card_sha256 must be 64 hexadecimal digits."),
    ],
)
def test_an_error_is_named_and_closes_what_may_have_been_meant(policy_file, text: str, fault: str):
    policy = policy_file(text)
    assert len(policy.faults) == 1
    assert fault in policy.faults[0]
    assert not policy.network_allowed
    assert not policy.override_allowed


def test_a_policy_that_may_not_be_read_closes_too(tmp_path):
    (tmp_path / "policy.toml").mkdir()
    policy = read_policy(tmp_path / "policy.toml")
    assert policy.faults[0].startswith("It cannot be read")
    assert not policy.network_allowed


def test_no_variable_unbinds_from_the_policy_of_the_machine(policy_file, tmp_path, monkeypatch):
    (tmp_path / "policy.toml").write_text("[network]\nallowed = false", encoding="utf-8")
    monkeypatch.setattr(paths, "_machine_folder", lambda: tmp_path)
    assert not policy_file("[network]\nallowed = true").network_allowed


def test_a_site_default_gives_way_and_a_locked_setting_does_not(policy_file, tmp_path):
    policy_file(WHOLE)
    settings = Settings(tmp_path / "settings.ini")
    assert (settings.get(MODEL), settings.get(DEVICE), settings.get(HEAT_MAP_OPACITY)) == ("ours", "cpu", 0.4)
    settings.set(MODEL, "another")
    settings.set(DEVICE, "cuda")
    settings.set(FETCH_LIMIT_MB, 7)
    assert (settings.get(MODEL), settings.get(DEVICE), settings.get(FETCH_LIMIT_MB)) == ("another", "cpu", 500)


def test_what_a_user_chose_before_the_lock_does_not_count(tmp_path):
    Settings(tmp_path / "settings.ini", Policy()).set(DEVICE, "cuda")
    locked = Policy(settings={"reading/device": "cpu"}, locked=frozenset({"reading/device"}))
    assert Settings(tmp_path / "settings.ini", locked).get(DEVICE) == "cpu"


def test_a_model_that_is_listed_is_offered_first(policy_file, bundle):
    policy_file(listed(bundle, card_sha256=card_hash(bundle).upper()))
    assert installed_models()[0].folder == bundle
    assert find_installed("ours") == bundle


def test_a_model_can_be_listed_by_its_weights(policy_file, bundle):
    weights = json.loads((bundle / "card.json").read_text(encoding="utf-8"))["files"]["weights.safetensors"]
    assert model_faults(policy_file(listed(bundle, weights_sha256=weights))) == ()


@pytest.mark.parametrize("what", ["card_sha256", "weights_sha256"])
def test_a_model_that_is_another_is_refused(policy_file, bundle, what: str):
    policy = policy_file(listed(bundle, **{what: "0" * 64}))
    assert "ours" not in [model.name for model in installed_models()]
    assert "The model ours, which your site lists, is refused" in model_faults(policy)[0]
    with pytest.raises(SecondReaderError, match="is refused"):
        find_installed("ours")


def test_a_model_without_a_card_is_named(policy_file, tmp_path):
    policy = policy_file(listed(tmp_path / "gone", card_sha256="0" * 64))
    assert model_faults(policy) == ("The model gone, which your site lists, is not offered: its card.json cannot be read.",)


def test_a_model_changed_while_the_program_runs_is_not_loaded(policy_file, bundle):
    policy_file(listed(bundle, card_sha256=card_hash(bundle)))
    (bundle / "card.json").write_text((bundle / "card.json").read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(SecondReaderError, match="is not the model that was approved"):
        list(SecondReader().warm_up(bundle))


def test_the_users_own_servers_are_read_and_their_errors_named(hilum_home):
    (hilum_home / "servers.toml").write_text('[[server]]\nname = "mine"\nurl = "https://x/y"\n[extra]\n', encoding="utf-8")
    servers, faults = own_servers()
    assert [server.name for server in servers] == ["mine"]
    assert faults == ('There is an unknown entry "extra"; known are server.',)


@pytest.mark.parametrize("example", [0, 1])
def test_the_administrators_examples_have_no_errors(policy_file, example: int):
    text = (ROOT / "packaging" / "ADMINISTRATORS.md").read_text(encoding="utf-8")
    policy = policy_file(text.split("```toml\n")[1 + example].split("```")[0])
    assert policy.faults == ()
    assert policy.network_allowed is (example == 0)


def hilum_policy(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "main.py"), "--policy"]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=60)


def test_the_administrator_sees_what_is_in_force_without_what_opens_servers(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text(WHOLE, encoding="utf-8")
    done = hilum_policy(HILUM_POLICY=str(file))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"In force: {file}"
    assert "Setting reading/device: cpu (locked)" in lines
    assert "Server pacs: https://pacs.example.org/dicom-web, let in by token, certificates" in done.stdout
    assert "secret" not in done.stdout


def test_the_administrator_sees_errors_and_the_exit_status_says_so(tmp_path):
    file = tmp_path / "policy.toml"
    file.write_text("[network]\nalowed = false", encoding="utf-8")
    done = hilum_policy(HILUM_POLICY=str(file))
    assert done.returncode == 1
    assert 'ERROR: [network] has an unknown entry "alowed"' in done.stdout
    assert "Network: off" in done.stdout
