"""Reaction rates: what people told back over what was sent, by campaign, style and origin, and brakes on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from policykit.assemble.rates import rates_of, style_of
from policykit.assemble.workspace import open_workspace
from policykit.cli.dry_run import dry_run
from policykit.cli.feedback import feedback
from policykit.language.spans import parse_instant
from policykit.model import DAY, Campaign, Use, Variant
from policykit.reports.rates import Rate, in_lines
from policykit.stores.base import Row
from policykit.stores.memory import MemoryStore
from policykit.stores.sqlite import SQLiteStore
from tests.feedback.signed import NOON, SECRET, WEBHOOK_KEY, app, mail, sendgrid, told

FILES = {
    "policykit.yaml": "policies: [policies/]\nstore: sqlite:///store.db\n"
    "providers: {sendgrid: {credentials: {webhook_key: SENDGRID_WEBHOOK_KEY}}}\n",
    "policies/all.yaml": """
attributes:
  - {id: basket, disclosed_as: your basket, origin: observed, sensitivity: behavioural,
     collected_for: [marketing.communications]}
  - {id: taste, disclosed_as: your taste, origin: inferred, inferred_from: [basket], sensitivity: behavioural,
     collected_for: [marketing.communications]}
policies:
  - {id: not-to-children, kind: rule, forbid: "recipient.age < 18", on_breach: block}
""",
    "campaigns/spring.yaml": """
campaign: spring
purpose: marketing.communications
audience: {from: people.csv, selected_by: []}
brakes: {complaints: 10%, unsubscribes: 90%}
channels: {email: {provider: sendgrid, subject: "{{ taste }} for you", html: "<p>Hello</p>"}}
""",
    "campaigns/plain.yaml": """
