"""The contract of stores catches what it is there to catch: for each law a store that breaks it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from policykit.errors import StoreUnavailable
from policykit.stores.base import Known, Written
from policykit.stores.cells import canonical, found_at
from policykit.stores.memory import MemoryStore, _Person
from policykit.testing import StoreContract
from policykit.testing.store_rows import NOW

LAWS = sorted(
    (name for name in dir(StoreContract) if name.startswith("test_l")), key=lambda name: int(name[6:].split("_")[0])
)


class Forgiving(MemoryStore):
    """Everybody may live at no address."""

    def known(self, asked, now, logical=()):
        known = super().known(asked, now, logical)
        everybody = tuple(self._stored(name, now) for name in self._people)
        return replace(known, people=tuple(everybody if one.address == "" else people
                                           for one, people in zip(asked, known.people, strict=True)))  # fmt: skip


class FirstOnly(MemoryStore):
    """Of several who share an address only the first."""

    def known(self, asked, now, logical=()):
        known = super().known(asked, now, logical)
        return replace(known, people=tuple(people[:1] for people in known.people))


class Numbers(MemoryStore):
    """Booleans become numbers."""

    def write(self, relation, rows):
        return super().write(
            relation,
            [{k: int(v) if isinstance(v, bool) and k != "shared" else v for k, v in row.items()} for row in rows],
        )


class OnceOnly(MemoryStore):
    """Two sends that look alike are one."""

    def _write_sent(self, person, row, met):
        met[canonical(row)] = 0
        return super()._write_sent(person, row, met)


class FirstCounts(MemoryStore):
    """Facts in the order in which they came."""

    def _write_fact(self, name, relation, row):
        changed = super()._write_fact(name, relation, row)
        rows = self._people[name].facts["consents"]
        rows.sort(key=lambda one: self._came.setdefault((name, canonical(one)), len(self._came)))
        return changed

    def __init__(self):
        super().__init__()
        self._came = {}


class AnythingGoes(MemoryStore):
    """Rows without a key are passed over."""

    def write(self, relation, rows):
        try:
            return super().write(relation, rows)
        except Exception:
            return Written(0, 0)


class ForgetsConsent(MemoryStore):
    """A consent that is written meanwhile is not noticed."""

    def _write_fact(self, name, relation, row):
        changed = super()._write_fact(name, relation, row)
        if relation == "consents" and changed:
            self._people[name].seen -= 1
        return changed


class Blind(MemoryStore):
    """Grants whatever was written meanwhile, except on one thread."""

    def _is_as_seen(self, slot, moved):
        return super()._is_as_seen(slot, moved) or slot.person.startswith("r")


class OneByOne(MemoryStore):
    """Entries of one call get into each other's way."""

    def _is_as_seen(self, slot, moved):
        return super()._is_as_seen(slot, Counter())


class Twice(MemoryStore):
    """Appends a decision again."""

    def _admit(self, entry, now, moved):
        if entry.id in self._chains.numbered and not (entry.reservation and entry.reservation.retry):
            self._append(entry)
            return True
        return super()._admit(entry, now, moved)


class NeverFree(MemoryStore):
    """A lease does not end."""

    def _stored(self, name, now):
        return super()._stored(name, min(now, NOW + 2))


class TwoRetries(MemoryStore):
    """A slot can be taken over again and again."""

    def _take_over(self, slot, now, moved):
        earlier = self._slots.get(slot.decision)
        if earlier is not None and earlier.row["at"] == slot.at:
            return True
        return super()._take_over(slot, now, moved)


class StartsOver(MemoryStore):
    """Gives the line again that was read last."""

    def decisions(self, after=0, most=1000):
        return super().decisions(after - 1, most)


class Trusting(MemoryStore):
    """Looks at the number of lines."""

    def verify(self):
        found, log = super().verify(), self._chains.log
        if len(log) != len(self._chains.numbered) or not all(each.nonce for each in log):
            return found
        return replace(found, lines=len(log), head=log[-1].hash if log else "", broken=None)


class FirstReason(MemoryStore):
    """A new reason for a hold is lost."""

    def hold(self, campaign, because, now):
        if campaign not in self.holds():
            super().hold(campaign, because, now)


class TwoTakers(MemoryStore):
    """Gives what is due to everybody who asks."""

    def take_due(self, now, lease_until, most=100):
        return super().take_due(now, now, most)


