"""What the contract of adapters leaves to SendGrid: fields, copies, places where values hide, limits, answers."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policykit.adapters.base import Outcome, Replacement, Settings
from policykit.adapters.wire import Answer, OutgoingRequest
from policykit.errors import UnreadableSend, UnsupportedRewrite, UsageError
from policykit.sends import Send
from policykit.testing import Double

from policykit_sendgrid import SendGridAdapter

from .clients import KEY, anymail_one, apprise_one, requests_one, sdk_many, sdk_one

ADAPTER = SendGridAdapter()
URL = "https://api.sendgrid.com/v3/mail/send"
HOUR = 3_600_000_000
NOW = 1_795_860_000_000_000
SETTINGS = Settings({"api_key": KEY}, {"from": "Acme <news@acme.example>"})
REFUSED = Outcome(False, "pk-00000000000000000001", "quiet-hours-fr: it is night", "quiet_hours.closed")
ACCEPTED = Outcome(True, "pk-00000000000000000002")


def post(payload: object, *headers: tuple[str, str]) -> OutgoingRequest:
    return OutgoingRequest("POST", URL, (("Authorization", f"Bearer {KEY}"), *headers), json.dumps(payload).encode())


def mail(*personalizations: dict[str, Any], **more: Any) -> dict[str, Any]:
    people = list(personalizations) or [{"to": [{"email": "jane@example.com"}]}]
    content = [{"type": "text/plain", "value": "Hi"}]
    return {"personalizations": people, "from": {"email": "a@acme.example"}, "subject": "S", "content": content} | more


def to(*addresses: str, **more: Any) -> dict[str, Any]:
    return {"to": [{"email": each} for each in addresses], **more}


def body_of(request: OutgoingRequest | None) -> dict[str, Any]:
    assert request is not None
    return dict(request.json())


# --- reading ------------------------------------------------------------------------------------------


def test_what_a_personalization_says_wins_over_the_call() -> None:
    own = to("jane@example.com", subject="For Jane", send_at=1, custom_args={"a": "1"}, headers={"X-B": "2"})
    request = post(mail(own, to("joe@example.com"), send_at=2, custom_args={"a": "0", "c": 3}, headers={"X-B": "0"}))

    jane, joe = ADAPTER.read(request)

    assert (jane.content["subject"], jane.at, dict(jane.slots)) == (
        "For Jane", 1_000_000, {"custom_args.a": ("1",), "custom_args.c": ("3",), "headers.X-B": ("2",)},
    )  # fmt: skip
    assert (joe.content["subject"], joe.at, joe.slots["custom_args.a"]) == ("S", 2_000_000, ("0",))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Jane <jane@Example.COM>", "jane@example.com"),
        ('"Doe, Jane" <jane@example.com>', "jane@example.com"),
        (" jane@example.com ", "jane@example.com"),
        ("Jane@example.com", "Jane@example.com"),
        ("nobody", None),
        ("a@example.com, b@example.com", None),
        ("", None),
        ("jane@example.com\n", "jane@example.com"),
    ],
)
def test_names_go_and_what_is_no_address_is_nobody(written: str, read: str | None) -> None:
    assert [send.address for send in ADAPTER.read(post(mail(to(written))))] == [read]


def test_a_person_who_is_named_twice_is_two_sends() -> None:
    request = post(mail(to("jane@example.com", "jane@example.com"), to("jane@example.com")))

    assert [send.address for send in ADAPTER.read(request)] == ["jane@example.com"] * 3
    assert [send.address for send in ADAPTER.read(ADAPTER.keep(request, [True, False, False]) or request)] == [
        "jane@example.com"
    ]


def test_merge_data_is_read_as_texts() -> None:
    data = {"first": "Jane", "basket": [{"item": "crib", "qty": 2, "gift": True, "note": None}], "": "empty"}
    request = post(mail(to("jane@example.com", dynamic_template_data=data, substitutions={"-n-": "Jane", "-x-": None})))

    assert dict(ADAPTER.read(request)[0].values) == {
        "-n-": "Jane", "first": "Jane", "basket.0.item": "crib", "basket.0.qty": "2", "basket.0.gift": "true",
        "": "empty",
    }  # fmt: skip


def test_half_surrogates_and_zero_bytes_can_be_stored() -> None:
    payload = mail(
        to("jane@example.com", substitutions={"\ud800": "\udfff"}), subject="\ud83d", custom_args={"\ud800": 1}
    )

    (send,) = ADAPTER.read(post(payload))

    for text in (*send.content.values(), *send.values, *send.values.values(), *send.slots):
        text.encode()


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ([], "the body is no JSON object"),
        ({}, "it names nobody in `personalizations`"),
        (mail({}), "it names nobody in `personalizations`"),
        (mail({"to": None}), "it names nobody in `personalizations`"),
        (mail() | {"personalizations": {}}, "`personalizations` is no list"),
        (mail() | {"personalizations": ["a"]}, "`personalizations` holds something that is no object"),
        (mail({"to": "jane@example.com"}), "`personalizations[0].to` is no list"),
        (mail(to("jane@example.com"), {"bcc": ["x"]}), "`personalizations[1].bcc` holds something that is no object"),
        (mail({"to": [{"name": "Jane"}]}), "`personalizations[0].to[].email` is missing, or no text"),
        (mail({"to": [{"email": 5}]}), "`personalizations[0].to[].email` is missing, or no text"),
        (mail(to("jane@example.com", subject=["S"])), "`personalizations[0].subject` is no text"),
        (mail(to("jane@example.com", custom_args="a")), "`personalizations[0].custom_args` is no object"),
        (mail(to("jane@example.com", substitutions=[])), "`personalizations[0].substitutions` is no object"),
        (mail(subject={}), "`subject` is no text"),
        (mail(content="Hi"), "`content` is no list"),
        (mail(content=[{"type": "text/plain", "value": 1}]), "`content[].value` is no text"),
        (mail(send_at="soon"), "`send_at` is no time in Unix seconds"),
        (mail(send_at=True), "`send_at` is no time in Unix seconds"),
        (mail(send_at=1e300), "`send_at` is no time in Unix seconds"),
        (mail(send_at=-1), "`send_at` is no time in Unix seconds"),
        (mail(send_at=10**30), "`send_at` is no time in Unix seconds"),
        (mail(categories={}), "`categories` is no list"),
        (mail(asm=[]), "`asm` is no object"),
    ],
)  # fmt: skip
def test_other_types_are_unreadable(payload: object, why: str) -> None:
    with pytest.raises(UnreadableSend) as caught:
        ADAPTER.read(post(payload))

    assert (caught.value.adapter, caught.value.why) == ("sendgrid", why)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"\xff\xfe", b'{"a": "\xe9"}', b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000]
)
def test_other_bodies_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableSend):
        ADAPTER.read(OutgoingRequest("POST", URL, (), body))


def test_gzipped_bodies_are_read_and_left_plain_when_changed() -> None:
    whole = post(mail(to("jane@example.com", "joe@example.com")))
    packed = OutgoingRequest("POST", URL, (("Content-Encoding", "gzip"),), gzip.compress(whole.body))

    kept = ADAPTER.keep(packed, [True, False])

    assert [send.address for send in ADAPTER.read(packed)] == ["jane@example.com", "joe@example.com"]
    assert body_of(kept)["personalizations"] == [to("jane@example.com")]
    assert kept is not None
    assert kept.header("Content-Encoding") is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", gzip.compress(b"{}" * 99)[:-9], gzip.compress(b" " * (65 << 20))],
    ids=["empty", "plain", "cut off", "too much"],  # packed bytes hold the time, and ids must not
)
def test_bodies_that_are_not_whole_gzip_or_unpack_to_too_much_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableSend):
        ADAPTER.read(OutgoingRequest("POST", URL, (("Content-Encoding", "gzip"),), body))


def test_a_thousand_people_and_thirty_megabytes_are_read() -> None:
    attachments = [{"content": "A" * (30 << 20), "filename": "a"}]
    people = [to(*(f"p{row}-{column}@example.com" for column in range(10))) for row in range(100)]
    request = post(mail(*people, attachments=attachments))

    sends = ADAPTER.read(request)

    assert len({send.address for send in sends}) == 1000
    assert sends[0].content is sends[9].content  # shared, not copied


@pytest.mark.parametrize(
    ("method", "url", "claimed"),
    [
        ("POST", "https://api.sendgrid.com/v3/mail/send", True),
        ("POST", "https://api.eu.sendgrid.com/v3/mail/send/", True),
        ("POST", "http://127.0.0.1:8080/gateway/v3/mail/send?a=b", True),
        ("GET", "https://api.sendgrid.com/v3/mail/send", False),
        ("POST", "https://api.sendgrid.com/v3/mail/batch", False),
        ("POST", "https://api.sendgrid.com/v3/marketing/singlesends", False),
        ("POST", "https://api.sendgrid.com/v3/mail/send/beta", False),
        ("POST", "https://example.com/?to=/v3/mail/send", False),
    ],
)
def test_claims_by_method_and_path_on_any_host(method: str, url: str, claimed: bool) -> None:
    assert ADAPTER.claims(OutgoingRequest(method, url)) is claimed


# --- fewer people -------------------------------------------------------------------------------------


def test_copies_without_their_main_recipient_get_a_message_each() -> None:
    shared = {"subject": "Own", "custom_args": {"campaign": "spring"}}
    people = to("jane@example.com", **shared) | {
        "cc": [{"email": "joe@example.com", "name": "Joe"}, {"email": "kim@example.com"}],
        "bcc": [{"email": "lee@example.com"}],
    }

    kept = body_of(ADAPTER.keep(post(mail(people, to("max@example.com"))), [False, True, True, True, True]))

    assert kept == mail(
        {"to": [{"email": "joe@example.com", "name": "Joe"}], **shared},
        {"to": [{"email": "kim@example.com"}], **shared},
        {"to": [{"email": "lee@example.com"}], **shared},
        to("max@example.com"),
    )


PEOPLE = st.lists(st.integers(0, 9).map(lambda number: {"email": f"p{number}@example.com"}), max_size=3)
PERSONALIZATIONS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "to": PEOPLE, "cc": PEOPLE, "bcc": PEOPLE, "subject": st.sampled_from(["A", "B"]),
            "substitutions": st.just({"-n-": "J"}), "send_at": st.integers(0, 9), "custom_args": st.just({"k": "v"}),
        },
    ),
    max_size=4,
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(PERSONALIZATIONS, st.lists(st.booleans(), min_size=36, max_size=36))
def test_l7_exactly_the_kept_sends_stay_and_hidden_copies_stay_hidden(
    personalizations: list[dict[str, Any]], marks: list[bool]
) -> None:
    payload = mail() | {"personalizations": personalizations}
    try:
        sends = ADAPTER.read(post(payload))
    except UnreadableSend:
        return
    mask = marks[: len(sends)]

    kept = ADAPTER.keep(post(payload), mask)

    wanted = tuple(send for send, stays in zip(sends, mask, strict=True) if stays)
    assert (ADAPTER.read(kept) if kept else ()) == wanted
    if kept and not all(mask):
        hidden = [[each["email"] for each in one.get("bcc", [])] for one in personalizations]
        for one in body_of(kept)["personalizations"]:
            seen = [each["email"] for each in (*one.get("to", []), *one.get("cc", []))]
            assert one.get("to"), "SendGrid refuses a personalization without `to`"
            assert [] not in one.values(), "SendGrid refuses an empty list"
            assert len(seen) == 1 or seen in _visible(personalizations, seen), hidden


def _visible(personalizations: list[dict[str, Any]], seen: list[str]) -> list[list[str]]:
    """`seen` itself where some personalization showed all of these people to each other already."""
    for one in personalizations:
        shown = [each["email"] for each in (*one.get("to", []), *one.get("cc", []))]
        if all(seen.count(each) <= shown.count(each) for each in seen):
            return [seen]
    return []


# --- other content, other instants --------------------------------------------------------------------


def test_nothing_of_a_person_is_left_where_values_can_hide() -> None:
    teapot = "teapot"
    person = to(
        "jane@example.com", subject=teapot, substitutions={teapot: teapot}, dynamic_template_data={"a": [teapot]}
    )
    kinds = ("text/plain", "text/x-amp-html", "text/html", "text/calendar")
    payload = mail(
        person, subject=teapot, template_id=f"d-{teapot}", sections={"%a%": teapot}, attachments=[{"content": teapot}],
        content=[{"type": kind, "value": teapot} for kind in kinds],
        mail_settings={"footer": {"enable": True, "text": teapot, "html": teapot}, "sandbox_mode": {"enable": True}},
        tracking_settings={"subscription_tracking": {"enable": True, "text": teapot, "html": teapot}},
        custom_args={"campaign": "spring"}, categories=["c"], asm={"group_id": 1}, reply_to={"email": "h@acme.example"},
        headers={"List-Unsubscribe": "<https://acme.example>"}, a_field_of_tomorrow=teapot,
    )  # fmt: skip

    new = ADAPTER.rewrite(post(payload), {"subject": "New", "text": "Plain", "html": "<p>Page</p>"})

    assert body_of(new) == mail(
        to("jane@example.com"), subject="New",
        content=[{"type": "text/plain", "value": "Plain"}, {"type": "text/html", "value": "<p>Page</p>"}],
        mail_settings={"sandbox_mode": {"enable": True}},
        tracking_settings={"subscription_tracking": {"enable": True}},
        custom_args={"campaign": "spring"}, categories=["c"], asm={"group_id": 1}, reply_to={"email": "h@acme.example"},
        headers={"List-Unsubscribe": "<https://acme.example>"},
    )  # fmt: skip
    assert teapot.encode() not in new.body
    assert new.header("Authorization") == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<html><BODY class='a'><p>Page</p></body></html>", "<html><BODY class='a'>{}<p>Page</p></body></html>"),
        ("<p>Page</p>", "{}<p>Page</p>"),
    ],
)
def test_the_preheader_is_the_first_hidden_line_of_the_page(page: str, found: str) -> None:
    new = ADAPTER.rewrite(post(mail()), {"subject": "New", "html": page, "preheader": "2 < 3"})

    line = '<div style="display:none;max-height:0;overflow:hidden">2 &lt; 3</div>'
    assert body_of(new)["content"] == [{"type": "text/html", "value": found.format(line)}]


@pytest.mark.parametrize("content", [{}, {"subject": "S"}, {"text": "T"}, {"title": "T", "body": "B"}])
def test_what_is_no_whole_email_is_neither_rewritten_nor_composed(content: dict[str, str]) -> None:
    with pytest.raises(UnsupportedRewrite, match="cannot rewrite this request: an email needs"):
        ADAPTER.rewrite(post(mail()), content)
    with pytest.raises(UnsupportedRewrite, match="cannot compose this request: an email needs"):
        ADAPTER.compose(Replacement("email", "jane@example.com", content), SETTINGS)


def test_a_call_for_several_people_is_neither_rewritten_nor_scheduled() -> None:
    request = post(mail(to("jane@example.com", "joe@example.com")))

    with pytest.raises(UnsupportedRewrite, match="cannot rewrite this request: it is for several people"):
        ADAPTER.rewrite(request, {"subject": "S", "text": "T"})
    with pytest.raises(UnsupportedRewrite, match="cannot schedule this request: it is for several people"):
        ADAPTER.schedule(request, NOW + HOUR, NOW)


def test_a_later_instant_is_never_before_it_and_wins_over_all_others() -> None:
    request = post(mail(to("jane@example.com", send_at=5), send_at=6))

    later = ADAPTER.schedule(request, NOW + 1, NOW)

    assert [send.at for send in ADAPTER.read(later)] == [NOW + 1_000_000]
    assert "send_at" not in body_of(later)["personalizations"][0]


@pytest.mark.parametrize(("hours", "taken"), [(72, True), (72.001, False)])
def test_sendgrid_takes_mail_three_days_ahead(hours: float, taken: bool) -> None:
    at = NOW + int(hours * HOUR)
    replacement = Replacement("email", "jane@example.com", {"subject": "S", "text": "T"}, at=at, now=NOW)

    for make in (lambda: ADAPTER.schedule(post(mail()), at, NOW), lambda: ADAPTER.compose(replacement, SETTINGS)):
        if taken:
            assert body_of(make())["send_at"] * 1_000_000 == at
        else:
            with pytest.raises(UnsupportedRewrite, match="it takes mail at most 72 hours in advance"):
                make()


# --- made anew ----------------------------------------------------------------------------------------


def test_a_composed_mail_names_campaign_and_decision() -> None:
    content = {"subject": "Spring", "html": "<p>Spring</p>"}

    made = ADAPTER.compose(Replacement("email", "jane@example.com", content, "spring", "pk-1"), SETTINGS)

    assert (made.method, made.url, made.header("Authorization")) == ("POST", URL, f"Bearer {KEY}")
    assert body_of(made) == {
        "personalizations": [to("jane@example.com")],
        "from": {"email": "news@acme.example", "name": "Acme"},
        "custom_args": {"campaign": "spring", "policykit": "pk-1"},
        "subject": "Spring",
        "content": [{"type": "text/html", "value": "<p>Spring</p>"}],
    }
    assert ADAPTER.read(made) == (
        Send(
            "email", "sendgrid", "jane@example.com", content,
            slots={"custom_args.campaign": ("spring",), "custom_args.policykit": ("pk-1",)}, headers={},
        ),
    )  # fmt: skip
    assert KEY not in repr(made)


@pytest.mark.parametrize(
    ("given_settings", "missing"),
    [
        (Settings({"api_key": KEY}, {}), "`providers.sendgrid.from` is missing, or is no address"),
        (Settings({"api_key": KEY}, {"from": "Acme"}), "`providers.sendgrid.from` is missing, or is no address"),
        (Settings({}, {"from": "a@acme.example"}), "`providers.sendgrid` has no credential `api_key`"),
    ],
)
def test_what_the_configuration_lacks_is_named(given_settings: Settings, missing: str) -> None:
    with pytest.raises(UsageError) as caught:
        ADAPTER.compose(Replacement("email", "jane@example.com", {"subject": "S", "text": "T"}), given_settings)

    assert [problem.message for problem in caught.value.problems] == [missing]
    assert all(problem.help for problem in caught.value.problems)
    assert KEY not in str(caught.value)


def test_an_unsubscribe_group_goes_with_what_is_composed() -> None:
    whole = Replacement("email", "jane@example.com", {"subject": "S", "text": "T"})
    grouped = Settings(SETTINGS.credentials, SETTINGS.options | {"unsubscribe_group": 42})

    assert body_of(ADAPTER.compose(whole, grouped))["asm"] == {"group_id": 42}
    assert "asm" not in body_of(ADAPTER.compose(whole, SETTINGS))
    with pytest.raises(UsageError, match="unsubscribe_group` is no number"):
        ADAPTER.compose(whole, Settings(SETTINGS.credentials, SETTINGS.options | {"unsubscribe_group": "news"}))


def test_base_url_is_a_gateway_or_the_twin_in_europe() -> None:
    europe = Settings(SETTINGS.credentials, SETTINGS.options | {"base_url": "https://api.eu.sendgrid.com/"})

    made = ADAPTER.compose(Replacement("email", "jane@example.com", {"subject": "S", "text": "T"}), europe)

    assert made.url == "https://api.eu.sendgrid.com/v3/mail/send"


# --- answers, as clients take them --------------------------------------------------------------------


@pytest.fixture
def answered():
    """A client's send, answered as the adapter answers in SendGrid's place."""

    def run(send: Any, *outcomes: Outcome) -> Any:
        with Double() as double:
            double.answer("/v3/mail/send", ADAPTER.answer(post(mail()), ADAPTER.read(post(mail())), outcomes))
            return send(double.url)

    return run


def test_a_refusal_is_sendgrids_own_error_with_reason_and_id(answered: Any) -> None:
    from python_http_client.exceptions import ForbiddenError

    with pytest.raises(ForbiddenError) as caught:
        answered(sdk_one, REFUSED)

    told = "quiet-hours-fr: it is night (pk-00000000000000000001)"
    assert caught.value.to_dict == {"errors": [{"message": told, "field": None, "help": None}]}
    assert str(caught.value) == "HTTP Error 403: quiet_hours.closed"


def test_an_accepted_send_has_the_decision_for_an_id(answered: Any) -> None:
    response = answered(sdk_many, REFUSED, ACCEPTED, ACCEPTED)

    assert (response.status_code, response.headers["X-Message-Id"], response.body) == (202, ACCEPTED.id, b"")


def test_anymail_raises_its_own_error_and_takes_acceptance_as_queued(answered: Any) -> None:
    from anymail.exceptions import AnymailRequestsAPIError

    with pytest.raises(AnymailRequestsAPIError, match=REFUSED.reason) as caught:
        answered(anymail_one, REFUSED)

    assert caught.value.status_code == 403
    assert answered(anymail_one, ACCEPTED).status == {"queued"}


def test_apprise_says_no_or_yes(answered: Any) -> None:
    assert not answered(apprise_one, REFUSED)
    assert answered(apprise_one, ACCEPTED)


def test_hand_written_code_sees_the_code_in_the_status_line(answered: Any) -> None:
    response = answered(requests_one, REFUSED)

    with pytest.raises(Exception, match=r"403 Client Error: quiet_hours\.closed"):
        response.raise_for_status()


@pytest.mark.parametrize("code", ["", "a\r\nb", "à", "\N{SUNFLOWER}"])
def test_the_status_line_holds_plain_words(code: str) -> None:
    answer = ADAPTER.answer(post(mail()), (), [Outcome(False, "pk-1", "why", code)])

    assert answer.reason.isascii()
    assert answer.reason.isprintable()


def test_receipts_are_the_id_of_the_call() -> None:
    sends = ADAPTER.read(post(mail(to("jane@example.com", "joe@example.com"))))

    assert ADAPTER.receipts(Answer(202, headers=(("x-message-id", "abc"),)), sends) == ("abc", "abc")
    assert ADAPTER.receipts(Answer(202), sends) == (None, None)
    assert ADAPTER.receipts(Answer(500, headers=(("X-Message-Id", "abc"),)), sends) == (None, None)


# --- headers -----------------------------------------------------------------------------------------

OUT = {"List-Unsubscribe": "<https://acme.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def test_headers_of_a_personalization_stand_before_those_of_the_call() -> None:
    people = (to("jane@example.com", headers={"X-A": "own"}), to("joe@example.com"))

    read = ADAPTER.read(post(mail(*people, headers={"X-A": "all", "X-B": "all"})))

    assert [send.headers for send in read] == [{"X-A": "own", "X-B": "all"}, {"X-A": "all", "X-B": "all"}]


@pytest.mark.parametrize(
    ("tracking", "headers", "adds"),
    [
        ({"enable": True}, {}, {"one_click", "unsubscribe"}),
        ({"enable": True}, {"X-A": "a"}, {"one_click", "unsubscribe"}),
        ({"enable": True}, {"list-unsubscribe": "<mailto:a@b.example>"}, {"unsubscribe"}),
        ({"enable": True, "substitution_tag": "[out]"}, {}, {"one_click"}),
        ({"enable": False, "html": "<p>"}, {}, set()),
        ({"enable": "true"}, {}, set()),
        ({"html": "<p>"}, {}, set()),
        (None, {}, set()),
    ],
)
def test_what_subscription_tracking_adds(tracking: Any, headers: dict[str, str], adds: set[str]) -> None:
    settings = {"open_tracking": {"enable": True}, "subscription_tracking": tracking}

    (send,) = ADAPTER.read(post(mail(headers=headers, tracking_settings=settings)))

    assert send.adds == adds


def test_an_unsubscribe_group_promises_nothing() -> None:
    (send,) = ADAPTER.read(post(mail(asm={"group_id": 7})))

    assert (send.headers, send.adds) == ({}, frozenset())


def test_headers_of_the_campaign_take_the_place_of_those_of_the_same_name() -> None:
    payload = mail(
        to("jane@example.com", headers={"LIST-UNSUBSCRIBE": "<>", "X-A": "own"}), headers={"list-unsubscribe-post": "x"}
    )

    new = body_of(ADAPTER.rewrite(post(payload), {"subject": "New", "text": "Plain"}, OUT))

    assert (new["headers"], new["personalizations"][0]["headers"]) == (OUT, {"X-A": "own"})


def test_headers_of_the_campaign_go_with_what_is_composed() -> None:
    replacement = Replacement("email", "jane@example.com", {"subject": "S", "text": "T"}, headers=OUT)

    made = ADAPTER.compose(replacement, SETTINGS)

    assert body_of(made)["headers"] == OUT
    assert ADAPTER.read(made)[0].headers == OUT
