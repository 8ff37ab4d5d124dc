import base64
import re

from hypothesis import given
from hypothesis import strategies as st

from aiopslab.incident.download import download_link
from tests.incident.test_postmortem import tags


@given(text=st.text(), name=st.text())
def test_the_link_saves_what_was_drafted_and_nothing_of_it_is_markup(text, name):
    shown = download_link(text, name)._repr_html_()
    found = dict(tag for tag in ((each[0], dict(each[1:])) for each in tags(shown)))
    assert list(found) == ["details", "summary", "p", "a", "pre"]
    assert re.fullmatch(r"[\w.-]+", found["a"]["download"], re.ASCII)
    saved = base64.b64decode(found["a"]["href"].partition("base64,")[2]).decode()
    assert saved == text.encode("utf-8", "backslashreplace").decode()
