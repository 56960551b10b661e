"""Records what every client sends, against a server on loopback: `python tests/record.py`.

A new version of a client is looked at as the difference this makes. Answers, which only Google itself
can give, are written by hand from its documentation.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clients import CLIENTS, client_version
from policykit.adapters.wire import OutgoingRequest
from policykit.testing import Double
from policykit.testing.recordings import write_recording

DOCS = "https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send"


def record(folder: Path) -> None:
    for name, (send, distribution) in CLIENTS.items():
        with Double() as double:
            send(double.url)
            found = sorted(double.requests, key=lambda received: received.body)  # threads come in any order
        received = found[0]  # those of a fan-out look alike
        url = f"https://fcm.googleapis.com{received.path}"
        notes = {"sdk": client_version(distribution), "recorded": f"{datetime.now(UTC):%Y-%m-%d}", "docs": DOCS}
        request = OutgoingRequest(received.method, url, received.headers, received.body)
        write_recording(folder / f"{name}.http", request, notes)
        print(name, len(received.body))


if __name__ == "__main__":
    record(Path(__file__).parent / "recordings")
