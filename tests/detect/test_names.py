"""What names say: spelling, language and what stands around a word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policykit.detect.concepts import CONCEPTS, OTHERS, OWNERS
from policykit.detect.names import called, shape, snake, tokens
from tests.examples import examples


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firstName", ("first", "name")),
        ("FIRST_NAME", ("first", "name")),
        ("Kunde.E-Mail", ("kunde", "e", "mail")),
        ("userIPAddress", ("user", "ip", "address")),
        ("Größe", ("grosse",)),
        ("address2", ("address", "2")),
        ("Prénom", ("prenom",)),
        ("имя клиента", ("имя", "клиента")),
        ("電話番号", ("電話番号",)),
        ("__", ()),
    ],
)
def test_a_name_is_its_words(name, expected):
    assert tokens(name) == expected


@pytest.mark.parametrize(
    ("name", "concept", "sure"),
    [
        ("Vorname", "first_name", True),
        ("kundenvorname", "first_name", True),
        ("VORNAME_KUNDE", "first_name", True),
        ("date_de_naissance", "birth_date", True),
        ("dateNaissance", "birth_date", True),
        ("Teléfono móvil", "phone", True),
        ("codice fiscale", "government_id", True),
        ("Postleitzahl", "postcode", True),
        ("billing_email", "email", True),
        ("имя", "first_name", True),
        ("電話番号", "phone", True),
        ("mobile", "phone", False),
        ("visits", "browsing", False),
        ("location", "precise_location", False),
        ("customer_location", "precise_location", True),
        ("straße_hausnummer", "postal_address", True),
    ],
)
def test_words_of_many_languages_are_known(name, concept, sure):
    found = called(name)

    assert found is not None
    assert (found.concept.id, found.sure) == (concept, sure)


@pytest.mark.parametrize(
    "name",
    ["email_subject", "has_phone", "phone_model", "product_name", "emailOptIn", "address_type", "card_type", "colour",
     "", "device_type", "email_template_id", "num_emails_sent"],
)  # fmt: skip
def test_a_word_that_is_about_something_else_says_nothing(name):
    assert called(name) is None


def test_every_word_of_the_list_is_found_as_what_it_stands_for():
    wrong = [
        (concept.id, word)
        for concept in CONCEPTS
        for word in concept.words
        if (found := called(word)) is None or found.concept is not concept or not found.sure
    ]

    assert wrong == []


def test_no_word_stands_for_two_things():
    words = [shape(word) for concept in CONCEPTS for word in {shape(each): each for each in concept.words}.values()]

    assert sorted(words) == sorted(set(words))


def test_whose_a_thing_is_and_what_it_is_about_are_two_lists():
    assert not OWNERS & OTHERS


@settings(max_examples=examples(40))
@given(st.text(max_size=60))
def test_any_text_may_be_a_name(text):
    called(text)

    assert not snake(text) or snake(text)[0].isalpha()
