"""Makes a workspace's data from Hillstrom's file of 64,000 customers. Deterministic: run it twice, get the same bytes.

    python tests/journeys/hillstrom/prepare.py hillstrom.csv WORKSPACE/data

The file (Kevin Hillstrom, MineThatData e-mail analytics challenge, 2008) has no ids, consents or
sends. They are derived from its real columns; where no column can tell, `part(row, topic)` does:
the first four bytes of sha256("topic:row"), as a share of a thousand.

    customer_no      the number of the row, from 1
    clock            zone by zip_code: Urban New York, Surburban Chicago, Rural Los Angeles; 8 in 1000 one there is not
    accepts          degree by channel and newbie: Multichannel inferred; Web derived, newbies observed;
                     Phone observed, newbies provided; 10 in 1000 generic, 10 empty
    phone_token      push address of those who buy by Web or Multichannel
    mail             everybody but 20 in 1000
    consents         mail by segment: Mens E-Mail double_opt_in, Womens E-Mail single_opt_in, No E-Mail soft_opt_in,
                     implied_ebr or none by thirds; given twice `recency` months before the send.
                     push: who is no newbie by name, half of the newbies by a yes to every channel; given 2.4 times
                     `recency` months before. Refusals, lifted and not, by part(row, "refusal")
    history          as many sends as history segments lie below the customer's, two days apart, the first a day before;
                     of even recency the third exactly seven days before; recency 1 has one planned too
    attributes       area zip_code, seen and not told for Web newbies; interest from mens and womens, told by those
                     who spent over 200; spent history. Seen `recency` times 30 days before the send
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEND = datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
PURPOSE = "marketing.communications"
SEGMENTS = ("$0 - $100", "$100 - $200", "$200 - $350", "$350 - $500", "$500 - $750", "$750 - $1,000", "$1,000 +")
ZONES = {"Urban": "America/New_York", "Surburban": "America/Chicago", "Rural": "America/Los_Angeles"}

Customer = dict[str, str]
Row = tuple[object, ...]

HEADERS = {
    "consents": ("id", "person", "status", "channel", "purpose", "quality", "at", "defects"),
    "history": ("person", "at", "channel", "message_class", "campaign"),
    "attributes": ("person", "attribute", "value", "origin", "collected_at"),
}
ADDED = ("customer_no", "clock", "accepts", "phone_token", "mail")


def part(row: int, topic: str) -> int:
    """A fixed number from 0 to 999 for a row and a topic."""
    return int.from_bytes(hashlib.sha256(f"{topic}:{row}".encode()).digest()[:4], "big") * 1000 // 2**32


def months_before(at: datetime, count: int) -> datetime:
    """The same clock time so many calendar months earlier, at the end of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 - count, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, 28))


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def added(row: int, customer: Customer) -> Row:
    zone = "America/Springfield" if part(row, "zone") < 8 else ZONES[customer["zip_code"]]
    token = "" if customer["channel"] == "Phone" else f"token-{row:05d}"
    mail = "" if part(row, "mail") < 20 else f"customer.{row:05d}@example.com"
    return (row, zone, degree(row, customer), token, mail)


def degree(row: int, customer: Customer) -> str:
    odd = part(row, "degree")
    if odd < 20:
        return "generic" if odd < 10 else ""
    newbie = customer["newbie"] == "1"
    match customer["channel"]:
        case "Multichannel":
            return "inferred"
        case "Web":
            return "observed" if newbie else "derived"
        case _:
            return "provided" if newbie else "observed"


