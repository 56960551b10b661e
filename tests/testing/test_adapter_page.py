"""The adapter that `plugins/README.md` writes works as it stands, and the contract says what the page says it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Loaded before pytest runs inside pytest: it forgets what such a run loads, and half a library is worse than none.
import policykit.assemble.live
import policykit.testing.adapter  # noqa: F401

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "plugins/README.md").read_text(encoding="utf-8")
ADAPTER = PAGE[: PAGE.index("## A kind and a fact")]
FILES = {name: text for text, name in re.findall(r"```(?:py|toml)\n(# ([\w.]+)\n.*?)```", ADAPTER, re.DOTALL)}
SAID = dict(re.findall(r"^\| (.+?) \| (`.+`) \|$", PAGE, re.MULTILINE))


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the page in a folder of their own, recorded as the page says."""
    for name in ("policykit_postmark.py", "pyproject.toml", "test_postmark.py", "record.py"):
        (pytester.path / name).write_text(FILES[name], encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    monkeypatch.delenv("CI", raising=False)  # where golden files are not written
    pytester.syspathinsert()
    recorded = pytester.runpython("record.py")
    assert recorded.ret == 0, recorded.stderr.str()
    return pytester.path


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-q", *words)


def test_the_adapter_of_the_page_keeps_every_law(folder, pytester):
    first = run(pytester, "--policykit-update")
    again = run(pytester)

    assert (first.ret, again.ret) == (0, 0), again.stdout.str()
    assert "camille@example.com" in (folder / "recordings/simple.sends.yaml").read_text()
    again.assert_outcomes(passed=20)  # nothing skipped: it declares all that the laws ask about


MISTAKES = [
    ("`claims` takes", "l1", 'request.path == "/email"', 'request.path.endswith("/email")'),
    ("`secret_headers` is left out", "l4", '    secret_headers = ("X-Postmark-Server-Token",)', "    #"),
    ("a body is trusted", "l3", "mail = JSON.body(request)", "mail = request.json()"),
    ("the refusal has", "l12", "reply(422", "reply(429"),
    ("`capabilities` names", "l7", "{Capability.ANSWER}", "{Capability.ANSWER, Capability.PRUNE}"),
    ("the entry point", "l14", 'postmark = "policykit', 'mail = "policykit'),
]


@pytest.mark.slow
@pytest.mark.parametrize(("when", "law", "right", "wrong"), MISTAKES, ids=[each[1] for each in MISTAKES])
def test_the_contract_says_what_is_missing(folder, pytester, when, law, right, wrong):
    (told,) = [text for key, text in SAID.items() if key.startswith(when)]
    path = next(
        each for each in (folder / "policykit_postmark.py", folder / "pyproject.toml") if right in each.read_text()
    )
    if law == "l7":  # one recipient cannot be told from all
        test = folder / "test_postmark.py"
        test.write_text(test.read_text().replace("Camille <camille@example.com>", "a@example.com, b@example.com"))
        pytester.runpython("record.py")
    path.write_text(path.read_text().replace(right, wrong))

    ran = run(pytester, "-k", f"{law}_")

    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    for text in re.findall("`(.+?)`", told):
        assert text.replace('"', "`") in ran.stdout.str()


def test_every_mistake_of_the_page_is_tried():
    assert len(SAID) == len(MISTAKES)
