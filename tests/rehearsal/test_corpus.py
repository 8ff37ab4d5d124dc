from collections import Counter

from aiopslab.rehearsal import corpus


def test_the_corpus_has_the_size_of_a_handbook():
    assert 60 <= len(corpus.documents()) <= 120
    assert len(corpus.questions()) >= 150


def test_ids_and_questions_are_unique():
    asked = [*corpus.questions(), *corpus.hard_questions()]
    assert max(Counter(each.id for each in corpus.documents()).values()) == 1
    assert max(Counter(each.text for each in asked).values()) == 1


def test_every_question_belongs_to_a_document_of_its_topic():
    for question in [*corpus.questions(), *corpus.hard_questions()]:
        assert corpus.document(question.document).topic == question.topic


def test_no_question_is_the_text_of_a_document():
    text = " ".join(each.text for each in corpus.documents())
    assert not [each.text for each in corpus.questions() if each.text in text]
