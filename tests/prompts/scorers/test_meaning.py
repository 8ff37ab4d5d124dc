import pytest

from aiopslab.errors import ModelError
from aiopslab.models.files import MINILM, cache
from aiopslab.prompts.scorers.meaning import similarity
from tests.models.needed import need

ALIKE = [
    ("The database ran out of connections.", "No more connections to the database were free."),
    ("Please reset my password.", "I forgot how to log in and need a new password."),
    ("The flight was cancelled because of snow.", "Snow kept the plane from leaving."),
    ("He bought a used car.", "A second-hand vehicle was purchased by him."),
    ("The service answers slowly.", "Response times of the service are high."),
]


@pytest.fixture
def scorer(tmp_path, monkeypatch):
    need(MINILM)
    monkeypatch.setenv("AIOPSLAB_MODELS", str(cache()))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return similarity()


def test_every_paraphrase_scores_above_every_other_sentence(scorer):
    outputs, expected = zip(*ALIKE, strict=True)
    pairs = [(output, {"expected": each}) for output in outputs for each in expected]
    scores = scorer.batch(*zip(*pairs, strict=True))
    values = [each.value for each in scores]
    same = [values[6 * place] for place in range(5)]
    others = [each for place, each in enumerate(values) if place % 6]
    assert min(same) > max(others)


def test_the_same_words_score_one_and_the_nearest_reference_counts(scorer):
    item = {"expected": ["Nothing alike at all", "The service is down."]}
    assert scorer("The service is down.", item).value == pytest.approx(1)


def test_without_the_model_it_says_how_to_get_it_before_anything_is_scored(tmp_path, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="aiopslab models fetch"):
        similarity()
    assert similarity(lambda texts: [[1.0] for _ in texts])("a", {"expected": "b"}).value == 1
