"""Two thousand people of the demo workspace, sent one by one through guarded SDKs, get what the dry run said.

The application here does what any would: it writes each person's text from the campaign's templates,
sends a push through firebase-admin where it has a device and an email through SendGrid's SDK where it
has none, and names the campaign in the provider's own metadata. The servers are one loopback double.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("firebase_admin")
pytest.importorskip("sendgrid")

import firebase_admin
import google.auth.credentials
from firebase_admin import credentials, messaging
from firebase_admin.exceptions import FirebaseError
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail

import policykit
from policykit.assemble.workspace import open_workspace
from policykit.enforce.render import render, typed
from policykit.language.spans import parse_instant
from policykit.model import Micros, from_micros
from policykit.testing.double import Double, Received

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PEOPLE = 2_000
AT_TEXT = "2026-11-27T19:30:00Z"  # a Friday evening: past the hour for a push in some zones, not in others
AT = parse_instant(AT_TEXT) or 0


@dataclass(frozen=True)
class Arrived:
    """What a server was given: by which channel, for whom, saying what, to be delivered when (None = at once)."""

    channel: str
    address: str
    content: Mapping[str, str]
    at: Micros | None = None


class _NoToken(credentials.Base):
    """Credentials of a project that exists on loopback only."""

    def get_credential(self) -> google.auth.credentials.Credentials:
        return google.auth.credentials.AnonymousCredentials()


@pytest.fixture(scope="module")
def shop(tmp_path_factory, policykit_command) -> Path:
    root: Path = tmp_path_factory.mktemp("live") / "demo"
    policykit_command("init", str(root), "--people", str(PEOPLE))
    return root


@pytest.fixture(scope="module")
def policykit_command(request) -> Any:
    from tests.conftest import run_command

    def _run(*words: str) -> Any:
        ran = run_command(*words)
        assert ran.code in (0, 1), ran.err + ran.out
        return ran

    return _run


@pytest.fixture(scope="module")
def planned(shop, policykit_command, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """The dry run's file: person -> row."""
    out = tmp_path_factory.mktemp("out") / "decisions.parquet"
    policykit_command("dry-run", "basket", "--workspace", str(shop), "--send-at", AT_TEXT, "--known-at", AT_TEXT,
                      "--out", str(out))  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT *, epoch_us(send_at) AS at FROM '{out}'")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["recipient_id"]: row for row in rows}


@pytest.fixture(scope="module")
def imported(shop, policykit_command) -> Path:
    data = shop / "data"
    for relation in ("people", "addresses", "attributes", "consents", "history"):
        columns = ("--columns", "recipient.id=customer_no") if relation == "people" else ()
        policykit_command("import", relation, str(data / f"{relation}.csv"), *columns, "--workspace", str(shop))
    return shop


@pytest.fixture
def server(imported, monkeypatch) -> Iterator[Double]:
    with Double() as double:
        config = imported / "policykit.yaml"
        before = config.read_text(encoding="utf-8")
        kept = before.split("\nproviders:")[0]
        config.write_text(
            kept + "\nproviders:\n"
            f"  sendgrid: {{from: hello@acme.example, base_url: {double.url}, credentials: {{api_key: PK_TEST_KEY}}}}\n"
            f"  fcm: {{project: acme, base_url: {double.url}, credentials: {{access_token: PK_TEST_KEY}}}}\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("PK_TEST_KEY", "loopback")
        monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.url + "/v1/projects/{0}/messages:send")
        app = firebase_admin.initialize_app(_NoToken(), {"projectId": "acme"}, name="live")
        try:
            yield double
        finally:
            firebase_admin.delete_app(app)
            config.write_text(before, encoding="utf-8")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class People:
    """Who there is, as the application's own database would have them."""

    addresses: Mapping[str, Mapping[str, str]]
    values: Mapping[str, Mapping[str, object]]


def _people(shop: Path) -> People:
    attributes = open_workspace(shop).ruleset.attributes
    addresses: dict[str, dict[str, str]] = {row["customer_no"]: {} for row in _rows(shop / "data/people.csv")}
    for row in _rows(shop / "data/addresses.csv"):
        if row["address"] and row["person"] in addresses:
            addresses[row["person"]][row["channel"]] = row["address"]
    texts: dict[str, dict[str, str]] = {person: {} for person in addresses}
    for row in _rows(shop / "data/attributes.csv"):
        if row["person"] in texts:
            texts[row["person"]][row["attribute"]] = row["value"]
    return People(addresses, {person: typed(found, attributes) for person, found in texts.items()})


