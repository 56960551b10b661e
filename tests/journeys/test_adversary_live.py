"""Live enforcement attacked through its public face: real clients, a workspace of texts, a provider on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import requests

import policykit
from policykit.enforce.guards import workers
from policykit.errors import SendBlocked
from policykit.language.spans import parse_instant
from policykit.model import HOUR
from policykit.stores.base import LEASE
from policykit.stores.sqlite import SQLiteStore
from policykit.testing.double import Answer, Cut, Double, Received, Slow
from policykit.testing.workspace import write_files

for library in ("policykit_sendgrid", "policykit_fcm", "policykit_twilio"):
    pytest.importorskip(library)

NOON = parse_instant("2026-03-02T11:00:00Z") or 0  # in Paris, a Monday
OPT_OUT = """
policies:
  - id: refusal-is-final
    kind: consent
    forbid: {refused_for: [purpose, everything]}
    on_breach: block
    because: They said no.
"""
ONE_A_DAY = """
  - id: one-a-day
    kind: frequency
    require: {at_most: 1, per: 1 day}
    on_breach: block
"""
SPRING = """
campaign: spring
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  push: {provider: fcm, title: Spring, body: It is here}
  sms: {provider: twilio, body: "Spring in {{ city | default: 'town' }}"}
  email:
    provider: sendgrid
    subject: "Spring{% if city %} in {{ city }}{% endif %}"
    text: "Come by, {{ city | default: 'you' }}"
"""
RECEIPT = """
campaign: receipt
message_class: transactional
purpose: essential.service
audience: {selected_by: []}
channels:
  email: {provider: sendgrid, subject: Receipt, text: Paid}
  sms: {provider: twilio, body: Paid}
"""
REGISTRY = """
attributes:
  - {id: city, disclosed_as: the city you live in,
     category: user.location, origin: provided, collected_for: [marketing.communications]}
"""
CALLBACK = "https://acme.example/status?campaign=spring"
ACCOUNT = "/2010-04-01/Accounts/AC1/Messages.json"
MAIL = "/v3/mail/send"

PUSH = "/v1/projects/acme/messages:send"


@pytest.fixture
def double() -> Iterator[Double]:
    with Double() as double:
        yield double


@pytest.fixture
def shop(policykit_workspace: Any, double: Double, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Guards this process with these policies; credentials and senders are those of the double."""
    for name in ("SG_KEY", "FCM_TOKEN", "TW_TOKEN"):
        monkeypatch.setenv(name, f"secret-{name}")

    def make(policies: str = OPT_OUT, mode: str = "enforce", at: int = NOON, twilio: str = "", **more: str) -> Any:
        base = f"base_url: '{double.url}'"
        config = f"""
mode: {mode}
providers:
  sendgrid: {{credentials: {{api_key: SG_KEY}}, from: a@acme.example, {base}}}
  fcm: {{credentials: {{access_token: FCM_TOKEN}}, project: acme, {base}}}
  twilio: {{credentials: {{auth_token: TW_TOKEN}}, account_sid: AC1, from: '+15550009999', {base}{twilio}}}
"""
        files = {
            "policykit.yaml": config, "policies/all.yaml": policies, "policies/registry.yaml": REGISTRY,
            "campaigns/spring.yaml": SPRING, "campaigns/receipt.yaml": RECEIPT,
            **{f"campaigns/{name}.yaml": text for name, text in more.items()},
        }  # fmt: skip
        return policykit_workspace(files, now=lambda: at)

    return make


def knows(it: Any, person: str, *, refused: bool = False, **addresses: str) -> None:
    """Somebody in the store, who refused everything or said nothing."""
    it.record("people", [{"id": person, "zone": "Europe/Paris"}])
    it.record("addresses", [{"person": person, "channel": channel, "address": address}
                            for channel, address in addresses.items()])  # fmt: skip
    if refused:
        it.record("consents", [{
            "id": f"no-{person}", "person": person, "status": "refused", "purpose": "*", "channel": "*",
            "at": "2026-01-01T09:00:00Z",
        }])  # fmt: skip


def mail(*to: object, **more: object) -> dict[str, object]:
    """A payload of SendGrid for these people; a text is an address."""
    people = [each if isinstance(each, Mapping) else {"email": each} for each in to]
    return {
        "personalizations": [{"to": [each]} for each in people], "from": {"email": "a@acme.example"},
        "subject": "Hello", "content": [{"type": "text/plain", "value": "Hello"}],
        "custom_args": {"campaign": "spring"}, **more,
    }  # fmt: skip


