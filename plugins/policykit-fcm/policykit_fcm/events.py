"""What an app hears itself about its pushes, in policykit's own signed envelope: FCM has no webhook that is signed."""

from __future__ import annotations

from typing import ClassVar

from policykit.adapters.envelope import Envelope


class FCMEvents(Envelope):
    """Events with `X-Policykit-Provider: fcm`; those that name no channel are about pushes."""

    name: ClassVar[str] = "fcm"
    channel: ClassVar[str | None] = "push"
