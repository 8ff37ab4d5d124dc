"""Stores that take long to make."""

import pytest

from tests.retrieval.two_writers import lose_vectors


@pytest.fixture(scope="session")
def lossy(tmp_path_factory):
    """A folder that two writers lost vectors in, how many they lost, and the texts they wrote.

    Who writes it takes a copy. Tests that use it share the group ``two-writers``.
    """
    folder = tmp_path_factory.mktemp("two-writers") / "index"
    return folder, *lose_vectors(folder)
