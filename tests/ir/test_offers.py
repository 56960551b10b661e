"""Which offers a message shows: the same for the same person, whatever is asked again."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policykit.ir.offers import choosers, left, offers_on, shown_offers, too_few
from policykit.model import Campaign, Offer, Offers, Prepared, Variant

ALL = Offers(
    tuple(Offer(f"p{at}", ("basket",) if at % 2 else ("basket", "city")) for at in range(6)),
    tuple(Offer(f"g{at}") for at in range(6)),
    6,
)
COUNTS = st.none() | st.integers(0, 7)
STRIPS = st.sampled_from(((), ("city",), ("basket",), ("basket", "city")))
IDS = st.text(max_size=8)


@given(IDS, IDS | st.none(), STRIPS, COUNTS)
def test_a_message_is_full_and_shows_as_many_as_are_left(
    person: str, campaign: str | None, stripped: tuple[str, ...], blend: int | None
) -> None:
    shown = shown_offers(ALL, person, campaign, stripped, blend)

    assert len(shown) == len(set(shown)) == ALL.show
    assert sum(offer in ALL.personalised for offer in shown) == left(ALL, stripped, blend)
    assert not any(name in stripped for offer in shown for name in offer.chosen_by)
    assert shown == shown_offers(ALL, person, campaign, stripped, blend)


@given(IDS, IDS, st.integers(0, 5))
def test_one_offer_fewer_exchanges_no_other(person: str, campaign: str, blend: int) -> None:
    fewer, more = (set(shown_offers(ALL, person, campaign, (), count)) for count in (blend, blend + 1))

    assert fewer & set(ALL.personalised) < more & set(ALL.personalised)
    assert more & set(ALL.general) < fewer & set(ALL.general)


def test_nothing_taken_out_shows_the_campaigns_own_order() -> None:
    assert shown_offers(ALL, "ann", "spring") == ALL.personalised


def test_the_choice_is_the_same_in_every_process_and_differs_between_people() -> None:
    chosen = {person: [offer.id for offer in shown_offers(ALL, person, "spring", (), 2)] for person in ("ann", "bob")}

    assert chosen == {
        "ann": ["p1", "p4", "g2", "g3", "g4", "g5"],
        "bob": ["p4", "p5", "g0", "g3", "g4", "g5"],
    }


def test_a_pool_too_small_shows_what_it_has() -> None:
    short = replace(ALL, general=ALL.general[:1])

    assert too_few(short, left(short, ("basket",), None))
    assert shown_offers(short, "ann", "spring", ("basket",)) == short.general


def test_offers_are_in_prepared_main_texts_alone() -> None:
    spring = Campaign("spring", (Prepared("email", None, Variant(())),), None, offers=ALL)

    unsaid = replace(spring, offers=None)
    found = [
        offers_on(spring, "email", generic=False),
        offers_on(spring, "email", generic=True),
        offers_on(spring, "push", generic=False),
        offers_on(unsaid, "email", generic=True),
    ]

    assert found == [ALL, Offers(), None, Offers()]


def test_what_picks_offers() -> None:
    assert choosers(ALL) == {"basket", "city"}
    assert choosers(None) == frozenset()
