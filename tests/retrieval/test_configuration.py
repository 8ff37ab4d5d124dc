"""Configurations: what they refuse, what makes no difference, and their file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.configuration import Configuration, read_configuration

ANY = st.builds(
    Configuration,
    chunking=st.sampled_from(["fixed", "recursive", "sentence", "headings", "semantic"]),
    size=st.integers(50, 900),
    overlap=st.integers(0, 49),
    search=st.sampled_from(["lexical", "dense", "hybrid"]),
    pooling=st.sampled_from(["direct", "late"]),
    fusion=st.sampled_from(["rrf", "weighted"]),
    weight=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    depth=st.integers(1, 200),
    rerank=st.sampled_from(["none", "diverse", "late"]),
    k=st.integers(1, 40),
    where=st.dictionaries(st.sampled_from(["area", "état"]), st.sampled_from(["a", "ä"])),
)


@given(ANY)
def test_a_file_gives_back_what_was_saved(tmp_path_factory, configuration):
    path = configuration.save(tmp_path_factory.mktemp("c") / "retrieval.yaml")
    assert read_configuration(path) == configuration


@given(ANY, ANY)
def test_a_name_tells_configurations_apart(one, other):
    assert (one.name == other.name) == (one == other)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"search": "semantic"}, "search is 'semantic'; expected one of lexical, dense, hybrid"),
        ({"size": 0}, "size is 0"),
        ({"size": 200.5}, "expected a whole number"),
        ({"size": True}, "size is True"),
        ({"k": 0}, "k is 0"),
        ({"weight": 1.5}, "weight is 1.5"),
        ({"size": 100, "overlap": 100}, "less than the size"),
    ],
)
def test_what_is_out_of_range_is_named(told, says):
    with pytest.raises(RetrievalError, match=says):
        Configuration(**told)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n- b", "holds a list"),
        ("sizes: 200", "has no 'sizes'"),
        ("size: many", "size is 'many'"),
        ("{", "cannot be read"),
        ("where: 3", "cannot be used"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, text, says):
    path = tmp_path / "retrieval.yaml"
    path.write_text(text)
    with pytest.raises(RetrievalError, match=says):
        read_configuration(path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RetrievalError, match="cannot be read"):
        read_configuration(tmp_path / "none.yaml")


def test_what_makes_no_difference_is_as_by_default():
    words = Configuration(search="lexical", pooling="late", fusion="weighted", weight=0.1)
    assert words == Configuration(search="lexical")
    assert Configuration(chunking="headings", overlap=50) == Configuration(chunking="headings")
    assert Configuration(search="dense", k1=2.0, b=0.1) == Configuration(search="dense")
    assert Configuration(search="hybrid", depth=3, k=8).depth == 8