def post(double: Double, path: str, body: object, **kwargs: Any) -> requests.Response:
    """A plain POST: JSON, or a form for Twilio; bytes as they are."""
    if isinstance(body, bytes | str):
        return requests.post(double.url + path, data=body, **kwargs)
    if "Accounts" in path:
        return requests.post(double.url + path, data=body, **kwargs)
    return requests.post(double.url + path, json=body, **kwargs)


def texts(double: Double, **fields: object) -> requests.Response:
    spring = {"To": "+33612345678", "From": "+15550009999", "Body": "Hello", "StatusCallback": CALLBACK}
    return post(double, ACCOUNT, {**spring, **fields})


def written_to(double: Double) -> list[str]:
    """Addresses of every email the server saw."""
    return [each["email"] for call in double.requests for one in call.json()["personalizations"]
            for field in ("to", "cc", "bcc") for each in one.get(field, [])]  # fmt: skip


def form(*pairs: tuple[str, str]) -> str:
    return urlencode([("From", "+15550009999"), ("StatusCallback", CALLBACK), *pairs])


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


# --- who is meant -----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [
    "no@example.com", "No@Example.COM", " no@example.com ", "Nora <no@example.com>", '"No, Ra" <no@example.com>',
    "<no@example.com>",
])  # fmt: skip
def test_a_refusal_holds_however_the_address_is_written(shop, double, written):
    knows(shop(), "nora", refused=True, email="no@example.com")

    assert post(double, MAIL, mail(written)).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize(("stored", "wire"), [
    ("no@exämple.com", "no@xn--exmple-cua.com"), ("no@xn--exmple-cua.com", "no@exämple.com"),
    ("no@EXÄMPLE.com", "no@exämple.com"), ("no@exa\u0308mple.com", "no@ex\u00e4mple.com"),
    ("jose\u0301@example.com", "jos\u00e9@example.com"), ("no@straße.de", "no@xn--strae-oqa.de"),
])  # fmt: skip
def test_a_refusal_holds_in_either_spelling_of_a_foreign_name(shop, double, stored, wire):
    knows(shop(), "nora", refused=True, email=stored)

    assert post(double, MAIL, mail(wire)).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("wire", [
    "+33612345678", "33612345678", "0033612345678", "+0033612345678", "+33 6 12 34 56 78", "+33(0)612345678",
    "+33 (0) 6.12.34.56.78", "tel:+33612345678",
])  # fmt: skip
def test_a_refusal_holds_however_the_number_is_written(shop, double, wire):
    knows(shop(), "nora", refused=True, sms="+33 6 12 34 56 78")

    assert texts(double, To=wire).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("stored", [
    "Nora <no@example.com>", "mailto:no@example.com", "no@example.com.", "\u200bno@example.com", "NO@example.com\ufeff",
])  # fmt: skip
def test_a_refusal_holds_however_data_has_the_address(shop, double, stored):
    knows(shop(), "nora", refused=True, email=stored)

    assert post(double, MAIL, mail("no@example.com")).status_code == 403


@pytest.mark.parametrize("stored", [
    "tel:+33612345678", "\u202a+33 6 12 34 56 78\u202c", "33612345678.0", "+33612345678.0", "+33\u202f6\u00a012345678",
])  # fmt: skip
def test_a_refusal_holds_however_data_has_the_number(shop, double, stored):
    knows(shop(), "nora", refused=True, sms=stored)

    assert texts(double).status_code == 403


def test_numbers_that_cannot_be_recognised_are_told_of(shop, caplog):
    it = shop()

    knows(it, "nora", sms="06 12 34 56 78", email="nobody", whatsapp="+33612345678")
    it.record("people", [{"id": "ana", "address.sms": "0612345678"}])

    assert [record.getMessage() for record in caplog.records] == [
        "1 addresses of `email` cannot be read: sends to them may not be recognised as theirs",
        "1 addresses of `sms` name no country: sends to them may not be recognised as theirs",
        "1 addresses of `sms` name no country: sends to them may not be recognised as theirs",
    ]


@pytest.mark.parametrize("fields", [{"MediaUrl": "https://acme.example/a.png"}, {"To": "whatsapp:+33612345678"}])
def test_a_refusal_holds_on_every_channel_of_one_number(shop, double, fields):
    knows(shop(), "nora", refused=True, sms="+33612345678")

    assert texts(double, **fields).status_code == 403
    assert double.requests == []


