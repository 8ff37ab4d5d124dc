"""The house itself: what is pinned, what ships, and what must never be in a file."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(lines):
    """Return {name: version} of the lines that apply to this Python."""
    requirements = [Requirement(line) for line in lines if "==" in line]
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in requirements
        if each.marker is None or each.marker.evaluate({"python_full_version": "3.11.7"})
    }


@pytest.fixture(scope="module")
def pinned():
    return pins((ROOT / "requirements.txt").read_text().splitlines())


@pytest.fixture(scope="module")
def pip_section():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    return next(each["pip"] for each in environment["dependencies"] if isinstance(each, dict))


def test_every_dependency_is_pinned_within_its_bounds(pinned):
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    for line in [*PROJECT["dependencies"], *extras]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), line


def test_conda_users_get_the_versions_of_the_pins(pinned, pip_section):
    conda = pins(pip_section)
    direct = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert set(conda) == direct, "environment.yml lists exactly the dependencies of pyproject.toml"
    assert conda == {name: pinned[name] for name in direct}
    assert {"-c requirements.txt", "-e ."} <= set(pip_section)


def test_the_pip_section_resolves_to_the_pins(pinned, pip_section, tmp_path):
    section = tmp_path / "section.txt"
    section.write_text("\n".join(line for line in pip_section if "==" in line))
    command = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11.7", "--no-header"]
    command += ["--no-annotate", "--constraints", str(ROOT / "requirements.txt"), str(section)]
    # Outside the checkout, so that nothing but the section itself is read.
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    resolved = pins(run.stdout.splitlines())
    shared = resolved.keys() & pinned.keys()
    assert {name: resolved[name] for name in shared} == {name: pinned[name] for name in shared}
    assert resolved.keys() - pinned.keys() <= {"rfc3987-syntax", "lark"}, (
        "and pulls in nothing unpinned"
    )


def test_the_wheel_ships_notebooks_samples_and_types(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(
        [*command, "--directory", str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for kind in ("templates", "notebooks"):
        shipped = {name for name in names if name.startswith(f"aiopslab/{kind}/")}
        assert shipped == {
            f"aiopslab/{path.relative_to(ROOT)}" for path in ROOT.glob(f"{kind}/*.ipynb")
        }
    assert "aiopslab/lab/labextensions/aiopslab/package.json" in names
    assert "aiopslab/lab/labextensions/aiopslab/static/launcher.js" in names
    assert "aiopslab/py.typed" in names
    assert any(re.fullmatch(r"aiopslab/samples/[^/]+/metrics\.parquet", name) for name in names)


@pytest.mark.parametrize("template", sorted(ROOT.glob("templates/*.ipynb")), ids=lambda p: p.stem)
def test_a_template_is_thin_and_stripped(template):
    cells = [
        cell for cell in json.loads(template.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    assert len(cells) <= 12
    for cell in cells:  # a parameter is a line, and a template has as many as its readers want
        is_interface = "parameters" in cell["metadata"].get("tags", [])
        assert len(cell["source"]) <= (20 if is_interface else 12)
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in cells) == 1


def test_no_file_names_a_machine_or_a_package_registry():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + "."]
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.is_file() or path.suffix in {".parquet", ".png", ".gif"}:
            continue
        text = path.read_text(errors="replace")
        assert not any(host in text for host in hosts), name
        assert not re.search(r"(?<![\w./])/(home|root|Users)/\w+", text), name


def test_make_help_lists_every_target():
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test", "lint", "lab", "bench", "install"):
        assert f"make {target}" in run.stdout
