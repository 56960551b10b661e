"""`policykit disclose`: what is remembered, told to everybody, and what is held, told to one."""

from __future__ import annotations

import json
import re
import stat
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from policykit.assemble.pseudonyms import pseudonyms
from policykit.model import Decision, Verdict
from policykit.reports.disclosure_html import _STYLE
from policykit.sends import DecisionRecord, to_line
from policykit.stores.base import Entry, Suppression
from policykit.stores.open import open_store

SHOP: dict[str, str | bytes] = {
    "policykit.yaml": (
        "mode: enforce\ncontroller: acme\nstore: sqlite:///shop.db\n"
        "disclosure: {names: {acme: Acme & Sons}, contact: privacy@acme.example}\n"
        "data: {consents: data/consents.csv, attributes: data/attributes.csv}\n"
    ),
    "policies/registry.yaml": """\
attributes:
  - {id: basket, category: user.behavior.purchase_history, origin: observed, collected_for: [marketing.communications],
     sensitivity: behavioural, controller: acme, keep: 12 months, remembered_for: finish a purchase you began,
     disclosed_as: what is in your <u>basket</u>}
  - {id: taste, origin: inferred, inferred_from: [basket], disclosed_as: what you may like}
  - {id: bought, origin: purchased, disclosed_as: what others sold us}
  - {id: secret, origin: provided}
programs:
  - {id: new-home, purpose: marketing.communications, gives: [{id: month, what: a month of free data}], asks: [taste],
     leave: [email, in_app]}
""",
    "policies/adults.yaml": """\
policies:
  - {id: adults-only, kind: rule, forbid: recipient.age < 18, on_breach: block, because: 'Children are <what>?'}
  - {id: no-bought, kind: data, forbid: {origin: purchased}, on_breach: block, because: They never gave it to us.}
  - {id: as-told, kind: data, require: {disclosed: true}, on_breach: block, because: We say what we know.}
""",
    "campaigns/spring.yaml": """\
campaign: spring
because: the <spring> range is here
purpose: marketing.communications
audience: {from: data/people.csv, selected_by: [taste]}
send: {at: "2026-03-02T10:00:00+01:00"}
channels:
  email: {provider: sendgrid, subject: Spring, body: "Your {{ basket | default: 'basket' }}", generic: {body: Hello}}
""",
    "data/people.csv": "id,age,zone,address.email\np1,30,Europe/Paris,a@example.com\np2,12,,b@example.com\n",
    "data/consents.csv": "id,person,status,at\nc1,p1,given,2026-01-01T00:00:00Z\n",
    "data/attributes.csv": (
        "person,attribute,value,collected_at,permission\np1,basket,<i>shoes</i>,2026-01-02T00:00:00Z,c1\np2,basket,hats,,\n"
    ),
}


@pytest.fixture
def shop(workspace) -> Path:
    return workspace(SHOP)


