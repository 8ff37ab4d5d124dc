"""Commits and tags of real repositories, made for each test."""

import os
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.sources.git.patches import MAX_DIFF, MAX_PATCH
from aiopslab.sources.git.redaction import redacted
from tests.sources.servers import problem
from tests.system import need

NOON = pd.Timestamp("2026-03-01T12:00Z")
AWS_KEY = "AKIA" + "Z7QX" * 4
GITHUB_TOKEN = "ghp_" + "a1B2" * 9
PRIVATE_KEY = "\n".join(
    ["-----BEGIN RSA PRIVATE KEY-----", *["M1x/" * 16] * 5, "-----END RSA PRIVATE KEY-----"]
)


class Repository:
    """A repository whose every commit is a minute after the one before."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.clock = NOON
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    @property
    def url(self) -> str:
        return f"git+file://{self.path}"

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        stamp = f"{int(self.clock.timestamp())} +0130"
        who = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "x"), ("EMAIL", "x@example.org"), ("DATE", stamp))
        }
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            [need("git"), "-C", self.path, *arguments],
            env=os.environ | who | alone,
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "replace").strip()

    def commit(self, files: dict[str, str], message: str | bytes = "a change") -> str:
        """Write files and commit them; return the hash."""
        self.clock += pd.Timedelta("1min")
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "--all")
        text = message.encode() if isinstance(message, str) else message
        self.git("commit", "--quiet", "--allow-empty", "--file=-", stdin=text)
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str, *options: str) -> None:
        self.clock += pd.Timedelta("1min")
        self.git("tag", name, *options)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


@pytest.fixture
def monorepo(tmp_path: Path) -> Repository:
    """Three services, two of which are deployed, and one library."""
    made = Repository(tmp_path / "shop")
    made.commit(
        {
            "services/auth/Dockerfile": "FROM scratch\n",
            "services/auth/main.py": "pool = 20\n",
            "services/pay/src/Dockerfile": "FROM scratch\n",
            "libs/money/pyproject.toml": "",
            "deploy/pay.yaml": "replicas: 3\n",
            "README.md": "A shop\n",
        },
        "Begin",
    )
    return made


def changes(repository: Repository, *window: object, **options: object) -> pd.DataFrame:
    return sources.open(repository.url, *window, **options).changes


def test_a_commit_becomes_a_change_with_its_files_and_its_lines(repository):
    repository.commit({"pool.py": "size = 20\n"})
    commit = repository.commit({"pool.py": "size = 2\n"}, "Shrink the pool\n\nIt was too large.\n")
    row = changes(repository).iloc[-1]
    assert row["timestamp"] == NOON + pd.Timedelta("2min")
    assert row["kind"] == "commit"
    assert commit.startswith(row["ref"])
    assert row["service"] == "shop"
    assert row["description"] == "Shrink the pool\n\nIt was too large.\n\nfiles: pool.py"
    assert row["files"] == ["pool.py"]
    assert "\n-size = 20\n+size = 2\n" in row["diff"]


def test_the_time_is_that_of_the_commit_and_not_of_its_author(repository):
    repository.commit({"a": "1"})
    repository.clock += pd.Timedelta("1D")
    repository.git("commit", "--amend", "--quiet", "--no-edit")  # keeps the author's date
    assert changes(repository)["timestamp"].tolist() == [NOON + pd.Timedelta("1D1min")]


def test_a_window_has_both_its_ends(repository):
    for minute in range(1, 6):
        repository.commit({"a": str(minute)}, f"minute {minute}")
    read = changes(repository, NOON + pd.Timedelta("2min"), NOON + pd.Timedelta("4min"))
    subjects = [each.partition("\n")[0] for each in read["description"]]
    assert subjects == ["minute 2", "minute 3", "minute 4"]


def test_a_window_without_commits_says_when_the_last_one_was(repository):
    repository.commit({"a": "1"})
    said = problem(lambda: changes(repository, "2026-04-01T00:00Z", "2026-04-02T00:00Z"))
    assert "no commit between 2026-04-01" in said
    assert "2026-03-01T12:01:00" in said


def test_a_merge_is_listed_once_with_what_it_brought(repository):
    repository.commit({"a": "1\n"}, "begin")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"side.py": "x = 1\n"}, "beside")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"a": "2\n"}, "meanwhile")
    repository.clock += pd.Timedelta("1min")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    read = changes(repository)
    subjects = [each.partition("\n")[0] for each in read["description"]]
    assert sorted(subjects) == ["Merge side", "begin", "beside", "meanwhile"]
    merge = read.iloc[subjects.index("Merge side")]
    assert merge["files"] == ["side.py"]
    assert "+x = 1" in merge["diff"]


def test_a_tag_is_a_deploy_with_what_came_since_the_one_before(repository):
    repository.commit({"a": "1\n"})
    repository.tag("v1.0")
    repository.commit({"b": "1\n"})
    repository.commit({"c": "1\n"}, "last")
    repository.tag("nightly-3")
    repository.tag("v1.1", "--annotate", "--message=Faster\u2028yet\n\nand more")
    deploys = changes(repository).query("kind == 'deploy'").set_index("ref")
    assert list(deploys.index) == ["v1.0", "nightly-3", "v1.1"], "in the order of their times"
    assert deploys.loc["v1.1", "timestamp"] == repository.clock
    assert (
        deploys.loc["v1.1", "description"] == "tag v1.1, since v1.0: Faster\u2028yet\n\nfiles: b, c"
    )
    assert deploys.loc["v1.1", "files"] == ["b", "c"]
    assert deploys.loc["v1.0", "files"] == [], "what the first one brought cannot be told"


def test_a_tag_outside_the_history_that_is_read_is_not_listed(repository):
    repository.commit({"a": "1"})
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"b": "1"})
    repository.tag("v2")
    assert "deploy" not in set(changes(repository, ref="main")["kind"])
    assert "deploy" in set(changes(repository, ref="side")["kind"])


def test_each_service_of_a_monorepo_has_its_row(monorepo):
    files = {"services/auth/main.py": "pool = 2\n", "deploy/pay.yaml": "replicas: 1\n"}
    monorepo.commit(files | {"README.md": "The shop\n"}, "Shrink")
    read = changes(monorepo).query("description.str.startswith('Shrink')").set_index("service")
    assert sorted(read.index) == ["auth", "pay"]
    assert sorted(read.loc["auth", "files"]) == ["README.md", "services/auth/main.py"]
    assert sorted(read.loc["pay", "files"]) == ["README.md", "deploy/pay.yaml"]
    assert "replicas" not in read.loc["auth", "diff"]
    assert "+replicas: 1" in read.loc["pay", "diff"]


def test_what_no_service_owns_belongs_to_the_repository(monorepo):
    monorepo.commit({"libs/money/round.py": "x = 1\n"}, "Round up")
    assert changes(monorepo).iloc[-1]["service"] == "shop"


def test_services_may_be_said(monorepo):
    monorepo.commit({"libs/money/round.py": "x = 1\n", "services/auth/main.py": ""}, "Round up")
    said = changes(monorepo, services={"libs/": "libraries", "libs/money": "money"}).tail(1)
    assert said["service"].tolist() == ["money"], "the longest path wins"
    url = f"{monorepo.url}?services=libs:libraries,services/auth:login"
    assert set(sources.open(url).changes.tail(2)["service"]) == {"libraries", "login"}
    assert "libs" in problem(lambda: changes(monorepo, services="libs"))


def test_a_single_service_is_called_after_where_it_came_from(tmp_path):
    origin = Repository(tmp_path / "payments.git")
    origin.commit({"a": "1", "Dockerfile": "FROM scratch"})
    clone = Repository(tmp_path / "work")
    clone.git("remote", "add", "origin", "https://me:s3cr3t-token@host.example/team/payments.git")
    clone.commit({"a": "2"})
    for each in (origin, clone):
        assert changes(each)["service"].tolist() == ["payments"]


def test_paths_narrow_what_is_read(monorepo):
    monorepo.commit({"services/auth/main.py": "pool = 2\n", "README.md": "?"}, "both")
    monorepo.commit({"README.md": "!"}, "only the text")
    for read in (
        changes(monorepo, paths="services/auth, deploy"),
        changes(monorepo, paths=["services/auth"]),
        sources.open(f"{monorepo.url}/services/auth").changes,
    ):
        assert "only the text" not in " ".join(read["description"])
        assert read.iloc[-1]["files"] == ["services/auth/main.py"]
    for number, name in enumerate(("README.md", "services/auth/main.py", "README.md")):
        monorepo.commit({name: f"x = {number}"}, "again")
        monorepo.tag(f"v{number}")
    tags = changes(monorepo, paths="services/auth").query("kind == 'deploy'")
    assert tags["ref"].tolist() == ["v1"], "the others changed nothing there"
    assert "no commit to nowhere" in problem(lambda: changes(monorepo, paths="nowhere"))


def test_a_path_is_taken_as_it_is_written(repository):
    repository.commit({"a*": "1", "ab": "1", ":(top)x": "1", "--help": "1"})
    for name in ("a*", ":(top)x", "--help"):
        assert changes(repository, paths=[name])["files"].tolist() == [[name]]


@pytest.mark.parametrize("ref", ["--output=/tmp/x", "-p", "nosuch", "main..main", "HEAD:a"])
def test_a_ref_that_is_none_is_said(repository, ref, tmp_path):
    repository.commit({"a": "1"})
    said = problem(lambda: changes(repository, ref=ref))
    assert repr(ref) in said
    assert "main" in said


def test_what_is_no_repository_is_said(tmp_path, repository, monkeypatch):
    (tmp_path / "bare").mkdir()
    assert "not a git repository" in problem(lambda: sources.open(f"git+file://{tmp_path}/bare"))
    assert "shop" in problem(lambda: sources.open(f"git+file://{tmp_path}/sho"))
    (tmp_path / "file").write_text("")
    assert "is a file" in problem(lambda: sources.open(f"git+file://{tmp_path}/file"))
    assert "has no commits" in problem(lambda: changes(repository))
    assert "names no folder" in problem(lambda: sources.open("git+file://"))
    assert "'limit'" in problem(lambda: sources.open(f"{repository.url}?limt=3"))
    assert "limit is 'many'" in problem(lambda: sources.open(f"{repository.url}?limit=many"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git is not installed" in problem(lambda: changes(repository))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_the_repository_of_another_user_is_not_read_unasked(repository, tmp_path):
    repository.commit({"a": "1"})
    for each in (repository.path, repository.path / ".git"):
        os.chown(each, 65534, 65534)
    said = problem(lambda: changes(repository))
    assert "another user" in said
    assert f"safe.directory {repository.path}" in said


def test_a_relative_path_is_one(repository, monkeypatch):
    repository.commit({"a": "1"})
    monkeypatch.chdir(repository.path.parent)
    assert len(sources.open("git+file://shop").changes) == 1


def test_a_bare_repository_is_read(repository, tmp_path):
    repository.commit({"a": "1"})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "mirror.git"))
    assert sources.open(f"git+file://{tmp_path}/mirror.git").changes["files"].tolist() == [["a"]]


def test_a_shallow_clone_does_not_pass_off_its_content_as_a_change(repository, tmp_path):
    for number in range(4):
        repository.commit({"a": str(number), f"file{number}": ""}, f"commit {number}")
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=2", f"file://{repository.path}", str(shallow))
    evidence = sources.open(f"git+file://{shallow}")
    assert any("shallow" in each for each in evidence.notes)
    assert evidence.changes["files"].tolist() == [[], ["a", "file3"]]


def test_a_limit_that_cuts_is_noted(repository):
    for number in range(4):
        repository.commit({"a": str(number)}, f"commit {number}")
        repository.tag(f"v{number}")
    evidence = sources.open(repository.url, limit=3)
    commits = evidence.changes.query("kind == 'commit'")["description"]
    assert [each.partition("\n")[0] for each in commits] == [f"commit {n}" for n in (1, 2, 3)]
    assert any("latest 3 commits" in each for each in evidence.notes)
    assert any("latest 3 tags" in each for each in evidence.notes)
    assert not sources.open(repository.url, limit=4).notes


def test_names_and_messages_in_any_bytes_survive(repository):
    strange = "ein Ordner/naïve „Datei“\n\t<b>.py"
    repository.commit({strange: "x"})
    assert changes(repository).iloc[-1]["files"] == [strange]
    seconds = int(repository.clock.timestamp())
    head = (
        f"tree {repository.git('write-tree')}\nparent {repository.git('rev-parse', 'HEAD')}\n"
        f"author x <x> {seconds} +0000\ncommitter x <x> {seconds} +0000\n"
    )
    for encoding, body, read in (
        ("", b"Gr\xf6\xdfe \xff\n\nnext\x1b[31m", "Gr\ufffd\ufffde \ufffd\n\nnext\x1b[31m"),
        ("encoding ISO-8859-1\n", b"Gr\xf6\xdfe", "Größe"),
    ):
        content = f"{head}{encoding}\n".encode() + body
        commit = repository.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=content)
        assert changes(repository, ref=commit)["description"].tolist()[-1] == read


def test_renames_modes_links_and_binaries_keep_to_their_files(repository):
    repository.commit({"old": "line\n" * 50, "link": "x\n", "tool": "y\n"})
    repository.git("mv", "old", "new")
    (repository.path / "link").unlink()
    (repository.path / "link").symlink_to("new")
    (repository.path / "tool").chmod(0o755)
    (repository.path / "blob").write_bytes(bytes(range(256)) * 10)
    repository.commit({"zzz": "last\n"})
    row = changes(repository, paths=None).iloc[-1]
    assert row["files"] == ["blob", "link", "new", "tool", "zzz"]
    assert "rename from old" in row["diff"]
    assert "Binary files" in row["diff"]
    last = changes(repository, services={"zzz": "z"}).iloc[-1]["diff"]
    assert "+last" in last


def test_a_generated_file_does_not_hide_the_others(repository):
    lock = [f"package {number} = {number}\n" for number in range(100_000)]
    repository.commit({"aaa.lock": "".join(lock[:5_000]), "bbb.lock": "".join(lock), "z": "1\n"})
    diff = changes(repository).iloc[-1]["diff"]
    assert "the rest of this file is left out" in diff
    assert "b/bbb.lock differ" in diff
    assert "+++ b/z\n" in diff
    assert len(diff) < MAX_PATCH + 1000


def test_a_huge_commit_is_bounded(repository):
    repository.commit({f"folder/file{n}": "x\n" * 100 for n in range(300)}, "m" * 50_000)
    row = changes(repository).iloc[-1]
    assert len(row["diff"]) < MAX_DIFF + 2 * MAX_PATCH
    assert "only the first" in row["diff"]
    assert len(row["files"]) == 300
    assert "and 250 more" in row["description"]
    assert len(row["description"]) < 5_000


def test_nothing_that_a_repository_configures_is_run(repository, tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\necho $0 >> {ran}\ncat\n")
    script.chmod(0o755)
    repository.commit({".gitattributes": "*.py diff=evil filter=evil\n", "a.py": "1\n"})
    repository.commit({"a.py": "2\n"})
    for name in (
        *("diff.external", "diff.evil.textconv", "diff.evil.command", "core.pager", "pager.log"),
        *("core.fsmonitor", "gpg.program", "core.sshCommand", "filter.evil.smudge", "core.editor"),
        *("core.alternateRefsCommand", "filter.evil.clean", "filter.evil.process"),
    ):
        repository.git("config", name, str(script))
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "color.ui", "always")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (repository.path / ".git/hooks" / hook).write_text(script.read_text())
        (repository.path / ".git/hooks" / hook).chmod(0o755)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    monkeypatch.setenv("GIT_PAGER", str(script))
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert "\n-1\n+2\n" in changes(repository).iloc[-1]["diff"]
    assert not ran.exists(), ran.read_text()


def test_a_partial_clone_is_not_completed_behind_ones_back(repository, tmp_path):
    repository.commit({"a": "1\n"})
    repository.commit({"a": "2\n"})
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    source = f"file://{repository.path}"
    repository.git("clone", "--quiet", "--no-checkout", "--filter=blob:none", source, str(partial))
    assert "partial clone" in problem(lambda: sources.open(f"git+file://{partial}"))


def test_secrets_in_a_commit_do_not_leave_it(repository, capfd):
    hidden = [AWS_KEY, GITHUB_TOKEN, "M1x/M1x/", "hunter2secret", "tr0ub4dor", "kub3rn3t3s"]
    content = f"""
