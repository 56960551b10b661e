"""Recordings are what the installed clients send now."""

from importlib.metadata import version
from pathlib import Path

import pytest
from policykit.testing import Double
from policykit.testing.recordings import read_recording

from .clients import CLIENTS

pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated. Use .*fid:DeprecationWarning")
RECORDINGS = Path(__file__).parent / "recordings"


@pytest.mark.parametrize("name", CLIENTS)
def test_a_recording_is_what_its_client_sends(name: str) -> None:
    send, distribution = CLIENTS[name]
    recording = read_recording(RECORDINGS / f"{name}.http")
    if recording.notes["sdk"] != f"{distribution} {version(distribution)}":
        pytest.skip(f"recorded with {recording.notes['sdk']}: `python tests/record.py` shows what is new")

    with Double() as double:
        send(double.url)
        received = min(double.requests, key=lambda each: each.body)  # those of a fan-out look alike

    assert (received.method, received.path) == (recording.request.method, recording.request.path)
    assert received.body == recording.request.body


def test_every_recording_has_its_client() -> None:
    assert sorted(path.stem for path in RECORDINGS.glob("*.http")) == sorted(CLIENTS)