def test_strangers_in_one_call_do_not_count_for_each_other(shop, double):
    shop(OPT_OUT + ONE_A_DAY)

    assert post(double, MAIL, mail("a@example.com", "b@example.com")).status_code == 202
    assert written_to(double) == ["a@example.com", "b@example.com"]


def test_one_person_twice_in_a_call_gets_one_message_under_a_cap_of_one(shop, double):
    it = shop(OPT_OUT + ONE_A_DAY)
    knows(it, "ana", email="ana@example.com")
    it.record("people", [{"id": "ana", "zone": "Europe/Paris", "address.email": "a2@example.com"}])

    assert post(double, MAIL, mail("ANA@example.com", "a2@example.com", "ana@example.com")).status_code == 202
    assert len(written_to(double)) == 1


def test_a_shared_mailbox_is_closed_by_one_refusal(shop, double):
    it = shop()
    knows(it, "ana", email="home@example.com")
    knows(it, "nora", refused=True, email="home@example.com")

    assert post(double, MAIL, mail("home@example.com")).status_code == 403
    with policykit.sending(person="ana"):
        assert post(double, MAIL, mail("home@example.com")).status_code == 403
    assert double.requests == []


SUMMER = """
campaign: summer
message_class: marketing
purpose: marketing.communications
audience: {selected_by: []}
channels:
  email:
    provider: sendgrid
    subject: Summer
    text: "In {{ city | default: 'town' }}{% if basket %} with your {{ basket }}{% endif %}"
"""


def test_values_of_one_person_are_written_to_nobody_else(shop, double):
    basket = """
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     category: user.behavior.purchase_history, origin: observed, collected_for: [sales]}
"""
    it = shop(OPT_OUT + STRIPPED + basket, summer=SUMMER)
    for person in ("ana", "bob"):
        knows(it, person, email=f"{person}@example.com")

    with policykit.sending("summer", person="ana", values={"city": "Anastown"}):
        post(double, MAIL, mail("ana@example.com", "bob@example.com", custom_args={}))

    wrote = {call.json()["personalizations"][0]["to"][0]["email"]: call.json()["content"][0]["value"]
             for call in double.requests}  # fmt: skip
    assert wrote == {"ana@example.com": "In Anastown", "bob@example.com": "In town"}


def test_copies_are_people_too(shop, double):
    it = shop()
    knows(it, "ana", email="ana@example.com")
    knows(it, "nora", refused=True, email="no@example.com")
    body = mail("ana@example.com")
    body["personalizations"] = [{
        "to": [{"email": "ana@example.com"}], "cc": [{"email": "no@example.com"}],
        "bcc": [{"email": "NO@example.com"}, {"email": "b@example.com"}],
    }]  # fmt: skip

    assert post(double, MAIL, body).status_code == 202
    assert written_to(double) == ["ana@example.com", "b@example.com"]


def test_people_named_by_numbers_are_found(shop, double):
    it = shop()
    it.record("people", [{"id": 7, "zone": "Europe/Paris"}])
    knows(it, "7", refused=True)

    with policykit.sending(campaign="spring", person=7) as sent:
        response = post(double, MAIL, mail("new@example.com"))

    assert response.status_code == 403
    assert [record.failed for record in sent.decisions] == [None]
    assert sent.decisions[0].decision.determining == ("refusal-is-final",)


def test_a_value_that_is_none_is_not_said(shop, double):
    shop("""
policies:
  - id: no-city
    kind: rule
    forbid: has(attributes.city)
    on_breach: block
""")  # fmt: skip

    with policykit.sending(campaign="spring", values={"city": None}) as sent:
        post(double, MAIL, mail("a@example.com"))

    assert [record.effect for record in sent.decisions] == ["passed"]


def test_a_block_that_ends_in_another_context_ends(shop, double):
    shop()

    block = policykit.sending(campaign="spring")
    contextvars.copy_context().run(block.__enter__)
    contextvars.copy_context().run(block.__exit__, None, None, None)

    assert post(double, MAIL, mail("a@example.com", custom_args={})).status_code == 403  # of no campaign


# --- what an adapter does wrong ---------------------------------------------------------------------


def _broken(*_: object, **__: object) -> Any:
    raise KeyError("a plugin of somebody")


