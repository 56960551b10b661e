"""Recorded decisions as people, scripts and auditors read them: no address, no value, no text of a message."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from policykit.model import WAIVER_MARK
from policykit.reports.words import IMPOSSIBLE, channel_name, count, listed
from policykit.sends import DecisionRecord, from_line

__all__ = ["CSV_COLUMNS", "Line", "as_csv", "as_json", "as_jsonl", "as_text", "in_one_line"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EFFECTS = {
    "passed": "went out as it came", "refused": "was refused", "replaced": "went out changed",
    "put_off": "waits in the outbox",
}  # fmt: skip
CSV_COLUMNS = (
    "number", "id", "at", "verdict", "effect", "mode", "person", "campaign", "message_class", "channel", "provider",
    "final_channel", "final_at", "policies", "undetermined", "conflict", "reason", "rules", "hash",
    "waivers",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log: its number, as it was written, and its hash.

    nonce: what the chain hashed before the text; empty when somebody was forgotten, then digest stands for both.
    """

    number: int
    text: str
    hash: str
    nonce: str = ""
    digest: str | None = None

    @property
    def record(self) -> DecisionRecord:
        return from_line(self.text)

    @property
    def event(self) -> Mapping[str, Any] | None:
        """What the line says, where it is no decision."""
        said = json.loads(self.text) if '"event":"' in self.text else None
        return said if isinstance(said, dict) and "event" in said and "verdict" not in said else None

    @property
    def who(self) -> str | None:
        """The pseudonym, `forgotten` in place of who was; None for a stranger."""
        return self.record.person or ("forgotten" if '"forgotten":true' in self.text else None)


def in_one_line(line: Line) -> str:
    """`2026-11-27 09:00:00  refused   push by fcm  basket  3f9c2a81d0e4  push-by-invitation: ...  (pk-...)`."""
    if (event := line.event) is not None:
        return f"{_moment(event['at'])}  {event['event']:<20}  {_told(event)} ({event['id']})"
    found = line.record
    audit = " (audit)" if found.mode == "audit" and str(found.verdict) != "allow" else ""
    verdict = f"{found.verdict}, {found.effect.replace('_', ' ')}{audit}"
    who = line.who or "a stranger"
    return (
        f"{_moment(found.at)}  {verdict:<20}  {found.channel} by {found.provider:<9} {found.campaign or '-':<12} "
        f"{who:<12}  {found.reason} ({found.id})"
    )


def as_text(line: Line) -> str:
    """One decision, whole."""
    if (event := line.event) is not None:
        rows = [("event", event["event"]), ("what", _told(event)), ("when", f"{_moment(event['at'])} UTC"),
                ("in the log", f"line {line.number}, {line.hash}")]  # fmt: skip
        return "\n".join([event["id"], *(f"  {name:<14} {text}" for name, text in rows)])
    found = line.record
    decision, changes = found.decision, found.decision.changes
    made = [f"moved to {channel_name(changes.channel)}"] if changes.channel else []
    made += ["the generic text"] if changes.generic else []
    made += [f"without {listed(f'`{attribute}`' for attribute in changes.strip)}"] if changes.strip else []
    made += [f"blended, {count(changes.blend, 'personalised offer')} left"] if changes.blend is not None else []
    made += [f"not before {_moment(changes.send_at)}"] if changes.send_at is not None else []
    watched = [policy for policy in decision.audit if not policy.startswith(WAIVER_MARK)]
    impossible = decision.impossible and IMPOSSIBLE.get(decision.impossible, decision.impossible)
    rows = [
        ("verdict", f"{found.verdict}; the send {_EFFECTS[found.effect]}" + _by_mode(found)),
        ("reason", found.reason),
        ("when", f"{_moment(found.at)} UTC"),
        ("send", f"{found.channel} by {found.provider}, {found.message_class}"),
        ("campaign", found.campaign or "none that is known: what it says of people is unknown"),
        ("person", line.who or "nobody that the store knows"),
        ("changes", ", ".join(made)),
        ("left as", _left(found) if str(found.verdict) == "downgrade" else ""),
        ("impossible", impossible or ""),
        ("unknown facts", listed(f"`{policy}`" for policy in decision.undetermined) if decision.undetermined else ""),
        ("audit", listed(f"`{policy}`" for policy in watched) + " would have spoken" if watched else ""),
        (
            "waived",
            f"a policy was set aside by {listed(f'`{each}`' for each in decision.waivers)}" if decision.waivers else "",
        ),
        ("also tried", "; ".join(f"{each.channel}: {each.outcome}" for each in decision.skipped)),
        ("conflict", ", ".join(found.conflict)),
        ("recites", ", ".join(found.recites)),
        ("stands on", f"consent records {', '.join(found.records)}" if found.records else ""),
        ("rules", found.rules),
        ("in the log", f"line {line.number}, {line.hash}"),
    ]
    return "\n".join([found.id, *(f"  {name:<14} {text}" for name, text in rows if text)])


