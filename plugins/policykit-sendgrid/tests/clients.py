"""Mail as real clients send it, each pointed at a base URL: their own SDK, Anymail, Apprise and hand-written code."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from unittest import mock

import requests

KEY = "SG.a-key-that-must-never-show"
Client = Callable[[str], object]


# --- SendGrid's own SDK ------------------------------------------------------------------------------


def sdk_one(base_url: str) -> object:
    """The example of SendGrid's README, with the campaign in a custom argument."""
    from sendgrid.helpers.mail import CustomArg, Mail

    mail = Mail("Acme <news@acme.example>", "jane@example.com", "Spring is here", "Plain spring", "<b>Spring</b>")
    mail.add_custom_arg(CustomArg("campaign", "spring"))
    return _sdk(base_url).send(mail)


def sdk_many(base_url: str) -> object:
    """One personalization for each, with own substitutions, subject, instant and custom arguments."""
    from sendgrid.helpers.mail import Category, From, Mail, SendAt, To

    people = [
        To("jane@example.com", "Jane", substitutions={"-name-": "Jane"}, subject="For Jane"),
        To("joe@example.com", "Joe", substitutions={"-name-": "Joe"}),
        To("kim@example.com", substitutions={"-name-": "Kim"}),
    ]
    mail = Mail(From("news@acme.example", "Acme"), people, "For you", "Hi -name-", is_multiple=True)
    mail.send_at = SendAt(1795860000, p=1)
    mail.category = [Category("spring"), Category("newsletter")]
    return _sdk(base_url).send(mail)


def sdk_copies(base_url: str) -> object:
    """One personalization, seen by several people and by hidden ones."""
    from sendgrid.helpers.mail import Bcc, Cc, Mail

    mail = Mail("news@acme.example", ["jane@example.com", "joe@example.com"], "Spring", html_content="<p>Spring</p>")
    mail.cc = [Cc("Kim@Example.COM", "Kim")]
    mail.bcc = [Bcc("audit@example.org"), Bcc("lee@example.net")]
    return _sdk(base_url).send(mail)


def sdk_template(base_url: str) -> object:
    """A dynamic template, whose text is at SendGrid."""
    from sendgrid.helpers.mail import Asm, GroupId, Mail, To

    mail = Mail("news@acme.example")
    mail.add_to(To("jane@example.com", dynamic_template_data={"first": "Jane", "basket": [{"item": "crib", "qty": 1}]}))
    mail.template_id = "d-0123456789abcdef"
    mail.asm = Asm(GroupId(42))
    return _sdk(base_url).send(mail)


def sdk_everything(base_url: str) -> object:
    """Every other place where a value can be."""
    from sendgrid.helpers import mail as parts

    mail = parts.Mail(
        "news@acme.example", "jane@example.com", "A crib for you", "A crib", "<p>A crib</p>", "<html amp4email></html>"
    )
    mail.attachment = parts.Attachment(
        parts.FileContent("Y3JpYg=="), parts.FileName("crib.txt"), parts.FileType("text/plain")
    )
    mail.section = parts.Section("%offer%", "crib")
    mail.header = parts.Header("List-Unsubscribe", "<https://acme.example/leave>")
    mail.ip_pool_name = parts.IpPoolName("marketing")
    mail.mail_settings = parts.MailSettings(
        footer_settings=parts.FooterSettings(
            True, parts.FooterText("Your crib waits"), parts.FooterHtml("<p>Your crib waits</p>")
        ),
        sandbox_mode=parts.SandBoxMode(True),
    )
    mail.tracking_settings = parts.TrackingSettings(
        subscription_tracking=parts.SubscriptionTracking(
            True, parts.SubscriptionText("Leave the crib"), parts.SubscriptionHtml("<p>Leave the crib</p>")
        )
    )
    mail.reply_to = parts.ReplyTo("help@acme.example")
    mail.send_at = parts.SendAt(1795860000)
    return _sdk(base_url).send(mail)


def _sdk(base_url: str):
    from sendgrid import SendGridAPIClient

    return SendGridAPIClient(KEY, host=base_url)


# --- Anymail -----------------------------------------------------------------------------------------