@pytest.mark.parametrize("broken", ["policykit_fcm.FCMAdapter", "policykit_twilio.TwilioAdapter"])
def test_an_adapter_that_cannot_tell_leaves_the_others_at_work(shop, double, monkeypatch, broken):
    knows(shop(), "nora", refused=True, email="no@example.com")
    monkeypatch.setattr(f"{broken}.claims", _broken)

    assert post(double, MAIL, mail("no@example.com")).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("method", ["read", "answer", "keep"])
@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_an_adapter_with_a_fault_lets_nothing_pass_and_breaks_nothing(shop, double, monkeypatch, method, mode):
    knows(shop(mode=mode), "nora", refused=True, email="no@example.com")
    monkeypatch.setattr(f"policykit_sendgrid.SendGridAdapter.{method}", _broken)
    two = mail("no@example.com", "a@example.com")

    if mode == "audit":
        assert post(double, MAIL, two).status_code == 202
        assert written_to(double) == ["no@example.com", "a@example.com"]
    else:
        with contextlib.suppress(SendBlocked):
            assert post(double, MAIL, two).status_code in (202, 403)
        assert "no@example.com" not in written_to(double)


@pytest.mark.parametrize("method", ["receipts", "mend"])
def test_an_adapter_with_a_fault_after_the_send_changes_nothing(shop, double, monkeypatch, method):
    it = shop(OPT_OUT + ONE_A_DAY)
    knows(it, "nora", refused=True, email="no@example.com")
    knows(it, "ana", email="a@example.com")
    monkeypatch.setattr(f"policykit_sendgrid.SendGridAdapter.{method}", _broken)

    assert post(double, MAIL, mail("no@example.com", "a@example.com")).status_code == 202
    assert it.gate.flush()
    assert post(double, MAIL, mail("a@example.com", subject="Again")).status_code == 403
    assert written_to(double) == ["a@example.com"]


@pytest.mark.parametrize("campaign", [["spring"], {"id": "spring"}, object()])
def test_a_campaign_of_an_odd_type_is_an_unknown_one(shop, double, campaign):
    shop()

    with policykit.sending(campaign=campaign):
        assert post(double, MAIL, mail("a@example.com", custom_args={})).status_code == 403
    assert double.requests == []


def test_a_hidden_copy_of_everything_is_a_person_too(shop, double):
    it = shop()
    knows(it, "nora", refused=True, email="no@example.com")
    copied = {"mail_settings": {"bcc": {"enable": True, "email": "no@example.com"}, "sandbox_mode": {"enable": False}}}

    assert post(double, MAIL, mail("a@example.com", **copied)).status_code == 202
    assert post(double, MAIL, mail("no@example.com", **copied)).status_code == 403

    (call,) = double.requests
    assert written_to(double) == ["a@example.com"]
    assert call.json()["mail_settings"] == {"sandbox_mode": {"enable": False}}


def test_a_hidden_copy_alone_becomes_a_message(shop, double):
    it = shop()
    knows(it, "nora", refused=True, email="no@example.com")
    copied = {"mail_settings": {"bcc": {"enable": True, "email": "files@acme.example"}}}

    assert post(double, MAIL, mail("no@example.com", **copied)).status_code == 202
    assert written_to(double) == ["files@acme.example"]
    assert "bcc" not in double.requests[0].json()["mail_settings"]


# --- what is tried again ----------------------------------------------------------------------------

STRIPPED = """
  - id: collected-for-this
    kind: purpose
    require: {collected_for: this_purpose}
    on_breach: {downgrade: {uses: strip}}
"""

EMAIL_RATHER = """
  - id: email-rather
    kind: rule
    for: {channel: push}
    forbid: "send.channel == 'push'"
    on_breach: {downgrade: {channel: less_intrusive}}
"""


def _rest_fails(*statuses: int) -> Callable[[Received], Answer]:
    """Answers calls that write to Ana with these, one after the other; anything else is taken."""
    left = iter(statuses)
    return lambda received: Answer(next(left) if b"a@example.com" in received.body else 202)


def test_what_was_sent_beside_a_call_that_failed_is_not_sent_again(shop, double):
    it = shop(OPT_OUT + STRIPPED)
    for person in ("a", "b"):
        knows(it, person, email=f"{person}@example.com")
    it.record("attributes", [{"person": "b", "attribute": "city", "value": "Paris", "collected_for": "sales"}])
    double.answer(MAIL, _rest_fails(503, 503, 202, 202))
    body = mail("a@example.com", "b@example.com")

    assert [post(double, MAIL, body).status_code for _ in range(3)] == [503, 503, 202]
    assert written_to(double).count("b@example.com") == 1
    assert post(double, MAIL, body).status_code == 202  # a new one
    assert written_to(double).count("b@example.com") == 2


