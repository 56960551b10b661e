"""policykit for Firebase Cloud Messaging: push through the HTTP v1 API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter
from policykit.adapters.events import Receiver

from policykit_fcm.adapter import FCMAdapter
from policykit_fcm.events import FCMEvents

__all__ = ["FCMAdapter", "FCMEvents", "policykit_adapters", "policykit_feedback"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [FCMAdapter()]


@hookimpl
def policykit_feedback() -> list[Receiver]:
    return [FCMEvents()]
