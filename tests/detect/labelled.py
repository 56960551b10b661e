"""Columns as exports of shops, mailing tools and analytics call them, with made-up values and what they truly hold.

`None` = nothing about a person. Nobody in here exists: names are common ones, numbers are from ranges that
are kept free, and numbers with check digits were calculated.
"""

from __future__ import annotations

FIRST = ["Ana", "Ben", "Chloé", "Dimitri", "Eva", "Farid", "Greta", "Hugo", "Inês", "Jonas", "Katri", "Léa"]
LAST = ["Alves", "Brandt", "Dupont", "Eriksen", "Ferrari", "Garcia", "Hansen", "Ivanova", "Jansen", "Korhonen", "Lopez"]
FULL = [f"{one} {other}" for one, other in zip(FIRST, LAST, strict=False)]
EMAILS = [f"person.{i}@example.com" for i in range(12)]
PHONES = [f"+999 00 0000 0{i:02d}" for i in range(12)]
NATIONAL = [f"0{i}0 555 01{i:02d}" for i in range(1, 12)]
BIRTHS = [f"{year}-0{1 + year % 9}-1{year % 10}" for year in range(1941, 2003, 5)]
RECENT = [f"2026-1{i % 2}-0{1 + i % 9}" for i in range(12)]
IPS = [f"192.0.2.{i}" for i in range(12)]
IBANS = ["DE75512108001245126199", "FR7630006000011234567890189", "GB33BUKB20201555555555", "NL91ABNA0417164300"] * 3
CARDS = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"] * 3
NIRS = ["1 80 12 75 116 001 28", "180127511600128"] * 6
YEARS = [str(year) for year in range(1950, 2000, 5)]
NUMBERS = [str(17 * i % 1000) for i in range(12)]
MONEY = [f"{13 * i % 400}.{i:02d}" for i in range(12)]
FLAGS = ["0", "1"] * 6
WORDS = ["red", "blue", "small", "large", "spring", "sale", "north", "south", "gold", "basic", "plus", "club"]
TOWNS = ["Lyon", "Leipzig", "Sevilla", "Leeds", "Porto", "Tampere", "Patras", "Nantes", "Bonn", "Vigo"]
ZIPS = ["69001", "04109", "41001", "10115", "33100", "26221", "44000", "53111", "36201", "75011"]
HASHES = [f"{i:064x}" for i in range(10**70, 10**70 + 12)]
UUIDS = [f"00000000-0000-4000-8000-{i:012d}" for i in range(12)]
LATS = [f"{40 + i}.{71234 + i}" for i in range(12)]
SENTENCES = [
    "called on Monday",
    "wants a smaller size",
    "asked for a refund",
    "moved house",
    "likes blue",
    "no news",
] * 2
WRITTEN = [f"please write to person{i}@example.com instead" for i in range(6)] + SENTENCES[:6]

