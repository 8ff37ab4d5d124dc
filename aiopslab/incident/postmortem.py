"""A draft of the post-mortem, in Markdown: what the evidence says, and TODO where people must."""

from collections.abc import Iterable, Sequence

import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.findings import Verdict
from aiopslab.incident.markdown import bullets, safe, stamp, table, table_of

TODO = "TODO"
HYPOTHESES = 4
# A probability and what to call it, from the likeliest down.
WORDS = ((0.8, "likely"), (0.5, "more likely than not"))
UNSETTLED = "not settled"


def draft(
    verdict: Verdict,
    timeline_rows: pd.DataFrame | None = None,
    suspects: pd.DataFrame | None = None,
    templates: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    actions: Sequence[str] = (),
) -> str:
    """Write down what is known of an incident, for people to finish.

    Parameters
    ----------
    verdict
        Of the analysis.
    timeline_rows
        What happened: ``timestamp`` and any columns that say it, each shown under its name. Where
        one of them is ``source``, rows whose source is ``alert`` tell how long detection took.
    suspects
        As `aiopslab.incident.ranking.rank_services` returns them, the likeliest first: ``service,
        probability`` (0 to 1, leaving room for none of these), ``kind, name``.
    templates
        Log templates whose number changed, any columns.
    changes
        Changes frame, of those that may have mattered.
    actions
        What to do about it, beside what the verdict asks for.

    Returns
    -------
    str
        Markdown with tables. Every text that came with the evidence is escaped, for Markdown and
        for HTML. Times are UTC. What only people can know is marked ``TODO``.

    Raises
    ------
    FrameError
        If a frame lacks a column that is needed.

    Notes
    -----
    The parts are those of Beyer et al. (2016), Site Reliability Engineering, chapter 15. It is
    blameless: it tells what systems did, and names nobody.

    Examples
    --------
    >>> text = draft(Verdict("act", "auth is slow."), actions=["Add an alert on the pool."])
    >>> text.splitlines()[0]
    '# Post-mortem, draft: auth is slow.'
    """
    _check("timeline_rows", timeline_rows, ["timestamp"])
    _check("suspects", suspects, ["service", "probability", "kind", "name"])
    _check("changes", changes, ["timestamp", "kind", "service", "ref"])
    parts = [
        _summary(verdict, timeline_rows),
        _impact(verdict),
        _timeline(timeline_rows),
        _cause(verdict, suspects, changes),
        _detection(timeline_rows),
        _looking_back(),
        _actions([*verdict.actions, *actions]),
        _appendix(verdict, templates, changes),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(verdict: Verdict, rows: pd.DataFrame | None) -> str:
    times = _times(rows)
    when = TODO if times.empty else f"{stamp(times.min())} to {stamp(times.max())} UTC"
    figures = [f"{safe(name)}: {value:.4g}" for name, value in verdict.metrics.items()]
    return "\n".join(
        [
            f"# Post-mortem, draft: {safe(verdict.headline)}",
            "",
            "This draft holds what the evidence says. It is blameless: it tells what systems did "
            "and what was known at the time. Every TODO is for people to fill in.",
            "",
            *table(
                ["status", "evidence covers", "severity", "written by", "reviewed by"],
                [["draft", when, TODO, TODO, TODO]],
            ),
            "",
            "## Summary",
            "",
            f"{safe(verdict.headline)} The analysis ends in the verdict **{verdict.level}**.",
            "",
            *bullets(figures),
        ]
    )


def _impact(verdict: Verdict) -> str:
    felt = [
        f"{safe(each.subject)}: {safe(each.claim)}"
        + (f" {safe(each.effect)}." if each.effect else "")
        for each in verdict.findings
        if each.severity != "ok"
    ]
    return "\n".join(
        [
            "## Impact",
            "",
            "What the evidence shows:" if felt else "The evidence shows no impact by itself.",
            "",
            *bullets(felt),
            *bullets(
                [
                    f"users affected, and how: {TODO}",
                    f"requests, data or money lost: {TODO}",
                    f"error budget used: {TODO}",
                ]
            ),
        ]
    )


def _timeline(rows: pd.DataFrame | None) -> str:
    lines = ["## Timeline (UTC)", ""]
    if rows is None or rows.empty:
        return "\n".join([*lines, f"{TODO}: when it began, was noticed, was understood, was over."])
    ordered = rows.assign(timestamp=_times(rows)).sort_values("timestamp", kind="stable")
    asked = f"{TODO}: add when people noticed, what they tried, and when it was over."
    return "\n".join([*lines, *table_of(ordered), "", asked])


def _cause(verdict: Verdict, suspects: pd.DataFrame | None, changes: pd.DataFrame | None) -> str:
    lines = ["## Root cause and contributing factors", ""]
    if suspects is None or suspects.empty:
        lines.append(f"The evidence names no service. Root cause: {TODO}.")
    else:
        lines += [*_how_sure(verdict, suspects), "", "### Competing hypotheses", ""]
        lines += _hypotheses(suspects, changes)
    return "\n".join([*lines, "", "### Contributing factors", "", *_factors(changes)])


def _how_sure(verdict: Verdict, suspects: pd.DataFrame) -> list[str]:
    first = suspects.iloc[0]
    likely = float(first["probability"])
    word = next((word for least, word in WORDS if likely >= least), UNSETTLED)
    subject = str(first["service"])
    claims = [safe(each.claim) for each in verdict.findings if each.subject == subject]
    return [
        f"Likeliest: {safe(subject)}, {_percent(likely)} ({word}). This is where the trouble "
        f"most likely started; why it started there: {TODO}.",
        "",
        *bullets(claims),
    ]


def _hypotheses(suspects: pd.DataFrame, changes: pd.DataFrame | None) -> list[str]:
    """Return a table of what may have been the cause, and what would tell it from the others."""
    shown = suspects.head(HYPOTHESES)
    rows = []
    for row in shown.to_dict("records"):
        service = row["service"]
        rivals = " and ".join(safe(other) for other in shown["service"] if other != service)
        mine = None if changes is None else changes[changes["service"] == service]
        undone = "" if mine is None or mine.empty else f" (undo {safe(mine['ref'].iloc[-1])})"
        test = f"Restore {safe(service)} alone{undone}: if it is the cause, this mends "
        speaks = f"{safe(row['kind'])}: {safe(row['name'])}"
        likely = _percent(row["probability"])
        rows.append(
            [f"It began in {safe(service)}", likely, speaks, test + (rivals or "all") + "."]
        )
    rest = max(0.0, 1 - float(shown["probability"].sum()))
    outside = "Look at what sends no evidence: networks, hosts, providers, other services."
    rows.append(["None of these", _percent(rest), "", outside])
    return table(["hypothesis", "how likely", "speaks for it most", "what would tell"], rows)


def _factors(changes: pd.DataFrame | None) -> list[str]:
    asked = [f"what made it possible, worse, or longer: {TODO}"]
    if changes is None or changes.empty:
        return bullets(["no changes are in the evidence", *asked])
    near = [
        f"{stamp(time)} UTC, {safe(kind)} {safe(ref)} on {safe(service) or 'everything'}: near in "
        f"time, which does not make it a cause. {TODO}: did it contribute?"
        for time, kind, service, ref in zip(
            _times(changes), changes["kind"], changes["service"], changes["ref"], strict=True
        )
    ]
    return bullets([*near[:HYPOTHESES], *asked])


def _detection(rows: pd.DataFrame | None) -> str:
    known = []
    if rows is not None and "source" in rows.columns:
        times = _times(rows)
        alerts = times[(rows["source"] == "alert").to_numpy()]
        if len(alerts):
            waited = (alerts.min() - times.min()).total_seconds() / 60
            known.append(
                f"The first alert came at {stamp(alerts.min())} UTC, {waited:.1f} min after the "
                "first entry of the timeline."
            )
    asked = [f"who or what noticed it first: {TODO}", f"what would have noticed it sooner: {TODO}"]
    return "\n".join(["## Detection", "", *bullets([*known, *asked])])


def _looking_back() -> str:
    headings = ("What went well", "What went badly", "Where we were lucky")
    return "\n\n".join(["## Looking back", *(f"### {each}\n\n- {TODO}" for each in headings)])


def _actions(actions: Iterable[str]) -> str:
    rows = [[safe(each), TODO, TODO, TODO] for each in dict.fromkeys(actions)]
    rows.append([f"{TODO}: so that it does not happen again", TODO, TODO, TODO])
    kind = "prevents, detects or mitigates"
    return "\n".join(["## Actions", "", *table(["action", kind, "owner", "due"], rows)])


def _appendix(
    verdict: Verdict, templates: pd.DataFrame | None, changes: pd.DataFrame | None
) -> str:
    findings = [
        [safe(value) for value in (each.subject, each.claim, each.effect, each.evidence)]
        for each in verdict.findings
    ]
    lines = ["## Appendix: the evidence"]
    if findings:
        lines += ["", "### Findings", ""]
        lines += table(["subject", "claim", "how large", "where to look"], findings)
    for heading, frame in (("Log lines", templates), ("Changes", changes)):
        if frame is not None and len(frame):
            lines += ["", f"### {heading}", "", *table_of(frame)]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "unknown" if pd.isna(share) else f"{100 * share:.0f} %"


def _check(name: str, frame: pd.DataFrame | None, columns: Sequence[str]) -> None:
    missing = [each for each in columns if frame is not None and each not in frame.columns]
    if missing:
        raise FrameError(
            f"{name} has no column {', '.join(missing)}; expected {', '.join(columns)}",
            f"Name them so, or pass {name}=None.",
        )


def _times(rows: pd.DataFrame | None) -> pd.DatetimeIndex:
    given = [] if rows is None else list(rows["timestamp"])
    return pd.DatetimeIndex(pd.to_datetime(pd.Index(given), utc=True))
