"""The catalogue: what comes with the library, and what people add."""

import pytest
import yaml

from aiopslab.frames.schemas import CHANGE_KINDS
from aiopslab.runbooks import Step, built_in, load_catalogue
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.executors import default_executors

OWN = {
    "name": "drain-node",
    "title": "Drain the node",
    "when": ["saturation"],
    "precondition": {"text": "Others have room.", "command": "kubectl get nodes"},
    "command": "kubectl drain {node} --ignore-daemonsets",
    "risk": {"level": "high", "why": "Everything on it moves."},
    "undo": {"text": "Let it work again.", "command": "kubectl uncordon {node}"},
    "parameters": {"node": {"help": "The node"}},
}


def written(folder, *actions):
    path = folder / "own.yml"
    path.write_text(yaml.safe_dump(list(actions)))
    return path


def test_every_kind_of_change_is_answered():
    assert all(built_in().answering(kind) for kind in CHANGE_KINDS)


@pytest.mark.parametrize("action", built_in().actions, ids=lambda action: action.name)
def test_an_action_says_what_it_takes_to_judge_it(action):
    assert action.precondition.text and action.precondition.command
    assert action.risk.why.endswith(".") and action.undo.text
    values = {name: f"some-{name}" for name in action.parameters}
    step = Step.of(action, "auth", values, "It is slow.")
    assert not step.needs
    assert default_executors().of(step) is not None or not action.executor
    assert all("{" not in text for text in (step.command, step.check, step.undo_command))


def test_the_table_has_a_row_an_action():
    table = built_in().table()
    assert table["action"].is_unique and len(table) == len(built_in().actions)


def test_own_actions_come_on_top_and_replace_those_of_the_same_name(tmp_path):
    restart = {**OWN, "name": "restart-service", "when": ["symptom"]}
    catalogue = load_catalogue(written(tmp_path, OWN, restart))
    assert catalogue["drain-node"].risk.level == "high"
    assert catalogue["restart-service"].title == "Drain the node"
    assert len(catalogue.actions) == len(built_in().actions) + 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"risk": {"level": "huge", "why": "x"}}, "drain-node.risk.level"),
        ({"risk": {"level": "low"}}, "drain-node.risk.why"),
        ({"undo": None}, "drain-node.undo"),
        ({"when": ["tuesday"]}, "drain-node.when.0"),
        ({"name": "Drain Node"}, "Drain Node.name"),
        ({"colour": "red"}, "drain-node.colour"),
        ({"command": "kubectl get x | sh"}, "one program"),
        ({"command": "kubectl get x\nrm -rf y"}, "one program"),
        ({"command": "curl -H $TOKEN"}, "not expanded"),
        ({"command": "kubectl 'get"}, "No closing quotation"),
        ({"command": "{node} get"}, "begin with a program"),
        ({"command": "A=b kubectl get"}, "begin with a program"),
        ({"command": ""}, "drain-node.command"),
        ({"command": "kubectl drain {nodes}"}, "uses {nodes}"),
        ({"parameters": {"node": {"help": "x"}, "api_token": {"help": "x"}}}, "api_token"),
    ],
)
def test_a_field_that_does_not_fit_is_named(tmp_path, change, told):
    with pytest.raises(RunbookError) as raised:
        load_catalogue(written(tmp_path, {**OWN, **change}))
    assert told in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("content", "told"),
    [("{", "not YAML"), ("", "does not fit"), ("a: 1", "does not fit"), ("- 5", "action 1")],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content, told):
    path = tmp_path / "own.yml"
    path.write_text(content)
    with pytest.raises(RunbookError, match=told):
        load_catalogue(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunbookError, match="cannot read"):
        load_catalogue(tmp_path / "none.yml")


def test_an_action_twice_is_refused(tmp_path):
    with pytest.raises(RunbookError, match="drain-node twice"):
        load_catalogue(written(tmp_path, OWN, OWN))


def test_an_unknown_action_is_answered_with_the_nearest():
    with pytest.raises(RunbookError, match="restart-service"):
        built_in()["restart-servic"]


def test_credentials_in_a_value_are_refused_and_not_repeated():
    action = built_in()["silence-alert"]
    values = {"alert": "Slow", "alertmanager": "http://me:hunter2@localhost:9093"}
    with pytest.raises(RunbookError) as raised:
        Step.of(action, "auth", values, "It fires.")
    assert "credentials" in str(raised.value) and "hunter2" not in str(raised.value)


def test_a_value_for_no_parameter_is_refused():
    with pytest.raises(RunbookError, match="namespace"):
        Step.of(built_in()["restart-service"], "auth", {"namespce": "x"}, "It is slow.")
