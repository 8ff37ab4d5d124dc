"""The scan: known secrets in every form, shapes of others, and nothing else."""

import base64
import html
import json
import textwrap
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.reports.scan import Scanner, forms
from aiopslab.reports.secrets import Known
from aiopslab.reports.shapes import SHAPES

VALUE = "kJ8#mq/92Lw&<xÄ>\"'tz"
values = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=40)
around = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


def scanned(text, value=VALUE, **more):
    scanner = Scanner([Known("TOKEN", value, **more)])
    return scanner.text(text, "here"), scanner


ENCODINGS = {
    "plain": str,
    "url": lambda value: quote(value, safe=""),
    "path": quote,
    "form": quote_plus,
    "json": json.dumps,
    "json in json": lambda value: json.dumps(json.dumps(value)),
    "json in html": lambda value: json.dumps(value, ensure_ascii=False).replace("<", "\\u003c"),
    "html": html.escape,
    "html without quotes": lambda value: html.escape(value, quote=False),
    "repr": repr,
    "ascii": ascii,
    "hex": lambda value: value.encode().hex(),
    "backwards": lambda value: value[::-1],
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@given(value=values, before=around, after=around)
def test_a_known_value_is_found_in_every_form(encode, value, before, after):
    clean, scanner = scanned(f"{before} {encode(value)} {after}", value)
    assert encode(value).strip("\"'") not in clean
    assert "[secret TOKEN]" in clean and scanner.leaked == {"TOKEN"}


@given(value=values, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_a_known_value_is_found_in_the_base64_of_what_holds_it(value, before, after):
    raw = before + value.encode() + after
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        clean, _ = scanned(f"data:{encode(raw).decode()}", value)
        assert "[secret TOKEN]" in clean


@given(st.text(st.characters(min_codepoint=48, max_codepoint=122), min_size=16, max_size=60))
def test_a_value_over_several_lines_and_a_half_of_one_are_found(value):
    lines = "\n   ".join(textwrap.wrap(value, 5, drop_whitespace=False))
    assert value[-4:] not in scanned(f"x {lines} y", value)[0].replace("TOKEN", "")
    half = value[: len(value) // 2]
    assert half not in scanned(f"| {half}… |", value)[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)
def test_values_without_secrets_are_as_they_were(value):
    scanner = Scanner([Known("TOKEN", "correct horse battery staple")])
    assert scanner.value(value, "here") == value and not scanner.found


def test_a_value_is_found_in_names_texts_and_numbers():
    scanner = Scanner([Known("PIN", "8675309123"), Known("TOKEN", VALUE)])
    dirty = {VALUE: [{"deep": f"<b>{VALUE}</b>"}, 8675309123, 8675309124, True]}
    clean = scanner.value(dirty, "cell 1")
    assert clean == {
        "[secret TOKEN]": [{"deep": "<b>[secret TOKEN]</b>"}, "[secret PIN]", 8675309124, True]
    }
    assert scanner.found == {"cell 1": 3} and scanner.leaked == {"PIN", "TOKEN"}


def test_the_longer_of_two_secrets_goes_first():
    scanner = Scanner([Known("A", "abcdefgh1"), Known("B", "abcdefgh1-and-more-9")])
    assert scanner.text("abcdefgh1-and-more-9 abcdefgh1", "here") == "[secret B] [secret A]"


def test_a_short_secret_is_one_only_where_it_stands_alone():
    clean, _ = scanned("pin 1234, not 12345 nor x1234y", "1234")
    assert clean == "pin [secret TOKEN], not 12345 nor x1234y"


def test_what_merely_looks_like_a_secret_is_no_leak():
    clean, scanner = scanned("password hunter2hunter2", "hunter2hunter2", is_declared=False)
    assert clean == "password [secret TOKEN]" and not scanner.leaked and scanner.found


def test_a_known_value_does_not_show_in_a_traceback():
    assert VALUE not in repr(Known("TOKEN", VALUE))


def test_forms_of_what_is_too_short_to_be_told_are_none():
    assert forms("abc") == set() and "abcdef" in forms("abcdef")


PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"
# Put together here, lest who scans this repository finds them.
TOKENS = {
    "AWS key": "AKIA" + "5QWERTYUIOPASDFG",
    "AWS secret": "aws_secret_key = '" + "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzzKEY" + "'",
    "private key": PEM.format("MIIEowIBAAKCAQEA" * 4),
    "cut private key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04f",
    "web token": "eyJ"
    + "hbGciOiJIUzI1NiJ9.eyJ"
    + "zdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "Slack": "xox" + "b-263594206564-2343594206564-FGqddMF8t08v8N7Oq4i57vs1",
    "Slack hook": "https://hooks.slack" + ".com/services/T0000/B0000/abcdefgh1234",
    "GitHub": "gh" + "p_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx",
    "GitHub fine": "github" + "_pat_11ABCDEFG0abcdefghijklmnop",
    "GitLab": "glp" + "at-hellOworld380_testin",
    "OpenAI": "sk-" + "Xi8tcNiHV9awbCcvilTeT3Blbk" + "FJ3UDnbqwxrkxfGbbsxZZa",
    "Stripe": "sk_" + "live_ReTllpYQYfIZu2Jnf2lAPFjD",
    "SendGrid": "SG." + "ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzrnopKc-1s5cr",
    "basic auth": "https://joe:" + "hunter2@db.example.com/x",
    "bearer": "Authorization: Bearer " + "abcdef0123456789abcdef0123456789",
}


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("wrap", [str, json.dumps, html.escape], ids=["text", "json", "html"])
def test_shapes_of_well_known_tokens_are_taken_out(token, wrap):
    scanner = Scanner()
    clean = scanner.text(f"before {wrap(token)} after", "here")
    if wrap is str or "aws_secret" not in token:  # whose quotes are what tells it
        assert "[secret: " in clean and scanner.found["here"] >= 1 and not scanner.leaked
        assert clean.startswith("before ") and clean.endswith(" after")
        assert token[-12:] not in clean or "://" in token
        assert "hunter2" not in clean


def test_shapes_are_found_in_plain_values():
    cell = {"outputs": [{"text": each} for each in TOKENS.values()]}
    clean = Scanner().value(cell, "cell 1")["outputs"]
    assert all("[secret: " in each["text"] for each in clean), clean


def test_every_shape_begins_with_plain_letters():
    """By which `re` searches a page many times faster."""
    for shape in SHAPES:
        first = shape.hint.pattern.lstrip("\\")[0]
        assert first.isalnum() or first in "-:", shape.label


@pytest.mark.parametrize(
    "text",
    [
        "sha256 " + "0123456789abcdef" * 4,
        "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 40).decode(),
        "token = reveal(token)  # password: none",
        "https://example.com:8080/path@version?key=value",
        "postgresql://db:5432/name",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7",
        "the bearer of this letter",
        "python@3.11, user@example.com, 10.0.0.1:443",
    ],
)
def test_what_reports_are_full_of_is_left_alone(text):
    scanner = Scanner()
    assert scanner.text(text, "here") == text and not scanner.found
