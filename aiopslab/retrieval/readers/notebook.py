"""Notebooks: their Markdown and code, without outputs."""

from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.markdown import headings, title_of
from aiopslab.retrieval.readers.reading import Reading, Unreadable
from aiopslab.retrieval.sections import Heading


def read(label: str, content: bytes) -> Reading:
    """Read the cells in order, those of code between fences.

    Raises
    ------
    Unreadable
        If it is no notebook.
    """
    import nbformat

    text, troubles = decoded(content)
    try:
        notebook = nbformat.reads(text, as_version=4)
        language = notebook.metadata.get("kernelspec", {}).get("language", "")
        cells = [(each["cell_type"], each["source"]) for each in notebook["cells"]]
    except Exception as error:  # it validates, converts, and trips over what is neither
        raise Unreadable(f"not a notebook: {str(error).splitlines()[0]}") from None
    parts: list[str] = []
    found: list[Heading] = []
    length = 0
    for kind, source in cells:
        if not isinstance(source, str) or not source.strip():
            continue
        if kind == "markdown":
            found += [each._replace(start=each.start + length) for each in headings(source)]
        parts.append(_fenced(source, language) if kind == "code" else source)
        length += len(parts[-1]) + 2
    return Reading("\n\n".join(parts), tuple(found), title_of(tuple(found)), troubles=troubles)


def _fenced(code: str, language: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"
