"""Prompts of a real registry: registered, opened, promoted, rolled back, refused."""

import os
import socket
from uuid import uuid4

import mlflow
import pytest

from aiopslab.errors import PromptError
from aiopslab.mlflow_server import connect
from aiopslab.prompts.aliases import (
    check_compared,
    follow,
    last_promotion,
    promote,
    roll_back,
)
from aiopslab.prompts.decision import Decision
from aiopslab.prompts.prompt import Prompt, diff
from aiopslab.prompts.registry import number_of, open_prompt, register

pytestmark = [pytest.mark.server, pytest.mark.slow]

TEXT = Prompt.of("short", "Klassifiziere 分類 <b>{{ text }}</b>:\n", temperature=0.5, max_tokens=16)
CHAT = Prompt(
    "chat",
    (
        {"role": "system", "content": "You are terse. {% if polite %}Be polite.{% endif %}"},
        {"role": "user", "content": "{{ text }} 🙂"},
        {"role": "assistant", "content": "Sure:"},
    ),
    {"stop": ["\n", "END"], "seed": 7, "response_format": {"type": "json_object"}},
)


@pytest.fixture
def name():
    return f"prompt-{uuid4().hex[:8]}"


@pytest.fixture
def three(name, mlflow_at):
    """A prompt of three versions, by the names of the prompts."""
    return {
        each: register(Prompt.of(each, f"{each}: {{{{ text }}}}"), name, mlflow_at)
        for each in ("a", "b", "c")
    }


def pointed_at(name, alias, mlflow_at):
    return connect(mlflow_at).get_prompt_version_by_alias(name, alias).version


@pytest.mark.parametrize("prompt", [TEXT, CHAT], ids=["text", "chat"])
def test_what_is_registered_comes_back_as_it_was(prompt, name, mlflow_at):
    assert register(prompt, name, mlflow_at, "first") == 1
    opened = open_prompt(f"prompts:/{name}/1", mlflow_at)
    assert opened.version == prompt.version and opened.name == f"{name} v1"
    assert [dict(each) for each in opened.messages] == [dict(each) for each in prompt.messages]
    assert opened.parameters == prompt.parameters
    assert not diff(prompt, opened).lines
    item = {"text": "x", "polite": True}
    assert opened.render(item) == prompt.render(item)
    assert connect(mlflow_at).get_prompt_version(name, 1).commit_message == "first"


def test_only_other_content_is_another_version(name, mlflow_at):
    assert register(TEXT, name, mlflow_at) == 1
    assert register(Prompt("other", TEXT.messages, TEXT.parameters), name, mlflow_at) == 1
    assert register(Prompt("short", TEXT.messages, {"temperature": 1}), name, mlflow_at) == 2
    assert register(CHAT, name, mlflow_at) == 3
    assert register(TEXT, name, mlflow_at) == 4, "it is compared with the latest only"
    newest = open_prompt(f"prompts:/{name}@latest", mlflow_at)
    assert newest.version == TEXT.version and newest.name == f"{name} v4"
    assert number_of(f"prompts:/{name}@latest", mlflow_at) == (name, 4)


def test_prompts_that_others_registered_are_read(name, mlflow_at):
    client = connect(mlflow_at)
    client.create_prompt(name)
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    client.create_prompt_version(
        name,
        [{"role": "system", "content": "Hi"}, {"role": "user", "content": "{{question}}"}],
        response_format=schema,
        model_config={"model_name": "m", "provider": "p", "top_p": 0.5, "stop_sequences": ["x"]},
    )
    opened = open_prompt(f"prompts:/{name}/1", mlflow_at)
    assert opened.render({"question": "Why?"})[1] == {"role": "user", "content": "Why?"}
    asked = opened.parameters["response_format"]
    assert asked["type"] == "json_schema" and asked["json_schema"]["schema"] == schema
    told = {key: value for key, value in opened.parameters.items() if key != "response_format"}
    assert told == {"top_p": 0.5, "stop": ["x"]}, "which model is asked is up to the run"
    assert register(opened, name, mlflow_at) == 1