class Page(HTMLParser):
    """The elements of a page, as they open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.opened: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.opened.append((tag, dict(attrs)))
        if tag != "meta":
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if self.stack and self.stack[-1] != "style":
            self.text += data + "\n"

    def tags(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.opened if tag in names]


@pytest.fixture
def page(policykit, shop, tmp_path):
    """The page of the shop, or of somebody in it."""

    def make(*words: str) -> Page:
        target = tmp_path / "page.html"
        ran = policykit("disclose", "--workspace", str(shop), "--html", str(target), *words)
        assert ran.code == 0, ran.err
        return Page(target.read_text(encoding="utf-8"))

    return make


# --- everybody --------------------------------------------------------------------------------------------


def test_everything_that_is_known_of_an_attribute_is_told(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop))

    assert ran.code == 0
    told = ran.out.split("### What is in your \\<u\\>basket\\</u\\>\n")[1].split("\n##")[0].strip().splitlines()
    assert told == [
        "- **What it does for you:** finish a purchase you began",
        "- **What it is:** what you buy; personal: what you do",
        "- **Where it comes from:** we noticed it when you used our services",
        "- **What for:** messages with offers",
        "- **How long:** 12 months",
        "- **Who holds it:** Acme & Sons",
        "- **Campaigns that use it:** “spring” shows it in the message (the \\<spring\\> range is here)",
    ]


def test_what_nobody_wrote_down_is_said_to_be_so(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop))

    told = ran.out.split("### What others sold us\n")[1].split("\n##")[0]
    assert "- **What it is:** nobody has said" in told
    assert "- **What for:** no purpose is written down" in told
    assert "- **How long:** no end is set" in told
    assert "- **Who holds it:** our records do not say to whom it was given" in told
    assert "- **Campaigns that use it:** none now" in told


def test_a_guess_names_what_it_was_made_from_and_how_it_is_used(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop))

    told = ran.out.split("### What you may like\n")[1].split("\n##")[0]
    assert "we guessed it, from what is in your \\<u\\>basket\\</u\\>" in told
    assert "“spring” picks the people it is for by it" in told
    assert "- **Programs that ask for it:** “new home”" in told
    assert (
        "You get a month of free data. It asks for what you may like. Leave it by email or a message inside the app"
        in ran.out
    )


def test_a_policy_is_told_where_it_guards_something(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop), "--json")

    said = json.loads(ran.out)
    guards = {each["id"]: [guard["policy"] for guard in each["guards"]] for each in said["remembered"]}
    assert guards == {"basket": [], "bought": ["no-bought"], "secret": ["as-told"], "taste": []}
    assert [rule["policy"] for rule in said["rules"]] == ["adults-only"]


def test_what_has_no_sentence_is_counted_and_warned_of(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop))

    assert "One more thing is remembered that nobody has described yet" in ran.out
    assert ran.err == (
        "warning: no sentence discloses `secret`; until `disclosed_as:` is written no campaign may use it\n"
    )


def test_rules_that_are_only_tried_out_are_not_promised(policykit, shop, page):
    config = str(SHOP["policykit.yaml"])
    promised = page().text
    (shop / "policykit.yaml").write_text(config.replace("mode: enforce", "mode: audit"), encoding="utf-8")

    assert "trying our rules out" not in promised
    assert "trying our rules out" in page().text
    assert "trying our rules out" in policykit("disclose", "--workspace", str(shop)).out


RULE = "  - {id: %s, kind: data, forbid: {origin: %s}, on_breach: block, because: They said no.%s}\n"
SAID = "We use nothing that others sold us about you."


def _told(text: str, heading: str) -> str:
    return text.split(f"\n{heading}\n")[1].split("\n#")[0]


def test_a_policy_says_to_people_what_was_meant_for_them(policykit, shop, page):
    with (shop / "policies/adults.yaml").open("a", encoding="utf-8") as file:
        file.write(RULE % ("told", "purchased", f", disclosed_as: {SAID}"))

    text, html = policykit("disclose", "--workspace", str(shop)).out, page().text

    guards = _told(text, "### What others sold us").split("What guards it:**\n")[1].splitlines()[:2]
    assert guards == ["  - “They never gave it to us.” (`no-bought`)", f"  - {SAID} (`told`)"]
    assert SAID in html
    assert "“They never gave it to us.”" in html


def test_the_companys_own_words_are_quoted_and_said_to_be_so_only_where_there_are_any(policykit, shop, page):
    meant = "“they” are you"
    quoted = policykit("disclose", "--workspace", str(shop)).out, page().text
    (shop / "policies/adults.cases.yaml").unlink()
    (shop / "policies/adults.yaml").write_text(
        "policies:\n" + RULE % ("told", "purchased", f", disclosed_as: {SAID}"), encoding="utf-8"
    )

    said = policykit("disclose", "--workspace", str(shop)).out, page().text

    assert all(meant in each for each in quoted)
    assert not any(meant in each or "“They" in each for each in said)


def test_what_guards_everything_that_was_come_by_alike_is_told_once(policykit, shop, page):
    (shop / "policies/more.yaml").write_text(
        "attributes:\n  - {id: lists, origin: purchased, disclosed_as: what is on lists}\n", encoding="utf-8"
    )

    text, html = policykit("disclose", "--workspace", str(shop)).out, page().text

    assert text.count("They never gave it to us.") == html.count("They never gave it to us.") == 1
    shared = _told(text, "## What we got from others").strip()
    assert shared == "What guards all of these:\n\n- “They never gave it to us.” (`no-bought`)"


def test_the_page_is_whole_and_asks_nothing_of_any_server(page):
    html = page()

    assert html.stack == []
    assert html.opened[0] == ("html", {"lang": "en"})
    assert not html.tags("script", "link", "img", "iframe", "object", "form")
    assert all("src" not in each and "style" not in each for _, each in html.opened)
    assert not re.search(r"url\(|@import|https?:", _STYLE)
    assert all((link["href"] or "").startswith("#") for link in html.tags("a"))


def test_headings_go_down_one_step_at_a_time(page):
    for words in ((), ("--person", "p1")):
        levels = [int(tag[1]) for tag, _ in page(*words).opened if re.fullmatch("h[1-6]", tag)]

        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_link_and_label_leads_somewhere(page):
    for words in ((), ("--person", "p1")):
        html = page(*words)
        ids = [each["id"] for _, each in html.opened if "id" in each]
        wanted = [str(link["href"])[1:] for link in html.tags("a")] + [
            str(each["aria-labelledby"]) for _, each in html.opened if "aria-labelledby" in each
        ]

        assert len(ids) == len(set(ids))
        assert set(wanted) <= set(ids)


def test_no_text_of_a_workspace_becomes_markup(page):
    html = page("--person", "p1")

    assert not html.tags("u", "i", "spring", "what")
    assert "What Acme & Sons holds about you" in html.text
    assert "What is in your <u>basket</u>" in html.text
    assert "<i>shoes</i>" in html.text
    assert "Children are <what>?" in html.text


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_everything_can_be_read_against_what_it_stands_on(scheme):
    blocks = re.findall(r":root \{([^}]*)\}", _STYLE)
    colours = {}
    for block in blocks[: 1 if scheme == "light" else 2] if scheme != "print" else (blocks[0], blocks[2]):
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))

    worst = min(
        contrast(colours[ink], colours[paper]) for ink in ("ink", "soft", "link") for paper in ("paper", "card")
    )

    assert worst >= 7 if scheme == "print" else worst >= 6
    assert contrast(colours["ink"], colours["mark-paper"]) >= 7 or scheme == "print"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2): 4.5 is enough for text, 7 is good."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- one person -------------------------------------------------------------------------------------------


def test_what_files_hold_about_one_person_is_told_with_where_it_came_from(policykit, shop):
    ran = policykit("disclose", "--workspace", str(shop), "--person", "p1")

    assert ran.code == 0
    assert ran.out.startswith("> CONFIDENTIAL: ")
    value = "- **What is in your \\<u\\>basket\\</u\\>:** \\<i\\>shoes\\</i\\>"
    assert f"{value} (we noticed it when you used our services, on 2026-01-02, under record c1)" in ran.out
    assert "- 2026-01-01 00:00 UTC, given, record c1" in ran.out
    assert "a@example.com" in ran.out
    assert "hats" not in ran.out
    assert "b@example.com" not in ran.out
    assert "decisions: data files hold no log of them" in ran.out


def test_rows_about_one_person_are_told_in_words(policykit, shop):
    (shop / "data/consents.csv").write_text(
        "id,person,status,at,channel,purpose,quality\n"
        "c1,p1,given,2026-01-01T00:00:00Z,push,marketing.communications,double_opt_in\n"
        "c2,p1,refused,2026-01-02T00:00:00Z,*,*,\n",
        encoding="utf-8",
    )
    addresses = (
        "person,channel,address,shared,suppressed\np1,push,token-1,true,false\np1,email,a@example.com,false,true\n"
    )
    (shop / "data/addresses.csv").write_text(addresses, encoding="utf-8")

    words = ("--person", "p1", "--addresses", str(shop / "data/addresses.csv"))
    text = policykit("disclose", "-w", str(shop), *words).out

    assert "- by push, token-1, shared with others\n- by email, a@example.com, nothing is sent there any more\n" in text
    assert (
        "- 2026-01-01 00:00 UTC, given, by push, for messages with offers, record c1, quality double\\_opt\\_in\n"
        in text
    )
    assert "- 2026-01-02 00:00 UTC, refused, by any way, for anything, record c2\n" in text


def test_instants_that_parquet_types_are_read_as_such(policykit, shop, tmp_path):
    file = tmp_path / "consents.parquet"
    duckdb.sql("SELECT 'p1' AS person, 'given' AS status, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS at").write_parquet(
        str(file)
    )

    ran = policykit("disclose", "-w", str(shop), "--person", "p1", "--consents", str(file))

    assert "- 2026-01-01 00:00 UTC, given" in ran.out


def test_a_company_that_remembers_nothing_says_so(policykit, workspace):
    root = workspace({"policies/registry.yaml": "purposes: [marketing.loyalty]\n"})

    ran = policykit("disclose", "--workspace", str(root))

    assert "We remember nothing about you that any message may use." in ran.out


def test_a_file_given_takes_the_place_of_the_workspaces_own(policykit, shop, tmp_path):
    (tmp_path / "other.csv").write_text("person,attribute,value\np1,basket,gloves\n", encoding="utf-8")

    ran = policykit("disclose", "-w", str(shop), "--person", "p1", "--attributes", str(tmp_path / "other.csv"))

    assert "gloves" in ran.out
    assert "shoes" not in ran.out


def test_the_store_tells_decisions_and_what_shaped_them(policykit, shop):
    with_decisions(shop)

    ran = policykit("disclose", "--workspace", str(shop), "--person", "p1", "--store")

    assert ran.code == 0, ran.err
    used = "what is in your \\<u\\>basket\\</u\\> and what you may like"
    stood = "it stood on record c1"
    lines = ran.out.split("## Messages we decided about\n")[1].split("\n##")[0].strip().splitlines()
    assert lines == [
        f"- 2026-03-02 09:00 UTC: a message of “spring” by email was sent; it used {used}; {stood} (`pk-1`)",
        "- 2026-03-02 09:00 UTC: a message of “spring” by email was not sent. “Children are not for sale.” (`pk-2`)",
    ]
    assert "## Where nothing is sent any more" in ran.out
    assert "pk-3" not in ran.out


def test_a_decision_is_told_in_the_words_meant_for_people_and_uses_nothing_when_nothing_left(policykit, shop):
    adults = shop / "policies/adults.yaml"
    said = "disclosed_as: We write to nobody below eighteen."
    adults.write_text(adults.read_text(encoding="utf-8").replace("because: 'Children are <what>?'", said))
    with_decisions(shop, Decision(Verdict.DOWNGRADE, channel="push", determining=("adults-only",)))

    told = policykit("disclose", "--workspace", str(shop), "--person", "p1", "--store").out

    assert "by email was not sent. We write to nobody below eighteen. (`pk-2`)" in told


BLOCKED = Decision(Verdict.BLOCK, determining=("adults-only",))


def with_decisions(root: Path, blocked: Decision = BLOCKED) -> None:
    """The store of the shop with two people and three decisions."""
    store = open_store("sqlite:///shop.db", root, {})
    store.write("people", [{"id": "p1", "age": 30}, {"id": "p2", "age": 12}])
    store.write("addresses", [{"person": "p1", "channel": "email", "address": "a@example.com"}])
    store.write("attributes", [{"person": "p1", "attribute": "basket", "value": "shoes"}])
    name, at = pseudonyms(root), 1_772_442_000_000_000
    store.suppress([Suppression("email", "a@example.com", "complaint", at)])
    because = {"adults-only": "Children are not for sale."}
    records = [
        DecisionRecord("pk-1", at, Decision(Verdict.ALLOW, channel="email"), "email", "sendgrid", "passed",
                       person=name("p1"), campaign="spring", records=("c1",)),
        DecisionRecord("pk-2", at + 1_000_000, blocked, "email", "sendgrid", "refused", person=name("p1"),
                       campaign="spring", because=because),
        DecisionRecord("pk-3", at, blocked, "email", "sendgrid", "refused", person=name("p2"), campaign="spring"),
    ]  # fmt: skip
    store.record([Entry(record.id, to_line(record)) for record in records], at)
    store.note("pf-1", json.dumps({"id": "pf-1", "at": at, "event": "forgotten", "person": name("p1")}))
    store.close()


@pytest.mark.parametrize("words", [(), ("--store",)])
def test_somebody_nobody_knows_is_refused_without_a_word_about_others(policykit, shop, words):
    with_decisions(shop)

    ran = policykit("disclose", "--workspace", str(shop), "--person", "nobody@example.com", *words)

    assert ran.code == 2
    assert ran.out == ""
    assert "nobody of this id" in ran.err
    assert "nobody@example.com" not in ran.err


def test_a_page_about_one_person_is_marked_and_for_its_owner_alone(page, tmp_path):
    html = page("--person", "p1")

    assert "Confidential." in html.text
    assert {"name": "robots", "content": "noindex"} in html.tags("meta")
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--store",), "`--store` and files are for one person"),
        (("--audience", "x.csv"), "`--store` and files are for one person"),
        (("--person", "p1", "--store", "--consents", "x.csv"), "`--store` and files cannot be had together"),
        (("--html", "no/such/page.html"), "there is no folder `no/such`"),
    ],
)
def test_what_cannot_be_asked_together_is_said(policykit, shop, words, message):
    ran = policykit("disclose", "--workspace", str(shop), *words)

    assert ran.code == 2
    assert message in ran.err


def test_the_demo_is_disclosed(policykit, demo):
    ran = policykit("disclose", "--workspace", str(demo))

    assert ran.code == 0
    assert ran.out.startswith("# What Acme remembers about you\n")
    assert "“basket” shows it in the message and picks the people it is for by it" in ran.out
    assert "“they” are you" not in ran.out  # every policy of the library says what it means to people


REFUSABLE = "  - {id: refused, kind: data, forbid: {refused: true}, on_breach: block, because: They said no to it.}\n"


def test_a_rule_with_a_waiver_is_told_with_its_exception_until_the_last_waiver_ends(policykit, shop):
    """A waived rule that the page told as if it always held would be a promise the company does not keep."""
    (shop / "policies" / "waivers.yaml").write_text(
        """\