def test_a_provider_that_is_away_holds_up_no_batch(shop, double):
    it = shop(OPT_OUT + STRIPPED)
    people = [f"p{number}@example.com" for number in range(40)]
    for person in people:
        knows(it, person, email=person)
        it.record("attributes", [{"person": person, "attribute": "city", "value": "Paris", "collected_for": "sales"}])
    double.answer(MAIL, Cut())

    assert post(double, MAIL, mail(*people)).status_code == 202
    assert len(double.requests) <= 16  # those under way as the first was lost
    assert len(it.store.waiting()) == 40


# --- a trial ----------------------------------------------------------------------------------------


def test_nothing_of_a_trial_reaches_the_provider(shop, double, monkeypatch):
    with Double() as provider:
        monkeypatch.setenv("POLICYKIT_LOOPBACK", double.url)
        monkeypatch.setenv("POLICYKIT_LOOPBACK_STORE", "memory:")
        it = shop(OPT_OUT + STRIPPED + EMAIL_RATHER)
        for person in ("a", "b"):
            knows(it, person, email=f"{person}@example.com", push=f"token-{person}")
        it.record("attributes", [{"person": "b", "attribute": "city", "value": "Paris", "collected_for": "sales"}])

        post(provider, MAIL, mail("a@example.com", "b@example.com"))  # one as it is, one with other words
        message = {"token": "token-a", "notification": {"title": "Hi"}, "data": {"campaign": "spring"}}
        post(provider, PUSH, {"message": message})  # arrives as an email

        assert provider.requests == []
        assert sorted(written_to(double)) == ["a@example.com", "a@example.com", "b@example.com"]


# --- what is kept and told --------------------------------------------------------------------------

EVENINGS = """
  - id: evenings-are-theirs
    kind: quiet_hours
    require: {local_time: [{days: mon-sun, from: "08:00", to: "21:00"}]}
    on_breach: {downgrade: {send_at: next_allowed}}
"""


def test_a_send_that_waits_holds_no_credential_of_its_url(shop, double):
    it = shop(OPT_OUT + EVENINGS, at=NOON + 11 * HOUR)
    knows(it, "ana", sms="+33612345678")
    url = double.url.replace("http://", "http://AC1:secret-in-url@") + ACCOUNT + "?access_token=secret-query&x=1"

    answer = requests.post(url, data=form(("To", "+33612345678"), ("Body", "Hi")), headers=FORM)

    (waiting,) = it.store.waiting()
    assert answer.status_code == 201
    assert "secret" not in waiting.request
    assert f"{double.url}{ACCOUNT}?x=1" in waiting.request


SECRETS = ("no@example.com", "b@example.com", "nora", "Paris", "33612345678", "SG.secret")


def test_no_command_and_no_log_tells_who_it_was(kept, double, caplog, policykit):
    caplog.set_level("DEBUG", "policykit")
    it = kept(OPT_OUT + ONE_A_DAY)
    knows(it, "nora", email="no@example.com", sms="+33612345678")
    it.record("consents", [{"id": "c1", "person": "nora", "status": "refused", "at": "2026-01-01T09:00:00Z"}])
    it.record("attributes", [{"person": "nora", "attribute": "city", "value": "Paris"}])
    headers = {"Authorization": "Bearer SG.secret"}

    post(double, MAIL, mail("no@example.com", "Bea <b@example.com>"), headers=headers)
    post(double, MAIL, mail("no@example.com", subject="Paris", custom_args={"campaign": "no@example.com"}))
    post(double, MAIL, b"no@example.com")
    texts(double)
    it.gate.flush()

    folder = ("--workspace", str(it.root))
    told = [policykit("decisions", *words, *folder) for words in (
        ("tail",), ("tail", "--json"), ("export", str(it.root / "all.csv")), ("export", str(it.root / "all.jsonl")),
    )]  # fmt: skip
    written = [(it.root / name).read_text() for name in ("all.csv", "all.jsonl")]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("policykit")]
    assert [each.code for each in told] == [0, 0, 0, 0]
    assert told[0].out.count("pk-") == 5
    for text in (*(each.out + each.err for each in told), *written, *logged):
        assert [secret for secret in SECRETS if secret in text] == []


