"""What people tell you back through providers, taken in by the webhook of an application.

`feedback.receive(request.headers, request.body, url=request.url)` in the view of a webhook is all there is to
write; answer with its `status`.
"""

from policykit.assemble.feedback import Answered, Received, receive

__all__ = ["Answered", "Received", "receive"]
