"""Decisions as one relation, whichever way they came about.

`decided`, one row per row of the audience: row BIGINT, key (the id), verdict 0 allow 1 downgrade
2 block, start and final (numbers of prepared channels, NULL = none), stripped (bits over the plan's
uses), generic, at (final instant, NULL when blocked), delayed, blended (personalised offers left where
general ones took the place of others, else NULL), impossible (number, NULL = nothing
failed), style (number), assumed (bits), and per mask word w: det_w determining, und_w undetermined, aud_w
breached audit rules, brk_w breached on the start or final channel, first_w and doubt_w breached and
undetermined as planned.
"""

from __future__ import annotations

from policykit.dryrun import masks
from policykit.dryrun.plan import Plan
from policykit.dryrun.rounds_sql import IMPOSSIBLE
from policykit.dryrun.scan import Scan, past_deadline

FIELDS = (
    "row", "key", "verdict", "start", "final", "stripped", "generic", "instant", "delayed", "blended", "impossible",
    "style", "assumed",
)  # fmt: skip
MASKS = ("det", "und", "aud", "brk", "first", "doubt")


def columns(plan: Plan) -> list[str]:
    return [*FIELDS, *(f"{name}_{w}" for w in plan.words for name in MASKS)]


def unlessened(plan: Plan, scan: Scan, scanned: str) -> str:
    """Decisions of the rows of a scan that no rule lessens: sent as planned, or blocked."""
    words = plan.words
    blocks = plan.laws[0].blocks if plan.laws else 0
    audit = plan.laws[0].audit if plan.laws else 0
    blocked = masks.some(masks.kept("b", blocks, words))
    late = past_deadline(plan)
    sent = f"(start IS NOT NULL AND instant IS NOT NULL AND NOT {late} AND NOT {blocked})"
    why = {"no_address": "start IS NULL", "no_instant": "instant IS NULL", "past_deadline": late}
    whens = " ".join(f"WHEN {test} THEN {IMPOSSIBLE.index(name)}" for name, test in why.items())
    values = {
        "row": "row", "key": "key",
        "verdict": f"CAST(CASE WHEN {sent} THEN 0 ELSE 2 END AS TINYINT)",
        "start": "start",
        "final": f"CASE WHEN {sent} THEN start END",
        "stripped": "CAST(0 AS BIGINT)", "generic": "FALSE",
        "instant": f"CASE WHEN {sent} THEN instant END",
        "delayed": "FALSE",
        "blended": "CAST(NULL AS INTEGER)",
        "impossible": f"CAST(CASE {whens} END AS TINYINT)",
        "style": f"CASE WHEN {sent} THEN style END",
        "assumed": "assumed",
    }  # fmt: skip
    for w in words:
        values |= {
            f"det_{w}": masks.kept("b", blocks, words)[w], f"und_{w}": f"u_{w}",
            f"aud_{w}": masks.kept("b", audit, words)[w],
            f"brk_{w}": f"b_{w}", f"first_{w}": f"b_{w}", f"doubt_{w}": f"u_{w}",
        }  # fmt: skip
    listed = ", ".join(f"{values[name]} AS {name}" for name in columns(plan))
    return f"SELECT {listed} FROM {scan.source(scanned)} WHERE NOT lessened"
