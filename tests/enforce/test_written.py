"""Records as lines of the log, ids and logical sends."""

from __future__ import annotations

import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from policykit.adapters.wire import OutgoingRequest
from policykit.enforce.written import logical_ids, new_id
from policykit.model import Changes, Decision, Judgement, Verdict
from policykit.sends import DecisionRecord, from_line, to_line

TEXT = st.text(max_size=8)
NAMES = st.tuples() | st.tuples(TEXT) | st.tuples(TEXT, TEXT)
MAYBE = st.none() | TEXT
INSTANT = st.none() | st.integers(-(2**60), 2**60)
DECISIONS = st.builds(
    Decision, st.sampled_from(Verdict),
    st.builds(Changes, st.sampled_from([None, "email"]), NAMES, st.booleans(), INSTANT),
    NAMES, NAMES, NAMES, MAYBE, INSTANT,
    st.sampled_from([None, "no_address", "past_deadline"]),
    st.tuples() | st.tuples(st.builds(Judgement, TEXT, st.sampled_from(["done", "ask", "block"]), NAMES, NAMES)),
)  # fmt: skip
RECORDS = st.builds(
    DecisionRecord, id=TEXT, at=st.integers(0, 2**60), decision=DECISIONS, channel=TEXT, provider=TEXT,
    effect=st.sampled_from(["passed", "refused", "replaced", "put_off"]), mode=st.sampled_from(["audit", "enforce"]),
    person=MAYBE, campaign=MAYBE, message_class=TEXT, because=st.dictionaries(TEXT, TEXT, max_size=2), records=NAMES,
    rules=TEXT, conflict=NAMES, held=MAYBE, recites=NAMES, failed=MAYBE,
)  # fmt: skip


@given(RECORDS)
def test_line_of_the_log_is_the_record(record):
    line = to_line(record)

    assert "\n" not in line
    assert from_line(line) == record


def test_ids_are_never_given_twice():
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.extend(new_id() for _ in range(1000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 8000
    assert all(len(each) == 23 and each.startswith("pk-") for each in found)


def test_forked_child_draws_ids_of_its_own():
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        assert told.read() not in {new_id() for _ in range(500)}


@given(st.binary(max_size=9000), st.integers(1, 3))
def test_equal_requests_are_one_logical_send_and_others_are_not(body, count):
    request = OutgoingRequest("POST", "https://api.example/send", (("Authorization", "a"),), body)
    again = OutgoingRequest("POST", "https://api.example/send", (("Authorization", "b"),), body)
    other = OutgoingRequest("POST", "https://api.example/send", (), body + b"x")

    assert logical_ids(request, count) == logical_ids(again, count)
    assert len(set(logical_ids(request, count))) == count
    assert not set(logical_ids(request, count)) & set(logical_ids(other, count))


def test_long_bodies_are_told_apart():
    short, long = b"x" * 32_768, b"x" * 32_769

    assert logical_ids(OutgoingRequest("POST", "u", (), short), 1) != logical_ids(
        OutgoingRequest("POST", "u", (), long), 1
    )