LABELLED: tuple[tuple[str, list[str], str | None], ...] = (
    # who and where, in many languages and spellings
    ("First Name", FIRST, "first_name"), ("firstname", FIRST, "first_name"), ("FNAME", FIRST, "first_name"),
    ("kunde_vorname", FIRST, "first_name"), ("prénom", FIRST, "first_name"), ("Nombre", FIRST, "first_name"),
    ("given-name", FIRST, "first_name"), ("col_7", FIRST, "first_name"), ("etunimi", FIRST, "first_name"),
    ("LastName", LAST, "last_name"), ("Nachname", LAST, "last_name"), ("apellidos", LAST, "last_name"),
    ("cognome", LAST, "last_name"), ("Achternaam", LAST, "last_name"), ("nom_famille", LAST, "last_name"),
    ("Name", FULL, "full_name"), ("customer_name", FULL, "full_name"), ("Ansprechpartner", FULL, "full_name"),
    ("Email Address", EMAILS, "email"), ("e_mail", EMAILS, "email"), ("Kontakt", EMAILS, "email"),
    ("customerEmail", EMAILS, "email"), ("correo", EMAILS, "email"), ("login", EMAILS, "email"),
    ("email_sha256", HASHES, "email"), ("field_3", EMAILS, "email"), ("Mailadresse privat", EMAILS, "email"),
    ("Mobile Phone", PHONES, "phone"), ("telefon", NATIONAL, "phone"), ("Handy", NATIONAL, "phone"),
    ("tel", NATIONAL, "phone"), ("mobile", NATIONAL, "phone"), ("msisdn", PHONES, "phone"), ("x1", PHONES, "phone"),
    ("puhelinnumero", NATIONAL, "phone"), ("contact_number", PHONES, "phone"), ("street", WORDS, "postal_address"),
    ("Straße", WORDS, "postal_address"), ("address_line_1", WORDS, "postal_address"),
    ("Default Address Address1", WORDS, "postal_address"), ("rue", WORDS, "postal_address"),
    ("zip", ZIPS, "postcode"), ("PLZ", ZIPS, "postcode"), ("Default Address Zip", ZIPS, "postcode"),
    ("code_postal", ZIPS, "postcode"), ("city", TOWNS, "city"), ("Wohnort", TOWNS, "city"), ("ville", TOWNS, "city"),
    ("date_of_birth", BIRTHS, "birth_date"), ("DOB", BIRTHS, "birth_date"), ("Geburtsdatum", BIRTHS, "birth_date"),
    ("fecha_nacimiento", BIRTHS, "birth_date"), ("geb", BIRTHS, "birth_date"), ("birthYear", YEARS, "birth_date"),
    ("gender", ["m", "f"] * 6, "gender"), ("Geschlecht", ["männlich", "weiblich"] * 6, "gender"),
    ("Anrede", ["Herr", "Frau"] * 6, "gender"), ("sexo", ["H", "M"] * 6, "gender"),
    ("marital_status", WORDS, "marital_status"), ("age", NUMBERS, "age"), ("ageGroup", WORDS, "age"),
    ("job_title", WORDS, "job"), ("Beruf", WORDS, "job"), ("nationality", WORDS, "nationality"),
    ("num_children", NUMBERS, "children"), ("household_income", MONEY, "income"), ("Gehalt", MONEY, "income"),
    # numbers that stand for people, money
    ("customer_id", NUMBERS, "customer_id"), ("Kundennummer", NUMBERS, "customer_id"),
    ("user-id", UUIDS, "customer_id"), ("loyaltyId", NUMBERS, "customer_id"), ("idfa", UUIDS, "device_id"),
    ("device_id", UUIDS, "device_id"), ("push_token", HASHES, "push_token"), ("ip_address", IPS, "ip_address"),
    ("client", IPS, "ip_address"), ("IBAN", IBANS, "bank_account"), ("konto", IBANS, "bank_account"),
    ("card", CARDS, "payment_card"), ("numero_secu", NIRS, "government_id"), ("ref", NIRS, "government_id"),
    ("passport_no", NUMBERS, "government_id"), ("ssn", NUMBERS, "government_id"), ("credit_score", NUMBERS, "credit"),
    # what is private, what was done
    ("diagnosis", WORDS, "health"), ("is_pregnant", FLAGS, "health"), ("Allergien", WORDS, "health"),
    ("religion", WORDS, "religion"), ("political_party", WORDS, "politics"), ("ethnicity", WORDS, "ethnicity"),
    ("latitude", LATS, "precise_location"), ("last_location", WORDS, "precise_location"),
    ("last_product_bought", WORDS, "purchases"), ("basket_items", WORDS, "purchases"),
    ("lifetimeValue", MONEY, "purchases"), ("total_spent", MONEY, "purchases"),
    ("last_order_date", RECENT, "purchases"), ("panier", WORDS, "purchases"), ("pages_viewed", NUMBERS, "browsing"),
    ("last_search", WORDS, "searches"), ("watched_films", WORDS, "media"), ("notes", WRITTEN, "communications"),
    ("favorite_category", WORDS, "purchases"), ("Lieblingsfarbe", WORDS, "purchases"),
    ("shoe_size", NUMBERS, "purchases"), ("hobbies", WORDS, "browsing"),
    # nothing about a person
    ("product_name", WORDS, None), ("campaign_name", WORDS, None), ("store_name", WORDS, None),
    ("sku", NUMBERS, None), ("file_name", WORDS, None), ("template_id", NUMBERS, None), ("variant", WORDS, None),
    ("price", MONEY, None), ("currency", WORDS, None), ("quantity", NUMBERS, None), ("email_subject", WORDS, None),
    ("email_opens", NUMBERS, None), ("email_opt_in", FLAGS, None), ("phone_model", WORDS, None),
    ("device_type", WORDS, None), ("created_at", RECENT, None), ("updated_at", RECENT, None), ("row", NUMBERS, None),
    ("batch", NUMBERS, None), ("status", WORDS, None), ("company_name", WORDS, None), ("brand", WORDS, None),
    ("color", WORDS, None), ("size", WORDS, None), ("warehouse", TOWNS, None), ("sent_at", RECENT, None),
    ("utm_source", WORDS, None), ("utm_campaign", WORDS, None), ("score", NUMBERS, None), ("weight_kg", MONEY, None),
    ("discount", MONEY, None), ("delivery_date", RECENT, None), ("address_type", WORDS, None),
    ("language_version", WORDS, None), ("server_ip", IPS, None), ("host", WORDS, None), ("card_type", WORDS, None),
    ("order_status", WORDS, None), ("event_name", WORDS, None), ("page_title", WORDS, None), ("source", WORDS, None),
    ("channel", WORDS, None), ("segment", WORDS, None), ("tier", WORDS, None), ("launch_date", BIRTHS, None),
    ("ean", NUMBERS, None), ("vat_rate", MONEY, None), ("plan", WORDS, None), ("mail", FLAGS, None),
    ("Newsletter", FLAGS, None), ("test_group", WORDS, None), ("phone", FLAGS, None),
)  # fmt: skip

