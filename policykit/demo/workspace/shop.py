"""Two messages as an application sends them today: a text by Twilio's own client, a push by a plain request.

Under `policykit run` nothing else is needed; without it, call `policykit.install()` once.
"""

import requests
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

import policykit

texts = Client("AC00000000000000000000000000000000", "a token")
with policykit.sending(campaign="new-home"):
    try:
        texts.messages.create(to="+99900000050", from_="+99900000000", body="Moving? A month of data is on us.")
    except TwilioRestException as refused:
        print("The text was refused:", policykit.decision_of(refused).reason)

push = {"token": "token-000011", "notification": {"body": "Your basket waits."}, "data": {"campaign": "basket"}}
answer = requests.post(
    "https://fcm.googleapis.com/v1/projects/acme-shop/messages:send", json={"message": push}, timeout=10
)
decision = policykit.decision_of(answer)
print(f"The push was answered with {answer.status_code}, and {decision.effect}: {decision.reason}")