waivers:
  - {id: long, policy: adults-only, owner: Ada, because: why not, for: {channel: email}, ends: "2999-12-31"}
  - {id: short, policy: adults-only, owner: Ada, because: why not, for: {channel: push}, ends: "2999-01-31"}
  - {id: over, policy: no-bought, owner: Ada, because: it was so, for: {channel: email}, ends: "2020-01-31"}
""",
        encoding="utf-8",
    )
    text = policykit("disclose", "--workspace", str(shop)).out
    assert "Until 2999-12-31 we make an exception for some messages." in text
    assert text.count("exception") == 1  # none for the waiver that is over


def test_how_to_refuse_a_single_thing_is_told_where_a_policy_obeys_it(policykit, shop):
    def said() -> tuple[bool, bool]:
        told = policykit("disclose", "--workspace", str(shop)).out
        return "dropped, and keep the rest" in told, "tell us which, at privacy@acme.example" in told

    without = said()
    with (shop / "policies/adults.yaml").open("a", encoding="utf-8") as file:
        file.write(REFUSABLE)
    obeyed = said()
    (shop / "policykit.yaml").write_text(str(SHOP["policykit.yaml"]).replace("mode: enforce", "mode: audit"))

    assert (without, obeyed, said()) == ((True, False), (False, True), (True, False))


REFUSALS = (
    "id,person,status,at,channel,purpose,quality,attribute\n"
    "r1,p1,refused,2026-01-01T00:00:00Z,email,,,taste\n"
    "r2,p1,refused,2026-01-01T00:00:00Z,,,,bought\n"
    "r3,p1,given,2026-01-02T00:00:00Z,*,*,written,bought\n"
    "r4,p2,refused,2026-01-01T00:00:00Z,,,,secret\n"
)


def test_somebody_is_told_what_they_refused(policykit, shop, page):
    (shop / "data/consents.csv").write_text(REFUSALS, encoding="utf-8")
    store = open_store("sqlite:///shop.db", shop, {})
    store.write("people", [{"id": "p1"}])
    store.write("consents", [{"person": "p1", "status": "refused", "at": 1, "attribute": "basket"}])
    store.close()

    told, stored = (policykit("disclose", "-w", str(shop), "--person", "p1", *more).out for more in ((), ("--store",)))

    heading = "## What you refused us to use\n\n"
    assert told.split(heading)[1].split("\n\n")[0] == "- What you may like"
    assert stored.split(heading)[1].split("\n\n")[0] == "- What is in your \\<u\\>basket\\</u\\>"
    assert "What you refused us to use" in page("--person", "p1").text


KEPT = {
    "Say how far we may go": "kind: data, require: {origin: {at_most: {fact: recipient.degree}}}",
    "It counts from the next message on": "kind: consent, forbid: {refused_for: [channel, purpose, everything]}",
    "a code that keeps your address": "kind: rule, forbid: send.address.suppressed",
}


@pytest.mark.parametrize("mode", ["enforce", "audit"])
@pytest.mark.parametrize("said", KEPT)
def test_only_what_a_policy_in_force_keeps_to_is_promised(policykit, workspace, said, mode):
    policy = f"policies:\n  - {{id: kept, mode: {mode}, {KEPT[said]}, on_breach: block, because: So.}}\n"
    root = workspace({**SHOP, "policies/kept.yaml": policy})

    text = policykit("disclose", "--workspace", str(root)).out

    assert [each in text for each in KEPT] == [each == said and mode == "enforce" for each in KEPT]
