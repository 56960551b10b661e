"""policykit for SendGrid: email through the v3 mail send API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter

from policykit_sendgrid.adapter import SendGridAdapter

__all__ = ["SendGridAdapter", "policykit_adapters"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [SendGridAdapter()]
