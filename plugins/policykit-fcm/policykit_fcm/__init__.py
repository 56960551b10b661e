"""policykit for Firebase Cloud Messaging: push through the HTTP v1 API, whichever client speaks it."""

from policykit import hookimpl
from policykit.adapters.base import Adapter

from policykit_fcm.adapter import FCMAdapter

__all__ = ["FCMAdapter", "policykit_adapters"]


@hookimpl
def policykit_adapters() -> list[Adapter]:
    return [FCMAdapter()]
