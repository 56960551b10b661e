"""What the contract of adapters leaves to FCM: targets, platforms, silence, places where values hide, answers."""

import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firebase_admin import exceptions, messaging
from hypothesis import given, settings
from hypothesis import strategies as st
from policykit.adapters.base import Outcome, Replacement, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnreadableSend, UnsupportedRewrite, UsageError
from policykit.sends import Send
from policykit.testing import Double

from policykit_fcm import FCMAdapter

from . import clients
from .clients import JANE, TOKEN

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Use .*fid:DeprecationWarning")
ADAPTER = FCMAdapter()
URL = "https://fcm.googleapis.com/v1/projects/acme-app/messages:send"
SETTINGS = Settings({"access_token": TOKEN}, {"project": "acme-app"})
REFUSED = Outcome(False, "pk-00000000000000000001", "quiet-hours-fr: it is night", "quiet_hours.closed")
ACCEPTED = Outcome(True, "pk-00000000000000000002")
NOTE = {"title": "Spring", "body": "Our range"}
NEW = {"title": "New", "body": "Words"}


def post(payload: object, url: str = URL) -> OutgoingRequest:
    headers = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
    return OutgoingRequest("POST", url, headers, json.dumps(payload).encode())


def push(**fields: Any) -> OutgoingRequest:
    return post({"message": {"token": JANE} | fields})


def read(**fields: Any) -> Send:
    (send,) = ADAPTER.read(push(**fields))
    return send


def rewritten(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = ADAPTER.rewrite(push(**fields), NEW).json()["message"]
    assert found.pop("token") == JANE
    return found


# --- reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "url", "claimed"),
    [
        ("POST", URL, True),
        ("POST", "http://127.0.0.1:80/gateway/v1/projects/123/messages:send?alt=json", True),
        ("POST", URL.replace(":send", "%3Asend"), True),
        ("GET", URL, False),
        ("POST", "https://fcm.googleapis.com/fcm/send/a-subscription-of-web-push", False),
        ("POST", "https://fcm.googleapis.com/wp/a-subscription-of-web-push", False),
        ("POST", "https://fcm.googleapis.com/v1/projects/acme-app/registrations/abc/topicSubscriptions", False),
        ("POST", "https://fcm.googleapis.com/batch", False),
        ("POST", "https://iid.googleapis.com/iid/v1:batchAdd", False),
        ("POST", "https://oauth2.googleapis.com/token", False),
        ("POST", f"{URL}/more", False),
        ("POST", f"https://example.com/?to={URL}", False),
    ],
)
def test_claims_by_method_and_path_on_any_host(method: str, url: str, claimed: bool) -> None:
    assert ADAPTER.claims(OutgoingRequest(method, url)) is claimed


@pytest.mark.parametrize(("field", "person"), [("token", True), ("fid", True), ("topic", False), ("condition", False)])
def test_a_device_is_a_person_and_a_topic_is_nobody(field: str, person: bool) -> None:
    (send,) = ADAPTER.read(post({"message": {field: "somewhere", "notification": NOTE}, "validate_only": True}))

    assert send.address == ("somewhere" if person else None)
    assert send.slots == ({} if person else {field: ("somewhere",)})


@pytest.mark.parametrize(
    ("fields", "visible"),
    [
        ({}, False),
        ({"data": {"title": "for the application"}}, False),
        ({"notification": {}}, False),
        ({"apns": {"payload": {"aps": {"content-available": 1, "badge": 3}}}}, False),
        ({"android": {"data": {"a": "b"}}}, False),
        ({"androidV2": {"backgroundSync": {"data": {}}}}, False),
        ({"webpush": {"data": {"a": "b"}}}, False),
        ({"notification": {"image": "https://acme.example/crib.png"}}, True),
        ({"android": {"notification": {"title_loc_key": "waits"}}}, True),
        ({"android_v2": {"remote_notification": {"notification": NOTE}}}, True),
        ({"apns": {"payload": {"aps": {"alert": "Spring"}}}}, True),
        ({"apns": {"payload": {"aps": {"sound": "default"}}}}, True),
        ({"apns": {"payload": {"aps": {"content-state": {"score": 1}}}}}, True),
        ({"webpush": {"notification": {"title": "Spring"}}}, True),
    ],
)
def test_what_shows_or_sounds_nowhere_is_silent(fields: dict[str, Any], visible: bool) -> None:
    assert read(**fields).silent is not visible


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"notification": NOTE}, NOTE),
        ({"notification": {"title": None, "body": ""}}, {}),
        ({"notification": NOTE, "android": {"notification": NOTE}}, NOTE),
        ({"notification": NOTE, "webpush": {"notification": {"title": "Web"}}}, NOTE | {"title": "Spring\nWeb"}),
        ({"apns": {"payload": {"aps": {"alert": "Spring"}}}}, {"body": "Spring"}),
        ({"androidV2": {"remoteNotification": {"notification": NOTE}}}, NOTE),
        ({"androidV2": {"remoteNotification": NOTE}}, NOTE),
    ],
)
def test_words_are_read_on_every_platform_once(fields: dict[str, Any], content: dict[str, str]) -> None:
    assert dict(read(**fields).content) == content


