"""The people of the library's examples, sent to through guarded SDKs: each gets what the dry run said."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
from sendgrid.helpers.mail import CustomArg, Header, Mail
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

import policykit
from policykit.assemble.dry_run import sources
from policykit.assemble.workspace import open_workspace
from policykit.dryrun.person import people_of
from policykit.dryrun.relations import read_data
from policykit.dryrun.run import Options, Workbench
from policykit.engine import reference_decide
from policykit.language.campaign import Manifest
from policykit.language.spans import parse_instant
from policykit.model import Decision
from policykit.testing.double import Double
from policykit.vocabulary import RELATIONS
from tests.conftest import run_command
from tests.journeys.stories import LIBRARY

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

NAMED = ("id", "person", "address")  # what is made different for each campaign, so that one store holds them all
REFUSED = "find-first"  # its dry run stops at columns that nobody registered
# Their files do not say whether the address is suppressed; the store knows that it is not.
KNOWN_LIVE = {"old-list-p09"}
INSTANTS = {".": "2026-03-04T11:00:00Z", "teams": "2026-03-04T20:30:00Z"}  # when the campaigns are planned for
OPENED = {below: open_workspace(LIBRARY / below) for below in INSTANTS}


class _NoToken(credentials.Base):
    """Credentials of a project that exists on loopback only."""

    def get_credential(self) -> google.auth.credentials.Credentials:
        return google.auth.credentials.AnonymousCredentials()


@dataclass(frozen=True)
class Application:
    """An application that sends each person of a campaign its message, and knows nothing of policykit."""

    below: str
    server: Double
    mail: SendGridAPIClient
    texts: Client
    app: firebase_admin.App

    def send(self, campaign: Manifest, channel: str, address: str) -> bool:
        """Whether the SDK was content."""
        try:
            if channel == "push":
                note = messaging.Notification(body="Our spring range is here.")
                data = {"campaign": campaign.id}
                messaging.send(messaging.Message(token=address, notification=note, data=data), app=self.app)
            elif channel == "sms":
                body = campaign.templates["sms"]["body"].text
                self.texts.messages.create(to=address, from_="+15005550006", body=body)
            else:
                self.mail.send(_mail(campaign, address))
        except (FirebaseError, HTTPError, TwilioRestException):
            return False
        return True


def _mail(campaign: Manifest, address: str) -> Mail:
    mail = Mail("hello@acme.example", address, "Our spring range is here", plain_text_content="Come and see.")
    mail.add_custom_arg(CustomArg("campaign", campaign.id))
    for name in campaign.headers.get("email", {}):
        mail.add_header(Header(name, campaign.headers["email"][name].text))
    return mail


@pytest.fixture(params=list(INSTANTS))
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """The library, or the team on top of it, with a store of its own and servers on loopback."""
    below: str = request.param
    root = Path(shutil.copytree(LIBRARY, tmp_path / "policies")) / below
    at = parse_instant(INSTANTS[below]) or 0
    with Double() as server, pytest.MonkeyPatch.context() as patch:
        _configure(root, server.url)
        _fill(root, _campaigns(below))
        patch.setenv("KEY", "loopback")
        patch.setattr(messaging._MessagingService, "FCM_URL", server.url + "/v1/projects/{0}/messages:send")
        app = firebase_admin.initialize_app(_NoToken(), {"projectId": "acme"}, name=f"stories {below}")
        texts = Client("AC" + "0" * 32, "loopback")
        texts.api.base_url = server.url
        with policykit.install(root, now=lambda: at):
            yield Application(below, server, SendGridAPIClient("loopback", host=server.url), texts, app)
        firebase_admin.delete_app(app)


def _configure(root: Path, url: str) -> None:
    config = root / "policykit.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("mode: audit", "mode: enforce")
        + "store: sqlite:///live.db\nproviders:\n"
        + f"  sendgrid: {{from: a@acme.example, base_url: {url}, credentials: {{api_key: KEY}}}}\n"
        + f"  twilio: {{account_sid: AC{0:032}, base_url: {url}, credentials: {{auth_token: KEY}}}}\n"
        + f"  fcm: {{project: acme, base_url: {url}, credentials: {{access_token: KEY}}}}\n",
        encoding="utf-8",
    )


def _fill(root: Path, campaigns: list[Manifest]) -> None:
    """Puts the people of all campaigns into the store."""
    for relation in RELATIONS:
        rows = [row for campaign in campaigns for row in _rows(campaign, relation.name)]
        columns = list(dict.fromkeys(column for row in rows for column in row))
        if not rows:
            continue
        file = root / f"{relation.name}.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            table = csv.DictWriter(out, columns, restval="")
            table.writeheader()
            table.writerows(rows)
        ran = run_command("import", relation.name, str(file), "--workspace", str(root))
        assert ran.code == 0, ran.err


def _rows(campaign: Manifest, relation: str) -> list[dict[str, str]]:
    """The rows of one relation, people and addresses named after the campaign."""
    return [
        {column: _named(cell, campaign) if column in NAMED and cell else cell for column, cell in row.items()}
        for row in _plain(campaign, relation)
    ]


def _named(cell: str, campaign: Manifest) -> str:
    """A cell that is different for each campaign; a phone number stays one."""
    if cell.startswith("+"):
        return f"+999{sum(campaign.id.encode()) % 1000:03}{cell[-4:]}"
    return f"{campaign.id}-{cell}"


def _plain(campaign: Manifest, relation: str) -> list[dict[str, str]]:
    file = campaign.audience.files.get(relation)
    if file is None:
        return []
    with file.path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _planned(below: str, campaign: Manifest) -> dict[str, Decision]:
    """What the reference says of each person, which every dry run of the campaign is held against."""
    opened, ids = OPENED[below], [f"{campaign.id}-{row['id']}" for row in _plain(campaign, "people")]
    with Workbench(Options(threads=1)) as bench:
        data = read_data(bench.connection, sources(campaign, {}), opened.vocabulary)
        people = people_of(bench.connection, opened.ruleset, data, range(1, len(ids) + 1))
    at = parse_instant(INSTANTS[below]) or 0
    return {
        person: reference_decide(opened.ruleset, campaign.campaign, people[row], at)
        for row, person in enumerate(ids, 1)
        if person not in KNOWN_LIVE
    }


def _campaigns(below: str) -> list[Manifest]:
    return [found for name, found in OPENED[below].workspace.manifests.items() if name != REFUSED]


def test_everybody_gets_live_what_the_dry_run_said(application: Application) -> None:
    """Every story that a campaign shows, each of its people one by one."""
    differences = [said for campaign in _campaigns(application.below) for said in _differences(application, campaign)]

    assert differences == []


def _differences(application: Application, campaign: Manifest) -> Iterator[str]:
    addresses = {(row["person"], row["channel"]): row["address"] for row in _rows(campaign, "addresses")}
    prepared = [each.channel for each in campaign.campaign.prepared]
    for person, decision in _planned(application.below, campaign).items():
        channel = next((channel for channel in prepared if (person, channel) in addresses), "in_app")
        if channel == "in_app":  # nowhere, or where the application has no provider's client
            continue
        application.server.clear()
        with policykit.sending(campaign.id if channel == "sms" else None) as sent:  # a text has no slot for it
            accepted = application.send(campaign, channel, addresses[person, channel])
        (record,) = sent.decisions
        leaves = decision.channel in ("push", "email", "sms")
        due = int(leaves and decision.changes.send_at is None)
        if record.decision != decision or accepted is not leaves:
            yield f"{person}: {record.decision} is not {decision}, accepted {accepted}"
        elif len(application.server.requests) != due:
            yield f"{person}: {len(application.server.requests)} requests for {decision}"
