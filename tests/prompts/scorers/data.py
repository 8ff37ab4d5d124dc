"""The public sets, where they are: the tests that need them are skipped elsewhere."""

import pytest

from benchmarks.prompts import labelled

needed = pytest.mark.skipif(
    not labelled.is_there(), reason="the public data is not here; set AIOPSLAB_EVALUATION_DATA"
)
