"""What may be remembered about a person, and what it is called in files: the word list of the detector.

One row per concept. Words are written without accents, spaces or capitals, as `names.tokens` reads
them: a word of several parts is its parts joined by `_`. `words` name the concept by themselves;
`also` are words that mean other things too, so that a name made of them is a hint and no more.
Languages: English, German, French, Spanish, Italian, Portuguese, Dutch, and the commonest words of
Polish, Swedish, Danish, Norwegian, Finnish, Czech, Turkish, Russian, Greek, Chinese, Japanese and Korean.
Categories are fideslang data categories (CC-BY-4.0, Ethyca).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that may be remembered.

    plain: what it is, for a report. column: where the vocabulary has it already (`address.email`):
    then a mapping is what is missing, not an entry. values: the check in `values` that its values should
    pass, None = any text may be one. number: whether its values may be bare numbers or flags.
    """

    id: str
    category: str
    sensitivity: str
    origin: str
    plain: str
    words: frozenset[str]
    also: frozenset[str] = frozenset()
    column: str | None = None
    values: str | None = None
    number: bool = False


def _concept(id: str, category: str, sensitivity: str, origin: str, plain: str, words: str, also: str = "",  # noqa: A002
             column: str | None = None, values: str | None = None, *, number: bool = False) -> Concept:  # fmt: skip
    return Concept(id, category, sensitivity, origin, plain, frozenset(words.split()), frozenset(also.split()), column,
                   values, number)  # fmt: skip


# Whose something is: `customer_location` is where a person was, `location` alone may be a shop's.
PEOPLE = frozenset(
    """
    customer client user member subscriber recipient contact person people persona buyer shopper guest patient my your
    their cust usr kunde kunden kundin nutzer benutzer mitglied empfanger empfaenger privat clientes cliente usuario
    utente utilisateur abonne membre destinataire klant gebruiker lid asiakas kund klient bruger kunta musteri
    """.split()  # noqa: SIM905  # one table
)
# What says nothing beside a concept: `default_address_1` is an address.
FILLERS = frozenset(
    """
    account profile crm attr attribute attributes field value val data info current new old prev previous primary
    secondary main default home private work billing shipping delivery invoice postal personal to merge var custom raw
    clean normalized normalised lower full
    """.split()  # noqa: SIM905  # one table
)
OWNERS = PEOPLE | FILLERS

# Words behind or before a concept that make it something else: `email_subject`, `has_phone`, `phone_model`.
OTHERS = frozenset(
    """
    subject template opened open opens clicked click clicks sent sends count total num has is was can status
    type kind opt in optin out optout consent verified verification provider model brand company product store shop file
    host server domain campaign list segment group category variable column table event page screen plan label
    tag format channel frequency rate score updated created at timestamp version enabled disabled allowed permission
    preference preferences valid invalid bounce bounced unsubscribed unsubscribe marketing newsletter length class
    method source medium app application device_type os browser role team project branch department
    sender from reply footer header anzahl gesamt firma firmen produkt produit producto
    entreprise empresa societe azienda bedrijf marke marque filiale laden magasin tienda negozio datei fichier archivo
    """.split()  # noqa: SIM905  # one table
)

