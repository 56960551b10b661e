"""The statement of what is remembered, as one web page: no script, no other file, nothing asked of any server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from policykit.reports.disclosure import (
    GUARDS,
    GUARDS_ALL,
    RULES,
    Group,
    Guard,
    Person,
    Remembered,
    Statement,
    groups,
    guard_text,
    named,
    opening,
    purpose,
    remarks,
    sentence,
    untold,
)
from policykit.reports.disclosure_markdown import (
    ROWS,
    decision_text,
    facts,
    moment,
    plain,
    program_text,
    provenance,
    refused,
    rights,
    told_row,
)

__all__ = ["as_html"]


class _Markup(str):
    """Text that is HTML already; every other text is escaped where it is put into a tag."""

    __slots__ = ()


def _tag(name: str, *inside: str, **attributes: str) -> _Markup:
    """An element. Attribute names: `class_` and `for_` lose their underscore, `aria_label` becomes `aria-label`."""
    said = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return _Markup(f"<{name}{said}>{_joined(inside)}</{name}>")


def _joined(parts: Iterable[str]) -> _Markup:
    return _Markup("".join(part if isinstance(part, _Markup) else escape(part, quote=False) for part in parts))


def as_html(statement: Statement) -> str:
    title = _title(statement)
    head = _joined((
        _Markup('<meta charset="utf-8">'),
        _Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        _Markup('<meta name="color-scheme" content="light dark">'),
        _Markup('<meta name="referrer" content="no-referrer">'),
        _Markup('<meta name="robots" content="noindex">' if statement.person else ""),
        _tag("title", title),
        _tag("style", _Markup(_STYLE)),
    ))  # fmt: skip
    body = _joined((
        _tag("a", "Skip to the list", class_="skip", href="#main"),
        _tag("header", *_header(statement, title)),
        _tag("main", *_main(statement), id="main"),
        _tag("footer", _tag("p", f"As of {statement.as_of}. Made from the same registry that decides which messages "
                                 "may be sent.")),
    ))  # fmt: skip
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>{body}</body>\n</html>\n'


def _title(statement: Statement) -> str:
    whom = "holds about you" if statement.person else "remembers about you"
    return f"What {statement.company} {whom}"


def _header(statement: Statement, title: str) -> Iterator[_Markup]:
    if statement.person is not None:
        yield _tag("p", _tag("strong", "Confidential."), " Personal data of one person, for that person alone.",
                   class_="confidential", role="note")  # fmt: skip
    yield _tag("h1", title)
    yield _tag("p", opening(statement), class_="lead")
    yield from (_tag("p", text) for text in remarks(statement))
    links = [_tag("li", _tag("a", name, href=f"#{anchor}")) for anchor, name in _contents(statement)]
    yield _tag("nav", _tag("ul", *links), aria_label="On this page")


def _contents(statement: Statement) -> Iterator[tuple[str, str]]:
    if statement.person is not None:
        yield "you", "What we hold about you"
    for group in groups(statement):
        yield _anchor(group.title), group.title
    if statement.programs:
        yield "programs", "What you can join"
    yield "rights", "What you can do"
    if statement.rules:
        yield "rules", RULES


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _main(statement: Statement) -> Iterator[_Markup]:
    if statement.person is not None:
        yield _tag("section", *_person(statement, statement.person), id="you", aria_labelledby="you-title")
    for group in groups(statement):
        cards = [_card(each, statement) for each in group.things]
        yield _section(_anchor(group.title), group.title, *_shared(group), *cards)
    gap = untold(statement)
    if gap is not None:
        yield _tag("p", gap, class_="note")
    if statement.programs:
        yield _section("programs", "What you can join", *(
            _tag("article", _tag("h3", named(program.id)),
                 _tag("p", f"For {purpose(program.purpose)}. {program_text(program, statement)}"), class_="card")
            for program in statement.programs
        ))  # fmt: skip
    yield _section("rights", "What you can do", _list(rights(statement)))
    if statement.rules:
        yield _section("rules", RULES, _guards(statement.rules))


def _shared(group: Group) -> Iterator[_Markup]:
    """What guards everything of a section, before the first of it."""
    if group.guards:
        yield _tag("div", _tag("h3", GUARDS_ALL), _guards(group.guards), class_="shared")


def _guards(guards: Iterable[Guard]) -> _Markup:
    return _list(map(guard_text, guards))


def _section(anchor: str, title: str, *inside: _Markup) -> _Markup:
    name = f"{anchor}-title"
    return _tag("section", _tag("h2", title, id=name), *inside, id=anchor, aria_labelledby=name)


def _list(items: Iterable[str]) -> _Markup:
    return _tag("ul", *(_tag("li", item) for item in items))


_MARKED = ("special_category", "financial", "precise_location")


def _card(each: Remembered, statement: Statement) -> _Markup:
    rows = [_joined((_tag("dt", name), _tag("dd", sentence(text)))) for name, text in facts(each, statement)]
    if each.guards:
        said = guard_text(each.guards[0]) if len(each.guards) == 1 else _guards(each.guards)
        rows.append(_joined((_tag("dt", GUARDS), _tag("dd", said))))
    sensitive = "card sensitive" if each.sensitivity in _MARKED else "card"
    return _tag("article", _tag("h3", sentence(each.says or each.id)), _tag("dl", *rows), class_=sensitive,
                id=f"a-{each.id}")  # fmt: skip


# --- one person -------------------------------------------------------------------------------------


def _person(statement: Statement, person: Person) -> Iterator[_Markup]:
    yield _tag("h2", "What we hold about you", id="you-title")
    yield _tag("p", f"You are {person.id} in our records. This is from {person.known_from}, as of {statement.as_of}.")
    values = (
        (sentence(statement.name_of(held.what)), held.value, provenance(held, statement)) for held in person.values
    )
    yield _tag("h3", "What we remember")
    yield _values(values)
    yield _tag("h3", "Your profile")
    yield _values((sentence(name), plain(text), "") for name, text in person.profile)
    if person.refused:
        yield _tag("h3", "What you refused us to use")
        yield _list(refused(person, statement))
    for relation, rows in person.rows:
        yield _tag("h3", ROWS.get(relation, relation))
        yield _tag("ul", *(_tag("li", *_cells(row)) for row in rows), class_="rows")
    if person.decisions is not None:
        yield _tag("h3", "Messages we decided about")
        told = [f"{moment(each.at)}: {decision_text(each, statement)}" for each in person.decisions]
        yield _list(told) if told else _tag("p", "No decision about you is in the log.")
    yield _tag("h3", "What this account cannot say")
    yield _list(map(sentence, person.missing)) if person.missing else _tag("p", "Nothing.")


def _values(rows: Iterable[tuple[str, str, str]]) -> _Markup:
    cells = [_joined((_tag("dt", name), _tag("dd", value, *([_tag("small", text)] if text else []))))
             for name, value, text in rows]  # fmt: skip
    return _tag("dl", *cells) if cells else _tag("p", "Nothing is held.")


def _cells(row: tuple[tuple[str, str], ...]) -> Iterator[_Markup]:
    for name, text in told_row(row):
        yield _tag("span", *([_tag("b", name), " "] if name else []), text)


_STYLE = """
:root { color-scheme: light dark; --paper: #fdfdfb; --card: #fff; --ink: #1b1f24; --soft: #4d5662; --line: #d9dcd6;
  --link: #0b57a4; --mark: #8a3b00; --mark-paper: #fff4e8; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1c2024; --ink: #eceff1; --soft: #b3bcc5;
  --line: #363d44; --link: #8cc2ff; --mark: #ffc48a; --mark-paper: #33260f; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif;
  overflow-wrap: anywhere; }
