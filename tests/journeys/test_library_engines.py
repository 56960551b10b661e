"""The whole library over the demo's people: the reference, the generated Python and DuckDB decide everybody alike.

So do they under all law packs at once, over people from everywhere.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from policykit.assemble.dry_run import sources
from policykit.assemble.workspace import manifest, open_workspace
from policykit.demo.library import library_path
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench, dry_run
from policykit.engine import Engine, reference_decide
from policykit.language.spans import parse_instant
from policykit.model import Decision, Verdict

PEOPLE = 1500


@pytest.fixture(scope="module")
def workspace(policykit, tmp_path_factory) -> Path:
    """The demo with every policy of the library."""
    folder = tmp_path_factory.mktemp("whole") / "acme"
    ran = policykit("init", str(folder), "--people", str(PEOPLE))
    assert ran.code == 0, ran.err
    shutil.rmtree(folder / "policies")
    others = shutil.ignore_patterns("policykit.yaml", "*.md", "law", "teams", "examples", "stories.cases.yaml")
    shutil.copytree(library_path(), folder / "policies", ignore=others)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["basket", "new-home", "draft"])
def test_three_engines_decide_everybody_alike(workspace, name) -> None:
    _same_for_everybody(workspace, name, PEOPLE)


def _same_for_everybody(root: Path, name: str, count: int) -> list[Decision]:
    opened = open_workspace(root)
    campaign = manifest(opened, name)
    now = parse_instant("2026-11-25T09:00:00Z")
    assert now is not None

    # a difference between DuckDB and the reference raises
    result = dry_run(opened.ruleset, campaign.campaign, sources(campaign, {}), now, vocabulary=opened.vocabulary,
                     options=Options(sample=count))  # fmt: skip
    engine = Engine(opened.ruleset)
    with Workbench(Options()) as bench:
        data = read_data(bench.connection, sources(campaign, {}), opened.vocabulary)
        people = people_of(bench.connection, opened.ruleset, data, range(1, count + 1))

    assert result.verified == count
    assert {rule.policy for rule in opened.ruleset.rules} == {policy.id for policy in opened.workspace.policies}
    decisions = [engine.decide(campaign.campaign, person, now) for person in people.values()]
    for person, decision in zip(people.values(), decisions, strict=True):
        assert decision == reference_decide(opened.ruleset, campaign.campaign, person, now)
    return decisions


# --- the law ------------------------------------------------------------------------------------------

PLACES = (
    "US-FL", "US-OK", "US-VA", "US-TX", "US-CT", "US-WA", "US-fl", "US-", "CA-ON", "KR-", "BR-", "DE-", "IT-", "GB-",
    "AU-", "IN-", "FR-", "NO-", "-FL", "-",
)  # fmt: skip
TEXTS = """\
campaign: texts
message_class: marketing
purpose: marketing.communications
audience: {from: data/people.csv, history: data/history.csv, columns: {recipient.id: customer_no}, selected_by: []}
send: {at: "2026-11-27T20:30", zone: recipient, not_after: "2026-11-29T20:00"}
channels:
  sms:
    provider: twilio
    body: "(광고) Your {{ basket }} waits. Reply STOP to end."
    generic: {body: "Spring. Reply STOP to end."}
  whatsapp: {provider: twilio, body: "(광고) Spring. Reply STOP to end."}
  push: {provider: fcm, body: "(광고) Spring for {{ first_name }}", generic: {body: "(광고) Spring"}}
  email: {provider: sendgrid, subject: (광고) Spring, body: "Spring. Unsubscribe: {{ unsubscribe_url }}"}
"""


@pytest.mark.slow
def test_three_engines_agree_on_all_law_packs_at_once(policykit, tmp_path) -> None:
    folder, count = tmp_path / "acme", 300
    policykit("init", str(folder), "--people", str(count))
    shutil.rmtree(folder / "policies")
    shutil.copytree(library_path() / "law", folder / "policies/law", ignore=shutil.ignore_patterns("policykit.yaml"))
    shutil.copy(library_path() / "registry.yaml", folder / "policies")
    shutil.rmtree(folder / "campaigns")
    (folder / "campaigns").mkdir()
    (folder / "campaigns/texts.yaml").write_text(TEXTS, encoding="utf-8")
    _spread(folder / "data/people.csv")
    _with_numbers(folder / "data/addresses.csv", count)

    decisions = _same_for_everybody(folder, "texts", count)

    assert {decision.verdict for decision in decisions} == set(Verdict)
    decisive = {policy for decision in decisions for policy in (*decision.determining, *decision.audit)}
    assert len(decisive) > 18


def _spread(path: Path) -> None:
    """People of every place a pack speaks of, some of nobody knows where; half of them known in all that packs ask."""
    header, *rows = path.read_text().splitlines()
    assert header.split(",")[1] == "country"
    lines = [f"{header},region,last_contact_at,last_message_at,night_consent"]
    for number, row in enumerate(rows):
        person, _, rest = row.split(",", 2)
        country, region = PLACES[number % len(PLACES)].split("-")
        contact = ("2026-06-01T00:00:00Z", "2020-06-01T00:00:00Z", "")[number % 3]
        message = ("2026-11-27T12:00:00Z", "2026-11-01T00:00:00Z", "")[number // 3 % 3]
        night = ("true", "false", "")[number // 2 % 3]
        lines.append(f"{person},{country},{rest},{region},{contact},{message},{night}")
    path.write_text("\n".join(lines) + "\n")


def _with_numbers(path: Path, count: int) -> None:
    """Everybody can be reached by text and by chat too."""
    header = path.read_text().splitlines()[0].split(",")
    with path.open("a") as file:
        for number in range(1, count + 1):
            for channel in ("sms", "whatsapp"):
                cells = {
                    header[0]: f"p{number:06}",
                    "channel": channel,
                    "address": f"+9990{number:07}",
                    "shared": "false",
                }
                file.write(",".join(cells.get(name, "") for name in header) + "\n")
