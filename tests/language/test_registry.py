"""The registry: attributes and their lineage (M9), programs, purposes, channels and facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from policykit.vocabulary import FactSpec
from tests.language.loading import POLICY, complaints, load, marked


def registry(root: Path, text: str):
    return load(root, {"policies/registry.yaml": text, "policies/p.yaml": f"policies:\n{POLICY}\n"}).registry


LINEAGE = """\
    attributes:
      - {id: diary, origin: provided, collected_for: [marketing], sensitivity: special_category}
      - {id: visits, origin: observed, collected_for: [marketing, analytics], sensitivity: behavioural}
      - {id: segment, origin: inferred, collected_for: [marketing], sensitivity: internal, inferred_from: [visits]}
      - {id: mood, origin: inferred, collected_for: [marketing], inferred_from: [segment, diary]}
      - {id: bare, origin: provided}
      - {id: guess, origin: inferred, inferred_from: [bare]}
      - {id: mixed, origin: inferred, sensitivity: financial, inferred_from: [bare]}
      - {id: top, origin: inferred, inferred_from: [bare, diary]}
    """


def test_lineage_is_closed_and_the_highest_sensitivity_counts(tmp_path: Path):
    attributes = registry(tmp_path, LINEAGE).attributes

    assert {name: (a.lineage, a.sensitivity) for name, a in attributes.items()} == {
        "diary": (("diary",), "special_category"),
        "visits": (("visits",), "behavioural"),
        "segment": (("segment", "visits"), "behavioural"),
        "mood": (("diary", "mood", "segment", "visits"), "special_category"),
        "bare": (("bare",), None),
        "guess": (("bare", "guess"), None),  # nobody says how sensitive `bare` is
        "mixed": (("bare", "mixed"), None),  # nor whether it is more than financial
        "top": (("bare", "diary", "top"), "special_category"),  # nothing exceeds this
    }


def test_words_from_several_files_make_one_registry(tmp_path: Path):
    files = {
        "policykit.yaml": """\
            controller: acme
            assume: {recipient.tier: gold, recipient.last_purchase_at: "1970-01-01T00:00:01Z"}
            """,
        "policies/a.yaml": """\
            purposes: [marketing.loyalty, marketing.loyalty.points]
            facts:
              - {path: recipient.tier, type: string, members: [gold, silver], unit: none, doc: what they reached}
              - {path: recipient.vip, type: bool, absence: false}
            """,
        "policies/b.yaml": """\
            channels: {sms: 10}
            programs:
              - {id: club, purpose: marketing.loyalty, gives: [{id: tea, what: a tea}], asks: [size], leave: [email]}
            attributes: [{id: size, origin: provided, type: int}]
            """,
        "policies/p.yaml": f"policies:\n{POLICY}\n",
    }

    registry = load(tmp_path, files).registry

    assert {"marketing.loyalty", "marketing.loyalty.points", "marketing"} <= set(registry.purposes)
    assert (registry.channels["sms"], registry.channels["push"], registry.controller) == (10, 65, "acme")
    assert registry.assume == {
        "recipient.tier": "gold",
        "recipient.last_purchase_at": 1_000_000,
        "recipient.vip": False,
    }
    assert registry.facts[0] == FactSpec(
        "recipient.tier", "string", "what they reached", "none", ("gold", "silver"), None, "unknown", "tier"
    )
    assert registry.vocabulary.get("attributes.size").type == "int"
    assert registry.programs["club"].gives == (("tea", "a tea"),)


# a file (¦ = where it is said), message, way out
MISTAKES = [
    (
        (
            "attributes:\n- {id: a, origin: inferred, inferred_from: ¦[b]}\n- {id: b, origin: "
            "inferred, inferred_from: [c]}\n"
            "- {id: c, origin: inferred, inferred_from: [a]}"
        ),
        "`a` is inferred from itself: `a` -> `b` -> `c` -> `a`",
        "remove one of these steps",
    ),
    (
        "attributes:\n- {id: a, origin: inferred, inferred_from: ¦[a]}",
        "`a` is inferred from itself: `a` -> `a`",
        "remove one of these steps",
    ),
    (
        "attributes:\n- {id: basket, origin: observed}\n- {id: a, origin: inferred, inferred_from: [¦baskt]}",
        "unknown attribute `baskt`; did you mean `basket`?",
        "register it under `attributes:`",
    ),
    (
        "attributes:\n- {id: a, origin: provided, collected_for: [¦marketting]}",
        "unknown purpose `marketting`; did you mean `marketing`?",
        "register it under `purposes:`",
    ),
    (
        "attributes:\n- {id: a, origin: provided, disclosed_as: ¦TO FILL}",
        "`disclosed_as` is still to fill: the words in which you tell people that you remember this",
        "replace `TO FILL`, or leave the line out",
    ),
    (
        "attributes:\n- {id: a, origin: provided, collected_for: ¦[marketing, 'TO FILL: which?']}",
        "`collected_for` is still to fill: the purposes people were told when it was collected",
        "replace `TO FILL`, or leave the line out",
    ),
    (
        "attributes:\n- {id: a, origin: ¦observd}",
        "unknown origin `observd`; did you mean `observed`?",
        "expected one of `contextual`, `provided`, `observed`, `derived`, `inferred`, `generated`, `purchased`",
    ),
    (
        "attributes:\n- {id: a, origin: provided, sensitivity: ¦high}",
        "unknown sensitivity `high`",
        (
            "expected one of `public`, `internal`, `personal`, `contact`, `behavioural`, "
            "`precise_location`, `financial`, "
            "`special_category`"
        ),
    ),
    (
        "attributes:\n- {id: a, origin: provided}\n- {id: ¦a, origin: observed}",
        "duplicate attribute `a`; the first is at policies/r.yaml:2:8",
        "rename one of the two, or remove it",
    ),
    (
        "attributes:\n- {id: ¦a-b, origin: provided}",
        "`id` is the text `a-b`; expected a name of lower-case letters, digits and `_`",
        "expressions call it by this name: no `-`, no capital letters",
    ),
    (
        "attributes:\n- {id: a, origin: provided, keep: ¦a while}",
        "`keep` is the text `a while`; expected a length of time such as `7 days`",
        "write a number and a unit, e.g. `16 hours`, `7 days` or `24 months`",
    ),
    (
        "attributes:\n- {id: a, origin: provided, ¦sensitvity: public}",
        "unknown key `sensitvity`; did you mean `sensitivity`?",
        (
            "keys of an attribute: `id`, `category`, `origin`, `collected_for`, `sensitivity`, `controller`, `keep`, "
            "`remembered_for`, `disclosed_as`, `inferred_from`, `sources`, `type`"
        ),
    ),
    ("attributes: ¦{id: a}", "`attributes` is a mapping; expected a list", "begin each entry with `- `"),
    ("attributes: [¦a]", "attribute is the text `a`; expected a mapping", "begin with `id:`"),
    (
        "programs:\n- {id: p, purpose: ¦markting}",
        "unknown purpose `markting`; did you mean `marketing`?",
        "register it under `purposes:`",
    ),
    (
        "programs:\n- {id: p, purpose: marketing, asks: [¦b]}",
        "unknown attribute `b`",
        "register it under `attributes:`",
    ),
    (
        "programs:\n- {id: p, purpose: marketing, leave: [¦mail]}",
        "unknown channel `mail`; did you mean `email`?",
        "expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    (
        "programs:\n- {id: p, purpose: marketing, gives: [{id: tea}, {id: ¦tea}]}",
        "duplicate benefit `tea`; the first is at policies/r.yaml:2:39",
        "rename one of the two, or remove it",
    ),
    (
        "programs:\n- {id: p, purpose: marketing}\n- {id: ¦p, purpose: sales}",
        "duplicate program `p`; the first is at policies/r.yaml:2:8",
        "rename one of the two, or remove it",
    ),
    (
        "purposes: [¦markting.loyalty]",
        "`markting.loyalty` has no parent: unknown purpose `markting`; did you mean `marketing`?",
        "register the parent as well",
    ),
    (
        "purposes: [¦marketing]",
        "duplicate purpose `marketing`, which is built in",
        "rename one of the two, or remove it",
    ),
    ("purposes: [¦{id: x}]", "a purpose is a mapping; expected a dotted key", "e.g. `marketing.loyalty`"),
    (
        "channels: {¦pusch: 3}",
        "unknown channel `pusch`; did you mean `push`?",
        "expected one of `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    (
        "channels: {push: ¦high}",
        "rank of `push` is the text `high`; expected a whole number from 0 to 1000",
        "highest is most intrusive",
    ),
    (
        "facts:\n- {path: ¦recipient.age, type: int}",
        "duplicate fact `recipient.age`, which is built in",
        "rename one of the two, or remove it",
    ),
    (
        "facts:\n- {path: recipient.years, type: string, column: ¦age}",
        "the column `age` is read as int already, and cannot be read as text too",
        "give the fact a column of its own, or the same type",
    ),
    (
        "facts:\n- {path: recipient.points, type: int}\n- {path: recipient.much, type: double, column: ¦points}",
        "the column `points` is read as int already, and cannot be read as double too",
        "give the fact a column of its own, or the same type",
    ),
    (
        "facts:\n- {path: recipient.number, type: string, column: ¦id}",
        "the column `id` says who somebody is, and is no fact to be read anew",
        "ask for `recipient.id`",
    ),
    (
        "facts:\n- {path: ¦send.weight, type: int}",
        "a fact of `send` cannot be added; expected e.g. `recipient.tier`",
        "only facts about people are read from data",
    ),
    (
        "facts:\n- {path: recipient.tier, type: ¦text}",
        "unknown type `text`",
        "expected one of `bool`, `int`, `double`, `string`, `timestamp`, `duration`",
    ),
    (
        "facts:\n- {path: recipient.tier, type: int, absence: ¦none}",
        "`absence` is the text `none`; expected `unknown` or a value of type int",
        "leave it out for `unknown`",
    ),
]


@pytest.mark.parametrize(("text", "message", "way_out"), MISTAKES, ids=[row[1][:50] for row in MISTAKES])
def test_a_mistake_in_the_registry_is_said_at_its_place(tmp_path: Path, text, message, way_out):
    said = complaints(tmp_path, {"policies/r.yaml": text.replace("¦", ""), "policies/p.yaml": f"policies:\n{POLICY}\n"})

    assert said == [marked(text, message, way_out, "policies/r.yaml")]


def test_every_knot_of_a_tangled_lineage_is_found(tmp_path: Path):
    rows = [f"- {{id: n{i}, origin: inferred, inferred_from: [n{(i + 1) % 40}, n{(i * 7) % 40}]}}" for i in range(40)]

    said = complaints(tmp_path, {"policies/r.yaml": "attributes:\n" + "\n".join(rows)})

    assert said
    assert all("is inferred from itself" in line for line in said)


def test_what_refers_to_a_broken_entry_is_not_reported_as_well(tmp_path: Path):
    text = """\
        attributes:
          - {id: basket, origin: wrong}
          - {id: taste, origin: inferred, inferred_from: [basket]}
        programs:
          - {id: club, purpose: marketing, asks: [basket]}
        """

    assert [line.split("\n")[0] for line in complaints(tmp_path, {"policies/r.yaml": text})] == [
        "policies/r.yaml:2:26: unknown origin `wrong`"
    ]


ASSUMPTIONS = [
    (
        "assume: {¦recipient.contry: FR}",
        "unknown fact `recipient.contry`; did you mean `recipient.country`?",
        "`policykit facts recipient` lists the facts a policy may use",
    ),
    (
        "assume: {recipient.country: ¦France}",
        "`recipient.country` is the text `France`; expected a country of two capital letters, e.g. `FR`",
        "`policykit facts recipient.country` says what it holds",
    ),
    (
        "assume: {¦send.rank: 3}",
        "`send.rank` cannot be assumed; it is not read from data",
        "`policykit facts --columns` lists what is",
    ),
    (
        "assume: {¦recipient.id: x}",
        "`recipient.id` cannot be assumed; it is not read from data",
        "`policykit facts --columns` lists what is",
    ),
    ("assume: {recipient.age: ¦[1]}", "`recipient.age` is a list; expected a value", "write one value"),
]


@pytest.mark.parametrize(("text", "message", "way_out"), ASSUMPTIONS, ids=[row[0] for row in ASSUMPTIONS])
def test_what_absence_means_is_checked(tmp_path: Path, text, message, way_out):
    said = complaints(tmp_path, {"policykit.yaml": text.replace("¦", "")})

    assert said == [marked(text, message, way_out, "policykit.yaml")]