# Headers as well-known tools write them into exports, from memory of those exports. Held out: the word list was not
# changed for them.
_PERSONAL = """
    Customer ID, First Name, Last Name, Email, Default Address Address1, Default Address City, Default Address
    Zip, Default Address Country Code, Default Address Phone, Phone, Total Spent, Total Orders, Email Address,
    Address, Phone Number, Birthday, OPTIN_IP, CONFIRM_IP, LATITUDE, LONGITUDE, TIMEZONE, Card Last4, Card Name,
    Card Address Line1, Card Address Zip, contact.firstname, contact.mobilephone, contact.date_of_birth,
    contact.hs_ip_timezone, contact.jobtitle, contact.salary, MailingStreet, MailingPostalCode, HomePhone,
    Birthdate, HasOptedOutOfEmail, AssistantName, ReportsToId, braze_id, user_id, custom_attributes.shoe_size,
    first_purchase, last_session_country, KUNNR, NAME1, STRAS, PSTLZ, ORT01, TELF1, SMTP_ADDR, clientId,
    userAgent, geoNetwork.latitude, deviceId, Billing Name, Billing Street, Shipping Phone, Note Attributes,
    customer_since, Lifetime Revenue
"""
_OTHERS = """
    Accepts Email Marketing, Tax Exempt, Tags, MEMBER_RATING, OPTIN_TIME, LAST_CHANGED, Created (UTC), Card
    Brand, Lead Source, IsDeleted, SystemModstamp, CreatedDate, campaign.id, trafficSource.medium, totals.hits,
    device.browser, device.operatingSystem, event_timestamp, Lineitem name, Lineitem price, Lineitem sku,
    Vendor, Fulfillment Status, Discount Code, Shipping Method, Currency, Subtotal, MANDT, LAND1_TXT, WAERS,
    list_name, template_version, send_id, subject_line, variant_name, utm_medium,
"""
HEADERS: tuple[tuple[str, bool], ...] = tuple(
    (" ".join(name.split()), personal)
    for personal, names in ((True, _PERSONAL), (False, _OTHERS))
    for name in names.split(",")
)
