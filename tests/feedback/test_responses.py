"""`responses:`: what a workspace says is done about events, and what is wrong with what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from policykit.adapters.events import Event
from policykit.assemble.reference import PAGES
from policykit.demo.library import library_path
from policykit.language.load import read_workspace
from policykit.language.responses import DEFAULTS, Refusal, Response
from policykit.plugins import discover
from policykit.responses import answer
from policykit.stores.base import Suppression
from policykit.vocabulary import REFUSALS, TOLD

NOW = 1_772_442_000_000_000
FOUND = Callable[[str], tuple[tuple[Response, ...], list[str]]]


@pytest.fixture
def read(tmp_path: Path) -> FOUND:
    """Responses of a workspace, and its problems as they are told."""

    def read_text(text: str) -> tuple[tuple[Response, ...], list[str]]:
        (tmp_path / "policies").mkdir(exist_ok=True)
        (tmp_path / "policykit.yaml").write_text("policies: [policies/]\n")
        (tmp_path / "policies/answers.yaml").write_text(text)
        workspace, problems = read_workspace(tmp_path, discover(()).kinds)
        return workspace.responses, [
            f"{problem.place}: {problem.message}" for problem in problems if "answers" in str(problem.place)
        ]

    return read_text


def one(on: str, do: str, more: str = "") -> str:
    return f"responses:\n  - id: mine\n    on: {on}\n    do: {do}\n{more}"


def event(kind: str, **more: object) -> Event:
    values: dict[str, object] = {"channel": "email", "address": "ana@example.com", "campaign": "spring", **more}
    return Event("fb-1", kind, NOW - 5, "e" * 64, **values)  # type: ignore[arg-type]  # the event's own fields


def test_a_response_is_read(read: FOUND) -> None:
    text = one("{event: [unsubscribe, stop], channel: sms, provider: [twilio]}",
               '{consent: {status: withdrawn, channel: "*", purpose: this_purpose}, lower_tolerance: 5, '
               "degree: generic, suppress: address}", "    because: They said so.\n")  # fmt: skip

    found, problems = read(text)

    assert problems == []
    assert found == (
        Response("mine", ("unsubscribe", "stop"), ("sms",), ("twilio",), Refusal("withdrawn", "*", "this_purpose"),
                 suppress=True, points=5, degree="generic", because="They said so."),
    )  # fmt: skip


def test_the_page_of_responses_holds_some_that_work(read: FOUND) -> None:
    yaml = PAGES["responses"].split("```yaml\n")[1].split("```")[0]

    found, problems = read(yaml)

    assert (problems, [response.id for response in found]) == ([], ["stop-means-stop", "too-much-knowledge"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (one("{event: stopp}", "{suppress: address}"), "3:17: unknown event `stopp`; did you mean `stop`?"),
        (one("{event: []}", "{suppress: address}"), "3:17: `on.event` is empty"),
        (one("{channel: sms}", "{suppress: address}"), "3:9: `on` has no `event`"),
        (one("{event: stop, channel: fax}", "{suppress: address}"), "3:32: unknown channel `fax`"),
        (one("{event: stop}", "{}"), "4:9: `do` is empty"),
        (one("{event: stop}", "{consent: {status: given}}"), "4:28: unknown status `given`"),
        (one("{event: stop}", "{consent: {}}"), "4:19: `do.consent` has no `status`"),
        (one("{event: stop}", "{consent: {status: refused, purpose: fun}}"), "4:46: unknown purpose `fun`"),
        (one("{event: stop}", "{consent: {status: refused, channel: that}}"), "4:46: unknown channel `that`"),
        (one("{event: bounce}", "{refuse_attribute: baskt}") + "attributes: [{id: basket, origin: observed}]\n",
         "4:28: unknown attribute `baskt`; did you mean `basket`?"),
        (one("{event: bounce}", "{lower_tolerance: -5}"), "4:27: `do.lower_tolerance` is the number `-5`"),
        (one("{event: bounce}", "{degree: none}"), "4:18: unknown degree `none`"),
        (one("{event: bounce}", "{surpress: address}"), "4:10: unknown key `surpress`; did you mean `suppress`?"),
        (one("{event: stop}", "{suppress: person}"), "4:20: unknown suppress `person`"),
        ("responses: {id: a}\n", "1:12: `responses` is a mapping; expected a list"),
        ("responses: [x]\n", "1:13: `response` is the text `x`"),
        (one("{event: bounce}", "{suppress: address}", "  - {id: mine, on: {event: stop}, do: {suppress: address}}\n"),
         "5:10: duplicate response `mine`"),
        (one("{event: [bounce, stop]}", "{lower_tolerance: 5}"),
         "2:9: `mine` answers `stop` with neither `consent` nor `suppress`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(read: FOUND, text: str, expected: str) -> None:
    _, problems = read(text)

    assert len(problems) == 1, problems
    assert expected in problems[0]


# --- what is done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOLD)
def test_every_event_is_answered_where_nobody_says_how(kind: str) -> None:
    done = answer(event(kind), "sendgrid", (), ["ana"], None, NOW)

    assert done.consents or done.suppressions or any(row["lower_tolerance"] for row in done.feedback)
    assert {row["status"] for row in done.consents} <= set(REFUSALS)
    assert [row["kind"] for row in done.feedback] == [kind]


def test_by_default_stop_is_for_every_purpose_on_that_channel() -> None:
    done = answer(event("stop", channel="sms", address="+336"), "twilio", (), ["ana"], "marketing", NOW)

    assert done.consents == tuple(
        {"id": f"fb-1-unsubscribe-{channel}", "person": "ana", "status": "withdrawn", "channel": channel,
         "purpose": "*", "at": NOW - 5, "evidence": "e" * 64} for channel in ("sms", "mms")
    )  # fmt: skip
    assert done.suppressions == ()


def test_a_complaint_is_an_objection_to_everything_and_suppresses() -> None:
    done = answer(event("complaint"), "sendgrid", (), ["ana", "ben"], None, NOW)

    assert [(row["person"], row["status"], row["channel"], row["purpose"]) for row in done.consents] == [
        ("ana", "objected", "*", "*"), ("ben", "objected", "*", "*"),
    ]  # fmt: skip
    assert done.suppressions == (Suppression("email", "ana@example.com", "complaint", NOW - 5, "e" * 64),)


def test_the_workspaces_own_response_is_in_place_of_the_default() -> None:
    mine = Response("mine", ("too_personal",), channels=("push",), points=7)

    by_push = answer(event("too_personal", channel="push"), "app", (mine,), ["ana"], None, NOW)
    by_mail = answer(event("too_personal"), "app", (mine,), ["ana"], None, NOW)

    assert [(row["lower_tolerance"], row["degree"]) for row in (*by_push.feedback, *by_mail.feedback)] == [
        (7, None), (20, "provided"),
    ]  # fmt: skip


def test_all_responses_to_an_event_are_made_and_their_order_means_nothing() -> None:
    some = (
        Response("a", ("bounce",), points=5, degree="observed"),
        Response("b", ("bounce",), points=6, degree="generic"),
        Response("c", ("bounce",), suppress=True, refusal=Refusal("refused", "*", "this_purpose")),
    )

    one_way, another = (answer(event("bounce"), "x", each, ["ana"], "marketing", NOW) for each in (some, some[::-1]))

    assert (one_way.consents, one_way.feedback, one_way.suppressions) == (
        another.consents, another.feedback, another.suppressions,
    )  # fmt: skip
    assert [(row["lower_tolerance"], row["degree"]) for row in one_way.feedback] == [(11, "generic")]
    assert [row["purpose"] for row in one_way.consents] == ["marketing"]


def test_one_attribute_is_refused_in_every_message_and_nothing_else(read: FOUND) -> None:
    text = one("{event: too_personal}", "{refuse_attribute: basket}") + "attributes: [{id: basket, origin: observed}]\n"
    (mine,), problems = read(text)

    done = answer(event("too_personal"), "x", (mine,), ["ana"], "marketing", NOW)

    assert problems == []
    assert done.consents == (
        {"id": "fb-1-mine-refuses-basket", "person": "ana", "status": "refused", "channel": "*", "purpose": "*",
         "at": NOW - 5, "evidence": "e" * 64, "attribute": "basket"},
    )  # fmt: skip
    assert (done.done, answer(event("too_personal"), "x", (mine,), [], None, NOW).consents) == (
        ("attribute basket refused",), (),
    )  # fmt: skip


def test_this_purpose_is_every_purpose_where_nobody_knows_it() -> None:
    mine = Response("mine", ("stop",), refusal=Refusal("withdrawn", "this_channel", "this_purpose"))

    (row,) = answer(event("stop", channel=None), "x", (mine,), ["ana"], None, NOW).consents

    assert (row["channel"], row["purpose"]) == ("*", "*")


def test_an_event_of_tomorrow_counts_now() -> None:
    late = Event("fb-1", "complaint", NOW + 60, "e" * 64, "email", "ana@example.com")

    done = answer(late, "sendgrid", (), ["ana"], None, NOW)

    assert {row["at"] for row in (*done.consents, *done.feedback)} | {one.at for one in done.suppressions} == {NOW}


@pytest.mark.parametrize("kind", TOLD)
def test_an_address_that_nobody_knows_is_suppressed(kind: str) -> None:
    done = answer(event(kind), "sendgrid", (), [], None, NOW)

    assert (done.consents, done.feedback, len(done.suppressions)) == ((), (), 1)


def test_the_defaults_answer_every_kind_once() -> None:
    assert sorted(kind for response in DEFAULTS for kind in response.events) == sorted(TOLD)


def test_the_librarys_answers_are_the_defaults_written_down(read: FOUND) -> None:
    found, problems = read((library_path() / "feedback/answers.yaml").read_text(encoding="utf-8"))

    plain = [replace(response, id="", because=None) for response in found]
    assert (problems, sorted(plain, key=repr)) == (
        [], sorted((replace(response, id="") for response in DEFAULTS), key=repr),
    )  # fmt: skip
