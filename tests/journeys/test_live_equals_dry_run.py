"""Two thousand people of the demo workspace, sent one by one through guarded SDKs, get what the dry run said.

The application here does what any would: it writes each person's text from the campaign's templates,
sends it by the first channel it has an address for (firebase-admin for a push, Twilio's SDK for a text,
SendGrid's for an email), and names the campaign in the provider's own metadata; Twilio has none, so there
a `sending` block does. The servers are one loopback double.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytest.importorskip("firebase_admin")
pytest.importorskip("sendgrid")
pytest.importorskip("twilio")

import firebase_admin
import google.auth.credentials
from firebase_admin import credentials, messaging
from firebase_admin.exceptions import FirebaseError
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, Mail
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

import policykit
from policykit.assemble.workspace import open_workspace
from policykit.enforce.render import render, typed
from policykit.language.spans import parse_instant
from policykit.model import Micros
from policykit.sends import DecisionRecord
from policykit.testing.double import Double, Received
from tests.conftest import run_command

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PEOPLE = 2_000
AT_TEXT = "2026-11-27T19:30:00Z"  # a Friday evening: past the hour for a push or a text in some zones, not in others
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


class Application:
    """An application with its own data about people, its own clients, and nothing of policykit but a block."""

    def __init__(self, workspace: Path, campaign: str, url: str) -> None:
        opened = open_workspace(workspace)
        self.campaign, self.manifest = campaign, opened.workspace.manifests[campaign]
        self.addresses = _addresses(workspace)
        self.values = {person: typed(found, opened.ruleset.attributes) for person, found in _values(workspace).items()}
        self.app = firebase_admin.initialize_app(_NoToken(), {"projectId": "acme"}, name=campaign)
        self.mail = SendGridAPIClient("loopback", host=url)
        self.texts = Client("AC" + "0" * 32, "loopback")
        self.texts.api.base_url = url

    def channel(self, person: str) -> str | None:
        """The first channel of the campaign by which the person is reached."""
        found = self.addresses[person]
        return next((each.channel for each in self.manifest.campaign.prepared if each.channel in found), None)

    def content(self, channel: str, person: str, *, generic: bool = False,
                without: tuple[str, ...] = ()) -> dict[str, str]:  # fmt: skip
        templates = self.manifest.generic if generic else self.manifest.templates
        return render(templates[channel], self.values[person], without)

    def send(self, person: str, channel: str) -> bool:
        """Sends the person's message; False when the SDK said no."""
        address, content = self.addresses[person][channel], self.content(channel, person)
        try:
            match channel:
                case "push":
                    note, data = messaging.Notification(body=content["body"]), {"campaign": self.campaign}
                    messaging.send(messaging.Message(token=address, notification=note, data=data), app=self.app)
                case "sms":
                    self.texts.messages.create(to=address, from_="+15005550006", body=content["body"])
                case "email":
                    mail = Mail("hello@acme.example", address, content["subject"], html_content=content["html"])
                    mail.add_custom_arg(CustomArg("campaign", self.campaign))
                    self.mail.send(mail)
                case _:
                    raise AssertionError(channel)
        except (FirebaseError, HTTPError, TwilioRestException):
            return False
        return True


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _addresses(workspace: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {row["customer_no"]: {} for row in _rows(workspace / "data/people.csv")}
    for row in _rows(workspace / "data/addresses.csv"):
        if row["address"] and row["person"] in found:
            found[row["person"]][row["channel"]] = row["address"]
    return found


def _values(workspace: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {row["customer_no"]: {} for row in _rows(workspace / "data/people.csv")}
    for row in _rows(workspace / "data/attributes.csv"):
        if row["person"] in found:
            found[row["person"]][row["attribute"]] = row["value"]
    return found


def _arrived(received: Received) -> Arrived:
    if received.path.endswith("/Messages.json"):
        form = dict(received.form())
        return Arrived("sms", form["To"], {"body": form["Body"]})
    body = json.loads(received.body)
    if received.path.endswith("messages:send"):
        note = body["message"]["notification"]
        return Arrived(
            "push", body["message"]["token"], {part: note[part] for part in ("title", "body") if part in note}
        )
    (person,) = body["personalizations"]
    (to,) = person["to"]
    content = {"subject": person.get("subject", body.get("subject"))}
    content |= {{"text/html": "html", "text/plain": "text"}[each["type"]]: each["value"] for each in body["content"]}
    at = person.get("send_at", body.get("send_at"))
    return Arrived("email", to["email"], content, at * 1_000_000 if at else None)


# --- one workspace per campaign, because what was sent for one counts for the next ---------------------


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    root: Path = tmp_path_factory.mktemp("live") / "demo"
    _policykit("init", str(root), "--people", str(PEOPLE))
    for relation in ("people", "addresses", "attributes", "consents", "history"):
        columns = ("--columns", "recipient.id=customer_no") if relation == "people" else ()
        _policykit("import", relation, str(root / f"data/{relation}.csv"), *columns, "--workspace", str(root))
    return root


def _policykit(*words: str) -> None:
    ran = run_command(*words)
    assert ran.code in (0, 1), ran.err + ran.out


@pytest.fixture
def workspace(imported, tmp_path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "demo"))


@pytest.fixture
def server(workspace, monkeypatch) -> Iterator[Double]:
    with Double() as double:
        config = workspace / "policykit.yaml"
        config.write_text(
            config.read_text(encoding="utf-8").split("\nproviders:")[0] + "\nproviders:\n"
            f"  sendgrid: {{from: hello@acme.example, base_url: {double.url}, credentials: {{api_key: LOOPBACK}}}}\n"
            f"  fcm: {{project: acme, base_url: {double.url}, credentials: {{access_token: LOOPBACK}}}}\n"
            f"  twilio: {{account_sid: AC{0:032}, base_url: {double.url}, credentials: {{auth_token: LOOPBACK}}}}\n",
            encoding="utf-8",
        )
        monkeypatch.setenv("LOOPBACK", "loopback")
        monkeypatch.setattr(messaging._MessagingService, "FCM_URL", double.url + "/v1/projects/{0}/messages:send")
        yield double


def _planned(workspace: Path, campaign: str) -> dict[str, dict[str, Any]]:
    """The dry run's file: person -> row."""
    out = workspace / "decisions.parquet"
    _policykit("dry-run", campaign, "--workspace", str(workspace), "--send-at", AT_TEXT, "--known-at", AT_TEXT,
               "--out", str(out))  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(f"SELECT *, epoch_us(send_at) AS at FROM '{out}'")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {row["recipient_id"]: row for row in rows}


# --- what was decided, and what the server saw ------------------------------------------------------------


def _said(record: DecisionRecord) -> dict[str, object]:
    """A live decision under the columns of the dry run's file."""
    decision = record.decision
    return {
        "verdict": str(decision.verdict), "channel": decision.channel, "moved_to": decision.changes.channel,
        "stripped": "|".join(decision.changes.strip) or None, "generic": decision.changes.generic,
        "at": decision.changes.send_at, "impossible": decision.impossible,
        "policies": "|".join(decision.determining) or None, "undetermined": "|".join(decision.undetermined) or None,
    }  # fmt: skip


def _wanted(application: Application, person: str, row: Mapping[str, Any], *, deliverable: bool) -> list[Arrived]:
    """What the server must have been given, by the dry run's row and the campaign's templates."""
    if row["verdict"] == "block" or not deliverable:
        return []
    without = tuple(row["stripped"].split("|")) if row["stripped"] else ()
    content = application.content(row["channel"], person, generic=row["generic"], without=without)
    return [Arrived(row["channel"], application.addresses[person][row["channel"]], content, row["at"])]


@pytest.mark.parametrize("campaign", ["basket", "new-home"])
def test_everybody_gets_what_the_dry_run_said(workspace, server, campaign):
    planned = _planned(workspace, campaign)
    application = Application(workspace, campaign, server.url)
    differences: list[str] = []
    seen = dict.fromkeys(("allow", "downgrade", "block"), 0)

    with policykit.install(workspace, now=lambda: AT) as live:
        for person, row in planned.items():
            channel = application.channel(person)
            if channel is None or channel == "in_app":  # for which the application has no provider's client
                assert channel or (row["verdict"], row["impossible"]) == ("block", "no_address")
                continue
            server.clear()
            with policykit.sending(campaign if channel == "sms" else None) as sent:
                accepted = application.send(person, channel)
            (record,) = sent.decisions
            seen[str(record.verdict)] += 1
            # Nobody here delivers in the app: that decision stands, and cannot be carried out.
            deliverable = row["channel"] != "in_app"
            said, got = _said(record), [_arrived(each) for each in server.requests]
            if said != {key: row[key] for key in said} or accepted is (row["verdict"] == "block" or not deliverable):
                differences.append(f"{person}: {said} is not {row}, accepted {accepted}")
            due = [each.due for each in live.store.waiting() if each.decision == record.id]
            if due and not got:
                differences += [f"{person}: waits for {due}, not {row['at']}"] if due != [row["at"]] else []
            elif due or got != _wanted(application, person, row, deliverable=deliverable):
                differences.append(f"{person}: {got} is not what {row} says")

    assert differences[:5] == []
    assert min(seen.values()) > PEOPLE // 10, seen
