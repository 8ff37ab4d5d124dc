import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import PromptError
from aiopslab.prompts.prompt import Prompt, diff, read_prompt
from aiopslab.prompts.template import LARGEST

ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ text['__class__'] }}",
    "{{ text|attr('__class__') }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ self.__init__ }}",
    "{{ '{0.__class__}'.format(text) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ text.format }}",
    "{{ frame.to_csv('/tmp/x') }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{% set text = 1 %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for a in 'ab' recursive %}{{ loop('ab') }}{% endfor %}",
]
BOMBS = [
    "{{ text * 999999999 }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
    "{{ range(999999999)|join }}",
    "{{ range(99999)|join(text) }}",
    "{{ text ~ text }}",
    "{{ text + text }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% for a in text %}{% for b in text %}{{ text }}{% endfor %}{% endfor %}",
    "{% for a in [[text, text]] %}{% for b in [[a, a]] %}{{ b }}{% endfor %}{% endfor %}",
    "{{ text" + "|tojson" * 60 + " }}",
    "{{ " + "(" * 400 + "text" + ")" * 400 + " }}",
]


class Frame:
    written = False

    def to_csv(self, path):
        Frame.written = True


@pytest.mark.parametrize("template", [*ESCAPES, *BOMBS])
def test_a_template_reaches_nothing_but_values_and_ends(template):
    values = {"text": '"' * 2_000, "frame": Frame()}
    with pytest.raises(PromptError):
        Prompt.of("bad", template).render(values)
    assert not Frame.written


def test_what_prompts_are_made_of_is_there():
    template = (
        "{% for each in examples %}{{ loop.index }}. {{ each.q|trim }}: {{ each.a|upper }}\n"
        "{% else %}none{% endfor %}{% if hint %}{{ hint }}{% elif 'x' in text %}x{% endif %}"
        "{{ labels|sort|join(', ') }} {{ data|tojson }} {{ text[:2] }} {{ 1 + 2 }}"
    )
    item = {
        "examples": [{"q": " one ", "a": "yes"}],
        "hint": float("nan"),
        "text": "xyz",
        "labels": ["b", "a"],
        "data": {"<b>": "é"},
    }
    told = Prompt.of("full", template).render(item)[0]["content"]
    assert told == '1. one: YES\nxa, b {"<b>": "é"} xy 3'


@given(st.text())
def test_values_are_written_as_they_are_and_never_rendered(text):
    told = Prompt.of("p", "[{{ text }}]\n").render({"text": text})
    assert told == [{"role": "user", "content": f"[{text}]\n"}]


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% raw %}", "👩‍🚀", "שלום \u202e עולם", "\ud83d"])
def test_odd_values_stay_what_they_are(text):
    assert Prompt.of("p", "{{ text }}").render({"text": text})[0]["content"] == text


def test_a_large_value_passes_and_a_larger_one_is_stopped():
    prompt = Prompt.of("p", "{{ text }}")
    assert len(prompt.render({"text": "a" * (LARGEST - 1)})[0]["content"]) == LARGEST - 1
    with pytest.raises(PromptError, match="more than"):
        prompt.render({"text": "a" * (LARGEST + 1)})


def test_a_missing_variable_is_named_with_the_nearest_and_others_are_left_alone():
    prompt = Prompt.of("p", "{{ text }}")
    with pytest.raises(PromptError, match=r"needs 'text'.*\n.*'texts'"):
        prompt.render({"texts": 1})
    assert prompt.render({"text": "a", "other": object()})[0]["content"] == "a"


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_missing_value_is_not_written_as_a_word(value):
    with pytest.raises(PromptError, match="missing in the item"):
        Prompt.of("p", "{{ text }}").render({"text": value})


@pytest.mark.parametrize(
    "made",
    [
        lambda: Prompt("p", ()),
        lambda: Prompt("p", ({"role": "robot", "content": "a"},)),
        lambda: Prompt("p", ({"role": "user", "content": 1},)),
        lambda: Prompt.of("p", "{{ text"),
        lambda: Prompt.of("p", "{% if text %}"),
        lambda: Prompt.of("p", "a", messages=[]),
        lambda: Prompt.of("p", "a", stream=True),
        lambda: Prompt.of("p", "a", n=2),
        lambda: Prompt.of("p", "a", temperature=float("nan")),
        lambda: Prompt.of("p", "a", stop={"a"}),
    ],
)
def test_what_is_no_prompt_is_refused_at_once(made):
    with pytest.raises(PromptError):
        made()


def test_a_version_is_of_the_content_alone():
    one = Prompt.of("a", "{{ text }}", temperature=0)
    assert one.version == Prompt.of("b", "{{ text }}", temperature=0).version
    assert one.version != Prompt.of("a", "{{ text }}", temperature=1).version
    assert one.version != Prompt.of("a", "{{ text }} ", temperature=0).version


def test_text_with_a_head_is_read(tmp_path):
    path = tmp_path / "short.md"
    path.write_text(
        "\ufeff---\nsystem: Be brief.\ntemperature: 0\n---\nSay\u2028 {{ text }}\n---\nend\n"
    )
    prompt = read_prompt(path)
    assert prompt.name == "short" and prompt.parameters == {"temperature": 0}
    assert [each["content"] for each in prompt.messages] == [
        "Be brief.",
        "Say\u2028 {{ text }}\n---\nend",
    ]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_messages_are_read(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    told = {"name": "n", "messages": [{"role": "user", "content": "hi 😀"}], "parameters": {"a": 1}}
    path.write_text(json.dumps(told, ensure_ascii=suffix == ".json"), encoding="utf-8")
    prompt = read_prompt(path)
    assert (prompt.name, prompt.messages[0]["content"]) == ("n", "hi 😀")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", b"messages: ["),
        ("a.yaml", b"messages: 1"),
        ("a.yaml", b"messages: [{role: user, content: a}]\nparameters: [1]"),
        ("a.yaml", b"!!python/object/apply:os.system ['true']"),
        ("a.json", b"{"),
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"messages": ["a"]}'),
        ("a.txt", b"\xff\xfe"),
        ("a.txt", b"---\n- a\n---\nb"),
        ("a.txt", b"---\nsystem: [a]\n---\nb"),
        ("a.txt", b"---\nday: 2026-01-01\n---\nb"),
        ("missing.txt", None),
    ],
)
def test_a_file_that_holds_no_prompt_is_refused(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(PromptError):
        read_prompt(tmp_path / name)


def test_a_difference_is_told_line_by_line_and_escaped():
    told = diff(Prompt.of("a", "one\n<b>"), Prompt.of("b", "one\n<i>", temperature=0))
    assert "-<b>" in str(told) and "+<i>" in str(told) and "+temperature: 0" in str(told)
    assert "<ins>+&lt;i&gt;</ins>" in told._repr_html_() and "<i>" not in told._repr_html_()
    same = Prompt.of("a", "one")
    assert str(diff(same, same)) == "no difference"