def anymail_one(base_url: str) -> object:
    from anymail.message import AnymailMessage

    with _django(base_url) as connection:
        mail = AnymailMessage(
            "Spring is here", "Plain spring", "Acme <news@acme.example>", ["Jane Doe <jane@example.com>"],
            cc=["joe@example.com"], bcc=["lee@example.net"], connection=connection,
            metadata={"campaign": "spring", "order": 7}, tags=["newsletter"], reply_to=["help@acme.example"],
            headers={"X-Batch": "9"},
        )  # fmt: skip
        mail.attach_alternative("<b>Spring</b>", "text/html")
        mail.attach("plan.txt", "the plan", "text/plain")
        mail.send()
        return mail.anymail_status


def anymail_batch(base_url: str) -> object:
    """Anymail's batch send: a template, one personalization for each."""
    from anymail.message import AnymailMessage

    with _django(base_url) as connection:
        mail = AnymailMessage(
            from_email="news@acme.example", to=["jane@example.com", "Joe <joe@example.com>"], connection=connection,
            template_id="d-0123456789abcdef", merge_global_data={"shop": "Acme"},
            merge_data={"jane@example.com": {"first": "Jane"}, "joe@example.com": {"first": "Joe"}},
            merge_metadata={"jane@example.com": {"campaign": "spring"}, "joe@example.com": {"campaign": "summer"}},
        )  # fmt: skip
        mail.send()
        return mail.anymail_status


@contextmanager
def _django(base_url: str) -> Iterator[object]:
    import django
    from django.conf import settings
    from django.core.mail import get_connection

    if not settings.configured:
        settings.configure(ANYMAIL={}, USE_TZ=True)
        django.setup()
    ids = [uuid.UUID(int=number) for number in range(1, 10)]
    with warnings.catch_warnings(), mock.patch("uuid.uuid4", side_effect=ids):
        warnings.simplefilter("ignore")  # Anymail warns that it no longer tests SendGrid itself
        yield get_connection("anymail.backends.sendgrid.EmailBackend", api_key=KEY, api_url=f"{base_url}/v3/")


# --- others ------------------------------------------------------------------------------------------


def apprise_one(base_url: str) -> object:
    """Apprise knows no base URL, and waits between sends."""
    import apprise
    from apprise.plugins.sendgrid import NotifySendGrid

    patched = mock.patch.multiple(NotifySendGrid, notify_url=f"{base_url}/v3/mail/send", request_rate_per_sec=0)
    with warnings.catch_warnings(), patched:
        warnings.filterwarnings("ignore", "'imghdr' is deprecated", DeprecationWarning)  # of a mail plugin beside it
        notify = apprise.Apprise()
        notify.add(f"sendgrid://{KEY}:news@acme.example/jane@example.com?cc=joe@example.com&bcc=lee@example.net")
        return notify.notify("Spring is here", "Spring")


def requests_one(base_url: str) -> object:
    """Hand-written code with requests."""
    payload = {
        "personalizations": [{"to": [{"email": "jané@example.com"}], "custom_args": {"campaign_id": "spring"}}],
        "from": {"email": "news@acme.example"},
        "subject": "Le printemps est là",
        "content": [{"type": "text/plain", "value": "Bonjour, été bientôt \N{SUNFLOWER}"}],
    }
    return requests.post(
        f"{base_url}/v3/mail/send", json=payload, headers={"Authorization": f"Bearer {KEY}"}, timeout=10
    )


CLIENTS: dict[str, tuple[Client, str]] = {
    "sdk-one": (sdk_one, "sendgrid"),
    "sdk-many": (sdk_many, "sendgrid"),
    "sdk-copies": (sdk_copies, "sendgrid"),
    "sdk-template": (sdk_template, "sendgrid"),
    "sdk-everything": (sdk_everything, "sendgrid"),
    "anymail-one": (anymail_one, "django-anymail"),
    "anymail-batch": (anymail_batch, "django-anymail"),
    "apprise-one": (apprise_one, "apprise"),
    "requests-one": (requests_one, "requests"),
}


def client_version(distribution: str) -> str:
    return f"{distribution} {version(distribution)}"