campaign: plain
purpose: marketing.communications
audience: {from: people.csv, selected_by: []}
channels: {email: {provider: sendgrid, subject: Spring, html: "<p>Hello</p>"}}
""",
    "people.csv": "id,age,address.email\nana,30,ana@example.com\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def sent(person: str, campaign: str | None, days: int, channel: str = "email") -> Row:
    return {
        "person": person,
        "at": NOON - days * DAY,
        "channel": channel,
        "message_class": "marketing",
        "campaign": campaign,
    }


def answered(person: str, kind: str, days: float, campaign: str | None = None, name: str = "") -> Row:
    return {"person": person, "id": name or f"{person}-{kind}", "at": NOON - int(days * DAY), "kind": kind,
            "channel": "email", "campaign": campaign}  # fmt: skip


HISTORY = [sent("ana", "spring", 5), sent("ben", "spring", 5), sent("eve", "spring", 4), sent("dan", "spring", 4),
           sent("ana", "plain", 2), sent("ben", "plain", 9), sent("ana", "gone", 3), sent("ana", "spring", 90),
           sent("ana", None, 3), sent("eve", "plain", 1, "push")]  # fmt: skip
ANSWERS = [
    answered("ben", "complaint", 4.5),  # by the last mail: spring
    answered("ana", "unsubscribe", 1),  # plain
    answered("eve", "too_personal", 0.5),  # a push is no mail: spring
    answered("dan", "stop", 1, "spring"), answered("dan", "unsubscribe", 0.5, "spring"),  # of one person, once
    answered("dan", "complaint", 91, "spring"), answered("dan", "bounce", 1, "spring"),
    answered("zoe", "complaint", 1),  # nothing was sent to her
]  # fmt: skip


def test_rates_are_by_campaign_style_and_origin(shop: Path) -> None:
    store, workspace = MemoryStore(lambda: NOON), open_workspace(shop).workspace
    store.write("history", HISTORY)
    store.write("feedback", ANSWERS)

    found = rates_of(store, workspace.manifests, workspace.registry, NOON)

    assert found == (
        Rate("campaign", "gone", 1),
        Rate("campaign", "plain", 3, unsubscribes=1),
        Rate("campaign", "spring", 4, complaints=1, unsubscribes=1, too_personal=1),
        Rate("style", "generic", 3, unsubscribes=1),
        Rate("style", "prove_you_know_me", 4, complaints=1, unsubscribes=1, too_personal=1),
        Rate("origin", "inferred", 4, complaints=1, unsubscribes=1, too_personal=1),
        Rate("origin", "observed", 4, complaints=1, unsubscribes=1, too_personal=1),
    )
    assert in_lines(found[:2]) == [
        "campaign gone: 1 send; 0.00% complained, 0.00% unsubscribed, 0.00% too personal",
        "campaign plain: 3 sends; 0.00% complained, 33.33% unsubscribed, 0.00% too personal",
    ]


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (None, None),
        ((), "generic"),
        ((Use("basket", recited=True),), "help_me"),
        ((Use("basket"), Use("taste", recited=False)), "help_me"),
        ((Use("basket"), Use("taste", recited=True)), "prove_you_know_me"),
        ((Use("basket"), Use("taste", recited=None)), "prove_you_know_me"),
        ((Use("taste"),), "prove_you_know_me"),
    ],
)
def test_the_style_of_a_past_send_is_that_of_its_manifest(uses: tuple[Use, ...] | None, expected: str | None) -> None:
    campaign = Campaign("spring", (), NOON, helps="complete_purchase", need="basket")

    assert style_of(campaign, Variant(uses)) == expected


# --- commands -----------------------------------------------------------------------------------------------

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("SENDGRID_WEBHOOK_KEY", WEBHOOK_KEY)
    monkeypatch.setenv("POLICYKIT_EVENTS_SECRET", SECRET)
    monkeypatch.chdir(shop)
    store = SQLiteStore(shop / "store.db")
    store.write("people", [{"id": "ana"}, {"id": "ben"}])
    store.write(
        "addresses", [{"person": name, "channel": "email", "address": f"{name}@example.com"} for name in ("ana", "ben")]
    )
    store.write("history", [sent(name, "spring", 5) for name in ("ana", "ben", "dan", "eve")])

    def invoke(command: object, *words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(command, words, standalone_mode=False)  # type: ignore[arg-type]  # a command
        if ran.exception:
            raise ran.exception
        return ran.return_value or 0, ran.output

    yield invoke
    store.close()


def kept(shop: Path, *requests: tuple[dict[str, str], bytes], **more: str) -> str:
    """Requests in a file, one per line."""
    lines = [json.dumps({"headers": headers, "body": body.decode(), **more}) for headers, body in requests]
    (shop / "events.jsonl").write_text("\n".join(lines) + "\n\n")
    return "events.jsonl"


AT = "2026-03-02T11:00:00Z"


def test_requests_kept_in_a_file_are_received_once(shop: Path, run: Run) -> None:
    file = kept(shop, sendgrid([mail("spamreport", campaign="spring")]), app(told("too_personal", person="ben")),
                sendgrid([mail("open")]), received_at=AT)  # fmt: skip

    first, second = run(feedback, "ingest", file), run(feedback, "ingest", file)

    assert first == (0, (
        "events.jsonl:1: sendgrid: complaint (1 person): consent objected, address suppressed\n"
        "events.jsonl:2: app: too_personal (1 person): tolerance lowered by 20, degree provided\n"
        "events.jsonl:3: sendgrid: nothing that takes anything away\n"
    ))  # fmt: skip
    assert second[1].count("came before") == 2
    code, text = run(feedback, "rates", "--known-at", AT, "--json")
    assert code == 0
    assert next((rate["of"], rate["name"], rate["complaints"]) for rate in json.loads(text)) == (
        "campaign", "spring", {"count": 1, "share": 0.25},
    )  # fmt: skip


def test_what_is_refused_ends_with_1(shop: Path, run: Run) -> None:
    file = kept(shop, app(told("complaint", person="ana"), secret="another"), received_at=AT)

    code, text = run(feedback, "ingest", file, "--json")

    assert (code, [(each["provider"], each["refused"]) for each in json.loads(text)]) == (1, [("app", "signature")])


def test_a_request_as_it_is_on_the_wire_is_a_file_too(shop: Path, run: Run) -> None:
    headers, body = app(told("complaint", person="ana"), at=parse_instant("2100-01-01T00:00:00Z") or 0)
    lines = ["POST /events HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    (shop / "one.http").write_bytes("\r\n".join(lines).encode() + body)

    assert run(feedback, "ingest", "one.http") == (1, "one.http:1: refused: stale\n"), "signed, but for a time to come"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("no json", "this is no request"), ("[]", "this is no request"), ('{"headers": []}', "this is no request"),
        ('{"headers": {}, "body": "", "more": 1}', "this is no request"), ('{"headers": {}}', "`body` is no text"),
        ('{"headers": {}, "body": "", "received_at": "then"}', "`received_at` cannot be read"),
        ('{"headers": {}, "body_base64": "?"}', "`body` is no text"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_request_is_told_by_its_place(shop: Path, run: Run, line: str, says: str) -> None:
    (shop / "events.jsonl").write_text(f'{{"headers": {{}}, "body": "[]"}}\n{line}\n')

    with pytest.raises(Exception, match=r"events\.jsonl:2") as raised:
        run(feedback, "ingest", "events.jsonl")

    assert says in str(raised.value)


def test_brakes_on_past_sends_are_crossed_by_the_campaign_and_its_style(shop: Path, run: Run) -> None:
    run(feedback, "ingest", kept(shop, sendgrid([mail("spamreport")]), received_at=AT))

    code, text = run(dry_run, "spring", "--store", "--known-at", AT, "--send-at", AT, "--json")

    found = json.loads(text)
    assert code == 1
    assert [(brake["name"], brake["of"], brake["share"], brake["crossed"]) for brake in found["brakes"]] == [
        ("complaints", "campaign spring", 0.25, True), ("complaints", "style prove_you_know_me", 0.25, True),
        ("unsubscribes", "campaign spring", 0.0, False), ("unsubscribes", "style prove_you_know_me", 0.0, False),
    ]  # fmt: skip
    assert [rate["of"] for rate in found["reactions"]] == ["campaign", "style", "origin", "origin"]
    assert found["channels"] == {"email": 1}


def test_without_the_store_such_brakes_are_not_judged_and_say_so(shop: Path, run: Run) -> None:
    code, text = run(dry_run, "spring", "--known-at", AT, "--send-at", AT, "--json")

    found = json.loads(text)
    assert (code, found["brakes"], found["reactions"]) == (0, [], [])
    assert [w["message"] for w in found["warnings"] if w["code"] == "brake.no-store"] == [
        f"the brake `{name}` is not judged: how people answered past sends is in the store"
        for name in ("complaints", "unsubscribes")
    ]