def test_both_spellings_are_read() -> None:
    snake = {
        "fcm_options": {"analytics_label": "a"},
        "android": {"collapse_key": "b", "notification": {"channel_id": "c"}},
    }
    camel = {"fcmOptions": {"analyticsLabel": "a"}, "android": {"collapseKey": "b", "notification": {"channelId": "c"}}}

    assert read(**camel) == read(**snake)
    assert read(**snake).slots == {
        "fcm_options.analytics_label": ("a",), "android.notification.channel_id": ("c",), "android.collapse_key": ("b",)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ([], "the body is no JSON object"),
        ({}, "there is no `message`"),
        ({"message": None}, "there is no `message`"),
        ({"message": []}, "`message` is no object"),
        ({"message": {"notification": NOTE}}, "it names no target, or several"),
        ({"message": {"token": JANE, "topic": "a"}}, "it names no target, or several"),
        ({"message": {"token": "  "}}, "`message.token` is empty"),
        ({"message": {"token": 5}}, "`message.token` is no text"),
        ({"message": {"token": JANE, "notification": "Hi"}}, "`message.notification` is no object"),
        ({"message": {"token": JANE, "notification": {"title": 1}}}, "`message.notification.title` is no text"),
        ({"message": {"token": JANE, "data": []}}, "`message.data` is no object"),
        ({"message": {"token": JANE, "apns": {"payload": {"aps": 1}}}}, "`message.apns.payload.aps` is no object"),
        (
            {"message": {"token": JANE, "apns": {"payload": {"aps": {"alert": 1}}}}},
            "`message.apns.payload.aps.alert` is no object",
        ),
        (
            {"message": {"token": JANE, "webpush": {"notification": {"actions": ["a"]}}}},
            "`message.webpush.notification.actions` holds something that is no object",
        ),
        ({"message": {"token": JANE, "fcmOptions": 1}}, "`message.fcmOptions` is no object"),
    ],
)  # fmt: skip
def test_other_types_are_unreadable(payload: object, why: str) -> None:
    with pytest.raises(UnreadableSend) as caught:
        ADAPTER.read(post(payload))

    assert (caught.value.adapter, caught.value.why) == ("fcm", why)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000])
def test_other_bodies_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableSend):
        ADAPTER.read(OutgoingRequest("POST", URL, (), body))


def test_a_body_of_thirty_megabytes_is_read() -> None:
    assert read(notification={"title": "a", "body": "b" * (30 << 20)}).address == JANE


def test_device_tokens_show_in_no_repr_and_no_error() -> None:
    request = push(notification=NOTE)
    with pytest.raises(UnreadableSend) as caught:
        ADAPTER.read(push(topic="offers"))

    for shown in (repr(request), repr(ADAPTER.read(request)), str(caught.value), repr(caught.value)):
        assert JANE not in shown
        assert TOKEN not in shown


# --- other words --------------------------------------------------------------------------------------