# --- a process at its limits ------------------------------------------------------------------------


def test_a_process_without_a_thread_left_still_judges(shop, double, monkeypatch):
    knows(shop(), "nora", refused=True, email="no@example.com")
    workers._forget()  # as in a process that has not sent yet

    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def send() -> list[int]:
        async with httpx.AsyncClient() as client:
            await client.get(double.url)
            with monkeypatch.context() as at_the_limit:
                at_the_limit.setattr(threading.Thread, "start", none_left)
                answers = [await client.post(double.url + MAIL, json=mail(to)) for to in ["no@example.com"] * 10]
                answers.append(await client.post(double.url + MAIL, json=mail("a@example.com")))
        return [answer.status_code for answer in answers]

    assert asyncio.run(send()) == [403] * 10 + [202]


# --- a store that something happens to --------------------------------------------------------------


@pytest.fixture
def kept(tmp_path, double, monkeypatch) -> Iterator[Callable[..., Any]]:
    """Guards this process with a workspace whose store is a file."""
    monkeypatch.setattr("policykit.stores.pool._LOOK_S", 0.0)  # in place of waiting for it

    def make(policies: str = OPT_OUT, more: str = "") -> Any:
        root = tmp_path / "kept"
        write_files(root, {
            "policykit.yaml": f"mode: enforce\nstore: sqlite:///store.db\n{more}", "policies/all.yaml": policies,
            "policies/registry.yaml": REGISTRY, "campaigns/spring.yaml": SPRING, "campaigns/receipt.yaml": RECEIPT,
        })  # fmt: skip
        return policykit.install(root, now=lambda: NOON)

    yield make
    policykit.uninstall()


def of_each_class(double: Double) -> tuple[int, int]:
    """What a marketing mail and a receipt to somebody nobody knows are answered with."""
    marketing = post(double, MAIL, mail("a@example.com"))
    return marketing.status_code, post(
        double, MAIL, mail("a@example.com", custom_args={"campaign": "receipt"})
    ).status_code


def _remove(path: Path) -> None:
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)


def _empty(path: Path) -> None:
    _remove(path)
    path.touch()


def _spoil(path: Path) -> None:
    _remove(path)
    path.write_bytes(b"garbage" * 1000)


@pytest.mark.parametrize("lost", ["policykit.yaml", "policies/all.yaml", "policies", "campaigns"])
@pytest.mark.parametrize("emptied", [True, False])
def test_a_workspace_that_is_being_put_in_place_lets_nobody_past(kept, double, lost, emptied):
    it = kept()
    knows(it, "nora", refused=True, email="no@example.com")

    path = it.root / lost
    if path.is_dir():
        path.rename(it.root / "away")
    else:
        path.unlink()
    if emptied:
        path.mkdir() if "." not in lost else path.touch()
    for _ in range(3):  # looks until what changed lies still
        it.reloader.look()

    assert post(double, MAIL, mail("no@example.com")).status_code == 403
    assert double.requests == []


@pytest.mark.parametrize("happens", [_remove, _empty, _spoil])
def test_a_store_that_is_lost_is_an_outage(kept, double, happens):
    it = kept()
    assert of_each_class(double) == (202, 202)

    if happens is _spoil:
        it.gate.flush()
        it.store.close()  # an open connection may know all it needs by heart
    happens(it.store.path)

    assert of_each_class(double) == (403, 202)


def test_a_store_put_in_place_of_another_is_the_one_that_counts(kept, double, tmp_path):
    it = kept()
    assert of_each_class(double) == (202, 202)
    restored = SQLiteStore(tmp_path / "restored.db")
    restored.hold("spring", "a wrong price", NOON)
    restored.close()

    _remove(it.store.path)
    restored.path.rename(it.store.path)

    assert of_each_class(double) == (403, 202)


def test_a_send_under_way_as_policykit_is_taken_out_still_counts(kept, double):
    it = kept(OPT_OUT + ONE_A_DAY)
    knows(it, "ana", email="a@example.com")
    go_on = threading.Event()
    double.answer(MAIL, Slow(go_on))
    sending = threading.Thread(target=post, args=(double, MAIL, mail("a@example.com")))
    sending.start()
    assert double.wait_for(1)

    policykit.uninstall()
    go_on.set()
    sending.join()

    ((row,),) = [SQLiteStore(it.store.path, clock=lambda: NOON + LEASE).rows("history")]
    assert (row["person"], row["channel"]) == ("ana", "email")