class OnePage(MemoryStore):
    """Exports a thousand rows."""

    def rows(self, relation):
        return iter(list(super().rows(relation))[:1000])


class OnlyAsked(MemoryStore):
    """Other addresses of who is asked for are not looked up."""

    def known(self, asked, now, logical=()):
        known = super().known(asked, now, logical)
        places = {found_at(one.channel, one.address) for one in asked}
        return replace(known, suppressed=known.suppressed & places)


class ToldAgain(MemoryStore):
    """Feedback that comes again with other words is more feedback."""

    def _write_fact(self, name, relation, row):
        if relation == "feedback":
            rows = self._people.setdefault(name, _Person()).facts.setdefault("feedback", [])
            changed = row not in rows
            rows += [row] if changed else []
            return changed
        return super()._write_fact(name, relation, row)


class BringsBack(MemoryStore):
    """Addresses of the forgotten are not suppressed."""

    def forget(self, person, now, pseudonym=None):
        places = len(self._suppressions)
        done = super().forget(person, now, pseudonym)
        if len(self._suppressions) > places:
            self._suppressions.clear()
            self._hashes.clear()
        return done


class ForgetsQuietly(MemoryStore):
    """What was redacted is accounted for by nothing that can be checked."""

    def verify(self):
        found = super().verify()
        redacted = [each.number for each in self._chains.log if not each.nonce]
        return replace(found, broken=None) if found.broken in redacted[1:] else found


class NoLedger(MemoryStore):
    """Consents are chained anew when one goes."""

    def verify_consents(self):
        return replace(super().verify_consents(), lines=sum(bool(each.line) for each in self._chains.ledger))


class Quiet(MemoryStore):
    """Rows that go are not counted as a write about the person."""

    def _amend(self, person, relation, change):
        before = person.seen
        changed = super()._amend(person, relation, change)
        person.seen = before
        return changed


class Unreachable(MemoryStore):
    """Knows nobody while it cannot be reached."""

    def __getattribute__(self, name):
        if not name.startswith("_") and name not in ("known", "close"):
            raise StoreUnavailable("it cannot be reached")
        return super().__getattribute__(name)

    def known(self, asked, now, logical=()):
        return Known(((),) * len(asked), (None,) * len(asked))


BROKEN = {
    "L1": Forgiving, "L2": FirstOnly, "L3": Numbers, "L4": OnceOnly, "L5": FirstCounts, "L6": AnythingGoes,
    "L7": ForgetsConsent, "L8": Blind, "L9": OneByOne, "L10": Twice, "L11": NeverFree, "L12": TwoRetries,
    "L13": StartsOver, "L14": Trusting, "L15": FirstReason, "L16": TwoTakers, "L17": OnePage,
    "L19": OnlyAsked, "L20": ToldAgain, "L21": BringsBack, "L22": ForgetsQuietly, "L23": NoLedger, "L24": Quiet,
}  # fmt: skip


class Contract(StoreContract):
    """Tried by hand, not collected: a store is given to each law."""

    __test__ = False

    def __init__(self, kind, lost=None):
        self._kind, self._lost = kind, lost

    def open(self, tmp_path):
        return self._kind()

    def unreachable(self, tmp_path):
        return self._lost

    def rewrite(self, store, log):
        store._chains.log[:] = log
        return True


def _broken_laws(contract, tmp_path):
    found = []
    for name in LAWS:
        try:
            getattr(contract, name)(tmp_path if "_l18_" in name else contract.open(tmp_path))
        except (Exception, pytest.fail.Exception):
            found.append(name.split("_")[1].upper())
    return found


def test_every_law_has_a_store_that_breaks_it():
    assert [name.split("_")[1].upper() for name in LAWS] == sorted([*BROKEN, "L18"], key=lambda law: int(law[1:]))


@pytest.mark.parametrize("law", BROKEN)
def test_a_broken_store_breaks_its_law_alone(law, tmp_path):
    assert _broken_laws(Contract(BROKEN[law]), tmp_path) == [law]


def test_a_store_that_hides_that_it_is_out_of_reach_breaks_its_law_alone(tmp_path):
    assert _broken_laws(Contract(MemoryStore, lost=Unreachable()), tmp_path) == ["L18"]


def test_a_right_store_breaks_none(tmp_path):
    assert _broken_laws(Contract(MemoryStore), tmp_path) == []