def test_an_alias_is_moved_and_moved_back(name, three, mlflow_at):
    first = promote(name, "production", 1, mlflow_at)
    assert first.before is None and "pointed at none" in str(first)
    second = promote(name, "production", three["b"], mlflow_at)
    assert (second.before, second.version, second.has_moved) == (1, 2, True)
    assert open_prompt(f"prompts:/{name}@production", mlflow_at).name == f"{name} v2"
    again = promote(name, "production", "2", mlflow_at)
    assert again.before == 2 and not again.has_moved
    roll_back(second, mlflow_at)
    assert pointed_at(name, "production", mlflow_at) == 1
    roll_back(first, mlflow_at)
    with pytest.raises(PromptError, match=r"no alias 'production'") as raised:
        open_prompt(f"prompts:/{name}@production", mlflow_at)
    assert "3, 2, 1" in raised.value.remedy


def test_what_somebody_else_has_promoted_since_is_not_rolled_back(name, three, mlflow_at):
    promote(name, "production", three["a"], mlflow_at)
    ours = promote(name, "production", three["b"], mlflow_at)
    promote(name, "production", three["c"], mlflow_at)
    with pytest.raises(PromptError, match="points at version 3, no longer at version 2"):
        roll_back(ours, mlflow_at)
    assert pointed_at(name, "production", mlflow_at) == 3


def test_the_last_promotion_is_known_to_whoever_asks(name, three, mlflow_at):
    with pytest.raises(PromptError, match="nothing is known of what production"):
        last_promotion(name, "production", mlflow_at)
    promote(name, "staging", three["c"], mlflow_at)
    promote(name, "production", three["a"], mlflow_at)
    ours = promote(name, "production", three["b"], mlflow_at)
    promote(name, "production", three["b"], mlflow_at)  # moves nothing
    assert last_promotion(name, "production", mlflow_at) == ours
    roll_back(last_promotion(name, "production", mlflow_at), mlflow_at)
    assert pointed_at(name, "production", mlflow_at) == 1
    with pytest.raises(PromptError, match="nothing is known"):
        last_promotion(name, "production", mlflow_at)
    assert last_promotion(name, "staging", mlflow_at).before is None, "each alias by itself"


def test_what_was_moved_by_other_means_is_not_taken_back(name, three, mlflow_at):
    promote(name, "production", three["a"], mlflow_at)
    promote(name, "production", three["b"], mlflow_at)
    connect(mlflow_at).set_prompt_alias(name, "production", three["c"])
    with pytest.raises(PromptError, match="points at version 3, no longer at version 2"):
        roll_back(last_promotion(name, "production", mlflow_at), mlflow_at)
    assert pointed_at(name, "production", mlflow_at) == 3


def test_the_alias_follows_the_decision(name, three, mlflow_at):
    compared = {"a": three["a"], "b": three["b"]}
    promote(name, "production", three["a"], mlflow_at)
    for choice in ("equivalent", "not enough data"):
        unmoved = Decision(choice, "a", ("Nobody knows.",))
        assert follow(unmoved, name, "production", compared, mlflow_at) is None
    moved = follow(Decision("candidate", "b", ()), name, "production", compared, mlflow_at)
    assert (moved.before, moved.version) == (1, 2)
    back = follow(Decision("baseline", "a", ()), name, "production", compared, mlflow_at)
    assert (back.before, back.version) == (2, 1)
    assert pointed_at(name, "production", mlflow_at) == 1
    with pytest.raises(PromptError, match="nothing is known"):  # a loser is no way back
        last_promotion(name, "production", mlflow_at)


def test_a_decision_says_nothing_of_a_version_that_was_not_compared(name, three, mlflow_at):
    promote(name, "production", three["c"], mlflow_at)
    compared = {"a": three["a"], "b": three["b"]}
    with pytest.raises(PromptError, match="version 3, which was not compared"):
        follow(Decision("candidate", "b", ()), name, "production", compared, mlflow_at)
    with pytest.raises(PromptError, match="version of 'd' is not known"):
        follow(Decision("candidate", "d", ()), name, "production", compared, mlflow_at)
    with pytest.raises(PromptError, match="version 3, which was not compared"):
        check_compared(name, "production", compared, mlflow_at)
    check_compared(name, "staging", compared, mlflow_at)
    assert pointed_at(name, "production", mlflow_at) == 3


