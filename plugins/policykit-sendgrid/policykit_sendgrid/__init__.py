"""policykit for SendGrid: email through the v3 mail send API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter
from policykit.adapters.events import Receiver

from policykit_sendgrid.adapter import SendGridAdapter
from policykit_sendgrid.events import SendGridEvents

__all__ = ["SendGridAdapter", "SendGridEvents", "policykit_adapters", "policykit_feedback"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [SendGridAdapter()]


@hookimpl
def policykit_feedback() -> list[Receiver]:
    return [SendGridEvents()]