def consents(row: int, customer: Customer) -> Iterator[Row]:
    """Rows without their id."""
    recency = int(customer["recency"])
    third = part(row, "no e-mail") * 3 // 1000
    quality = {"Mens E-Mail": "double_opt_in", "Womens E-Mail": "single_opt_in"}.get(
        customer["segment"], ("soft_opt_in", "implied_ebr", "")[third]
    )
    defects = "bundled" if customer["womens"] == "1" and part(row, "defect") < 60 else ""
    if quality:
        yield (row, "given", "email", PURPOSE, quality, text(months_before(SEND, 2 * recency)), defects)
    if customer["channel"] != "Phone" and (customer["newbie"] == "0" or part(row, "push") < 500):
        scope = "push" if customer["newbie"] == "0" else "*"
        at = months_before(SEND, recency * 12 // 5)
        ticked = "pre_ticked" if part(row, "ticked") < 30 else ""
        yield (row, "given", scope, PURPOSE, "single_opt_in", text(at), ticked)
    yield from refusals(row)


def refusals(row: int) -> Iterator[Row]:
    odd = part(row, "refusal")
    early, late = text(SEND - timedelta(days=20)), text(SEND - timedelta(days=10))
    if odd < 15:
        yield (row, "withdrawn", "*", PURPOSE, "", late, "")
    elif odd < 35:
        yield (row, "refused", "push", "*", "", late, "")
    elif odd < 55:
        yield (row, "refused", "email", "", "", late, "")
    elif odd < 60:
        yield (row, "objected", "sms", "analytics", "", late, "")
    elif odd < 75:  # lifted by a yes as narrow, later
        yield (row, "withdrawn", "email", PURPOSE, "", early, "")
        yield (row, "given", "email", PURPOSE, "single_opt_in", late, "")
    elif odd < 90:  # not lifted: the later yes is broader
        yield (row, "refused", "push", PURPOSE, "", early, "")
        yield (row, "given", "*", PURPOSE, "double_opt_in", late, "")
    elif odd < 100:  # not lifted: at the very same instant
        yield (row, "refused", "push", PURPOSE, "", late, "")
        yield (row, "given", "push", PURPOSE, "double_opt_in", late, "")
    elif odd < 110:  # not lifted: somebody else's act
        yield (row, "refused", "email", PURPOSE, "", early, "")
        yield (row, "given", "email", PURPOSE, "soft_opt_in", late, "")
    elif odd < 115:  # when, nobody can say: never lifted
        yield (row, "refused", "push", PURPOSE, "", "some day", "")
        yield (row, "given", "push", PURPOSE, "double_opt_in", late, "")


def history(row: int, customer: Customer) -> Iterator[Row]:
    recency, count = int(customer["recency"]), SEGMENTS.index(customer["history_segment"])
    for index in range(count):
        ago = timedelta(days=7) if index == 2 and recency % 2 == 0 else timedelta(days=1 + 2 * index)
        channel = "" if part(row, f"channel {index}") < 10 else "push" if customer["channel"] == "Web" else "email"
        kind = "transactional" if part(row, f"class {index}") < 100 else "marketing"
        yield (row, text(SEND - ago), channel, kind, "autumn")
    if recency == 1:  # nearer than seven days only to a send that waits until morning
        yield (row, text(SEND + timedelta(days=7, hours=2)), "email", "marketing", "winter")


def attributes(row: int, customer: Customer) -> Iterator[Row]:
    recency = int(customer["recency"])
    seen = SEND - timedelta(days=30 * recency)
    if recency == 5:
        seen -= timedelta(days=30, hours=-5)  # half a year old only by the morning
    at = "" if part(row, "seen") < 10 else text(seen)
    watched = customer["channel"] == "Web" and customer["newbie"] == "1"
    yield (row, "area", customer["zip_code"].lower(), "observed" if watched else "", at)
    told = "provided" if float(customer["history"]) > 200 else "hearsay" if part(row, "hearsay") < 10 else ""
    mens, womens = customer["mens"] == "1", customer["womens"] == "1"
    interest = "men and women" if mens == womens else "men" if mens else "women"
    yield (row, "interest", interest, told, at)
    yield (row, "spent", "" if part(row, "spent") < 10 else customer["history"], "", at)


def prepare(source: Path, folder: Path) -> None:
    with source.open(encoding="utf-8", newline="") as file:
        customers = list(csv.DictReader(file))
    folder.mkdir(parents=True, exist_ok=True)
    numbered = list(enumerate(customers, 1))
    people = ((*customer.values(), *added(row, customer)) for row, customer in numbered)
    write(folder / "audience.csv", (*customers[0], *ADDED), people)
    given = (found for row, customer in numbered for found in consents(row, customer))
    write(folder / "consents.csv", HEADERS["consents"], ((f"c{index}", *found) for index, found in enumerate(given, 1)))
    sends = (sent for row, customer in numbered for sent in history(row, customer))
    write(folder / "history.csv", HEADERS["history"], sends)
    values = (value for row, customer in numbered for value in attributes(row, customer))
    write(folder / "attributes.csv", HEADERS["attributes"], values)


def write(path: Path, header: tuple[str, ...], rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