header, main, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 3rem; }
h1 { font-size: clamp(1.75rem, 6vw, 2.5rem); line-height: 1.15; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.5rem; line-height: 1.25; margin: 3rem 0 1rem; }
h3 { font-size: 1.125rem; line-height: 1.35; margin: 0 0 .5rem; }
section > h3 { margin-top: 2rem; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; border-radius: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
.lead { font-size: 1.1875rem; color: var(--soft); margin: 0 0 1.5rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; }
nav a { display: inline-block; padding: .25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem;
  margin: 0 0 1rem; }
.card p { margin: 0 0 .75rem; }
.shared { margin: 0 0 1.5rem; }
.shared ul { margin: 0; padding-left: 1.25rem; }
.sensitive { border-left: .375rem solid var(--mark); padding-left: .9375rem;
  border-radius: .25rem .75rem .75rem .25rem; }
dl { margin: 0; display: grid; grid-template-columns: minmax(9rem, 12rem) 1fr; gap: .5rem 1.25rem; }
dt { color: var(--soft); }
dd { margin: 0; }
dd ul { margin: 0; padding-left: 1.1rem; }
dd small { display: block; color: var(--soft); }
li { margin-bottom: .375rem; }
nav li { margin: 0; }
.rows span { display: inline-block; margin-right: 1rem; }
.rows b { font-weight: 400; color: var(--soft); }
.note, .confidential { background: var(--mark-paper); color: var(--ink); border-left: .375rem solid var(--mark);
  padding: .75rem 1rem; border-radius: .25rem; }
footer { color: var(--soft); font-size: .9375rem; padding-top: 2rem; padding-bottom: 4rem; }
@media (max-width: 36rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .625rem; }
  header { padding-top: 2rem; } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #999; --link: #000; }
  nav, .skip { display: none; } .card { break-inside: avoid; } h2, h3 { break-after: avoid; }
  header { padding-top: 0; } }
"""
