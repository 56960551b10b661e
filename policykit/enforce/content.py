"""What a real message holds beside what its manifest says: to each question of the policies, the stricter answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from policykit.ir.content import Question, answer, asked_of, key_of
from policykit.ir.nodes import ContentSays
from policykit.ir.rules import RuleSet
from policykit.language.content import BODIES, content_of
from policykit.model import Campaign, Content, Prepared, Variant
from policykit.sends import Send

UNSEEN: Literal["unseen"] = "unseen"  # a text that is not on the wire, because the provider holds it
Seen: TypeAlias = bool | Literal["unseen"] | None


@dataclass(slots=True)
class Questions:
    """What one workspace asks of messages. Remembers the last message, because a call of many is one message."""

    asked: tuple[tuple[str, Question], ...]
    sender_address: str | None
    _last: tuple[tuple[object, ...], tuple[Seen, ...]] | None = field(default=None, repr=False)

    def on_wire(self, send: Send) -> tuple[Seen, ...]:
        """What the message on the wire answers, aligned with what is asked."""
        if not self.asked:
            return ()
        known, last = (send.content, send.values, send.headers, send.adds, send.shows), self._last
        if last is not None and all(one is other for one, other in zip(known, last[0], strict=True)):
            return last[1]
        found = self._on_wire(send)
        self._last = (known, found)
        return found

    def _on_wire(self, send: Send) -> tuple[Seen, ...]:
        link = send.values.get("unsubscribe_url")
        links, keys = (link,) if link else (), self._keys()
        shown = [
            (texts, content_of(send.headers, texts, self.sender_address, links, keys))
            for texts in send.shows or (send.content,)
        ]
        return tuple(
            True
            if key in send.adds
            else _everywhere(answer(held, question) if _is_seen(question, texts) else UNSEEN for texts, held in shown)
            for key, question in self.asked
        )

    def campaign(self, campaign: Campaign, channel: str, wire: tuple[Seen, ...] | None) -> Campaign:
        """The campaign with nothing but answers in its contents; those of the wire count in the content it carries.

        wire: of the message on its channel, None = a campaign without a manifest has no other answers.
        """
        return replace(
            campaign,
            prepared=tuple(
                self._prepared(each, wire if each.channel == channel else None) for each in campaign.prepared
            ),
        )

    def _prepared(self, prepared: Prepared, wire: tuple[Seen, ...] | None) -> Prepared:
        generic = prepared.generic
        return replace(
            prepared,
            content=self._variant(prepared.content, wire),
            generic=generic if generic is None else self._variant(generic, None),
        )

    def _variant(self, variant: Variant, wire: tuple[Seen, ...] | None) -> Variant:
        if not self.asked:
            return variant if variant.content is None else replace(variant, content=None)
        said = [answer(variant.content, question) for _, question in self.asked]
        if wire is not None:
            said = [_stricter(one, other) for one, other in zip(said, wire, strict=True)]
        return replace(variant, content=Content(answers=tuple(zip(self._keys(), said, strict=True))))

    def alone(self, wire: tuple[Seen, ...]) -> Content | None:
        """What is known of a message that belongs to no campaign."""
        if not self.asked:
            return None
        return Content(
            answers=tuple((key, None if seen == UNSEEN else seen) for key, seen in zip(self._keys(), wire, strict=True))
        )

    def _keys(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.asked)

    def broken(
        self, promised: Content | None, headers: Mapping[str, str], texts: Mapping[str, str], link: str | None
    ) -> str | None:
        """What a campaign's content promises and its message for this person would not hold; None = nothing."""
        if promised is None or not self.asked:
            return None
        held = content_of(headers, texts, self.sender_address, (link,) if link else ())
        for key, question in self.asked:
            if answer(promised, question) is True and answer(held, question) is not True:
                return _NAMES.get(key, "the text that policies ask for")
        return None


_NAMES = {"one_click": "one-click unsubscribe", "unsubscribe": "a way out", "postal_address": "the postal address"}


def questions_of(ruleset: RuleSet, sender_address: str | None) -> Questions:
    """What the rules of a set ask of messages, each once."""
    asked = {key_of(question): question for question in asked_of(ruleset.leaves)}
    return Questions(tuple(asked.items()), sender_address)


def _everywhere(seen: Iterable[Seen]) -> Seen:
    """What holds whichever of the texts somebody is shown."""
    found = set(seen)
    return next(each for each in (False, None, UNSEEN, True) if each in found)


def _is_seen(question: Question, texts: Mapping[str, str]) -> bool:
    """Whether the wire could answer: with headers always, else with the text that is asked about."""
    if not isinstance(question, ContentSays):
        return question.path.endswith(".one_click") or _has_body(texts)
    if question.part in ("subject", "title", "opening"):
        return _has_body(texts) or any(part in texts for part in ("subject", "title"))
    return _has_body(texts)


def _has_body(texts: Mapping[str, str]) -> bool:
    return any(part in texts for part in BODIES)


def _stricter(said: bool | None, seen: Seen) -> bool | None:  # noqa: FBT001  # Kleene values
    """Both must have it (Kleene): false wins, then unknown; a text that is not on the wire leaves what was said."""
    if seen == UNSEEN:
        return said
    if said is False or seen is False:
        return False
    return True if said and seen else None
