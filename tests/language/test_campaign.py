"""Manifests: what they become, and every mistake at its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policykit.errors import UsageError
from policykit.language.audience import DataFile
from policykit.language.load import load_manifest
from policykit.language.spans import parse_instant
from policykit.model import Campaign, LocalTime, Prepared, Use, Variant
from tests.language.loading import POLICY, complaints, load, marked, write

REGISTRY = f"""\
policies:
{POLICY}
attributes:
- {{id: basket, disclosed_as: what is in your basket, origin: observed, collected_for: [marketing]}}
- {{id: name, disclosed_as: your name, origin: provided, collected_for: [marketing]}}
- {{id: diary, origin: provided, collected_for: [marketing]}}
programs:
- {{id: new-home, purpose: marketing.communications, gives: [{{id: free-month}}]}}
"""

MANIFEST = """\
campaign: basket
message_class: marketing
purpose: marketing.communications
audience:
  from: data/people.csv
  columns: {recipient.id: customer_no, zone: tz, address.email: mail, rank.push: r,
            attributes.name: n, consents.at: when}
  selected_by: [basket]
  history: data/sends.parquet
style: {helps: complete_purchase, need: basket}
send: {at: "2026-11-27T10:00", zone: recipient, not_after: "2026-11-28T20:00"}
channels:
  push: {provider: fcm, title: "Hi {{ name }}", body: "{{ basket.item }} waits", generic: {body: Our range}}
  email: {provider: sendgrid, subject: Spring, html: spring.html}
