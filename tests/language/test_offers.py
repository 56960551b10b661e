"""What picks an offer is a use of every main text, as sensitive as what the offer tells."""

from __future__ import annotations

import pytest

from policykit.ir.unroll import sensitivity
from policykit.language.offers import offered, read_offers, with_choosers
from policykit.model import Attribute, Offer, Offers, Prepared, Use, Variant

BABY = Offers((Offer("crib", ("basket", "city"), "special_category"), Offer("mat", ("basket",), "public")), (), 2)


def read(plain: dict[str, object]) -> Offers:
    def say(*problem: object) -> None:
        pytest.fail(str(problem))

    return read_offers(plain, ("basket", "city"), say)


def test_offers_are_read_as_written() -> None:
    plain = {
        "show": 3,
        "personalised": [
            {"id": "crib", "chosen_by": ["city", "basket", "city"], "reveals": "financial", "text": "A crib"}
        ],
        "general": [{"id": "tea"}, {"id": "soap", "text": "Soap"}],
    }

    assert read(plain) == Offers(
        (Offer("crib", ("basket", "city"), "financial", "A crib"),), (Offer("tea"), Offer("soap", text="Soap")), 3
    )


@pytest.mark.parametrize(
    ("plain", "show"),
    [
        ({}, 0),
        ({"general": [{"id": "tea"}, {"id": "soap"}]}, 2),
        ({"personalised": [{"id": "crib", "chosen_by": ["basket"]}], "general": [{"id": "tea"}]}, 1),
        ({"show": 0, "general": [{"id": "tea"}]}, 0),
    ],
)
def test_a_message_holds_its_personalised_offers_unless_told(plain: dict[str, object], show: int) -> None:
    assert read(plain).show == show


def test_what_picks_an_offer_is_a_use_that_can_be_taken_out() -> None:
    assert with_choosers((), BABY) == (
        Use("basket", selected=True, reveals="special_category"),
        Use("city", selected=True, reveals="special_category"),
    )


def test_what_picked_the_people_stays_what_it_was() -> None:
    people, shown = Use("city", selected=True, strippable=False), Use("basket", recited=True, required=True)

    assert with_choosers((shown, people), BABY) == (
        Use("basket", recited=True, selected=True, required=True, reveals="special_category"),
        Use("city", selected=True, strippable=False, reveals="special_category"),
    )


def test_of_several_offers_the_most_telling_counts() -> None:
    twice = Offers((Offer("a", ("basket",), "public"), Offer("b", ("basket",), "financial"), Offer("c", ("basket",))))

    assert with_choosers((), twice) == (Use("basket", selected=True, reveals="financial"),)


@pytest.mark.parametrize(("uses", "offers"), [(None, BABY), ((Use("city"),), None), (None, None)])
def test_what_is_unknown_stays_unknown(uses: tuple[Use, ...] | None, offers: Offers | None) -> None:
    assert with_choosers(uses, offers) == uses


def test_a_generic_text_shows_no_offers() -> None:
    (found,) = offered((Prepared("email", None, Variant(()), Variant(())),), BABY)

    assert (len(found.content.uses or ()), found.generic) == (2, Variant(()))


@pytest.mark.parametrize(
    ("own", "reveals", "found"),
    [
        ("behavioural", "special_category", "special_category"),
        ("financial", "public", "financial"),
        ("behavioural", None, "behavioural"),
        (None, "special_category", None),
    ],
)
def test_a_use_is_at_least_as_sensitive_as_what_its_offer_reveals(
    own: str | None, reveals: str | None, found: str | None
) -> None:
    attribute = Attribute("basket", None, "observed", (), own)

    assert sensitivity(attribute, Use("basket", reveals=reveals)) == found
    assert sensitivity(None, Use("basket", reveals=reveals)) is None
