"""Secrets by reference: resolved in the kernel, refused in plain, known to the scan."""

import hashlib
import json

import keyring
import pytest
from keyring.backend import KeyringBackend

from aiopslab.errors import ParameterError, SecretError
from aiopslab.reports import catalogue, secrets
from aiopslab.reports.parameters import read, validate
from aiopslab.reports.run import run
from aiopslab.reports.secrets import reveal
from tests.notebooks import CONCLUDES, template

VALUE = "zK4-vvQ9!sub-marine"
PARAMETERS = read("token: Secret  # Of the service\nother: Secret | None = None\nrows: int = 1")


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1
    kept: dict = {}  # noqa: RUF012

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def ring():
    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield keyring.get_keyring()
    keyring.set_keyring(before)


def test_a_reference_is_revealed_from_environment_file_and_keyring(tmp_path, monkeypatch, ring):
    monkeypatch.setenv("A_TOKEN", VALUE)
    (tmp_path / "token").write_text(VALUE + "\n")
    ring.set_password("my/service", "me", VALUE)
    for each in ("env:A_TOKEN", f"file:{tmp_path}/token", "keyring:my/service/me"):
        assert reveal(each) == VALUE
        assert validate(PARAMETERS, {"token": each})["token"] == each


@pytest.mark.parametrize(
    ("reference", "remedy"),
    [("env:NO_SUCH", "Set NO_SUCH"), ("file:/no/such", "path"), ("keyring:a/b", "keyring set a b")],
)
def test_a_reference_to_nothing_is_told_by_its_name(reference, remedy, ring):
    with pytest.raises(SecretError, match=f"no secret at {reference}") as raised:
        reveal(reference)
    assert remedy in raised.value.remedy
    with pytest.raises(SecretError, match="token: there is no secret"):
        secrets.known(PARAMETERS, {"token": reference})


@pytest.mark.parametrize("given", [VALUE, "env:", "env:1X", "keyring:a", "vault:x", 7, ["env:A"]])
def test_a_plain_value_is_refused_and_not_repeated(given):
    with pytest.raises(ParameterError) as raised:
        validate(PARAMETERS, {"token": given})
    assert VALUE not in str(raised.value) and "token is (not shown)" in str(raised.value)
    if isinstance(given, str):
        assert "process list" in str(raised.value) and "env:API_TOKEN" in str(raised.value)
    with pytest.raises(SecretError) as revealed:
        reveal(VALUE)
    assert VALUE not in str(revealed.value)


def test_the_help_of_a_secret_says_how_to_give_it():
    assert "env:NAME" in PARAMETERS[0].kind() and PARAMETERS[0].is_secret
    assert not PARAMETERS[2].is_secret


def test_variables_that_look_like_secrets_are_known_and_others_are_not(monkeypatch):
    for name in list(secrets.os.environ):
        monkeypatch.delenv(name)
    looks = {
        "SOME_TOKEN": VALUE,
        "DATABASE_URL": "postgres://me:hunter2@db/x",
        "LICENSE_KEY": "letters" * 3,
    }
    not_at_all = {
        "API_TOKEN_FILE": "/run/secrets/token",
        "DB_PASSWORD": "postgres",
        "PATH": "/usr/bin:/bin",
        "SECRET_URL": "https://vault.example.com",
        "HOME": "/root",
    }
    for name, value in (looks | not_at_all).items():
        monkeypatch.setenv(name, value)
    found = {each.name: each.value for each in secrets.of_environment()}
    assert found == looks | {"DATABASE_URL": "hunter2"}
    assert not any(each.is_declared for each in secrets.of_environment())


def test_a_secret_reaches_the_kernel_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", VALUE)
    digest = hashlib.md5(VALUE.encode()).hexdigest()
    asks = (
        "import hashlib\nfrom aiopslab.reports.secrets import reveal\n"
        f"assert hashlib.md5(reveal(token).encode()).hexdigest() == {digest!r}"
    )
    made = template(
        tmp_path / "made.ipynb",
        asks,
        CONCLUDES,
        parameters="token: Secret = 'env:A_TOKEN'",
    )
    before = json.loads(made.read_text())
    imports = "from aiopslab.reports.secrets import Secret"
    before["cells"].insert(1, {**before["cells"][1], "source": imports, "metadata": {}, "id": "i"})
    made.write_text(json.dumps(before))
    record = run(catalogue.load(made), {}, tmp_path / "out")
    assert record.status == "finished", record.failure
    assert record.parameters["token"] == "env:A_TOKEN" and not record.redacted
    for file in (tmp_path / "out" / record.id).iterdir():
        assert VALUE not in file.read_text()


def test_a_secret_that_is_not_there_starts_nothing(tmp_path):
    made = template(tmp_path / "made.ipynb", CONCLUDES, parameters="token: Secret = 'env:NONE_X'")
    with pytest.raises(SecretError, match="token: there is no secret at env:NONE_X"):
        run(catalogue.load(made), {}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_refuses_a_plain_secret_without_repeating_it(aiopslab, tmp_path):
    made = template(tmp_path / "made.ipynb", CONCLUDES, parameters="token: Secret")
    code, out, err = aiopslab("run", made, "-p", f"token={VALUE}", "-o", tmp_path / "out")
    assert code == 2 and VALUE not in out + err and "env:API_TOKEN" in err
    (tmp_path / "values.yml").write_text(f"token: {VALUE}")
    code, out, err = aiopslab("run", made, "-f", tmp_path / "values.yml", "-o", tmp_path / "out")
    assert code == 2 and VALUE not in out + err
    assert not (tmp_path / "out").exists()


def test_errors_of_the_command_hold_no_secret_of_the_environment(aiopslab, tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", VALUE)
    made = template(tmp_path / "made.ipynb", CONCLUDES)
    code, out, err = aiopslab("run", made, "-p", f"rows={VALUE}", "-o", tmp_path / "out")
    assert code == 2 and VALUE not in out + err and "[secret A_TOKEN]" in err