CONCEPTS: tuple[Concept, ...] = (
    # --- who somebody is
    _concept("first_name", "user.name.first", "personal", "provided", "given names",
             "first_name firstname fname given_name givenname forename vorname prenom nombre_de_pila primer_nombre "
             "nome_proprio primeiro_nome voornaam roepnaam imie fornamn fornavn etunimi krestni_jmeno jmeno imya "
             "имя όνομα ονομα 名 名前 이름 first_nm vname", "nombre nome", values="name"),
    _concept("last_name", "user.name.last", "personal", "provided", "family names",
             "last_name lastname lname surname family_name familyname nachname familienname nom_famille "
             "nom_de_famille apellido apellidos cognome sobrenome apelido achternaam nazwisko "
             "efternamn etternavn efternavn sukunimi prijmeni "
             "soyad soyadi фамилия επώνυμο επωνυμο 姓 苗字 성 last_nm nname second_name maiden_name madchenname",
             "nom", values="name"),
    _concept("full_name", "user.name", "personal", "provided", "names of people",
             "full_name fullname display_name nombre_completo nome_completo nom_complet vollstandiger_name "
             "vor_und_nachname nom_prenom nom_et_prenom volledige_naam naam imie_i_nazwisko kokonimi nimi 姓名 氏名 "
             "성명 фио полное_имя customer_name client_name user_name_full contact_name recipient_name kundenname "
             "person_name salutation_name anrede_name", "name namn navn", values="name"),
    _concept("username", "user.account.username", "personal", "provided", "account names",
             "username user_name login loginname login_name screen_name nickname nick benutzername "
             "nutzername identifiant nom_utilisateur nombre_usuario usuario gebruikersnaam twitter_handle instagram "
             "instagram_handle skype linkedin facebook_id telegram", "alias handle"),
    _concept("password", "user.authorization.password", "financial", "provided", "passwords or secrets",
             "password passwd passwort kennwort mot_de_passe motdepasse contrasena contrasenia senha wachtwoord "
             "password_hash pin_code security_answer secret_answer security_question", "pwd pass pin"),
    _concept("customer_id", "user.unique_id", "personal", "generated", "numbers that name a person",
             "customer_id customer_no customer_number customer_nr cust_id cust_no client_id client_no user_id userid "
             "member_id member_no membership_no membership_number subscriber_id contact_id person_id profile_id "
             "account_id account_no account_number kundennummer kundennr kunden_nr kunden_id mitgliedsnummer "
             "numero_client num_client no_client id_client id_cliente numero_cliente codice_cliente klantnummer "
             "klantnr loyalty_id loyalty_number card_no loyalty_card external_id crm_id", "id uid uuid guid",
             column="recipient.id", number=True),
    _concept("device_id", "user.device.device_id", "personal", "observed", "numbers that name a device",
             "device_id deviceid idfa idfv gaid aaid adid advertising_id imei imsi iccid mac_address macaddress "
             "android_id vendor_id device_uuid fingerprint device_fingerprint cookie_id client_cookie ga_client_id "
             "gclid fbclid visitor_id anonymous_id geratekennung gerate_id identifiant_appareil", "msisdn_hash",
             values="device", number=True),
    # --- where somebody is reached
    _concept("email", "user.contact.email", "contact", "provided", "e-mail addresses",
             "email e_mail mail email_address emailaddress mailaddress mail_address e_mail_address emailadresse "
             "mailadresse e_mail_adresse adresse_mail adresse_email adresse_electronique courriel correo "
             "correo_electronico posta_elettronica indirizzo_email endereco_email mejl epost e_post epostadress "
             "sahkoposti sposti eposta почта эл_почта электронная_почта メール メールアドレス 邮箱 電子郵件 이메일 "
             "email_hash hashed_email email_sha256 email_md5 md5_email sha256_email", "",
             column="address.email", values="email"),
    _concept("phone", "user.contact.phone_number", "contact", "provided", "phone numbers",
             "phone phone_number phonenumber phone_no telephone telephone_number tel tel_no mobile_phone mobilephone "
             "mobile_number mobile_no cell_phone cellphone cell_number msisdn telefon telefonnummer telefonnr "
             "handynummer handy mobilnummer mobiltelefon rufnummer festnetz telephone_portable numero_de_telephone "
             "num_tel no_tel telephone_mobile telefono telefono_movil numero_telefono celular telemovel telefone "
             "cellulare telefoonnummer telefoon mobiel gsm puhelin puhelinnumero matkapuhelin whatsapp "
             "whatsapp_number sms_number телефон номер_телефона τηλέφωνο τηλεφωνο 电话 電話 電話番号 手机 手机号 "
             "휴대폰 전화번호 phone_hash fax fax_number faxnummer", "mobile portable mobil cell movil",
             column="address.sms", values="phone", number=True),
    _concept("push_token", "user.device.device_id", "contact", "generated", "push tokens",
             "push_token pushtoken fcm_token fcmtoken registration_token registration_id apns_token device_token "
             "devicetoken gcm_id onesignal_id expo_push_token", "", column="address.push", values="push"),
    _concept("postal_address", "user.contact.address", "contact", "provided", "postal addresses",
             "street street_address streetname street_name address_line address_line_1 address_line_2 address1 "
             "address2 addr1 addr2 mailing_address home_address postal_address shipping_address billing_address "
             "delivery_address house_number house_no apartment strasse str_nr hausnummer anschrift adresszeile "
             "wohnadresse postanschrift lieferadresse rechnungsadresse rue adresse_postale adresse_livraison "
             "numero_rue calle direccion direccion_postal domicilio indirizzo civico rua morada endereco straat "
             "straatnaam huisnummer ulica adres_zamieszkania gata gatuadress katuosoite адрес улица διεύθυνση "
             "διευθυνση 地址 住所 주소", "address addr adresse adres adress osoite via"),
    _concept("postcode", "user.contact.address.postal_code", "contact", "provided", "postcodes",
             "postcode postal_code postalcode post_code zip zip_code zipcode zip5 plz postleitzahl code_postal "
             "codepostal cp_client codigo_postal cap_residenza cep postnummer postnr postinumero psc kod_pocztowy "
             "индекс почтовый_индекс 邮编 郵便番号 우편번호", "cp cap", values="postcode", number=True),
    _concept("city", "user.contact.address.city", "contact", "provided", "towns",
             "city town home_town hometown place_of_residence residence wohnort ort stadt ville commune localite "
             "ciudad poblacion localidad citta comune cidade woonplaats miasto paikkakunta kaupunki mesto город πόλη "
             "πολη 城市 市区町村 도시", "stad county district"),
    _concept("country", "user.contact.address.country", "internal", "provided", "countries",
             "country country_code country_iso land_code landercode pays code_pays pais codigo_pais paese kraj maa "
             "страна χώρα 国家 国 국가", "land nation", column="recipient.country"),
    _concept("time_zone", "user.location.imprecise", "internal", "observed", "time zones",
             "timezone time_zone tz zeitzone fuseau_horaire zona_horaria fuso_orario tijdzone aikavyohyke", "zone",
             column="recipient.zone"),
    _concept("language", "user.demographic.language", "internal", "provided", "languages",
             "language lang locale preferred_language sprache langue idioma lingua taal jezyk sprak kieli язык γλώσσα "
             "语言 言語 언어", "", column="recipient.language"),
    # --- what somebody is like
    _concept("birth_date", "user.demographic.date_of_birth", "personal", "provided", "dates of birth",
             "birth_date birthdate date_of_birth dob birthday bday born born_on geburtsdatum geburtstag geb_datum "
             "geboren_am ne_le nee_le nato_il nata_il nacido_el nascido_em geboren_op born_at "
             "gebdatum date_naissance date_de_naissance naissance anniversaire fecha_nacimiento fecha_de_nacimiento "
             "nacimiento cumpleanos data_nascita data_di_nascita nascita compleanno data_nascimento "
             "data_de_nascimento geboortedatum verjaardag data_urodzenia urodziny fodelsedatum fodselsdato "
             "fodselsdag syntymaaika datum_narozeni dogum_tarihi дата_рождения ημερομηνία_γέννησης 出生日期 生日 "
             "生年月日 誕生日 생년월일 생일 birth_day birth_month year_of_birth birth_year yob geburtsjahr "
             "annee_naissance ano_nacimiento", "birth", values="date", number=True),
    _concept("age", "user.demographic.age_range", "personal", "derived", "ages",
             "age age_years age_group age_range age_band agegroup alter altersgruppe tranche_age edad leeftijd idade "
             "wiek alder ika", "eta", column="recipient.age", number=True),
    _concept("gender", "user.demographic.gender", "personal", "provided", "genders",
             "gender sex sexe sexo sesso geschlecht genre_client genero geslacht plec kon kjonn sukupuoli pohlavi "
             "cinsiyet пол φύλο 性别 性別 성별 gender_identity pronouns", "genre title salutation anrede civilite "
             "trato titel", values="gender", number=True),
    _concept("marital_status", "user.demographic.marital_status", "personal", "provided", "marital status",
             "marital_status maritalstatus familienstand situation_familiale etat_civil estado_civil stato_civile "
             "burgerlijke_staat stan_cywilny civilstand married spouse spouse_name husband wife", "single"),
    _concept("household", "user.demographic", "personal", "provided", "households and families",
             "household household_size household_id family_size haushalt haushaltsgrosse foyer taille_foyer hogar "
             "nucleo_familiare gezin huishouden", "family dependents", number=True),
    _concept("children", "user.demographic", "special_category", "provided", "children",
             "children kids child_age childs_age child_birthday kids_count num_children number_of_children "
             "has_children kinder anzahl_kinder enfants nombre_enfants hijos figli filhos kinderen dzieci lapset "
             "child_name kindesname due_date_baby baby_due_date expected_birth", "child baby minor barn", number=True),
    _concept("nationality", "user.demographic.nationality", "personal", "provided", "nationalities",
             "nationality citizenship nationalitat staatsangehorigkeit nationalite nacionalidad nazionalita "
             "nacionalidade nationaliteit obywatelstwo kansalaisuus гражданство 国籍 국적 place_of_birth birthplace "
             "geburtsort lieu_naissance lugar_nacimiento immigration_status visa_status"),
    _concept("job", "user.employment", "personal", "provided", "what people work",
             "job_title jobtitle occupation profession employer employment employment_status beruf berufsbezeichnung "
             "arbeitgeber metier employeur profesion ocupacion empleador professione occupazione datore_lavoro "
             "profissao beroep werkgever zawod yrke ammatti профессия 職業 职业 직업", "position work_title"),
    _concept("education", "user.demographic", "personal", "provided", "education",
             "education education_level degree_level highest_degree university school_name bildung schulabschluss "
             "bildungsgrad niveau_etudes educacion istruzione educacao opleiding wyksztalcenie koulutus", "school"),
    _concept("income", "user.financial", "financial", "inferred", "incomes",
             "income income_band income_range household_income salary wage net_worth wealth einkommen "
             "haushaltseinkommen gehalt lohn revenu revenus salaire ingresos renta_anual salario sueldo reddito "
             "stipendio renda inkomen dochod zarobki tulot доход зарплата 收入 年収 소득", "", number=True),
    # --- special categories
    _concept("health", "user.health_and_medical", "special_category", "provided", "health",
             "health health_condition medical_condition diagnosis diagnoses disease illness allergy allergies "
             "medication medications prescription disability disabled_person pregnant pregnancy is_pregnant "
             "blood_type bmi body_weight patient_id insurance_number health_insurance krankheit diagnose allergie "
             "allergien medikament schwanger schwangerschaft behinderung krankenkasse sante maladie enceinte grossesse "
             "handicap salud enfermedad diagnostico embarazo embarazada discapacidad salute malattia gravidanza "
             "saude doenca gravida gezondheid ziekte zwanger ziektekosten zdrowie choroba ciaza halsa sygdom terveys "
             "raskaana expecting step_free wheelchair mental_health dietary_restrictions diet smoker здоровье "
             "диагноз 健康 病歴 건강", "weight height condition due_date", number=True),
    _concept("ethnicity", "user.demographic.race_ethnicity", "special_category", "provided", "origin or ethnicity",
             "ethnicity ethnic_origin ethnic_group skin_color skin_colour ethnie origine_ethnique etnia raza raca "
             "ethnische_herkunft herkunft etniciteit pochodzenie_etniczne", "race rasa"),
    _concept("religion", "user.demographic.religious_belief", "special_category", "provided", "beliefs",
             "religion religious_belief religious_affiliation faith denomination konfession kirchensteuer "
             "glaube religionszugehorigkeit confession religione religiao godsdienst geloof wyznanie uskonto "
             "религия 宗教 종교"),
    _concept("politics", "user.demographic.political_opinion", "special_category", "inferred", "political opinions",
             "political_party political_affiliation political_opinion party_affiliation voter_id politics "
             "parteizugehorigkeit parti_politique afiliacion_politica union_member union_membership "
             "trade_union gewerkschaft syndicat sindicato vakbond", "partei partito union"),
    _concept("sexuality", "user.demographic.sexual_orientation", "special_category", "inferred", "sex life",
             "sexual_orientation sexuality orientation_sexuelle sexuelle_orientierung orientacion_sexual "
             "orientamento_sessuale lgbt lgbtq", "orientation"),
    _concept("biometric", "user.biometric", "special_category", "observed", "biometrics",
             "biometric face_id faceprint face_embedding fingerprint_template voiceprint iris_scan genetic dna "
             "genome"),
    _concept("criminal", "user.criminal_history", "special_category", "purchased", "criminal records",
             "criminal_record criminal_history conviction convictions vorstrafen casier_judiciaire"),
    # --- money and numbers of the state
    _concept("government_id", "user.government_id", "financial", "provided", "numbers the state gives people",
             "ssn social_security social_security_number national_id nationalid national_insurance_number nino "
             "government_id tax_id taxid tin passport passport_number passport_no passportnumber id_card "
             "id_card_number identity_card drivers_license driver_license driving_licence license_number "
             "sozialversicherungsnummer steuer_id steueridentifikationsnummer steuernummer personalausweis "
             "ausweisnummer reisepass reisepassnummer fuhrerschein numero_securite_sociale nir insee numero_secu "
             "carte_identite passeport dni nie nif pasaporte seguridad_social codice_fiscale carta_identita cpf rg "
             "cartao_cidadao bsn burgerservicenummer pesel nip personnummer cpr hetu henkilotunnus rodne_cislo "
             "tc_kimlik curp rfc aadhaar паспорт инн снилс 身份证 マイナンバー 주민등록번호 medicare_number nhs_number "
             "voter_number alien_number", "", values="state", number=True),
    _concept("bank_account", "user.financial.bank_account", "financial", "provided", "bank accounts",
             "iban bic_iban bank_account bank_account_number bankaccount account_holder sort_code routing_number "
             "kontonummer bankverbindung kontoinhaber bankleitzahl numero_de_compte compte_bancaire rib "
             "cuenta_bancaria numero_cuenta conto_corrente conta_bancaria rekeningnummer numer_konta "
             "tilinumero swift_bic", "bic", values="iban", number=True),
    _concept("payment_card", "user.financial.bank_account", "financial", "provided", "payment cards",
             "credit_card creditcard credit_card_number card_number cardnumber cc_number ccnum pan_number cvv cvc "
             "card_expiry kreditkarte kreditkartennummer carte_bancaire numero_carte_bancaire tarjeta_credito "
             "tarjeta_de_credito carta_di_credito cartao_credito creditcardnummer", "pan", values="card", number=True),
    _concept("credit", "user.financial", "financial", "inferred", "creditworthiness",
             "credit_score creditscore credit_rating credit_limit schufa bonitat bonitaet solvabilite "
             "score_de_credit kreditwurdigkeit debt debts schulden balance_due overdue arrears bankruptcy", "balance",
             number=True),
    # --- where somebody was
    _concept("ip_address", "user.device.ip_address", "personal", "observed", "internet addresses",
             "ip ip_address ipaddress ipaddr ip_addr client_ip remote_ip last_ip signup_ip ipv4 ipv6 adresse_ip "
             "ip_adresse direccion_ip remote_addr x_forwarded_for", "", values="ip"),
    _concept("precise_location", "user.location.precise", "precise_location", "observed", "places people were at",
             "latitude longitude lat lon lng lat_lng latlong geo geolocation gps gps_location coordinates geohash "
             "geo_point breitengrad langengrad koordinaten coordonnees coordenadas last_location current_location "
             "last_store_visited last_shop location_history geofence standort", "location position", number=True),
    # --- what somebody did
    _concept("purchases", "user.behavior.purchase_history", "behavioural", "observed", "what people buy",
             "basket cart purchases purchase_history order_history last_order last_order_date last_purchase "
             "last_purchase_date last_product last_product_bought lifetime_value ltv clv total_spent total_spend "
             "avg_order_value average_order_value abandoned_cart cart_items basket_items wishlist order_count "
             "favourite_product favorite_product favorite_category favourite_category warenkorb einkaufe bestellungen "
             "letzte_bestellung letzter_kauf umsatz_kunde panier achats dernier_achat derniere_commande carrito "
             "compras ultima_compra ultimo_pedido carrello acquisti ultimo_acquisto carrinho winkelwagen "
             "laatste_aankoop koszyk kundvagn ostoskori", "spend spent spending orders order purchase revenue recency "
             "monetary conversion points", number=True),
    _concept("browsing", "user.behavior.browsing_history", "behavioural", "observed", "what people look at",
             "browsing_history pages_viewed page_views last_page last_page_viewed pages_visited products_viewed "
             "last_viewed viewed_products last_viewed_product clickstream session_history last_visited_page "
             "angesehene_produkte pages_vues productos_vistos referrer user_agent useragent", "visits visit sessions "
             "interests interest clicks opens last_seen last_login history", number=True),
    _concept("searches", "user.behavior.search_history", "behavioural", "observed", "what people search for",
             "search_history searches last_search search_terms search_queries suchbegriffe suchverlauf recherches "
             "busquedas ricerche", "search query", number=True),
    _concept("media", "user.behavior.media_consumption", "behavioural", "observed", "what people watch and hear",
             "watch_history watched_films watched_movies listening_history viewing_history last_watched", "watched"),
    _concept("communications", "user.content.private", "special_category", "observed", "what people write",
             "message_body chat_history call_recording transcript support_transcript private_message sms_body "
             "mail_body email_body", "notes comment comments remarks bemerkung bemerkungen commentaire comentario "
             "notizen free_text"),
)  # fmt: skip

BY_ID: Mapping[str, Concept] = {concept.id: concept for concept in CONCEPTS}
