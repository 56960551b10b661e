from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

LIBRARY = Path(__file__).parent.parent.parent / "policies"
FILES = sorted(
    p
    for p in LIBRARY.rglob("*.yaml")
    if not p.name.endswith(".cases.yaml") and "examples" not in p.parts and p.name != "policykit.yaml"
    and "\ncampaign:" not in p.read_text(encoding="utf-8")
)  # fmt: skip


@pytest.fixture(scope="module")
def schema(policykit):
    return json.loads(policykit("schema").out)


@pytest.fixture(scope="module")
def accepts(schema):
    validator = jsonschema.Draft202012Validator(schema)
    return lambda document: [error.message for error in validator.iter_errors(document)]


def _read(path: Path) -> object:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # all texts; typed by `_typed`


def _typed(value):
    """Plain scalars as YAML 1.2 core reads them, as far as the library uses them."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isdigit() else value


def test_it_is_a_json_schema(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_it_accepts_the_shipped_policies(accepts, path):
    assert accepts(_typed(_read(path))) == []


POLICY = {
    "id": "three-a-week",
    "kind": "frequency",
    "require": {"at_most": 3, "per": "7 days"},
    "on_breach": "block",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "frequenzy"),
        (("requires",), {}),
        (("forbid",), {}),
        (("require", "at_mots"), 3),
        (("require", "at_most"), "three"),
        (("on_breach",), "stop"),
        (("on_breach",), {"downgrade": {"uses": "strip"}}),
        (("for",), {"chanel": "push"}),
        (("for",), {"channel": "pusch"}),
        (("mode",), "maybe"),
    ],
)
def test_it_refuses_what_check_refuses(accepts, path, value):
    good = {"policies": [POLICY]}
    bad = copy.deepcopy(good)
    at = bad["policies"][0]
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value

    assert accepts(good) == []
    assert accepts(bad)
