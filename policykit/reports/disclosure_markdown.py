"""The statement of what is remembered, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from policykit.reports.disclosure import (
    GUARDS,
    GUARDS_ALL,
    HOW,
    ORIGINS,
    RULES,
    SENSITIVITIES,
    Decided,
    Guard,
    Held,
    Joined,
    Person,
    Remembered,
    Statement,
    category,
    groups,
    guard_text,
    named,
    opening,
    purpose,
    remarks,
    sentence,
    untold,
)
from policykit.reports.words import channel_name, listed

__all__ = ["as_markdown"]

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def as_markdown(statement: Statement) -> str:
    lines: list[str] = []
    if statement.person is not None:
        lines += _person(statement, statement.person)
    lines += [f"# What {_text(statement.company)} remembers about you", "", *_opening(statement)]
    for group in groups(statement):
        lines += ["", f"## {group.title}"]
        if group.guards:
            lines += ["", f"{GUARDS_ALL}:", "", *map(_guard, group.guards)]
        for each in group.things:
            lines += ["", f"### {_text(sentence(each.says or each.id))}", "", *_remembered(each, statement)]
    lines += _untold(statement)
    if statement.programs:
        lines += ["", "## What you can join", ""]
        lines += [line for program in statement.programs for line in _program(program, statement)]
    lines += ["", "## What you can do", "", *_rights(statement)]
    if statement.rules:
        lines += ["", f"## {RULES}", "", *map(_guard, statement.rules)]
    return "\n".join(lines)


def _opening(statement: Statement) -> Iterator[str]:
    yield opening(statement)
    yield ""
    for text in remarks(statement):
        yield text
        yield ""
    yield f"As of {statement.as_of}."


def _guard(guard: Guard) -> str:
    return f"- {_text(guard_text(guard))} ({_code(guard.policy)})"


def _remembered(each: Remembered, statement: Statement) -> Iterator[str]:
    for name, text in facts(each, statement):
        yield f"- **{name}:** {_text(text)}"
    if each.guards:
        yield f"- **{GUARDS}:**"
        yield from (f"  {_guard(guard)}" for guard in each.guards)


def facts(each: Remembered, statement: Statement) -> Iterator[tuple[str, str]]:
    """What there is to say of one thing, in plain words, as name and text. The same in every rendering."""
    if each.does_for_you:
        yield "What it does for you", each.does_for_you
    kinds = [category(each.category), SENSITIVITIES.get(each.sensitivity or "")]
    yield "What it is", "; ".join(filter(None, kinds)) or "nobody has said"
    made = f", from {listed(each.made_from)}" if each.made_from else ""
    yield "Where it comes from", ORIGINS[each.origin] + made
    yield "What for", listed(map(purpose, each.collected_for)) if each.collected_for else "no purpose is written down"
    yield "How long", each.keep or "no end is set"
    other = each.holder is not None and each.holder != statement.company
    holder = each.holder or "our records do not say to whom it was given"
    yield "Who holds it", f"{holder}, to whom you gave it, not {statement.company}" if other else holder
    if each.programs:
        yield "Programs that ask for it", listed(map(named, each.programs))
    uses = [
        f"{named(used.campaign)} {listed(HOW[how] for how in used.how)}{_why(used.because)}" for used in each.campaigns
    ]
    open_ones = (
        f" (of {listed(map(named, statement.unsaid))}, what it uses is not written down)" if statement.unsaid else ""
    )
    yield "Campaigns that use it", ("; ".join(uses) if uses else "none now") + open_ones


def _why(because: str | None) -> str:
    return f" ({because.rstrip('.')})" if because else ""


def _untold(statement: Statement) -> Iterator[str]:
    said = untold(statement)
    if said is not None:
        yield ""
        yield f"{said} ({listed(_code(each.id) for each in statement.untold())})"


def _program(program: Joined, statement: Statement) -> Iterator[str]:
    said = f"For {purpose(program.purpose)}. {program_text(program, statement)}"
    yield f"- **{_text(named(program.id))}.** {_text(said)}"


def program_text(program: Joined, statement: Statement) -> str:
    """What a program gives, asks, and how to leave it."""
    gives = f"You get {listed(program.gives)}." if program.gives else "It gives nothing that is written down."
    asks = f" It asks for {listed(map(statement.name_of, program.asks))}." if program.asks else " It asks for nothing."
    ways = listed(map(channel_name, program.leave), "or")
    return gives + asks + (f" Leave it by {ways}, whenever you like." if program.leave else "")


def _rights(statement: Statement) -> Iterator[str]:
    for text in rights(statement):
        yield f"- {_text(text)}"


_DROP = "Have any single thing on this list dropped, and keep the rest."
_REFUSE = (
    "Refuse any single thing on this list, and keep the rest: tell us which{where}. From then on no marketing message "
    "uses it, or what we worked out from it."
)
_BOUND = "Say how far we may go: only what you told us, also what we noticed, also what we worked out."
_NO = "Say no to messages, by one channel or by all of them."
_AT_ONCE = " It counts from the next message on; only you can lift it."
_FORGET = "Have everything about you forgotten."
_CODE = " What stays is a code that keeps your address from being written to again."


def rights(statement: Statement) -> Iterator[str]:
    """What people can do about it. Only what the system keeps to is promised."""
    ask = f" Ask at {statement.contact}." if statement.contact else ""
    yield "See what we hold about you yourself, and which messages it shaped." + ask
    where = f", at {statement.contact}" if statement.contact else ""
    yield _REFUSE.format(where=where) if statement.refusable else _DROP
    if statement.bounded:
        yield _BOUND
    yield _NO + (_AT_ONCE if statement.refused else "")
    yield _FORGET + (_CODE if statement.silenced else "")


# --- one person -------------------------------------------------------------------------------------


def _person(statement: Statement, person: Person) -> Iterator[str]:
    yield "> CONFIDENTIAL: personal data of one person. Give it to that person and to nobody else."
    yield ""
    yield f"# What {_text(statement.company)} holds about {_code(person.id)}"
    yield ""
    yield f"From {person.known_from}, as of {statement.as_of}."
    yield from _section("What we remember", (_value(held, statement) for held in person.values), "No values are held.")
    profile = (f"{_text(name)}: {_text(plain(text))}" for name, text in person.profile)
    yield from _section("Your profile", profile, "Nothing is held.")
    if person.refused:
        yield from _section("What you refused us to use", map(_text, refused(person, statement)), "")
    for relation, rows in person.rows:
        yield from _section(ROWS.get(relation, relation), (_row(row) for row in rows), "")
    if person.decisions is not None:
        said = (_decided(each, statement) for each in person.decisions)
        yield from _section("Messages we decided about", said, "No decision about you is in the log.")
    yield from _section("What this account cannot say", map(_text, person.missing), "Nothing.")
    yield ""


def refused(person: Person, statement: Statement) -> list[str]:
    """What they refused us to use, as it is called."""
    return [sentence(statement.name_of(each)) for each in person.refused]


ROWS = {
    "addresses": "Where we reach you",
    "consents": "What you allowed and refused",
    "history": "What we sent you",
    "feedback": "What you told us back",
    "suppressed": "Where nothing is sent any more",
}


def _section(title: str, items: Iterable[str], nothing: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    found = [f"- {item}" for item in items]
    yield from found or [nothing]


def _value(held: Held, statement: Statement) -> str:
    what, where = sentence(statement.name_of(held.what)), provenance(held, statement)
    return f"**{_text(what)}:** {_text(held.value)} ({_text(where)})"


def provenance(held: Held, statement: Statement) -> str:
    """How a value was come by, as far as it is written down: of its own, else as the registry says."""
    origin = held.origin or next((each.origin for each in statement.remembered if each.id == held.what), "")
    parts = [
        ORIGINS.get(origin, origin) or "nobody noted where from",
        f"on {moment(held.collected_at)[:10]}" if held.collected_at else "nobody noted when",
        f"for {listed(map(purpose, held.collected_for))}" if held.collected_for else "",
        f"under record {held.record}" if held.record else "under no record of consent",
    ]
    return ", ".join(filter(None, parts))


def moment(text: str) -> str:
    """An instant as one reads it, in UTC; any other text as it is."""
    if not _INSTANT.match(text):
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.tzinfo is not None else text


def _row(row: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(_text(f"{name} {text}".strip()) for name, text in told_row(row))


# What stands before a cell, in the order in which they are told; other columns follow under their own names.
_CELLS = {"at": "", "status": "", "kind": "", "channel": "by", "address": "", "program": "for the program",
          "purpose": "for", "campaign": "of", "attribute": "about"}  # fmt: skip


def told_row(row: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """A row as one reads it: what stands before each cell, and the cell. What is not so is left out."""
    cells = dict(row)
    for name in sorted(cells, key=lambda name: [*_CELLS, name].index(name)):
        match name, cells[name]:
            case (("shared" | "suppressed"), "false"):
                continue
            case "shared", "true":
                yield "", "shared with others"
            case "suppressed", "true":
                yield "", "nothing is sent there any more"
            case "channel", text:
                yield "by", "any way" if text == "*" else channel_name(text)
            case "purpose", text:
                yield "for", "anything" if text == "*" else purpose(text)
            case "campaign", text:
                yield "of", named(text)
            case "id", text:
                yield "record", text
            case _, text:
                yield _CELLS.get(name, name.replace("_", " ")), moment(text)


def plain(text: str) -> str:
    """A cell of the profile as one reads it."""
    return {"true": "yes", "false": "no"}.get(text, moment(text))


def _decided(each: Decided, statement: Statement) -> str:
    return f"{moment(each.at)}: {_text(decision_text(each, statement))} ({_code(each.id)})"


def decision_text(each: Decided, statement: Statement) -> str:
    """One decision in a sentence: what became of the message, what it used, and why."""
    what = f"a message of {named(each.campaign)}" if each.campaign else "a message of no campaign"
    used = f"; it used {listed(map(statement.name_of, each.used))}" if each.used else ""
    why = f". {' '.join(each.because)}" if each.because else ""
    stood = f"; it stood on {listed(f'record {record}' for record in each.records)}" if each.records else ""
    return f"{what} by {channel_name(each.channel)} was {each.outcome}{used}{stood}{why}"


# --- letters that mean something in Markdown -----------------------------------------------------------


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
