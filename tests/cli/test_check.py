from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import SMALL

MISTAKES = {
    "policies/registry.yaml": (
        "attributes:\n"
        "  - {id: basket, origin: watched, collected_for: [marketing.communications]}\n"
        "  - {id: a, origin: inferred, inferred_from: [b]}\n"
        "  - {id: b, origin: inferred, inferred_from: [a]}\n"
    ),
    "policies/push.yaml": (
        "policies:\n"
        "  - id: push-by-invitation\n"
        "    kind: consnt\n"
        "    require: {quality: {at_least: single_opt_in}}\n"
        "    on_breach: {downgrade: {channel: less_intrusive}}\n"
        "  - id: not-here\n"
        "    kind: consent\n"
        "    for: {chanel: push}\n"
        "    forbid: {refused_for: channel}\n"
        "    on_breach: blok\n"
        "  - id: caps\n"
        "    kind: frequency\n"
        "    require: {at_most: 3, per: 7 dais}\n"
        "    on_breach: block\n"
        "  - id: adults\n"
        "    kind: rule\n"
        "    forbid: recipient.aeg < 18\n"
        "    on_breach: block\n"
        "  - id: country\n"
        "    kind: rule\n"
        "    forbid: recipient.country == 3\n"
        "    on_breach: block\n"
    ),
    "campaigns/spring.yaml": (
        "campaign: spring\n"
        "purpose: marketing.comunications\n"
        'send: {at: "2026-11-27T10:00"}\n'
        'channels: {email: {body: "Hello"}}\n'
    ),
    "policies/adults.yaml": "policies: []\n",
    "policies/adults.cases.yaml": "cases: [{case: c, expect: {verdict: allow}}]\n",
}


def test_ten_mistakes_in_three_files_are_ten_located_messages_each_with_a_way_out(policykit, workspace):
    root = workspace(MISTAKES)

    ran = policykit("check", "--json", "--workspace", str(root))

    found = json.loads(ran.out)["problems"]
    errors = [problem for problem in found if problem["severity"] == "error"]
    places = [(problem["file"].removeprefix(f"{root}/"), problem["line"]) for problem in errors]
    assert ran.code == 3
    assert places == [
        ("campaigns/spring.yaml", 2),
        ("campaigns/spring.yaml", 3),
        ("policies/push.yaml", 3),
        ("policies/push.yaml", 8),
        ("policies/push.yaml", 10),
        ("policies/push.yaml", 13),
        ("policies/push.yaml", 17),
        ("policies/push.yaml", 21),
        ("policies/registry.yaml", 2),
        ("policies/registry.yaml", 3),
    ]
    ways_out = [problem["help"] or problem["message"].partition("; expected ")[2] for problem in errors]
    assert all(ways_out)


def test_files_are_named_as_one_would_type_them(policykit, workspace, monkeypatch):
    root = workspace(MISTAKES)
    monkeypatch.chdir(root)

    lines = policykit("check").out.splitlines()

    assert any(
        line.startswith("campaigns/spring.yaml:2:10: unknown purpose `marketing.comunications`") for line in lines
    )
    assert lines[-1].startswith("10 errors")


def test_what_is_right_has_no_problems(policykit, workspace):
    ran = policykit("check", "--workspace", str(workspace({})))

    assert (ran.code, ran.out, ran.err) == (0, "no problems\n", "")


def test_warnings_alone_are_no_failure(policykit, workspace):
    never = "policies:\n  - {id: never, kind: frequency, require: {at_most: 0, per: 1 day}, on_breach: block}\n"

    ran = policykit("check", "--workspace", str(workspace({"policies/never.yaml": never})))

    assert ran.code == 0
    assert "warning: `never` lets nothing pass" in ran.out
    assert ran.out.endswith("1 warning\n")


def test_the_workspace_is_found_from_below(policykit, workspace, monkeypatch):
    monkeypatch.chdir(workspace({}) / "policies")

    assert policykit("check").code == 0


def test_the_workspace_is_named_by_the_environment(policykit, workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("POLICYKIT_WORKSPACE", str(workspace({})))
    monkeypatch.chdir(tmp_path)

    assert policykit("check").code == 0


def test_a_provider_without_an_adapter_is_told_once_with_the_way_out(policykit, workspace):
    spring = SMALL["campaigns/spring.yaml"].replace("sendgrid", "pidgeon")
    root = workspace({
        "policykit.yaml": "mode: enforce\nproviders: {sendgird: {}}\n",
        "campaigns/spring.yaml": spring, "campaigns/summer.yaml": spring.replace("spring", "summer"),
    })  # fmt: skip

    ran = policykit("check", "--json", "--workspace", str(root))

    found = [(Path(each["file"]).name, each["line"], each["column"], each["message"], each["severity"])
             for each in json.loads(ran.out)["problems"]]  # fmt: skip
    assert ran.code == 0
    assert found == [
        ("spring.yaml", 5, 30, "no adapter for the provider `pidgeon` is installed", "warning"),
        ("policykit.yaml", 2, 13, "no adapter for the provider `sendgird` is installed; did you mean `sendgrid`?",
         "warning"),
    ]  # fmt: skip


def test_a_store_that_cannot_be_opened_is_told_where_it_is_named(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: enforce\nstore: sqlit:///store.db\n"})

    ran = policykit("check", "--workspace", str(root))

    assert "policykit.yaml:2:8: unknown scheme `sqlit` of the store; did you mean `sqlite`?" in ran.out
    assert ran.code == 3


def test_a_store_in_memory_is_no_store_of_a_command(policykit, workspace):
    root = workspace({"policykit.yaml": "mode: enforce\nstore: 'memory:'\n"})

    for words in (
        ["decisions", "tail"],
        ["hold"],
        ["import", "people", str(root / "data/people.csv")],
        ["outbox", "list"],
    ):
        ran = policykit(*words, "-w", str(root))

        assert (ran.code, ran.out) == (2, "")
        assert "policykit.yaml:2:8: the store `memory:` belongs to one process" in ran.err


def test_a_data_file_that_is_not_there_is_told_where_it_is_named(policykit, workspace):
    root = workspace({**SMALL, "policykit.yaml": "mode: enforce\ndata: {consents: data/consent.csv}\n"})

    ran = policykit("check", "--campaign", "spring", "--workspace", str(root))

    assert ran.code == 3
    assert "policykit.yaml:2:18: consents file `" in ran.out + ran.err