def _content(shop: Path, channel: str, values: Mapping[str, object], *, generic: bool = False,
             without: tuple[str, ...] = ()) -> dict[str, str]:  # fmt: skip
    manifest = open_manifest(shop)
    return render((manifest.generic if generic else manifest.templates)[channel], values, without)


_MANIFESTS: dict[Path, Any] = {}


def open_manifest(shop: Path) -> Any:
    if shop not in _MANIFESTS:
        _MANIFESTS[shop] = open_workspace(shop).workspace.manifests["basket"]
    return _MANIFESTS[shop]


def _send(
    shop: Path, people: People, person: str, channel: str, app: firebase_admin.App, mail: SendGridAPIClient
) -> bool:
    """One person's message as the application sends it; False when the SDK said no."""
    address, content = people.addresses[person][channel], _content(shop, channel, people.values[person])
    try:
        if channel == "push":
            note = messaging.Notification(body=content["body"])
            messaging.send(messaging.Message(token=address, notification=note, data={"campaign": "basket"}), app=app)
            return True
        message = Mail("hello@acme.example", address, content["subject"], html_content=content["html"])
        message.add_custom_arg(CustomArg("campaign", "basket"))
        mail.send(message)
        return True
    except (FirebaseError, HTTPError):
        return False


def _arrived(received: Received) -> Arrived:
    body = json.loads(received.body)
    if received.path.endswith("messages:send"):
        message = body["message"]
        content = {part: message["notification"][part] for part in ("title", "body") if part in message["notification"]}
        return Arrived("push", message["token"], content)
    (person,) = body["personalizations"]
    (to,) = person["to"]
    content = {"subject": person.get("subject", body.get("subject"))}
    content |= {{"text/html": "html", "text/plain": "text"}[each["type"]]: each["value"] for each in body["content"]}
    at = person.get("send_at", body.get("send_at"))
    return Arrived("email", to["email"], content, at * 1_000_000 if at else None)


def test_everybody_gets_what_the_dry_run_said(imported, planned, server):
    people = _people(imported)
    mail = SendGridAPIClient("loopback", host=server.url)
    app = firebase_admin.get_app("live")
    differences: list[str] = []
    seen = dict.fromkeys(("allow", "downgrade", "block"), 0)

    with policykit.install(imported, now=lambda: AT) as live:
        for person, row in planned.items():
            channel = next((each for each in ("push", "email") if each in people.addresses[person]), None)
            if channel is None:
                assert (row["verdict"], row["impossible"]) == ("block", "no_address")
                continue
            server.clear()
            with policykit.sending() as sent:
                accepted = _send(imported, people, person, channel, app, mail)
            (record,) = sent.decisions
            decision = record.decision
            seen[str(record.verdict)] += 1
            said = {
                "verdict": str(decision.verdict), "channel": decision.channel, "moved_to": decision.changes.channel,
                "stripped": "|".join(decision.changes.strip) or None, "generic": decision.changes.generic,
                "at": decision.changes.send_at, "impossible": decision.impossible,
                "policies": "|".join(decision.determining) or None,
                "undetermined": "|".join(decision.undetermined) or None,
            }  # fmt: skip
            expected = {key: row[key] for key in said}
            got = [_arrived(each) for each in server.requests]
            due = [each for each in live.store.waiting() if each.decision == record.id]
            if said != expected or accepted is (row["verdict"] == "block"):
                differences.append(f"{person}: {said} is not {expected}, accepted {accepted}")
            wanted = _wanted(imported, people, person, row)
            if row["at"] is not None and not got:
                if [each.due for each in due] != [row["at"]]:
                    differences.append(f"{person}: {due} does not wait for {from_micros(row['at'])}")
            elif got != wanted or due:
                differences.append(f"{person}: {got} is not {wanted}")

    assert differences[:5] == []
    assert min(seen.values()) > PEOPLE // 10, seen


def _wanted(shop: Path, people: People, person: str, row: Mapping[str, Any]) -> list[Arrived]:
    """What the server must have been given, by the dry run's row and the campaign's templates."""
    if row["verdict"] == "block":
        return []
    without = tuple(row["stripped"].split("|")) if row["stripped"] else ()
    content = _content(shop, row["channel"], people.values[person], generic=row["generic"], without=without)
    return [Arrived(row["channel"], people.addresses[person][row["channel"]], content, row["at"])]