brakes: {blocked: 5%, unknown: 0.5%}
"""


def without_contents(campaign: Campaign) -> Campaign:
    """Without what the texts hold for everybody, which `test_content` looks at."""

    def _bare(variant: Variant | None) -> Variant | None:
        return None if variant is None else replace(variant, content=None)

    prepared = [replace(each, content=_bare(each.content), generic=_bare(each.generic)) for each in campaign.prepared]
    return replace(campaign, prepared=tuple(prepared))


def test_a_manifest_is_read_whole(tmp_path: Path):
    files = {
        "policykit.yaml": "controller: acme\ndata: {consents: data/consents.csv, history: data/old.csv}\n",
        "policies/r.yaml": REGISTRY,
        "campaigns/basket.yaml": MANIFEST,
        "campaigns/templates/spring.html": '<a href="https://x.example/{{ basket }}">{{ name | default: "you" }}</a>',
    }

    manifest = load(tmp_path, files).manifests["basket"]

    picked = Use("basket", recited=False, selected=True, strippable=False)
    assert without_contents(manifest.campaign) == Campaign(
        id="basket",
        prepared=(
            Prepared(
                "push",
                "fcm",
                Variant((Use("basket", True, True, False, True), Use("name", True, False, True, True))),
                Variant((picked,)),
            ),
            Prepared(
                "email",
                "sendgrid",
                Variant((Use("basket", False, True, False, True), Use("name", True, False, True, False))),
            ),
        ),
        at=LocalTime("2026-11-27T10:00:00"),
        message_class="marketing",
        purpose="marketing.communications",
        controller="acme",
        not_after=LocalTime("2026-11-28T20:00:00"),
        helps="complete_purchase",
        need="basket",
    )
    people = {"id": "customer_no", "zone": "tz", "address.email": "mail", "rank.push": "r", "attributes.name": "n"}
    assert manifest.audience.columns == {"people": people, "consents": {"at": "when"}}
    files_of = {
        name: (file.path.relative_to(tmp_path).as_posix(), file.columns)
        for name, file in manifest.audience.files.items()
    }
    assert files_of == {
        "people": ("data/people.csv", people),
        "consents": ("data/consents.csv", {"at": "when"}),
        "history": ("data/sends.parquet", {}),
    }
    assert manifest.brakes == {"blocked": 0.05, "unknown": 0.005}
    assert manifest.templates["email"]["html"].file == "campaigns/templates/spring.html"
    assert isinstance(manifest.audience.files["people"], DataFile)


SHOWS = "{body: '{{ offers[0].text }}'}"


def small(more: str = "", channel: str = "{body: Hello}", audience: str = "{selected_by: []}") -> str:
    return f"campaign: c\npurpose: marketing\naudience: {audience}\nchannels:\n  push: {channel}\n{more}\n"


def read(root: Path, text: str):
    return load(root, {"policies/r.yaml": REGISTRY, "campaigns/c.yaml": text}).manifests["c"]


@pytest.mark.parametrize(
    ("send", "at"),
    [
        ("{at: 2026-11-27T10:00:00+01:00}", parse_instant("2026-11-27T09:00Z")),
        ("{at: 2026-11-27T10:00, zone: Europe/Paris}", LocalTime("2026-11-27T10:00:00", "Europe/Paris")),
        ("{at: 2026-11-27T10:00, zone: recipient}", LocalTime("2026-11-27T10:00:00", None)),
        ("{not_after: 2026-11-27T10:00:00Z}", None),
    ],
)
def test_when_a_campaign_leaves(tmp_path: Path, send, at):
    assert read(tmp_path, small(f"send: {send}")).campaign.at == at


def test_a_program_brings_its_purpose(tmp_path: Path):
    text = small("program: new-home\ndelivers: free-month").replace("purpose: marketing\n", "")

    manifest = read(tmp_path, text)

    assert (manifest.campaign.purpose, manifest.campaign.program, manifest.campaign.delivers) == (
        "marketing.communications", "new-home", "free-month",
    )  # fmt: skip


def test_what_picked_the_people_is_unknown_when_nobody_says(tmp_path: Path):
    manifest = read(tmp_path, small(audience="{}"))

    assert manifest.campaign.prepared[0].content.uses is None
    assert manifest.audience.selected_by is None


def test_a_channel_without_content_has_unknown_uses(tmp_path: Path):
    assert read(tmp_path, small(channel="{provider: fcm}")).campaign.prepared[0].content.uses is None


def test_an_attribute_in_the_text_and_in_the_choice_is_one_use(tmp_path: Path):
    manifest = read(tmp_path, small(channel="{body: '{{ basket }}', title: '{{ basket | default: 1 }}'}",
                                    audience="{selected_by: [basket, name, basket]}"))  # fmt: skip

    assert manifest.campaign.prepared[0].content.uses == (
        Use("basket", recited=True, selected=True, strippable=False, required=True),
        Use("name", recited=False, selected=True, strippable=False),
    )


def test_a_text_may_say_why_it_came(tmp_path: Path):
    text = small("because: you filled a basket", channel="{body: 'You get this because {{ because }}'}")

    manifest = read(tmp_path, text)

    assert manifest.because == "you filled a basket"
    assert manifest.campaign.prepared[0].content.uses == ()


def test_a_manifest_may_lie_anywhere(tmp_path: Path):
    workspace = load(tmp_path, {"policies/r.yaml": REGISTRY, "elsewhere/m.yaml": small()})

    assert load_manifest(tmp_path / "elsewhere" / "m.yaml", workspace).file == "elsewhere/m.yaml"
    assert workspace.manifests == {}


# a manifest (¦ = where it is said), message, way out
UNDISCLOSED = (
    "`diary` is used here, and no sentence tells people that it is remembered",
    "write `disclosed_as:` at `diary` in the registry",
)
MISTAKES = [
    (small(channel="{body: 'Dear {% if name %}you{% endif %}, {{ ¦diary }} {{ diary }}'}"), *UNDISCLOSED),
    (small(channel="{body: '{% if ¦diary %}Hello{% endif %}'}"), *UNDISCLOSED),
    (small(audience="{selected_by: [basket, ¦diary]}"), *UNDISCLOSED),
    (
        small(channel="{body: 'You get this because {{ ¦because }}'}"),
        "the manifest does not say why it is sent",
        "write `because:` in the manifest",
    ),
    (
        small("¦messageclass: service"),
        "unknown key `messageclass`; did you mean `message_class`?",
        (
            "keys of a campaign: `campaign`, `message_class`, `purpose`, `program`, `delivers`, `controller`, "
            "`because`, `owner`, `silence`, `audience`, `style`, `send`, `channels`, `offers`, "
            "`brakes`"
        ),
    ),
    (
        small("message_class: ¦promo"),
        "unknown message_class `promo`",
        "expected one of `marketing`, `service`, `transactional`",
    ),
    (
        small("¦message_class: transactional"),
        "`transactional` contradicts the purpose `marketing`",
        "write `message_class: marketing`, or the purpose that the message really serves",
    ),
    (
        small().replace("purpose: ", "purpose: ¦x"),
        "unknown purpose `xmarketing`; did you mean `marketing`?",
        "register it under `purposes:`",
    ),
    (
        small("program: ¦new-hom"),
        "unknown program `new-hom`; did you mean `new-home`?",
        "register it under `programs:`",
    ),
    (
        small("program: new-home").replace("purpose: ", "purpose: ¦"),
        "`purpose` is `marketing`, but program `new-home` serves `marketing.communications`",
        "drop `purpose`: it follows from the program",
    ),
    (
        small("delivers: ¦free-month"),
        "`delivers` names a benefit, but the campaign names no `program`",
        "add `program:`",
    ),
    (
        small("program: new-home\ndelivers: ¦free-mont").replace("purpose: marketing\n", ""),
        "program `new-home` gives no `free-mont`; did you mean `free-month`?",
        "add it to `gives` of the program",
    ),
    (
        small("style: {need: ¦baskt}"),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        small("style: {helps: ¦win}"),
        "unknown helps `win`",
        "expected one of `complete_purchase`, `use_product`, `solve_problem`",
    ),
    (
        small("send: {at: ¦'2026-11-27T10:00'}"),
        "`send.at` has no offset and no `zone` says whose clock it is",
        "add `zone: recipient`, a zone such as `Europe/Paris`, or an offset",
    ),
    (
        small("send: {at: ¦tomorrow}"),
        "`send.at` is the text `tomorrow`; expected an instant or a local time",
        "write `2026-03-02T10:00:00+01:00`, or `2026-03-02T10:00` with `zone:`",
    ),
    (
        small("send: {at: 2026-11-27T10:00, zone: ¦Mars/Base}"),
        "`zone` is `Mars/Base`; no such time zone",
        "write `recipient` or an IANA name such as `Europe/Paris`",
    ),
    (
        small("send: {at: 2026-11-27T10:00Z, not_after: ¦2026-11-27T09:00Z}"),
        "`not_after` is before `at`",
        "correct one of the two",
    ),
    (
        small("brakes: {blocked: ¦5}"),
        "`brakes.blocked` is the number `5`; expected a share such as `5%`",
        "a number from 0 to 100 with a percent sign",
    ),
    (
        small("brakes: {¦block: 5%}"),
        "unknown key `block`; did you mean `blocked`?",
        "keys of `brakes`: `blocked`, `unknown`, `downgraded`, `complaints`, `unsubscribes`, `too_personal`",
    ),
    (
        small(audience="{selected_by: [¦baskt]}"),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        small(audience="{selected_by: [], columns: {¦recipient.iid: x}}"),
        "unknown column `recipient.iid`; did you mean `recipient.id`?",
        "`policykit facts --columns` lists the columns",
    ),
    (
        small(audience="{selected_by: [], columns: {¦address.fax: x}}"),
        "unknown column `address.fax`",
        "`policykit facts --columns` lists the columns",
    ),
    (
        small(channel="{¦bdoy: Hello}"),
        "unknown key `bdoy`; did you mean `body`?",
        (
            "keys of `channels.push`: `provider`, `subject`, `preheader`, `title`, `body`, `text`, `html`, `headers`, "
            "`generic`"
        ),
    ),
    (
        small().replace("  push:", "  ¦puhs:"),
        "unknown channel `puhs`; did you mean `push`?",
        "expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    (
        small(channel="{html: ¦none.html}"),
        "no such template `none.html`",
        "put it beside the manifest, or in its `templates/` folder",
    ),
    (
        small(channel="{body: 'Hi {{ ¦nmae }}'}"),
        "`nmae` is not a registered attribute; did you mean `name`?",
        "register it under `attributes:`, so that policies can judge its use",
    ),
    (
        small(channel="¦|\n    Hello"),
        "`channels.push` is the text `Hello `; expected a mapping",
        "keys: `provider`, `subject`, `preheader`, `title`, `body`, `text`, `html`, `headers`, `generic`",
    ),
    (
        "¦purpose: marketing\naudience: {selected_by: []}\nchannels: {push: {body: x}}",
        "this campaign has no `campaign`",
        "add `campaign:`",
    ),
    (
        "campaign: c\naudience: {selected_by: []}\nchannels: ¦{}",
        "`channels` is empty",
        "fill it in, or leave it out",
    ),
    (
        small("offers: {personalised: [{id: crib, chosen_by: ¦[baskt]}]}", SHOWS),
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        small("offers: {personalised: [{id: crib, chosen_by: ¦[diary]}]}", SHOWS),
        "`diary` is used here, and no sentence tells people that it is remembered",
        "write `disclosed_as:` at `diary` in the registry",
    ),
    (
        small("offers: {personalised: [¦{id: crib}]}"),
        "`offers.personalised[1]` has no `chosen_by`",
        "add `chosen_by:`",
    ),
    (
        small("offers: {show: ¦1, personalised: [{id: a, chosen_by: [basket]}, {id: b, chosen_by: [basket]}]}", SHOWS),
        "`show` is 1, and 2 offers are personalised",
        "a message holds all of its personalised offers: raise `show`, or take some out",
    ),
    (
        small("offers: {show: ¦3, general: [{id: tea}, {id: cake}]}"),
        "`show` is 3, and there are 2 offers",
        "lower `show`, or add offers to `general`",
    ),
    (
        small("offers: {personalised: [{id: tea, chosen_by: [basket]}], general: [{id: ¦tea}]}", SHOWS),
        "there are two offers `tea`",
        "an id names one offer: rename one",
    ),
    (
        small("offers: {personalised: [{id: tea, chosen_by: [basket], reveals: ¦secrets}]}"),
        "`reveals` cannot be `secrets`",
        (
            "expected one of `public`, `internal`, `personal`, `contact`, `behavioural`, `precise_location`, "
            "`financial`, `special_category`"
        ),
    ),
    (
        small("offers: {general: [{id: tea}]}", "{body: Hello, generic: {body: ¦'{{ offers.size }}'}}"),
        "a generic text shows no offers",
        "take `offers` out of it",
    ),
    (
        small(channel="¦{body: '{% for offer in offers %}{{ offer.text }}{% endfor %}'}"),
        "`push` shows offers, and the campaign names none",
        "write `offers:` in the manifest",
    ),
    # warnings
    (
        small("offers: {personalised: [{id: crib, chosen_by: [basket]}]}", "¦{body: Hello}"),
        "warning: `push` does not say where its offers stand: blended, it would show none",
        "write `{% for offer in offers %}{{ offer.text }}{% endfor %}` there",
    ),
    (
        small(audience="¦{}"),
        "warning: `audience` does not say what picked the people: uses are unknown",
        "write `selected_by: []` if no data picked them",
    ),
    (
        small(channel="{body: x, generic: {body: ¦'{{ name }}'}}"),
        "warning: the generic variant uses `name`",
        "a generic text is the same for everybody",
    ),
    (
        small(channel="{provider: x}").replace("  push:", "  ¦push:"),
        "warning: `push` has no content: its uses are unknown",
        "write its `body`",
    ),
]


@pytest.mark.parametrize(("text", "message", "way_out"), MISTAKES, ids=[row[1][:50] for row in MISTAKES])
def test_a_mistake_in_a_manifest_is_said_at_its_place(tmp_path: Path, text, message, way_out):
    said = complaints(tmp_path, {"policies/r.yaml": REGISTRY, "campaigns/c.yaml": text.replace("¦", "")})

    assert said == [marked(text, message, way_out, "campaigns/c.yaml")]


def test_a_template_file_with_a_mistake_is_named_by_its_own_line(tmp_path: Path):
    files = {"policies/r.yaml": REGISTRY, "campaigns/c.yaml": small(channel="{html: c.html}"),
             "campaigns/c.html": "<p>\nHi {{ nmae }}\n"}  # fmt: skip

    assert complaints(tmp_path, files) == [
        (
            "campaigns/c.html:2:7: `nmae` is not a registered attribute; did you mean `name`?\n"
            "  help: register it under `attributes:`, so that policies can judge its use"
        )
    ]


@pytest.mark.parametrize("name", ["c.html", "C.HTML", "our spring.html", "spring.mjml", "templates/c.v2"])
def test_a_text_that_names_a_file_is_that_file(tmp_path: Path, name: str):
    text = MANIFEST.replace("spring.html", f'"{name}"')
    folder = "" if "/" in name else "templates/"

    manifest = load(tmp_path, {"policies/r.yaml": REGISTRY, "campaigns/b.yaml": text,
                               f"campaigns/{folder}{name}": "Hi {{ name }}"}).manifests["basket"]  # fmt: skip

    assert [use.attribute for use in manifest.templates["email"]["html"].uses] == ["name"]


@pytest.mark.parametrize("text", ["x" * 5000 + ".", "Half off. Today.", ".", "..", "a/b.c"])
def test_a_text_that_names_no_file_is_the_text(tmp_path: Path, text: str):
    manifest = load(tmp_path, {"policies/r.yaml": REGISTRY, "campaigns/b.yaml": MANIFEST.replace(
        "html: spring.html", f'html: "{text}"')}).manifests["basket"]  # fmt: skip

    assert manifest.templates["email"]["html"].file is None


def test_two_campaigns_of_one_name_are_refused(tmp_path: Path):
    files = {"policies/r.yaml": REGISTRY, "campaigns/a.yaml": small(), "campaigns/b.yaml": small()}

    assert complaints(tmp_path, files) == [
        (
            "campaigns/b.yaml:1:1: duplicate campaign `c`; the first is in `campaigns/a.yaml`\n"
            "  help: rename one of the two"
        )
    ]


def test_a_template_that_is_no_text_is_said_at_its_byte(tmp_path: Path):
    write(tmp_path, {"policies/r.yaml": REGISTRY, "campaigns/c.yaml": small(channel="{html: c.html}")})
    (tmp_path / "campaigns" / "c.html").write_bytes(b"<p>\nHi \xff")

    assert complaints(tmp_path, {}) == ["campaigns/c.html:2:4: byte 0xff is not UTF-8\n  help: save the file as UTF-8"]


def test_a_manifest_that_does_not_exist_is_wrong_use(tmp_path: Path):
    workspace = load(tmp_path, {"policies/r.yaml": REGISTRY})

    with pytest.raises(UsageError, match=r"no such file `none\.yaml`"):
        load_manifest(tmp_path / "none.yaml", workspace)
