"""RetrievalInspector: what two configurations find of one question, side by side."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from aiopslab.errors import AIOpsLabError, RetrievalError
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus, open_corpus
from aiopslab.retrieval.explored import as_parameters
from aiopslab.retrieval.inspection import Inspection, inspect
from aiopslab.retrieval.known import Known, known_of
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.stages import Question
from aiopslab.retrieval.trial import whole_documents
from aiopslab.retrieval.truth import Truth, open_questions
from aiopslab.widgets.panel import Panel, Pick
from aiopslab.widgets.retrieval_grader import Grader
from aiopslab.widgets.retrieval_knobs import Knobs
from aiopslab.widgets.retrieval_passages import lists_html, metrics_html
from aiopslab.widgets.retrieval_report import Rerun
from aiopslab.widgets.retrieval_results import Results
from aiopslab.widgets.view import View

if TYPE_CHECKING:
    import plotly.graph_objects as go

_WIDE = {"width": "100%"}
_SIDES = {"flex_flow": "row wrap", "width": "100%", "align_items": "flex-start", "grid_gap": "16px"}


class RetrievalInspector(View):
    """Puts a question to two configurations, and shows how each came to what it finds.

    Parameters
    ----------
    searched
        A retriever; or a corpus or the address of one, which is embedded by the model on this
        machine.
    configurations
        Two: A, the one in use, and B.
    truth
        Questions whose answers are known, or their address.
    labels
        A store in which passages are graded.
    rater
        Who grades; needed with `labels`.

    Attributes
    ----------
    selection : dict
        ``question``, the configurations ``a`` and ``b`` by field, and the ``document`` and its
        ``grade`` that was graded last. It can be observed.
    inspection : Inspection or None
        What is shown.

    Raises
    ------
    RetrievalError
        If there are not two configurations, or labels without a rater.

    Examples
    --------
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> one, two = Configuration(search="lexical", k=1), Configuration(search="lexical", k=2)
    >>> inspector = RetrievalInspector(Retriever(corpus, {}), [one, two])
    >>> inspector.question.value = "Do wings fill queues?"
    >>> inspector.inspection.b.hits["document"].tolist()
    ['queues.md', 'wings.md']
    """

    def __init__(
        self,
        searched: Retriever | Corpus | str,
        configurations: Sequence[Configuration],
        truth: Truth | str | None = None,
        labels: Labels | None = None,
        rater: str | None = None,
    ) -> None:
        if len(configurations) != 2:
            raise RetrievalError(
                f"{len(configurations)} configurations were given; expected two",
                "Pass [the one in use, another].",
            )
        super().__init__("Retrieval inspector")
        self._corpus_url = searched if isinstance(searched, str) else None
        self._questions_url = truth if isinstance(truth, str) else None
        self.retriever = _retriever(searched)
        corpus = self.retriever.corpus
        self.truth = open_questions(truth, corpus) if isinstance(truth, str) else truth
        self._is_whole = self.truth is not None and whole_documents(self.truth, corpus.documents)
        self._labels, self._grader = labels, None
        if labels is not None:
            self._grader = Grader(labels, rater or "", corpus, self._graded, self._tell)
        self._asked: Question | None = None
        self._note = ""
        self._chosen: tuple[str, int | None] | None = None
        self.inspection: Inspection | None = None
        self._make(configurations)
        self._select()

    def to_parameters(self, folder: str | Path | None = None) -> dict[str, Any]:
        """Write what the report ``rag_tuning`` needs to run what was explored.

        Parameters
        ----------
        folder
            Of the files, which are written anew; that of the labels, else the present one, where
            ``None``.

        Returns
        -------
        dict
            ``corpus, questions, current, space``: A is the current configuration, B all that is
            tried, and the questions are those of the truth and those that were labelled.

        Raises
        ------
        RetrievalError
            As `explored.as_parameters` does.
        """
        beside = self._labels.path.parent if self._labels else Path()
        a, b = (each.configuration for each in self.knobs)
        return as_parameters(
            Path(folder or beside),
            self._corpus_url or self.retriever.corpus,
            a,
            b,
            self.truth,
            self._labels,
            self._questions_url,
        )

    def summary(self) -> str:
        """Return the question and both lists as HTML."""
        if self.inspection is None:
            return "<p>No question was asked.</p>"
        asked = f"<p><b>{escape(self.inspection.question)}</b></p>"
        return f"{asked}{self._metrics.value}{lists_html(self.inspection)}"

    def pictures(self) -> "list[go.Figure]":
        """Return the scores by stage."""
        return [] if self.inspection is None else [self.inspection.figure()]

    def __repr__(self) -> str:
        names = " against ".join(each.configuration.name for each in self.knobs)
        asked = f'"{self._asked.text}"' if self._asked else "nothing asked"
        return f"RetrievalInspector({names}: {asked})"

    def _make(self, configurations: Sequence[Configuration]) -> None:
        known = [] if self.truth is None else self.truth.questions["text"].tolist()
        self.question = widgets.Combobox(
            options=list(dict.fromkeys(known)),
            placeholder="Type a question and press Enter",
            description="Question:",
            tooltip="Any question; those with known answers are offered",
            continuous_update=False,
            layout={"flex": "1 1 auto", "width": "auto"},
        )
        auto = {"width": "auto"}
        self.ask = widgets.Button(description="Ask", tooltip="Ask it again", layout=auto)
        self.question.observe(lambda _: self._ask(), "value")
        self.ask.on_click(lambda _: self._ask())
        self.knobs = [
            Knobs(name, each, self.retriever, configurations)
            for name, each in zip("AB", configurations, strict=True)
        ]
        for each in self.knobs:
            each.observe(lambda _: self._look(), "configuration")
        self._said, self._metrics = widgets.HTML(), widgets.HTML()
        hidden = {"width": "24em", "display": "none"}
        self.progress = widgets.IntProgress(description="embedded", layout=hidden)
        self.retriever.progress = self._embedded
        grader = self._grader
        on_grade = grader.grade if grader else None
        self.results = [Results("A", "B", on_grade), Results("B", "A", on_grade)]
        if grader:
            self.page.shortcuts = ["u"]
            self.page.on_key(lambda _: grader.take_back())
        # Made when it is opened and drawn while it is: a figure takes as long as all the rest.
        self._panel: Panel | None = None
        self.scores = widgets.Accordion([widgets.VBox()], titles=["Scores by stage"])
        self.scores.observe(lambda _: self._draw_scores(), "selected_index")
        self.rerun = Rerun(self.to_parameters)
        self.show(
            widgets.HBox([self.question, self.ask], layout=_WIDE),
            widgets.HBox([each.widget for each in self.knobs], layout=_SIDES),
            self._said,
            self.progress,
            self._metrics,
            *([grader.widget] if grader else []),
            widgets.HBox([each.widget for each in self.results], layout=_SIDES),
            self.scores,
            self.rerun.widget,
        )

    def _ask(self) -> None:
        """Ask what was typed."""
        text, self._chosen = self.question.value, None
        if self._asked is None or self._asked.text != text:
            self._asked, self._note = None, ""
            try:
                self._asked = Question(text)
            except RetrievalError as error:
                self._clear(str(error))
        self._look()

    def _look(self) -> None:
        """Ask both configurations, as the knobs are."""
        if self._asked is None:
            self._select()
            return
        a, b = (each.configuration for each in self.knobs)
        if new := [each.name for each in (a, b) if not self.retriever.is_ready(each)]:
            self._tell(f"Making the chunks of {' and of '.join(dict.fromkeys(new))} …")
        known = known_of(self._asked.text, self.truth, self._labels)
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                found = inspect(self.retriever, self._asked, a, b, known.answers, self._is_whole)
        except AIOpsLabError as error:
            self._clear(str(error))
            self._select()
            return
        finally:
            self.progress.layout.display = "none"
        # The question is embedded once, and what the embedder said of it holds for all knobs.
        self._note = " ".join([self._note, *(str(each.message) for each in told)]).strip()
        self._tell(self._note)
        for knobs in self.knobs:
            knobs.refresh()
        self._draw(found, known)

    def _draw(self, found: Inspection, known: Known) -> None:
        self.inspection = found
        grades = self._grader.grades(known) if self._grader else {}
        looks = (found.a, found.b)
        for results, look in zip(self.results, looks, strict=True):
            results.show(look, known.answers, grades)
        self._metrics.value = metrics_html(found, known.standing)
        self._draw_scores()
        told = [f"{len(each.hits)} found, {each.hits['answers'].sum()} answer" for each in looks]
        self.page.say(f"A: {told[0]}. B: {told[1]}.")
        self._select()

    def _draw_scores(self) -> None:
        if self.scores.selected_index is None or self.inspection is None:
            return
        figure = self.inspection.figure()
        if self._panel is not None:
            self._panel.draw(figure)
            return
        # Put on the page with all that is in it: one that is only just coming misses what is drawn.
        self._panel = Panel(self.page, figure)
        self._panel.on_pick(self._picked)
        self.scores.children[0].children = (self._panel.widget,)

    def _graded(self, document: str, grade: int | None) -> None:
        """Show what was graded, or taken back."""
        self._chosen = document, grade
        self._look()
        self.page.say(f"{document}: {'no grade' if grade is None else f'grade {grade}'}")

    def _picked(self, pick: Pick) -> None:
        """Choose the document of a bar."""
        self._chosen = str(pick.data[2]), None
        self._select()

    def _clear(self, told: str) -> None:
        """Tell what is wrong, and show no hits of something else."""
        self.inspection, self._metrics.value = None, ""
        for each in self.results:
            each.clear()
        self._tell(told)

    def _tell(self, told: str) -> None:
        said = escape(told).replace("\n", "<br>")
        self._said.value = f'<div role="alert">{said}</div>' if told else ""

    def _embedded(self, done: int, of: int) -> None:
        if done < of:
            self.progress.max, self.progress.value = of, done
            self.progress.layout.display = None

    def _select(self) -> None:
        document, grade = self._chosen or (None, None)
        a, b = (asdict(each.configuration) for each in self.knobs)
        asked = self._asked.text if self._asked else None
        self.selection = {"question": asked, "a": a, "b": b, "document": document, "grade": grade}


def _retriever(searched: Retriever | Corpus | str) -> Retriever:
    if isinstance(searched, Retriever):
        return searched
    return Retriever(open_corpus(searched) if isinstance(searched, str) else searched)
