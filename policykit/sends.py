"""What is sent, and what was decided of it: live sends, and the records of decisions they leave behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from policykit.model import WAIVER_MARK, Changes, Decision, Judgement, Micros, Verdict

Slots: TypeAlias = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Send:
    """One message, to one recipient, by one channel, through one provider, at one instant.

    address: in normal form (`addresses.normal`); None when the wire names no person (a topic, a segment).
    content: part (`subject`, `preheader`, `title`, `body`, `text`, `html`) -> the text as the wire has it.
    values: merge data of this person on the wire. at: the provider's own schedule; None = at once.
    slots: metadata of the application, slot as the provider spells it (`custom_args.campaign`,
    `categories`) -> its texts. message_class: what the wire itself says it is, None when it does not.
    silent: nothing is shown to the person (a push with data alone). headers: of the message itself, name
    as the wire has it; None = unknown. adds: what the provider adds by itself, as the names of
    `send.content.*` (`one_click`, `unsubscribe`). shows: every set of texts that some people may be shown in
    place of `content`, an empty one = texts that the provider or the device holds; none = all are shown `content`.
    """

    channel: str
    provider: str
    address: str | None = field(repr=False)
    content: Mapping[str, str] = field(default_factory=dict, repr=False)
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    at: Micros | None = None
    slots: Slots = field(default_factory=dict, repr=False)
    message_class: str | None = None
    silent: bool = False
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    adds: frozenset[str] = frozenset()
    shows: tuple[Mapping[str, str], ...] = field(default=(), repr=False)


Effect: TypeAlias = Literal["passed", "refused", "replaced", "put_off"]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision of a live send, as told to the application and kept in the decision log.

    id: `pk-` and 20 hexadecimal digits. person: a pseudonym, None when nobody is known at the address.
    channel, provider: of the send as it came. because: policy -> its sentence, for those that decided.
    records: ids of the consent records it stood on. rules: hash of the rule set. effect: what the
    guard did; with `mode: audit` every send passes. conflict: where the wire, the context and the
    manifest contradict each other. held: why the campaign is on hold. recites: attributes whose
    values were found in a text that belongs to no campaign. failed: why nothing could be judged
    (store unreachable, unreadable body); the decision then follows `on_error`.
    """

    id: str
    at: Micros
    decision: Decision
    channel: str
    provider: str
    effect: Effect
    mode: str = "enforce"
    person: str | None = None
    campaign: str | None = None
    message_class: str = "marketing"
    because: Mapping[str, str] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    rules: str = ""
    conflict: tuple[str, ...] = ()
    held: str | None = None
    recites: tuple[str, ...] = ()
    failed: str | None = None

    @property
    def verdict(self) -> Verdict:
        return self.decision.verdict

    @property
    def reason(self) -> str:
        """One line a person can read; holds no address, no value and no text of the message."""
        if self.held is not None:
            return f"campaign `{self.campaign}` is on hold: {self.held}"
        said = [f"{policy}: {text}" if text else policy for policy, text in self.because.items()]
        if self.decision.impossible:
            said.append(self.decision.impossible.replace("_", " "))
        if self.failed:
            said.append(self.failed if said else f"could not be judged: {self.failed}")
        if not said and self.decision.waivers:
            said.append(f"set aside by {', '.join(f'`{WAIVER_MARK}{waiver}`' for waiver in self.decision.waivers)}")
        whole = "; ".join([*(each.rstrip(".") for each in said[:-1]), *said[-1:]]) or "nothing stands against it"
        if self.campaign is None and not set(self.decision.determining).isdisjoint(self.decision.undetermined):
            # What a developer meets first: without a manifest nobody knows what a send is for, and unknown is no yes.
            return f"it names no campaign, so what it is for and what it uses are unknown ({whole})"
        return whole


# --- as lines of the decision log ------------------------------------------------------------------


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_line(record: DecisionRecord) -> str:
    """The record as one line of JSON, keys in a fixed order; what is empty is left out."""
    decision = record.decision
    line: dict[str, Any] = {
        "id": record.id, "at": record.at, "verdict": str(decision.verdict), "effect": record.effect,
        "mode": record.mode, "person": record.person, "campaign": record.campaign,
        "message_class": record.message_class, "channel": record.channel, "provider": record.provider,
        "changes": _changes(decision.changes) if decision.changes else None, "final_channel": decision.channel,
        "final_at": decision.at, "policies": decision.determining, "undetermined": decision.undetermined,
        "audit": decision.audit, "impossible": decision.impossible, "because": record.because,
        "records": record.records,
        "skipped": [(each.channel, each.outcome, each.policies, each.undetermined, each.impossible)
                    for each in decision.skipped],
        "rules": record.rules, "conflict": record.conflict, "held": record.held, "recites": record.recites,
        "failed": record.failed,
    }  # fmt: skip
    # Written for every send, on the caller's path: what is empty is told by its truth alone.
    return _encode({key: value for key, value in line.items() if value or value == 0 or value == ""})


def _changes(changes: Changes) -> dict[str, Any]:
    said = {"channel": changes.channel, "strip": changes.strip, "generic": changes.generic, "send_at": changes.send_at,
            "blend": changes.blend}  # fmt: skip
    return {key: value for key, value in said.items() if value is not None and value != () and value is not False}


def is_decision(line: str) -> bool:
    """Whether a line of the log is a decision; other lines say what was done to the log itself."""
    return '"verdict":' in line


def from_line(line: str) -> DecisionRecord:
    """The record a line of the log holds."""
    row = json.loads(line)
    changes = row.get("changes", {})
    skipped = tuple(Judgement(c, o, tuple(p), tuple(u), i) for c, o, p, u, i in row.get("skipped", ()))
    decision = Decision(
        Verdict[row["verdict"].upper()],
        Changes(changes.get("channel"), tuple(changes.get("strip", ())), bool(changes.get("generic")),
                changes.get("send_at"), changes.get("blend")),
        tuple(row.get("policies", ())), tuple(row.get("undetermined", ())), tuple(row.get("audit", ())),
        row.get("final_channel"), row.get("final_at"), row.get("impossible"), skipped,
    )  # fmt: skip
    return DecisionRecord(
        id=row["id"], at=row["at"], decision=decision, channel=row["channel"], provider=row["provider"],
        effect=row["effect"], mode=row["mode"], person=row.get("person"), campaign=row.get("campaign"),
        message_class=row.get("message_class", "marketing"), because=row.get("because", {}),
        records=tuple(row.get("records", ())), rules=row.get("rules", ""), conflict=tuple(row.get("conflict", ())),
        held=row.get("held"), recites=tuple(row.get("recites", ())), failed=row.get("failed"),
    )  # fmt: skip
