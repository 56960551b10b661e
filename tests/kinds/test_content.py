"""`content`: what must be in a message, from what a case or a manifest says of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.engine import Engine, reference_decide
from policykit.errors import UsageError
from policykit.facts.given import read_given
from policykit.facts.row import Sight, State
from policykit.ir.rules import RuleSet
from policykit.language.content import fixed, names_sender, normal, one_click, way_out
from policykit.language.markup import Link, read
from policykit.language.spans import parse_instant
from policykit.language.template import FURNISHED
from policykit.model import Campaign
from policykit.reasons import tell
from policykit.vocabulary import Vocabulary
from tests.examples import examples
from tests.language.loading import complaints, load
from tests.laws.oracle_compile import ruleset_of
from tests.laws.strategies import Setting

NOW = parse_instant("2026-03-02T09:00:00Z") or 0
OUT = {"List-Unsubscribe": "<https://acme.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
ONE_CLICK, WAY_OUT = {"one_click_unsubscribe": True}, {"unsubscribe": True}
Document = dict[str, Any]


def ruleset(body: Document) -> RuleSet:
    policy = {"id": "p", "kind": "content", "require": body, "on_breach": "block"}
    campaign = Campaign("spring", (), NOW)
    return ruleset_of(Setting({"controller": None, "assume": {}}, {"purposes": ["acme"]}, (policy,), campaign, NOW))


def outcome(body: Document, content: Document | None, **send: Any) -> str:
    """`met`, `unknown` or the reason why not, of a message that a case describes."""
    rules = ruleset(body)
    said = {"send": {"channel": "email", "purpose": "acme", "content": content, **send},
            "recipient": {"addresses": {"email": "a"}}}  # fmt: skip
    found = read_given(rules, Vocabulary(), said, NOW)
    decision = reference_decide(rules, found.campaign, found.person, NOW)
    assert Engine(rules).decide(found.campaign, found.person, NOW) == decision
    told = tell(Sight(rules, found.campaign, found.person, NOW), State("email", at=NOW), rules.rules[0])
    assert (str(decision.verdict) == "allow") is (told.outcome == "met")
    return told.code or told.outcome if told.outcome == "breached" else told.outcome


@pytest.mark.parametrize(
    ("body", "content", "said"),
    [
        (ONE_CLICK, {"headers": OUT}, "met"),
        (ONE_CLICK, {"headers": {}}, "content.one_click"),
        (ONE_CLICK, {"one_click": True}, "met"),
        (ONE_CLICK, {"one_click": False, "headers": OUT}, "content.one_click"),
        (ONE_CLICK, {"one_click": None, "headers": OUT}, "unknown"),
        (ONE_CLICK, {"text": "Unsubscribe: https://a.example"}, "unknown"),
        (ONE_CLICK, None, "unknown"),
        (WAY_OUT, {"text": "Unsubscribe: https://a.example"}, "met"),
        (WAY_OUT, {"text": "Buy now"}, "content.unsubscribe"),
        (WAY_OUT, {"text": "Out: {{ unsubscribe_url }}"}, "met"),
        (WAY_OUT, {"text": "Out: {{ unsubscribe_url }}", "html": "<p>Buy now</p>"}, "content.unsubscribe"),
        (WAY_OUT, {"text": "{% if customer %}Out: {{ unsubscribe_url }}{% endif %}"}, "content.unsubscribe"),
        (WAY_OUT, {"headers": OUT}, "unknown"),
        (WAY_OUT, {"headers": OUT, "html": '<a href="https://acme.example/u">Leave</a>'}, "met"),
        ({"postal_address": True}, {"postal_address": True}, "met"),
        ({"postal_address": True}, {"postal_address": False}, "content.postal_address"),
        ({"postal_address": True}, {"text": "Acme, 1 Road"}, "unknown"),
        ({"says": "(광고)", "in": "subject", "at": "start"}, {"subject": "(광고) Spring"}, "met"),
        ({"says": "(광고)", "in": "subject", "at": "start"}, {"subject": "Spring (광고)"}, "content.says"),
        ({"says": "(광고)", "in": "subject", "at": "start"}, {"subject": "{{ first_name }}(광고)"}, "content.says"),
        ({"says": "(광고)", "in": "subject", "at": "end"}, {"subject": "Spring (광고) "}, "met"),
        ({"says": "(광고)", "in": "subject"}, {"subject": "Spring (광고) 2026"}, "met"),
        ({"says": "(광고)", "in": "subject"}, {"text": "(광고)"}, "content.says"),
        ({"says": "(광고)", "in": "subject"}, {"headers": {}}, "unknown"),
        ({"says": "(ad)", "in": "subject"}, {"subject": "(AD) Spring"}, "content.says"),
        ({"says": "<AD>", "in": "title"}, {"title": "<AD> Spring"}, "met"),
        ({"says": "Ad", "in": "body"}, {"subject": "Ad", "text": "Buy"}, "content.says"),
        ({"says": "Ad", "in": "body"}, {"text": "Ad: buy", "html": "<b>Ad</b>: buy"}, "met"),
        ({"says": "Ad", "in": "body"}, {"text": "Ad: buy", "html": "buy<!-- Ad -->"}, "content.says"),
        ({"says": "Ad", "in": "opening", "at": "start"}, {"body": "Ad: buy"}, "met"),
        ({"says": "Ad", "in": "opening", "at": "start"}, {"title": "Spring", "body": "Ad: buy"}, "content.says"),
        ({"says": "Ad", "in": "opening", "at": "start"}, {"subject": "Ad", "body": "buy"}, "met"),
        ({"says": "Ad"}, {"subject": "Ad", "text": "buy"}, "met"),
        ({"says": "Ad"}, {"subject": "Spring", "text": "buy"}, "content.says"),
        ({"says": "Ad  here"}, {"text": "Ad\n here"}, "met"),
        (ONE_CLICK | WAY_OUT, {"headers": {}, "text": "Buy"}, "content.one_click"),
        (ONE_CLICK | WAY_OUT, {"headers": OUT, "text": "Buy"}, "content.unsubscribe"),
        (ONE_CLICK | {"says": "Ad"}, {"headers": OUT, "text": "Buy"}, "content.says"),
    ],
)  # fmt: skip
def test_what_a_message_must_hold(body: Document, content: Document | None, said: str) -> None:
    assert outcome(body, content) == said


def test_a_generic_text_is_looked_at_as_it_is() -> None:
    rules = ruleset(ONE_CLICK)
    said = {"send": {"channel": "email", "purpose": "acme", "generic": {"uses": [], "content": {"headers": OUT}}}}

    found = read_given(rules, Vocabulary(), said, NOW)

    sight = Sight(rules, found.campaign, found.person, NOW)
    told = [tell(sight, State("email", generic, at=NOW), rules.rules[0]).outcome for generic in (False, True)]
    assert told == ["unknown", "met"]


@pytest.mark.parametrize(
    "content", [{"sbject": "x"}, {"subject": 3}, {"one_click": "yes"}, {"headers": "x"}, {"html": "{% if %}"}]
)
def test_a_content_that_cannot_be_read_is_said(content: Document) -> None:
    with pytest.raises(UsageError):
        outcome(ONE_CLICK, content)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "`require` asks for nothing"),
        ("{in: subject}", "`in` tells where a text stands, and there is none"),
        ("{says: Ad, at: start}", "`at` needs a part that has a start and an end"),
        ("{says: ' '}", "`says` is empty: every message has that"),
        ("{one_click_unsubscribe: false}", "unknown one_click_unsubscribe `false`"),
        ("{says: Ad, in: footer}", "`in` cannot be `footer`"),
    ],
)
def test_a_body_that_means_nothing_is_refused(wrong, body, message):
    assert [each.split(": ", 1)[1] for each in wrong(f"  kind: content\n  require: {body}\n")] == [message]


# --- headers, links, words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "post", "counts"),
    [
        ("<https://a.example/u>", "List-Unsubscribe=One-Click", True),
        (" <mailto:u@a.example> , <HTTPS://a.example>", " list-unsubscribe=one-click ", False),
        ("<mailto:u@a.example>,\r\n <https://a.example:8443?u=1>", "List-Unsubscribe=One-Click", True),
        ("<https://a.example/u>", "List-Unsubscribe", False),
        ("<https://a.example/u>", "List-Unsubscribe=One-Click, X=1", False),
        ("<https://a.example/u>, <http://a.example/u>", "List-Unsubscribe=One-Click", False),
        ("<https://>", "List-Unsubscribe=One-Click", False),
        ("<https://a.example/u v>", "List-Unsubscribe=One-Click", False),
        ("https://a.example/u", "List-Unsubscribe=One-Click", False),
        ("<>", "List-Unsubscribe=One-Click", False),
        ("", "List-Unsubscribe=One-Click", False),
    ],
)
def test_one_click_is_what_rfc_8058_says(lists: str, post: str, counts: bool) -> None:
    assert one_click([("list-unsubscribe", lists), ("list-unsubscribe-post", post)]) is counts


def test_one_click_needs_both_headers_once() -> None:
    lists, post = ("list-unsubscribe", "<https://a.example>"), ("list-unsubscribe-post", "List-Unsubscribe=One-Click")

    assert [one_click(each) for each in ([lists], [post], [lists, lists, post], [lists, post, post], [])] == [False] * 5


@pytest.mark.parametrize(
    "text",
    [
        "Reply STOP to end", "Reply \u201cSTOP\u201d", "Text STOP to 62442", "reply stop to opt out", "STOP au 36111",
        "STOP 36111", "Txt END 2 62442: STOP=quit", "Antworte STOPP", "Unsubscribe: https://a.example/u",
        "https://a.example/unsubscribe?u=1", "무료수신거부 080-123-4567", "配信停止 https://a.example",
        "To opt out call 8005551212",
        "Abmelden: mailto:aus@acme.example", "Se d\u00e9sabonner : https://a.example",
    ],
)  # fmt: skip
def test_a_text_that_names_a_way_out(text: str) -> None:
    assert way_out({"body": text})


@pytest.mark.parametrize(
    "text",
    [
        "", "Buy now", "Don't stop now", "STOP by our shop", "Non-stop offers: https://a.example",
        "Unsubscribe", "NON-STOP to 5000 shops",
        "Reply YES", "The show must END", "We never STOP caring", "https://a.example/sale", "text us, stop by any time",
    ],
)  # fmt: skip
def test_a_text_that_names_none(text: str) -> None:
    assert not way_out({"body": text})


@pytest.mark.parametrize(
    ("page", "leads"),
    [
        ('<a href="https://a.example/unsubscribe">Leave</a>', True),
        ('<a href="https://a.example/x">Unsubscribe</a>', True),
        ('<a href=https://a.example/x>unsubscribe <b>here</b></a>', True),
        ('<a href="https://a.example/x"><img src="u.png" alt="Unsubscribe"></a>', True),
        ('<a href="https://known.example/1">Klick</a>', True),
        ('<a href="https://a.example/x">Click here</a>', False),
        ('<a href="https://a.example/unsubscribe"></a>', False),
        ("<a>Unsubscribe</a>", False),
        ('<a href="#">Unsubscribe</a>', False),
        ('<a href="#unsubscribe">Unsubscribe</a>', False),
        ('<a href=" JavaScript:void(0)">Unsubscribe</a>', False),
        ('<!-- <a href="https://a.example/x">Unsubscribe</a> -->', False),
        ('<div style="DISPLAY: none"><p><a href="https://a.example/x">Unsubscribe</a></p></div>', False),
        ('<div hidden><a href="https://a.example/x">Unsubscribe</a></div> bye', False),
        ('<div hidden>x</div><a href="https://a.example/x">Unsubscribe</a>', True),
        ('<div style="font-size:0"><a href="https://a.example/x">Unsubscribe</a></div>', False),
        ('<div style="font-size:0.8em"><a href="https://a.example/x">Unsubscribe</a></div>', True),
        ('<style>a::after{content:"Unsubscribe https://a.example"}</style>', False),
        ('<title>Unsubscribe: https://a.example</title>', False),
        ("Unsubscribe: https://a.example/x", True),
        ('<a title=">" href="https://a.example/x">Unsubscribe</a>', True),
        ('<a href="https://a.example/x">Unsubscribe', True),
        ('<a href="https://a.example/x"', False),
    ],
)  # fmt: skip
def test_a_link_leads_out_when_it_can_be_seen(page: str, leads: bool) -> None:
    assert way_out({"html": page}, ["https://known.example/1"]) is leads


@pytest.mark.parametrize(
    ("text", "known", "leads"),
    [
        ("Go to https://a.example/u.", "https://a.example/u", True),
        ("Bye (https://a.example/u)", "https://a.example/u", True),
        ("https://a.example/u/us-only tents", "https://a.example/u", False),
        ("https://a.example/unicorns", "https://a.example/u", False),
        ("https://b.example/?to=https://a.example/u", "https://a.example/u", False),
        ("A sale", "a", False),
        ('<a href="/">A sale</a>', "/", False),
    ],
)
def test_an_address_that_is_known_to_lead_out_stands_there_whole(text: str, known: str, leads: bool) -> None:
    assert (way_out({"body": text}, [known]), way_out({"html": text}, [known])) == (leads, leads)


def test_every_text_must_lead_out() -> None:
    both = {"text": "Reply STOP", "html": "<p>Buy</p>"}

    assert [way_out(both), way_out({"text": both["text"]}), way_out({"subject": "Unsubscribe https://a.example"})] == [
        False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ({"text": "Acme Ltd, 1 Road, 12345 Town"}, True),
        ({"html": "<p>ACME Ltd.<br>1 Road<br/>12345&nbsp;Town</p>"}, True),
        ({"html": "<p hidden>Acme Ltd, 1 Road, 12345 Town</p>"}, False),
        ({"text": "Acme Ltd, 1 Road, 12345 Town", "html": "<p>Acme</p>"}, False),
        ({"text": "Acme Ltd"}, False),
        ({"subject": "Acme Ltd, 1 Road, 12345 Town"}, False),
    ],
)
def test_an_address_is_found_however_it_is_set(texts: Mapping[str, str], found: bool) -> None:
    assert names_sender(texts, "Acme Ltd\n1 Road, 12345 Town") is found
    assert names_sender(texts, None) is None


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "</", "a", " href=", "'", '"', "x", "<!--", "-->", "<div hidden>", "</div>", "=", "&lt;"]
        ),
        max_size=12,
    )
)
def test_any_markup_can_be_read(pieces: list[str]) -> None:
    text, links = read("".join(pieces))

    assert all(isinstance(link, Link) for link in links)
    assert len(text) <= 4 * len("".join(pieces)) + 4


def test_a_page_is_read_in_one_pass() -> None:
    """Nothing here may take more than a moment, though each is long and none ends."""
    for piece in (
        "<",
        "<a ",
        "<div>",
        "</p>",
        "<!--",
        "<a href='x'>",
        "&",
        "unsubscribe ",
        "https://",
        "STOP ",
        "reply ",
    ):
        page = piece * (20_000 // len(piece))
        assert way_out({"html": page}) in (True, False)
        assert way_out({"text": page}) in (True, False)


# --- templates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("Hello", "Hello"),
        ("Hi {{ name }}!", "Hi \ufffc!"),
        ("{{ unsubscribe_url }}", "\ue000unsubscribe_url\ue001"),
        ("{{ unsubscribe_url | upcase }}", "\ufffc"),
        ("{{ unsubscribe_url.host }}", "\ufffc"),
        ("{% if a %}x{% endif %}y", "\ufffcy"),
        ("{% for a in b %}x{% endfor %}", "\ufffc"),
        ("{% comment %}x{% endcomment %}y{% assign a = 'x' %}", "y"),
        ("{% capture a %}x{% endcapture %}y", "y"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("\ue000unsubscribe_url\ue001", "\ufffcunsubscribe_url\ufffc"),
        ("{% if %}", None),
    ],
)
def test_what_everybody_gets_of_a_template(template: str, said: str | None) -> None:
    assert fixed(template, FURNISHED) == said


def test_texts_are_compared_as_they_read() -> None:
    assert normal(" A\u030a\u00a0 b ") == "\u00c5 b"


MANIFEST = """
campaign: c
purpose: marketing
audience: {selected_by: []}
channels:
  email:
    provider: sendgrid
    headers: {List-Unsubscribe: "<https://acme.example/{{ token }}>", list-unsubscribe-post: List-Unsubscribe=One-Click}
    subject: "Ad: {{ token }}"
    text: "{{ sender_address }} {{ unsubscribe_url }}"
    generic: {subject: Spring, text: Buy}
  push: {provider: fcm, body: Hi}
  sms: {provider: twilio}
