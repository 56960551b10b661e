"""What authors write comes out as conditions, and what is wrong with it is said where it stands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.errors import Place, Problem
from policykit.ir.check import check
from policykit.ir.expression import parse_expression
from policykit.ir.lexer import MAX_LENGTH
from policykit.ir.nodes import (
    INT_MIN,
    AllUses,
    And,
    Arith,
    Compare,
    Const,
    ExistsUse,
    Expr,
    Fact,
    If,
    In,
    Known,
    LocalPart,
    Member,
    Not,
    Or,
    Size,
    SumUses,
    Text,
    ToDouble,
    Type,
    UseCollectedFor,
    UseFact,
    UseOrigin,
)
from policykit.ir.walk import nodes
from policykit.vocabulary import FactSpec, Vocabulary
from tests.examples import examples

VOCABULARY = Vocabulary(
    [FactSpec("attributes.my-basket", "string", "a test fact"), FactSpec("recipient.spend", "double", "a test fact")]
)
COUNTRY = Fact("recipient.country", Type.STRING)
AGE = Fact("recipient.age", Type.INT)
AT = Fact("send.at", Type.TIMESTAMP)


class Quoted:
    """An expression whose first character stands at line 3, column 11."""

    def __init__(self, text: str) -> None:
        self.text = text

    def at(self, offset: int) -> Place:
        line = self.text.count("\n", 0, offset)
        column = offset - (self.text.rfind("\n", 0, offset) + 1)
        return Place("p.yaml", 3 + line, 11 + column)


def parse(text: str) -> tuple[Expr | None, list[Problem]]:
    problems: list[Problem] = []
    return parse_expression(Quoted(text), VOCABULARY, problems), problems


def word(text: str) -> Const:
    return Const(text, Type.STRING)


def number(value: int) -> Const:
    return Const(value, Type.INT)


MEANINGS: dict[str, Expr] = {
    "recipient.customer": Fact("recipient.customer", Type.BOOL),
    "!recipient.customer": Not(Fact("recipient.customer", Type.BOOL)),
    "recipient.country == 'FR'": Compare("==", COUNTRY, word("FR")),
    "recipient.country in ['FR', \"DE\"]": In(COUNTRY, ("FR", "DE")),
    "recipient.country in []": In(COUNTRY, ()),
    "'FR' in [recipient.country, recipient.region]": Or(
        (Compare("==", word("FR"), COUNTRY), Compare("==", word("FR"), Fact("recipient.region", Type.STRING)))
    ),
    "recipient.age + 2 * 3 >= 18": Compare(">=", Arith("+", AGE, Arith("*", number(2), number(3))), number(18)),
    "recipient.age - 1 - 1 == 0": Compare("==", Arith("-", Arith("-", AGE, number(1)), number(1)), number(0)),
    "-recipient.age < -9223372036854775808": Compare("<", Arith("-", number(0), AGE), number(INT_MIN)),
    "double(recipient.age) > recipient.spend": Compare(">", ToDouble(AGE), Fact("recipient.spend", Type.DOUBLE)),
    "has(recipient.age) && true": And((Known(AGE), Const(True, Type.BOOL))),
    "has(recipient.age) ? recipient.age < 18 : false": If(
        Known(AGE), Compare("<", AGE, number(18)), Const(False, Type.BOOL)
    ),
    "'channel' in consent.refused_for": Member("consent.refused_for", "channel"),
    "recipient.language.startsWith('fr')": Text("starts_with", Fact("recipient.language", Type.STRING), word("fr")),
    "size(recipient.country) == recipient.country.size()": Compare("==", Size(COUNTRY), Size(COUNTRY)),
    "size(uses) > 3": Compare(">", SumUses(number(1)), number(3)),
    "send.at.getHours(recipient.zone) < 8": Compare("<", LocalPart("hours"), number(8)),
    "send.at.getDayOfWeek('Europe/Paris') == 0": Compare("==", LocalPart("day_of_week", "Europe/Paris"), number(0)),
    "send.at - recipient.last_purchase_at > duration('24h')": Compare(
        ">",
        Arith("-", AT, Fact("recipient.last_purchase_at", Type.TIMESTAMP)),
        Const(86_400_000_000, Type.DURATION),
    ),
    "send.at < timestamp('1970-01-01T01:00:00+01:00')": Compare("<", AT, Const(0, Type.TIMESTAMP)),
    "uses.exists(u, 'inferred' in u.origin && u.recited)": ExistsUse(
        And((UseOrigin("inferred"), UseFact("recited", Type.BOOL)))
    ),
    "uses.all(u, 'marketing' in u.collected_for)": AllUses(UseCollectedFor("marketing")),
    "uses.all(u, send.purpose in u.collected_for)": AllUses(UseCollectedFor(None)),
    "['FR', 'DE'].exists(c, c == recipient.country)": Or(
        (Compare("==", word("FR"), COUNTRY), Compare("==", word("DE"), COUNTRY))
    ),
    "[1, 2].all(x, x > recipient.age)": And((Compare(">", number(1), AGE), Compare(">", number(2), AGE))),
    "attributes['my-basket'] == ''": Compare("==", Fact("attributes.my-basket", Type.STRING), word("")),
    "send.style == 'generic'": Compare("==", Fact("send.style", Type.STRING), word("generic")),
    "true || false && false": Or((Const(True, Type.BOOL), And((Const(False, Type.BOOL), Const(False, Type.BOOL))))),
    "true // a remark": Const(True, Type.BOOL),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_expression_means(text: str) -> None:
    found, problems = parse(text)

    assert problems == []
    assert found == MEANINGS[text]
    assert check(found) == []


FIELDS = (
    "its fields are `age`, `attribute`, `category`, `collected_for`, `controller`, `disclosed`, `known`, `origin`, "
    "`permission`, `recited`, `refused`, `selected`, `sensitivity`"
)
FUNCTIONS = (
    "there are `has`, `size`, `double`, `timestamp`, `duration`, `startsWith`, `endsWith`, `contains`, `getHours`, "
    "`getMinutes`, `getDayOfWeek`, `getDate`, `getMonth`, `getFullYear`, `exists`, `all`"
)
# text -> line:column, message, help
REFUSALS: dict[str, tuple[str, str, str | None]] = {
    "send.chanel == 'push'": (
        "3:11",
        "unknown fact `send.chanel`; did you mean `send.channel`?",
        "`policykit facts send` lists the facts a policy may name",
    ),
    "country == 'FR'": (
        "3:11",
        "unknown fact `country`; did you mean `recipient.country`?",
        "`policykit facts` lists the facts a policy may name",
    ),
    "recipient.country.code == 'FR'": (
        "3:11",
        "`recipient.country` has no field `code`",
        "`policykit facts recipient.country` says what it is",
    ),
    "send.channel == 'pusch'": (
        "3:27",
        "`send.channel` is never `pusch`; did you mean `push`?",
        "it may be `voice`, `whatsapp`, `sms`, `mms`, `push`, `web_push`, `email`, `postal`, `in_app`",
    ),
    "recipient.age / 2 > 3": (
        "3:25",
        "`/` is not supported: engines divide differently",
        "multiply the other side instead: `a / 2 > b` is `a > b * 2`",
    ),
    "recipient.age % 2 == 0": (
        "3:25",
        "`%` is not supported: engines divide differently",
        "use a list of values: `x in [0, 2, 4]`",
    ),
    "recipient.country.matches('^F')": (
        "3:29",
        "`matches()` is not supported",
        "use `startsWith`, `endsWith`, `contains` or `in [...]`; patterns differ between engines",
    ),
    "recipient.age > 1.5": (
        "3:25",
        "cannot compare an int with a double",
        "convert the int: `double(x)`, or write the number with a point: `1.0`",
    ),
    "recipient.age == '18'": (
        "3:25",
        "cannot compare an int with a text",
        "write numbers without quotes and texts in quotes",
    ),
    "recipient.age == null": (
        "3:28",
        "`null` is not supported: an absent fact is unknown",
        "`has(x)` says whether a fact is known",
    ),
    "send.at > '2026-01-01'": (
        "3:19",
        "cannot compare a timestamp with a text",
        "write the instant as `timestamp('2026-03-02T10:00:00+01:00')`",
    ),
    "uses.exists(u, u.origin == 'inferred')": ("3:26", "`u.origin` holds several values", "ask `'...' in u.origin`"),
    "uses.exists(u, 'infered' in u.origin)": (
        "3:26",
        "`u.origin` is never `infered`; did you mean `inferred`?",
        "it may be `contextual`, `provided`, `observed`, `derived`, `inferred`, `generated`, `purchased`",
    ),
    "uses.exists(u, uses.all(v, v.recited == u.recited))": (
        "3:51",
        "`u` is about another use",
        "a condition looks at one use at a time",
    ),
    "uses.exists(u, u.colour == 'x')": (
        "3:26",
        "a use has no field `colour`",
        FIELDS,
    ),
    "uses.map(u, u.age)": ("3:16", "`map()` is not supported", "ask with `exists` or `all`"),
    "uses == 1": ("3:11", "`uses` is a list", "ask `uses.exists(u, ...)` or `uses.all(u, ...)`"),
    "send.at.getHours() < 8": (
        "3:19",
        "`getHours()` needs a zone: whose clock?",
        "write `send.at.getHours(recipient.zone)` or `('Europe/Paris')`",
    ),
    "send.at.getHours('Europe/Pariss') < 8": (
        "3:28",
        "unknown zone `Europe/Pariss`; did you mean `Europe/Paris`?",
        "write an IANA name like `Europe/Paris`",
    ),
    "recipient.degree >= 'observed'": (
        "3:28",
        "`recipient.degree` cannot be compared by `>=`: its values are words",
        "name them: `in [...]` of `generic`, `contextual`, `provided`, `observed`, `derived`, `inferred`",
    ),
    "recipient.age >= 18 and true": ("3:31", "unexpected `and`; did you mean `&&`?", None),
    "recipient.country = 'FR'": ("3:29", "unexpected `=`; did you mean `==`?", None),
    "recipient.country": ("3:11", "expected a condition (true or false), found a text", None),
    "recipient.country == 'FR' ? 1 : true": (
        "3:37",
        "both values of `?:` must have one type, found an int and true or false",
        None,
    ),
    "recipient.country in 'FR'": (
        "3:32",
        "expected a list after `in`, found a text",
        "write `x in ['a', 'b']`, or `==` for one value",
    ),
    "recipient.country in ['FR', 3]": (
        "3:39",
        "expected a text as in the item before `in`, found an int",
        "write numbers without quotes and texts in quotes",
    ),
    "starts(recipient.country)": (
        "3:11",
        "unknown function `starts`",
        FUNCTIONS,
    ),
    "duration('7 days') > duration('1h')": (
        "3:20",
        "`7 days` is not a duration",
        "write it like `24h`, to the microsecond",
    ),
    "9223372036854775808 > 1": ("3:11", "`9223372036854775808` does not fit 64 bits", None),
    "1e999 > 1.0": ("3:11", "`1e999` is too large for a double", None),
    "1u == 1": ("3:11", "`1u` is an unsigned number: not supported", "write `1`"),
    "b'x' == 'x'": ("3:11", "bytes are not supported", "write a text without `b`"),
    "{'a': 1}": ("3:11", "maps are not supported", "use a list: `['a', 'b']`"),
    "recipient.country == 'FR": ("3:32", "this text is not closed: expected `'`", None),
    "recipient.country == '\\q'": ("3:33", "unknown escape `\\q`", "write `\\\\` for a backslash"),
    "recipient.country == '\\ud800'": ("3:33", "`\\ud800` is not a character", None),
    "(recipient.customer": ("3:30", "expected `)` to close the bracket, found the end", None),
    "recipient.age >": ("3:26", "expected a value, found the end", None),
    "": ("3:11", "expected a value, found the end", None),
    "recipient.customer &&\n  recipient.agee > 3": (
        "4:13",
        "unknown fact `recipient.agee`; did you mean `recipient.age`?",
        "`policykit facts recipient` lists the facts a policy may name",
    ),
}


@pytest.mark.parametrize("text", REFUSALS)
def test_expression_is_refused(text: str) -> None:
    found, problems = parse(text)

    place, message, hint = REFUSALS[text]
    assert found is None
    assert [(str(p.place), p.message, p.help) for p in problems] == [(f"p.yaml:{place}", message, hint)]


def test_every_mistake_is_reported_in_one_run() -> None:
    _, problems = parse("send.chanel == 'x' && recipient.age > 1.0 || uses.exists(u, u.colour == 'red') && nope(1)")

    assert [p.place.column - 11 for p in problems if p.place] == [0, 36, 60, 82]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 3_000 + "true" + ")" * 3_000,
        "!" * 5_000 + "true",
        "-" * 5_000 + "1 == 1",
        "1" + " + 1" * 1_900 + " == 2",
        "[" * 4_000,
        "a" + ".b" * 3_000,
        "has(" * 1_500,
        "true ? " * 1_000 + "true",
        "true" + " ? true : true" * 500,
        "x" * MAX_LENGTH + "x",
        "9" * 5_000 + " == 1",
        "uses.exists(u, " * 400 + "true" + ")" * 400,
    ],
)
def test_too_much_is_refused_and_never_breaks(text: str) -> None:
    found, problems = parse(text)

    assert found is None
    assert len(problems) == 1


def test_a_long_flat_condition_is_no_deep_one() -> None:
    found, problems = parse(" && ".join(["recipient.customer"] * 350))

    assert problems == []
    assert isinstance(found, And)
    assert len(found.items) == 350


def test_every_node_knows_its_place() -> None:
    found, _ = parse("recipient.age + 1 > 2 ||\n uses.all(u, !u.recited && has(u.age))")

    assert found is not None
    assert all(node.place is not None and node.place.file == "p.yaml" for node in nodes(found))  # type: ignore[union-attr]
    assert {node.place.line for node in nodes(found) if isinstance(node, UseFact) and node.place} == {4}


def test_lists_inside_lists_are_held_in_bounds() -> None:
    numbers = ", ".join("12345")
    text = "true"
    for name in "abcdefgh":
        text = f"[{numbers}].exists({name}, {text})"

    found, problems = parse(text)

    assert found is None
    assert [problem.message for problem in problems] == ["this grows too large when its lists are written out"]


def test_an_item_of_a_list_keeps_the_meaning_it_was_written_with() -> None:
    found, problems = parse("['FR'].exists(x, [x].exists(x, x == recipient.country))")

    assert problems == []
    assert found == Or((Or((Compare("==", word("FR"), COUNTRY),)),))


@pytest.mark.parametrize("name", ["u", "v"])
@pytest.mark.parametrize("item", ["u.recited", "'inferred' in u.origin"])
def test_an_item_about_one_use_is_never_read_about_another(name: str, item: str) -> None:
    found, problems = parse(f"uses.exists(u, [{item}].exists(x, uses.all({name}, x)))")

    assert found is None
    assert [problem.message for problem in problems] == ["`x` is about another use"]


PIECES = st.sampled_from(
    [*"()[]{}.,?:!-+*/%<>", "&&", "||", "==", "in",
     "'a'", '"', "'", "\\", "1", "1.5", "0x", "1e", "null", "true", "uses",
     "u", ".exists(u, ", ".all(", "has(", "size(", "recipient.country", "consent.refused_for", "u.origin", "u.age", " ",
     "send.at.getHours(", "timestamp(", "duration('1h')", "\n", "\0", "é", "//", "['a']", "['a'].exists(x, x)"]
)  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.text(max_size=40) | st.lists(PIECES, max_size=14).map("".join))
def test_nothing_written_breaks_the_reader(text: str) -> None:
    found, problems = parse(text)

    assert (found is None) == bool(problems)
    assert found is None or check(found) == []
    assert all(problem.place is not None and problem.message for problem in problems)