def as_json(line: Line) -> dict[str, Any]:
    """The line as it was written, with its number, its hash and the reason in words."""
    if (event := line.event) is not None:
        return {"number": line.number, "hash": line.hash, "reason": _told(event), "instant": _iso(event["at"]),
                "decision": None, "event": event}  # fmt: skip
    found = line.record
    return {
        "number": line.number, "hash": line.hash, "reason": found.reason, "instant": _iso(found.at),
        "decision": json.loads(line.text),
    }  # fmt: skip


def as_jsonl(line: Line) -> str:
    """One line of an export. INVARIANT: the decision stands in it letter by letter, so that its hash can be checked."""
    seal = f'"nonce":"{line.nonce}"' if line.nonce else f'"digest":"{line.digest}"'
    return f'{{"number":{line.number},"hash":"{line.hash}",{seal},"decision":{line.text}}}\n'


def as_csv(line: Line) -> str:
    if (event := line.event) is not None:
        said = {"number": line.number, "id": event["id"], "at": _iso(event["at"]), "effect": event["event"],
                "reason": _told(event), "hash": line.hash}  # fmt: skip
        return _as_row([said.get(column) for column in CSV_COLUMNS])
    found = line.record
    decision = found.decision
    cells = (
        line.number, found.id, _iso(found.at), found.verdict, found.effect, found.mode, line.who, found.campaign,
        found.message_class, found.channel, found.provider, decision.channel,
        None if decision.at is None else _iso(decision.at), "|".join(decision.determining),
        "|".join(decision.undetermined), "|".join(found.conflict), found.reason, found.rules, line.hash,
        "|".join(decision.waivers),
    )  # fmt: skip
    return _as_row(cells)


def _as_row(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _told(event: Mapping[str, Any]) -> str:
    """What happened, in words."""
    match event["event"]:
        case "forgotten":
            return (f"a person was forgotten: {_many(len(event.get('lines', ())), 'decision')} and "
                    f"{_many(len(event.get('consents', ())), 'consent')} say no more who they were")  # fmt: skip
        case "moved":
            held = "" if event.get("broken") is None else f", broken at line {event['broken']:,}"
            before = _many(event.get("lines", 0), "line")
            return f"{before} before this one were chained anew; they ended in {event.get('head')}{held}"
        case "retained":
            dropped = event.get("dropped", {})
            return "values were kept as long as promised, and dropped: " + listed(
                f"{count:,} of `{name}`" for name, count in dropped.items()
            )
        case other:
            return str(other)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _by_mode(found: DecisionRecord) -> str:
    return " (audit: nothing is stopped)" if found.mode == "audit" and str(found.verdict) != "allow" else ""


def _left(found: DecisionRecord) -> str:
    at = found.decision.at
    later = f", {_moment(at)} UTC" if at is not None and at > found.at else ""
    return f"{channel_name(found.decision.channel)}{later}" if found.decision.channel else ""


def _moment(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat()
