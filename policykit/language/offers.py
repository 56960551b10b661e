"""The offers of a message as written, in a manifest or a case: what picks them, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from policykit.errors import Problem
from policykit.language.registry import Registry
from policykit.language.schema import Schema, Shape
from policykit.language.suggest import did_you_mean
from policykit.language.template import Template, undisclosed_use
from policykit.language.tree import MapNode, Node, find, to_plain
from policykit.model import Offer, Offers, Prepared, Use
from policykit.vocabulary import SENSITIVITIES

Parts: TypeAlias = Mapping[str, Mapping[str, Template]]  # channel -> part -> template
Path: TypeAlias = tuple[str | int, ...]
Say: TypeAlias = Callable[[Path, str, str, str], None]  # where below `offers`, what is wrong, what to do, code

_RANKS = dict(SENSITIVITIES)
CODE = "campaign.offers"
_MOST = 1000  # offers of one message
_TEXT: Schema = {"type": "string", "empty": False}
_OFFER: Schema = {"id": {"type": "id", "required": True}, "text": _TEXT}
OFFERS: Schema = {
    "show": {"type": "integer", "min": 0, "max": _MOST},
    "personalised": {
        "type": "list",
        "maxlength": _MOST,
        "schema": {
            "type": "dict",
            "schema": {
                **_OFFER,
                "chosen_by": {"type": "list", "required": True, "empty": False, "schema": {"type": "string"}},
                "reveals": {"type": "string", "allowed": list(_RANKS)},
            },
        },
    },
    "general": {"type": "list", "maxlength": _MOST, "schema": {"type": "dict", "schema": _OFFER}},
}

_SECTION = Shape(OFFERS, "offers")


def read_offers(
    plain: Mapping[str, Any], attributes: Collection[str], say: Say, undisclosed: Collection[str] = ()
) -> Offers:
    """The offers of a section that has the shape of `OFFERS`; what contradicts itself is said.

    Without `show` a message holds as many as there are personalised ones, or the general ones where there are none.
    """
    personalised = tuple(_personalised(plain.get("personalised") or ()))
    general = tuple(Offer(each["id"], text=each.get("text")) for each in plain.get("general") or ())
    _check_choosers(personalised, attributes, undisclosed, say)
    _check_ids(personalised, general, say)
    show = plain.get("show")
    offers = Offers(personalised, general, len(personalised or general) if show is None else show)
    if offers.show < len(personalised):
        say(("show",), f"`show` is {show}, and {len(personalised)} offers are personalised",
            "a message holds all of its personalised offers: raise `show`, or take some out", CODE)  # fmt: skip
    if offers.show > (all_of_them := len(personalised) + len(general)):
        there_are = "there is 1 offer" if all_of_them == 1 else f"there are {all_of_them} offers"
        say(("show",), f"`show` is {show}, and {there_are}",
            "lower `show`, or add offers to `general`", CODE)  # fmt: skip
    return offers


def _personalised(rows: Iterable[Mapping[str, Any]]) -> Iterator[Offer]:
    for each in rows:
        chosen_by = tuple(sorted(set(each["chosen_by"])))
        yield Offer(each["id"], chosen_by, each.get("reveals"), each.get("text"))


def _check_choosers(
    personalised: tuple[Offer, ...], attributes: Collection[str], undisclosed: Collection[str], say: Say
) -> None:
    for at, offer in enumerate(personalised):
        place = ("personalised", at, "chosen_by")
        for name in offer.chosen_by:
            if name not in attributes:
                near = did_you_mean(name, attributes)
                say(place, f"unknown attribute `{name}`{near}", "register it under `attributes:`", CODE)
            if name in undisclosed:
                say(place, *undisclosed_use(name))


def _check_ids(personalised: tuple[Offer, ...], general: tuple[Offer, ...], say: Say) -> None:
    seen: set[str] = set()
    for pool, offers in (("personalised", personalised), ("general", general)):
        for at, offer in enumerate(offers):
            if offer.id in seen:
                say((pool, at, "id"), f"there are two offers `{offer.id}`", "an id names one offer: rename one", CODE)
            seen.add(offer.id)


def offers_section(node: Node | None, registry: Registry, problems: list[Problem]) -> Offers | None:
    """The offers of every main content, None where the manifest does not speak of them or after reporting."""
    if node is None:
        return None
    wrong = _SECTION.check(node, ("offers",))
    problems += wrong
    if wrong:
        return None

    def _say(path: Path, message: str, way_out: str, code: str) -> None:
        problems.append(Problem(find(node, path).place, message, way_out, code))

    return read_offers(to_plain(node), registry.attributes, _say, registry.undisclosed)


def where_shown(node: MapNode, offers: Offers | None, templates: Parts, generic: Parts) -> Iterator[Problem]:
    """What is wrong with where texts show offers: generic ones may not, and where some are picked the others should."""
    for channel, parts in generic.items():
        for part, template in parts.items():
            if template.offers:
                place = find(node, ("channels", channel, "generic", part)).place
                yield Problem(place, "a generic text shows no offers", "take `offers` out of it", CODE)
    for channel, parts in templates.items():
        place = find(node, ("channels", channel)).place
        shows = any(template.offers for template in parts.values())
        if shows and "offers" not in node.entries:
            message = f"`{channel}` shows offers, and the campaign names none"
            yield Problem(place, message, "write `offers:` in the manifest", CODE)
        if parts and not shows and offers and offers.personalised:
            message = f"`{channel}` does not say where its offers stand: blended, it would show none"
            way_out = "write `{% for offer in offers %}{{ offer.text }}{% endfor %}` there"
            yield Problem(place, message, way_out, "campaign.no-offers", "warning")


def with_choosers(uses: tuple[Use, ...] | None, offers: Offers | None) -> tuple[Use, ...] | None:
    """The uses of a text that shows these offers: what picked an offer shapes it, and can be taken out again (M14).

    None = unknown; offers that nobody knows add nothing, because nothing is known of them.
    """
    if uses is None or offers is None:
        return uses
    found = {use.attribute: use for use in uses}
    for offer in offers.personalised:
        for name in offer.chosen_by:
            use = found.get(name, Use(name))
            found[name] = replace(use, selected=True, reveals=_higher(use.reveals, offer.reveals))
    return tuple(found[name] for name in sorted(found))


def _higher(one: str | None, other: str | None) -> str | None:
    return max((said for said in (one, other) if said is not None), key=_RANKS.__getitem__, default=None)


def offered(prepared: Iterable[Prepared], offers: Offers | None) -> tuple[Prepared, ...]:
    """The channels with what picks the offers among the uses of every main content; generic variants show none."""
    return tuple(
        replace(each, content=replace(each.content, uses=with_choosers(each.content.uses, offers))) for each in prepared
    )
