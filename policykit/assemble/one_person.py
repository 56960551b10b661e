"""One person's story, from a hand-written send or from a campaign's audience."""

from __future__ import annotations

from pathlib import Path

from policykit.assemble.moment import instant, now
from policykit.assemble.workspace import open_workspace
from policykit.engine import Engine
from policykit.errors import Problem, UsageError
from policykit.explain import explain as explain_decision
from policykit.facts.given import read_given
from policykit.language.tree import to_plain
from policykit.language.yaml import parse_yaml
from policykit.model import Micros
from policykit.reports.explanation import Explanation


def explain_send(folder: Path | None, text: bytes, file: str) -> Explanation:
    """The story of a send written by hand, as in the `given` of a case."""
    opened = open_workspace(folder)
    node, problems = parse_yaml(_decoded(text, file), file)
    if node is None or problems:
        raise UsageError(problems or [Problem(None, f"`{file}` is empty", "write a `send:` and a `recipient:`")])
    plain = to_plain(node)
    if not isinstance(plain, dict):
        raise UsageError(f"`{file}` is no mapping", "write it as the `given` of a case: `send:`, `recipient:`, ...")
    said, plain = plain.get("now"), plain.get("given", {key: value for key, value in plain.items() if key != "now"})
    at = now() if said is None else _instant(said)
    given = read_given(opened.ruleset, opened.vocabulary, plain, at, node.place)
    decision = Engine(opened.ruleset).decide(given.campaign, given.person, at, given.channel)
    return explain_decision(
        opened.ruleset, given.campaign, given.person, at, decision, start=given.channel, name="This person"
    )


def _instant(said: object) -> Micros:
    at = instant(str(said), "now:")
    assert at is not None
    return at


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{file}` is not UTF-8 (byte {error.start + 1})", "save it as UTF-8") from error