"""
FILES = {
    "policykit.yaml": "sender_address: Acme, 1 Road\n",
    "policies/r.yaml": "attributes: [{id: token, origin: provided, collected_for: [marketing], disclosed_as: it}]\n",
}


def test_a_manifest_says_what_its_messages_hold(tmp_path: Path) -> None:
    manifest = load(tmp_path, {**FILES, "campaigns/c.yaml": MANIFEST}).manifests["c"]

    mail, push, sms = manifest.campaign.prepared

    assert mail.content.content is not None
    assert dict(mail.content.content.answers) == {"unsubscribe": True, "postal_address": True}
    assert mail.content.content.headers == (
        ("list-unsubscribe", "<https://acme.example/\ufffc>"), ("list-unsubscribe-post", "List-Unsubscribe=One-Click"),
    )  # fmt: skip
    assert mail.generic is not None
    assert mail.generic.content is not None
    assert dict(mail.generic.content.answers) == {"unsubscribe": False, "postal_address": False}
    assert mail.generic.content.headers == mail.content.content.headers
    assert push.content.content is not None
    assert (push.content.content.headers, push.content.content.texts) == ((), (("body", "Hi"),))
    assert sms.content.content is not None
    assert sms.content.content.texts is None
    assert {name: template.text for name, template in manifest.headers["email"].items()}.keys() == {
        "List-Unsubscribe", "list-unsubscribe-post",
    }  # fmt: skip


def test_what_a_header_uses_shapes_every_text_and_is_not_recited(tmp_path: Path) -> None:
    quiet = MANIFEST.replace('"Ad: {{ token }}"', "Ad")

    mail = load(tmp_path, {**FILES, "campaigns/c.yaml": quiet}).manifests["c"].campaign.prepared[0]

    assert mail.generic is not None
    for variant in (mail.content, mail.generic):
        assert [(use.attribute, use.recited) for use in variant.uses or ()] == [("token", False)]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ("{To: x}", "`To` cannot be set as a header"),
        ("{'X Y': x}", "`X Y` cannot be set as a header"),
        ("{X-A: a, x-a: b}", "the header `x-a` comes twice"),
        (
            "{List-Unsubcribe: '<https://a.example/u>'}",
            "`List-Unsubcribe` is nearly the header `List-Unsubscribe`, and no mail program knows it",
        ),
        ("{X-A: ''}", "the header `X-A` has no text"),
        ("{X-A: [a]}", "the header `X-A` has no text"),
        ("{X-A: '{{ tken }}'}", "`tken` is not a registered attribute; did you mean `token`?"),
        ("{}", "`channels.email.headers` is empty"),
    ],
)
def test_a_header_that_cannot_be_is_said_at_its_place(tmp_path: Path, headers: str, message: str) -> None:
    lines = MANIFEST.split("\n")
    at = next(number for number, line in enumerate(lines) if "headers:" in line)
    text = "\n".join([*lines[:at], f"    headers: {headers}", *lines[at + 1 :]])

    said = [line for line in complaints(tmp_path, {**FILES, "campaigns/c.yaml": text}) if "warning" not in line]

    assert [each.split("\n")[0].split(": ", 1)[1] for each in said] == [message]
    assert said[0].startswith(f"campaigns/c.yaml:{at + 1}:")


def test_a_push_has_no_headers(tmp_path: Path) -> None:
    text = MANIFEST.replace("push: {provider: fcm,", "push: {provider: fcm, headers: {X-A: a},")

    said = [each for each in complaints(tmp_path, {**FILES, "campaigns/c.yaml": text}) if "headers" in each]

    assert [each.split("\n")[0].split(": ", 1)[1] for each in said] == ["a message by `push` has no headers"]