def test_nothing_of_a_person_is_left_where_values_can_hide() -> None:
    crib = "crib"
    recorded = Path(__file__).parent / "recordings" / "send-platforms.http"
    payload = json.loads(recorded.read_text().split("\n\n", 1)[1])
    payload["message"]["android"]["notification"] |= {"title_loc_args": [crib], "image": crib, "new_field": crib}
    payload["message"]["apns"]["payload"]["aps"] |= {"new-field": crib}
    payload["message"]["webpush"]["notification"] |= {"image": crib, "newField": crib}
    payload["message"] |= {"new_field": crib, "fcm_options": {"analytics_label": "spring", "new_field": crib}}

    new = ADAPTER.rewrite(post(payload), NEW)

    assert crib not in new.body.decode().lower()
    assert new.json()["message"] == {
        "token": JANE,
        "fcm_options": {"analytics_label": "spring"},
        "notification": NEW,
        "data": {"campaign": "spring"},
        "android": {
            "collapse_key": "basket",
            "priority": "high",
            "ttl": "3600s",
            "notification": {"color": "#aabbcc", "tag": "basket", "channel_id": "offers", **NEW},
        },
        "apns": {
            "headers": {"apns-priority": "10"},
            "payload": {
                "aps": {"badge": 1, "sound": "default", "category": "OFFER", "thread-id": "basket", "alert": NEW}
            },
            "fcm_options": {"analytics_label": "spring"},
        },
        "webpush": {
            "headers": {"TTL": "3600"},
            "notification": {"icon": "https://acme.example/logo.png", "tag": "basket", **NEW},
        },
    }


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"notification": NOTE}, {"notification": NEW}),
        ({"apns": {"payload": {"aps": {"alert": "Spring"}}}}, {"apns": {"payload": {"aps": {"alert": NEW}}}}),
        (
            {"android": {"notification": {"channelId": "a", "clickAction": "b", **NOTE}}},
            {"android": {"notification": {"channelId": "a", **NEW}}},
        ),
        (
            {"webpush": {"notification": NOTE, "fcmOptions": {"link": "a", "analyticsLabel": "b"}}},
            {"webpush": {"notification": NEW, "fcm_options": {"analyticsLabel": "b"}}},
        ),
    ],
)  # fmt: skip
def test_words_are_replaced_where_they_stood(fields: dict[str, Any], found: dict[str, Any]) -> None:
    assert rewritten(**fields) == found


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"data": {"a": "b"}}, "the application writes the words itself"),
        ({"apns": {"payload": {"aps": {"sound": "default"}}}}, "the application writes the words itself"),
        ({"android_v2": {"remote_notification": NOTE}}, "`android_v2` is not written yet"),
        ({"apns": {"payload": {"aps": {"alert": "a", "content-state": {"b": 1}}}}}, "a live activity holds more"),
        ({"token": None, "topic": "offers", "notification": NOTE}, "it names no person"),
    ],
)
def test_what_cannot_be_rewritten_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedRewrite, match=f"adapter `fcm` cannot rewrite this request: {why}"):
        ADAPTER.rewrite(push(**fields), NEW)


def test_a_push_needs_words() -> None:
    with pytest.raises(UnsupportedRewrite, match="cannot rewrite this request: a push needs a `title` or a `body`"):
        ADAPTER.rewrite(push(notification=NOTE), {"subject": "S", "html": "H"})
    with pytest.raises(UnsupportedRewrite, match="cannot compose this request: a push needs a `title` or a `body`"):
        ADAPTER.compose(Replacement("push", JANE, {"subject": "S"}), SETTINGS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
WORDS = st.fixed_dictionaries({}, optional={key: st.text(max_size=5) for key in ("title", "body", "image", "tag")})
ALERT = st.text(max_size=5) | WORDS
SHOWN = {"notification": WORDS, "x": JSON}
APS = st.fixed_dictionaries({}, optional={"alert": ALERT, "sound": st.just("s"), "x": JSON})
PAYLOAD = st.fixed_dictionaries({}, optional={"aps": APS, "x": JSON})
DATA = st.dictionaries(st.sampled_from(["campaign", "item"]), st.text(max_size=5))
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        **SHOWN,
        "data": DATA,
        "android": st.fixed_dictionaries({}, optional={**SHOWN, "data": DATA}),
        "apns": st.fixed_dictionaries({}, optional={"payload": PAYLOAD, "x": JSON}),
        "webpush": st.fixed_dictionaries({}, optional={**SHOWN, "data": DATA}),
    },
)


@settings(deadline=None, max_examples=200)
@given(MESSAGES)
def test_every_message_is_rewritten_whole_or_not_at_all(fields: dict[str, Any]) -> None:
    request = push(**fields)
    (before,) = ADAPTER.read(request)
    try:
        new = ADAPTER.rewrite(request, NEW)
    except UnsupportedRewrite:
        shown = [fields.get(key, {}).get("notification") for key in ("android", "webpush")]
        assert not any((*shown, fields.get("notification"))), "these words can be replaced"
        return

    (after,) = ADAPTER.read(new)

    assert (after.address, dict(after.content), dict(after.values), after.silent) == (JANE, NEW, {}, False)
    assert all(after.slots.get(slot) == before.slots.get(slot) for slot in ADAPTER.campaign_slots)


# --- made anew ----------------------------------------------------------------------------------------


def test_a_composed_push_names_campaign_and_decision() -> None:
    made = ADAPTER.compose(
        Replacement("push", JANE, NOTE | {"subject": "no part of a push"}, "spring", "pk-1"), SETTINGS
    )

    assert (made.method, made.url, made.header("Authorization")) == ("POST", URL, f"Bearer {TOKEN}")
    assert made.json() == {
        "message": {
            "token": JANE,
            "notification": NOTE,
            "data": {"campaign": "spring", "policykit": "pk-1"},
            "fcm_options": {"analytics_label": "spring"},
        }
    }