def test_what_is_not_there_is_told_by_its_part(name, three, mlflow_at):
    with pytest.raises(PromptError, match="has no version 9") as raised:
        open_prompt(f"prompts:/{name}/9", mlflow_at)
    assert "3, 2, 1" in raised.value.remedy
    for look in (
        lambda: open_prompt(f"prompts:/{name}x@production", mlflow_at),
        lambda: last_promotion(f"{name}x", "production", mlflow_at),
    ):
        with pytest.raises(PromptError, match="no prompt") as raised:
            look()
        assert name in raised.value.remedy
    with pytest.raises(PromptError, match="has no version 9"):
        promote(name, "production", 9, mlflow_at)
    with pytest.raises(PromptError, match="follows the versions"):
        promote(name, "latest", 1, mlflow_at)


@pytest.mark.parametrize(
    "uri", ["prompts:/p", "prompts:/p/latest", "p", "https://me:secret@host/p", "models:/p/1", ""]
)
def test_addresses_of_another_form_are_refused(uri):
    with pytest.raises(PromptError, match="names no version of a prompt") as raised:
        open_prompt(uri)
    assert "secret" not in str(raised.value) and "prompts:/NAME" in raised.value.remedy


def test_what_cannot_be_registered_leaves_nothing_behind(name, mlflow_at):
    with pytest.raises(PromptError, match="cannot be the name"):
        register(TEXT, "a b/ü", mlflow_at)
    with pytest.raises(PromptError, match="half a character"):
        register(Prompt.of("p", "\ud83d"), name, mlflow_at)
    with pytest.raises(PromptError, match=r"parameter temperature .* is 'hot'"):
        register(Prompt.of("p", "x", temperature="hot"), name, mlflow_at)
    with pytest.raises(PromptError, match="no prompt"):
        open_prompt(f"prompts:/{name}/1", mlflow_at)


def test_the_name_of_a_model_is_no_name_of_a_prompt(name, mlflow_at):
    connect(mlflow_at).create_registered_model(name)
    with pytest.raises(PromptError, match="registered as a model"):
        register(TEXT, name, mlflow_at)
    with pytest.raises(PromptError, match="registered as a model"):
        open_prompt(f"prompts:/{name}/1", mlflow_at)


def test_a_prompt_with_content_that_is_no_text_is_refused(name, mlflow_at):
    client = connect(mlflow_at)
    client.create_prompt(name)
    image = {"type": "image_url", "image_url": {"url": "http://host/a.png"}}
    client.create_prompt_version(name, [{"role": "user", "content": [image]}])
    with pytest.raises(PromptError, match="content, which is text"):
        open_prompt(f"prompts:/{name}/1", mlflow_at)
    assert register(TEXT, name, mlflow_at) == 2, "what cannot be read is not the same"


def test_a_server_that_is_down_is_an_error_without_secrets(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    away = f"http://me:s@cret@127.0.0.1:{port}"
    with pytest.raises(PromptError, match=str(port)) as opened:
        open_prompt("prompts:/p@production", away)
    with pytest.raises(PromptError, match=str(port)) as registered:
        register(TEXT, "p", away)
    for raised in (opened, registered):
        assert "cret" not in str(raised.value) and "me:" not in str(raised.value)


def test_the_process_stays_set_as_it_was(name, mlflow_at, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    register(TEXT, name, mlflow_at)
    promote(name, "production", 1, mlflow_at)
    open_prompt(f"prompts:/{name}@production", mlflow_at)
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
    assert "MLFLOW_TRACKING_URI" not in os.environ
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    assert open_prompt(f"prompts:/{name}/1").version == TEXT.version