aws = "{AWS_KEY}"
password = 'hunter2secret'
url = "postgres://shop:tr0ub4dor@db:5432/shop"
- name: DB_PASSWORD
  value: kub3rn3t3s
{PRIVATE_KEY}
max_tokens = 512
"""
    repository.commit({"settings.py": content}, f"Use {GITHUB_TOKEN}\n\ntoken: hunter2secret")
    evidence = sources.open(repository.url)
    row = evidence.changes.iloc[-1]
    shown = f"{row.to_dict()} {evidence!r} {evidence.notes} {evidence._repr_html_()}"
    for secret in hidden:
        assert secret not in shown
    assert "max_tokens = 512" in row["diff"], "what is no secret explains incidents"
    assert "postgres://shop:[redacted]@db:5432/shop" in row["diff"]
    assert capfd.readouterr() == ("", "")


def test_a_secret_at_the_edge_of_what_is_shown_is_whole_or_hidden(repository):
    for offset in range(0, 60, 3):
        filler = "y y\n" * (MAX_PATCH // 5 - 40 + offset)
        lines = f"{AWS_KEY} {GITHUB_TOKEN}\n{PRIVATE_KEY}\n{filler}"
        repository.commit({"a": filler + lines})
    joined = " ".join(changes(repository)["diff"])
    assert "[redacted]" in joined
    assert AWS_KEY[:12] not in joined
    assert "M1x/" not in joined
    assert GITHUB_TOKEN[:12] not in joined


@pytest.mark.parametrize(
    "text",
    [
        "max_tokens: 512",
        "token_limit = 4096",
        "password_min_length: 8",
        "password = os.environ['DB_PASSWORD']",
        "token = get_token()",
        "api_key: ${API_KEY}",
        'password: "{{ .Values.password }}"',
        "token: str",
        "password: None",
        "cost_per_token = 0.0004",
        "f(per_token=12_000, x=1)",
        "token: str | None = None",
        "password = settings.password",
        "shop --token $TOKEN",
        "<password></password>",
        "secretKeyRef: {name: shop}",
        "author: x",
        "index d00491f..1191247 100644",
        "fixes 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
        "https://example.org/a@b",
        "basic authentication is gone",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password=SECRET99",
        "password=99999SECRET99",
        "+  DB_PASSWORD: SECRET99",
        '"client_secret": "SECRET99"',
        "spring.datasource.password=SECRET99",
        "export AWS_SECRET_ACCESS_KEY=SECRET99",
        "apiKey := 'SECRET99'",
        'api_key="with \\" quote SECRET99"',
        'password: str = "SECRET99"',
        "token: str | None = 'SECRET99'",
        "DB_PASS=SECRET99",
        "password=ab$cd,(SECRET99",
        "AccountName=shop;AccountKey=SECRET99==;EndpointSuffix=x",
        "<db.password>SECRET99</db.password>",
        "mysql --user=shop --password SECRET99",
        "machine host login shop password SECRET99",
        "https://hooks.slack.com/services/T000/B000/SECRET99",
        "Authorization: Bearer abcdefgh-SECRET99",
        "redis://:SECRET99@cache:6379",
        "sk-ant-api03-SECRET99SECRET99SECRET99",
        "xoxb-1234567890-SECRET99",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SECRET99",
        "-----BEGIN PRIVATE KEY-----\nSECRET99 and no end",
        '+        - name: SMTP_PASSWORD\n+          value: "SECRET99"',
    ],
)
def test_a_secret_is_hidden(text):
    assert "SECRET99" not in redacted(text)


@given(st.text(max_size=300))
def test_redaction_is_done_in_one_go(text):
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "password",
        "://x:",
        "name:\n",
        "-----BEGIN ",
        "eyJ",
        "\n ",
        "'",
        "--",
        "token: ",
        "token:a",
    ],
)
def test_a_credential_is_found_behind_any_amount_of_hostile_text(unit):
    text = unit * (2 * MAX_PATCH // len(unit))
    assert GITHUB_TOKEN not in redacted(f"{text}\n{GITHUB_TOKEN}\n")
