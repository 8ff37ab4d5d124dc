import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.incident.codelines import code_lines, parts, stems
from aiopslab.incident.patches import read_patch


def patch(removed="", added="", files=()):
    lines = [f"-{line}" for line in removed.splitlines()]
    return read_patch("\n".join([*lines, *(f"+{line}" for line in added.splitlines())]), files)


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        ("// the old way", "// the new way"),
        ('log.info("began")', 'log.info("started at %s", now)'),
        ('raise Late("took too long")', 'raise Late("it took too long, sorry")'),
        ('accent: "#3b82f6",', 'accent: "#2563eb",'),
        ("    total = add(a, b)", "  total  = add(a, b)"),
        ("x = 1  # one", "x = 1"),
    ],
    ids=["comment", "logging", "text", "colour", "spaces", "trailing"],
)
def test_what_is_for_people_changes_nothing_that_runs(removed, added):
    assert not patch(removed, added).changes_code
    assert patch(removed, added).novelty == 0


@pytest.mark.parametrize(
    "files",
    [["docs/api.md"], ["tests/test_a.py"], ["web/a.css"], [".github/ci.yml"], ["CODEOWNERS"]],
)
def test_files_that_do_not_run_in_production_change_nothing_that_runs(files):
    assert not patch("a()", "b()", files).changes_code
    assert not read_patch(None, files).changes_code
    assert patch("a()", "b()", [*files, "src/main.py"]).changes_code


@pytest.mark.parametrize("file", ["requirements.txt", "prompts/system.txt", ".env", "values.yaml"])
def test_settings_and_prompts_run(file):
    assert patch("be_kind", "be_terse", [file]).changes_code


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        ("if a < limit:", "if a <= limit:"),
        ("if not ready:", "if ready:"),
        ("await flush(queue)", "flush(queue)"),
        ("verify: true", "verify: false"),
        ("if (ok && done) {", "if (ok || done) {"),
    ],
)
def test_a_turned_condition_is_all_new(removed, added):
    assert patch(removed, added).turns_a_condition
    assert patch(removed, added).novelty == 1


@pytest.mark.parametrize(
    ("removed", "added", "expected"),
    [
        ("ttl = 15 * time.Minute", "ttl = 15 * time.Second", 1.0),
        ("ttl: 15m", "ttl: 15s", 1.0),
        ("pool: 100", "pool: 10", 1.0),
        ("timeout: 1000ms", "timeout: 1s", 0.0),
        ("retries = 2", "retries = 4", 0.301),
        ("retries = 4", "retries = 2", 0.301),
        ("retries = 4", "attempts = 400", 0.0),
    ],
)
def test_a_value_is_read_with_its_unit(removed, added, expected):
    assert patch(removed, added).tenfold == pytest.approx(expected, abs=1e-3)


def test_a_rewording_is_told_from_a_loss():
    reworded = patch(
        "if lat < LOW: raise OutOfRange(lat)\nif lat > HIGH: raise OutOfRange(lat)",
        "check_range(lat, LOW, HIGH)",
    )
    lost = patch("if exp.add(leeway).before(clock):", "if exp.before(clock):")
    assert reworded.novelty < 0.5
    assert "leeway" in lost.gone
    assert not lost.come
    assert patch("register_agents(registry)").novelty == 1
    assert patch("", "register_agents(registry)").only_adds


@pytest.mark.parametrize(
    ("version", "expected"), [("v1.2.4", 0.0), ("v1.3.0", 0.5), ("v2.0.0", 1.0)]
)
def test_an_upgrade_is_as_new_as_its_version_says(version, expected):
    upgrade = patch("lib v1.2.3", f"lib {version}", ["go.mod", "go.sum"])
    assert upgrade.is_upgrade
    assert upgrade.novelty == expected
    assert upgrade.tenfold == 0


@pytest.mark.parametrize("files", [None, float("nan"), "src/a.py", ["src/a.py", None]])
def test_what_is_missing_is_not_known(files):
    assert not read_patch(float("nan"), files).is_known
    assert read_patch(None, files).novelty == 1


def test_the_names_of_files_are_no_lines():
    read = read_patch("--- a/src/a.py\n+++ b/src/a.py\n-x = load()\n+x = fetch()\n")
    assert (read.files, read.removed, read.added) == (
        ("src/a.py",),
        ("x = load()",),
        ("x = fetch()",),
    )
    assert read_patch("--- a/src/a.py\n+++ /dev/null\n-x = load()").files == ()


def test_words_of_any_script_are_read():
    assert stems("Überprüfung des 検索インデックス")["überp"] == "überprüfung"
    assert parts("検索インデックス") == ("検索インデックス",)


LINES = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=5)


@given(LINES, LINES)
def test_a_patch_and_its_undoing_are_equally_new(removed, added):
    forth = patch("\n".join(removed), "\n".join(added))
    back = patch("\n".join(added), "\n".join(removed))
    assert 0 <= forth.novelty <= 1
    assert forth.novelty == pytest.approx(back.novelty)
    assert forth.tenfold == pytest.approx(back.tenfold)
    assert 0 <= forth.tenfold <= 1
    assert forth.gone == back.come


@given(st.text(max_size=200), st.sampled_from("+-"))
def test_any_text_can_be_read(text, sign):
    assert all(line == " ".join(line.split()) != "" for line in code_lines(text, sign))
    assert 0 <= read_patch(text).novelty <= 1
