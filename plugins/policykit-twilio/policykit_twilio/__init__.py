"""policykit for Twilio: SMS, MMS and WhatsApp through the Messages API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter
from policykit.adapters.events import Receiver

from policykit_twilio.adapter import TwilioAdapter
from policykit_twilio.events import TwilioEvents

__all__ = ["TwilioAdapter", "TwilioEvents", "policykit_adapters", "policykit_feedback"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [TwilioAdapter()]


@hookimpl
def policykit_feedback() -> list[Receiver]:
    return [TwilioEvents()]
