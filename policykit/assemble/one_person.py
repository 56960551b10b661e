"""One person's story, from a hand-written send or from a campaign's audience."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from policykit.assemble.dry_run import Wish, planned, supplied
from policykit.assemble.moment import instant, now
from policykit.assemble.pseudonyms import FORM, pseudonyms
from policykit.assemble.workspace import open_workspace
from policykit.dryrun.person import Connection, ids_of, people_of, rows_of
from policykit.dryrun.relations import Data, read_data
from policykit.dryrun.run import Options, Workbench
from policykit.engine import Engine, reference_decide
from policykit.errors import Place, Problem, UsageError
from policykit.explain import explain as explain_decision
from policykit.facts.given import read_given
from policykit.ir.specialise import send_purpose
from policykit.language.tree import to_plain
from policykit.language.yaml import parse_yaml
from policykit.model import Campaign, Micros
from policykit.reports.explanation import Explanation
from policykit.vocabulary import covers


def explain(folder: Path | None, wish: Wish, person: str) -> Explanation:
    """The story of one person of a campaign's audience, named by id or by the pseudonym of a report.

    The audience is read for it; the person's first row is told, as the reference decides it.
    """
    asked = planned(folder, wish)
    opened, found, campaign = asked.opened, asked.manifest, asked.campaign
    with Workbench(Options()) as bench, supplied(asked, wish) as (sources, _, _):
        data = read_data(bench.connection, sources, opened.vocabulary)
        rows = _rows(bench.connection, data, person, pseudonyms(opened.workspace.root))
        if not rows:
            raise UsageError(f"nobody in the audience of `{found.id}` is called `{person}`",
                             "give an id of the audience, or a pseudonym from a report of this workspace")  # fmt: skip
        record = people_of(bench.connection, opened.ruleset, data, rows[:1])[rows[0]]
    decision = reference_decide(opened.ruleset, campaign, record, asked.known_at)
    name = person if len(rows) == 1 else f"{person} (the first of {len(rows)} rows)"
    return explain_decision(opened.ruleset, campaign, record, asked.known_at, decision, name=name)


def _rows(connection: Connection, data: Data, person: str, pseudonym: Callable[[str], str]) -> list[int]:
    """The rows of a person, none when nobody is called so; ids go before pseudonyms."""
    rows = rows_of(connection, data, person)
    if rows or not FORM.fullmatch(person):
        return rows
    meant = next((known for known in ids_of(connection, data) if pseudonym(known) == person), None)
    return rows_of(connection, data, meant) if meant is not None else []


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
    _believed(given.campaign, send_purpose(opened.ruleset, given.campaign), node.place)
    decision = Engine(opened.ruleset).decide(given.campaign, given.person, at, given.channel)
    return explain_decision(
        opened.ruleset, given.campaign, given.person, at, decision, start=given.channel, name="This person"
    )


def _believed(send: Campaign, purpose: str | None, place: Place) -> None:
    """A send that is for marketing is not transactional because it says so (M13)."""
    if send.message_class == "transactional" and purpose is not None and covers("marketing", purpose):
        raise UsageError(Problem(place, f"`message_class: transactional` contradicts the purpose `{purpose}`",
                                 "drop `message_class`, or name the purpose that the message really serves",
                                 "context.conflict"))  # fmt: skip


def _instant(said: object) -> Micros:
    at = instant(str(said), "now:")
    assert at is not None
    return at


def _decoded(text: bytes, file: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"`{file}` is not UTF-8 (byte {error.start + 1})", "save it as UTF-8") from error