def test_installation_ids_are_told_from_tokens_and_odd_labels_are_left_out() -> None:
    made = ADAPTER.compose(Replacement("push", "dXq7Zr4sT0uK1vW2xY3zAb", NOTE, "spring sale!"), SETTINGS)

    message = made.json()["message"]
    assert message == {"fid": "dXq7Zr4sT0uK1vW2xY3zAb", "notification": NOTE, "data": {"campaign": "spring sale!"}}


@pytest.mark.parametrize(
    ("given_settings", "missing"),
    [
        (Settings({"access_token": TOKEN}, {}), "`providers.fcm.project` is missing"),
        (Settings({}, {"project": "a"}), "`providers.fcm` has no credential `access_token` or `service_account`"),
        (
            Settings({"service_account": "/nowhere/key.json"}, {"project": "a"}),
            "no access token for the service account of `providers.fcm` (FileNotFoundError)",
        ),
    ],
)
def test_what_the_configuration_lacks_is_named(given_settings: Settings, missing: str) -> None:
    with pytest.raises(UsageError) as caught:
        ADAPTER.compose(Replacement("push", JANE, NOTE), given_settings)

    assert [problem.message for problem in caught.value.problems] == [missing]
    assert all(problem.help for problem in caught.value.problems)


def test_a_service_account_is_exchanged_for_a_token_once(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = tmp_path / "account.json"
    with Double() as google:
        account = {"type": "service_account", "client_email": "a@acme.example", "private_key": text}
        path.write_text(json.dumps(account | {"token_uri": f"{google.url}/token"}))
        settings = Settings({"service_account": str(path)}, {"project": "acme-app"})

        made = [ADAPTER.compose(Replacement("push", JANE, NOTE), settings) for _ in range(2)]

        assert [each.header("Authorization") for each in made] == ["Bearer double"] * 2
        assert [each.path for each in google.requests] == ["/token"]


@pytest.mark.parametrize("content", ["", "{}", '{"private_key": "a secret", "client_email": "a", "token_uri": "b"}'])
def test_a_broken_service_account_is_told_without_what_it_holds(tmp_path: Path, content: str) -> None:
    path = tmp_path / "account.json"
    path.write_text(content)

    with pytest.raises(UsageError, match="no access token for the service account") as caught:
        ADAPTER.compose(Replacement("push", JANE, NOTE), Settings({"service_account": str(path)}, {"project": "a"}))

    assert "a secret" not in "".join(traceback.format_exception(caught.value))


def test_fcm_delivers_at_once() -> None:
    with pytest.raises(UnsupportedRewrite, match="adapter `fcm` cannot schedule this request: FCM delivers at once"):
        ADAPTER.compose(Replacement("push", JANE, NOTE, at=1), SETTINGS)


# --- answers, as clients take them --------------------------------------------------------------------


@pytest.fixture
def answered():
    """A client's send, answered as the adapter answers in FCM's place."""

    def run(send: Any, outcome: Outcome) -> tuple[Any, int]:
        request = push(notification=NOTE)
        with Double() as double:
            double.answer("/v1/", ADAPTER.answer(request, ADAPTER.read(request), [outcome]))
            try:
                return send(double.url), len(double.requests)
            except Exception as error:
                return error, len(double.requests)

    return run


def test_a_refusal_is_firebases_own_error_and_tried_once(answered: Any) -> None:
    error, tries = answered(clients.send, REFUSED)

    assert type(error) is exceptions.PermissionDeniedError
    assert (str(error), error.code, tries) == (
        "quiet-hours-fr: it is night (pk-00000000000000000001)", "PERMISSION_DENIED", 1,
    )  # fmt: skip
    assert not isinstance(error, messaging.UnregisteredError | messaging.SenderIdMismatchError)


def test_an_accepted_push_has_the_decision_for_an_id(answered: Any) -> None:
    assert answered(clients.send, ACCEPTED) == ("projects/acme-app/messages/pk-00000000000000000002", 1)


@pytest.mark.parametrize("send", [clients.send_each, clients.send_each_async])
def test_a_fan_out_has_refusals_for_responses(answered: Any, send: Any) -> None:
    batch, tries = answered(send, REFUSED)

    assert (batch.success_count, batch.failure_count, tries) == (0, 3, 3)
    assert {type(each.exception) for each in batch.responses} == {exceptions.PermissionDeniedError}
    assert {REFUSED.reason in str(each.exception) for each in batch.responses} == {True}


def test_receipts_are_the_name_of_the_message() -> None:
    sends = ADAPTER.read(push(notification=NOTE))

    for body, receipt in (
        (b'{"name": "projects/p/messages/1"}', "projects/p/messages/1"),
        (b'{"name": 1}', None),
        (b"[]", None),
    ):
        assert ADAPTER.receipts(Answer(200, body=body), sends) == (receipt,)
    assert ADAPTER.receipts(Answer(404, body=b'{"name": "projects/p/messages/1"}'), sends) == (None,)
