"""policykit for Twilio: SMS, MMS and WhatsApp through the Messages API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter

from policykit_twilio.adapter import TwilioAdapter

__all__ = ["TwilioAdapter", "policykit_adapters"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [TwilioAdapter()]
