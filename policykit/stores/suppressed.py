"""Addresses nothing may be sent to any more, kept as keyed hashes: nobody can read them back.

The key is made once in each store, so that every process that opens it says the same of an address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from policykit import addresses
from policykit.errors import UsageError
from policykit.model import Micros
from policykit.stores.base import BECAUSE, Suppression, SuppressionKey
from policykit.stores.cells import found_at
from policykit.stores.chain import printable

KEY_BYTES = 32


def hash_of(key: SuppressionKey, place: tuple[str, str]) -> str:
    """Of where an address is found (`cells.found_at`); 64 hexadecimal digits."""
    return blake2b("\0".join(place).encode(), key=key.secret, digest_size=32).hexdigest()


def address_hash(key: SuppressionKey, channel: str, address: str) -> str:
    """Of an address as it is written anywhere: equal for all spellings, and for all channels of a family."""
    return hash_of(key, found_at(channel, addresses.key(channel, address)))


def hashed(key: SuppressionKey, entries: Iterable[Suppression]) -> list[Suppression]:
    """Entries as they are kept, without an address; `UsageError` for one that names neither address nor hash."""
    return [_hashed(key, entry) for entry in entries]


def forgotten_places(key: SuppressionKey, places: Iterable[tuple[str, str]], now: Micros) -> list[Suppression]:
    """Entries for where a forgotten person was reached (`cells.found_at`)."""
    return [Suppression(place[0], None, "forgotten", now, hash=hash_of(key, place)) for place in sorted(places)]


def in_order(entry: Suppression) -> tuple[int, str, str, str]:
    """Oldest first, and alike in every store."""
    return entry.at, entry.hash or "", entry.because, entry.evidence or ""


def _hashed(key: SuppressionKey, entry: Suppression) -> Suppression:
    if entry.because not in BECAUSE:
        known = ", ".join(f"`{one}`" for one in BECAUSE)
        raise UsageError(f"an address cannot be suppressed because of `{entry.because}`", help=f"known: {known}")
    found = entry.hash
    if entry.address is not None and addresses.key(entry.channel, entry.address):
        found = address_hash(key, entry.channel, entry.address)
    if not found:
        raise UsageError("a suppression names no address", help="give the address, or its hash from the same store")
    family = printable(addresses.family(entry.channel))
    evidence = printable(entry.evidence) if entry.evidence else None
    return replace(entry, channel=family, address=None, hash=printable(found), evidence=evidence)
