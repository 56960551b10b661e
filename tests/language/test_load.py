"""Whole workspaces: every mistake of every file in one run, and nothing ever a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policykit.errors import InvalidPolicies, PolicykitError, UsageError, WorkspaceNotFound
from policykit.language.load import find_workspace, load_workspace
from policykit.language.providers import Provider
from policykit.vocabulary import FactSpec
from tests.examples import examples
from tests.language.loading import KINDS, POLICY, complaints, load, write

TEN_MISTAKES = {
    "policies/registry.yaml": """\
        attributes:
          - {id: basket, origin: observd, collected_for: [marketing]}
          - {id: taste, origin: inferred, inferred_from: [baskt], disclosed_as: what you like}
        programs:
          - {id: club, purpose: marketing.comunications}
        """,
    "policies/push.yaml": """\
        policies:
          - id: push-by-invitation
            kind: consnt
            for: {chanel: push}
            require: {quality: {at_least: single_opt_in}}
            on_breach: blok
          - id: push-by-invitation
            kind: rule
            forbid: {a}
            on_breach: block
        """,
    "campaigns/basket.yaml": """\
        campaign: basket
        audience: {selected_by: []}
        send: {at: 2026-11-27T10:00}
        channels:
          push: {body: "Your {{ baskt }} waits"}
        """,
}


def test_ten_mistakes_in_three_files_are_ten_messages_in_one_run(tmp_path: Path):
    said = complaints(tmp_path, TEN_MISTAKES)

    assert len(said) == 10
    assert (
        "\n".join(said)
        == """\
campaigns/basket.yaml:3:12: `send.at` has no offset and no `zone` says whose clock it is
  help: add `zone: recipient`, a zone such as `Europe/Paris`, or an offset
campaigns/basket.yaml:5:25: `baskt` is not a registered attribute; did you mean `basket`?
  help: register it under `attributes:`, so that policies can judge its use
policies/push.yaml:3:11: unknown kind `consnt`; did you mean `consent`?
  help: `policykit kinds` lists the kinds
policies/push.yaml:4:11: unknown fact `chanel`; did you mean `channel`?
  help: `policykit facts send` lists the facts a policy may use
policies/push.yaml:6:16: `on_breach` is the text `blok`; did you mean `block`?
  help: write `block`, or `downgrade: {PART: VALUE}` with one of `channel`, `uses`, `content`, `send_at`, `offers`
policies/push.yaml:7:9: duplicate policy `push-by-invitation`; the first is at policies/push.yaml:2:9
  help: rename one of the two
policies/push.yaml:9:13: `forbid` is a mapping to YAML; expected an expression
  help: quote this expression, or use `forbid: |`
policies/registry.yaml:2:26: unknown origin `observd`; did you mean `observed`?
  help: expected one of `contextual`, `provided`, `observed`, `derived`, `inferred`, `generated`, `purchased`
policies/registry.yaml:3:51: unknown attribute `baskt`; did you mean `basket`?
  help: register it under `attributes:`
policies/registry.yaml:5:25: unknown purpose `marketing.comunications`; did you mean `marketing.communications`?
  help: register it under `purposes:`"""
    )


def test_a_file_that_is_no_yaml_hides_nothing_of_the_others(tmp_path: Path):
    files = {"policies/a.yaml": "policies: [", "policies/b.yaml": "policys: []\n", "policies/c.cases.yaml": "cases: [",
             "campaigns/d.yaml": ""}  # fmt: skip

    assert [line.split("\n")[0] for line in complaints(tmp_path, files)] == [
        "campaigns/d.yaml:1:1: this file is empty",
        "policies/a.yaml:1:11: the list that begins here is not closed; expected `,` or `]`",
        "policies/b.yaml:1:1: unknown section `policys`; did you mean `policies`?",
        "policies/c.cases.yaml:1:8: the list that begins here is not closed; expected `,` or `]`",
    ]


def test_names_that_an_unreadable_file_may_register_are_not_reported_as_well(tmp_path: Path):
    campaign = """\
        campaign: c
        purpose: marketin
        program: club
        audience: {selected_by: [basket]}
        channels: {push: {body: "{{ basket }}"}}
        """
    files = {
        "policies/registry.yaml": "attributes: [",
        "policies/p.yaml": f"policies:\n{POLICY}\n",
        "campaigns/c.yaml": campaign,
    }

    assert [line.split("\n")[0] for line in complaints(tmp_path, files)] == [
        "campaigns/c.yaml:2:10: unknown purpose `marketin`; did you mean `marketing`?",
        "policies/registry.yaml:1:13: the list that begins here is not closed; expected `,` or `]`",
    ]


def test_a_secret_in_the_configuration_is_refused_and_never_shown(tmp_path: Path):
    text = """\
        providers:
          sendgrid: {credentials: {api_key: SG.s3cret}}
          twilio: AC.s3cret
          fcm: {credentials: s3cret}
        """

    said = complaints(tmp_path, {"policykit.yaml": text, "policies/p.yaml": f"policies:\n{POLICY}\n"})

    assert [line.split("\n")[0] for line in said] == [
        "policykit.yaml:2:37: `providers.sendgrid.credentials.api_key` is not the name of an environment variable",
        "policykit.yaml:3:11: `providers.twilio` is not a mapping",
        "policykit.yaml:4:22: `providers.fcm.credentials` is not a mapping",
    ]
    assert "s3cret" not in "\n".join(said)


CONFIGS = [
    (
        "mode: enforced\n",
        (
            "policykit.yaml:1:7: unknown mode `enforced`; did you mean `enforce`?\n"
            "  help: expected one of `off`, `audit`, `enforce`"
        ),
    ),
    (
        "modes: audit\n",
        (
            "policykit.yaml:1:1: unknown key `modes`; did you mean `mode`?\n"
            "  help: keys of `policykit.yaml`: `mode`, `store`, `policies`, `controller`, `sender_address`, "
            "`disclosure`, `also_test`, `assume`, `keep`, `lint`, `on_error`, `providers`, `data`"
        ),
    ),
    (
        "policies: [policies/, more/]\n",
        "policykit.yaml:1:23: no such folder `more/`\n  help: create it, or correct the name",
    ),
    ("policies: []\n", "policykit.yaml:1:11: `policies` is empty\n  help: fill it in, or leave it out"),
    (
        "on_error: {marketing: pass}\n",
        "policykit.yaml:1:23: unknown marketing `pass`\n  help: expected one of `allow`, `block`",
    ),
    (
        "data: {consent: x.csv}\n",
        (
            "policykit.yaml:1:8: unknown key `consent`; did you mean `consents`?\n"
            "  help: keys of `data`: `people`, `addresses`, `consents`, `history`, `attributes`, `feedback`"
        ),
    ),
    (
        "- mode\n",
        (
            "policykit.yaml:1:1: `policykit.yaml` is a list; expected a mapping\n  help: keys: `mode`, `store`, "
            "`policies`, `controller`, `sender_address`, `disclosure`, `also_test`, `assume`, `keep`, `lint`, "
            "`on_error`, `providers` and 1 more"
        ),
    ),
    (
        "mode: audit\nmode: off\n",
        "policykit.yaml:2:1: duplicate key `mode`; the first is at line 1, column 1\n  help: keep one of the two",
    ),
    (
        "mode: [",
        (
            "policykit.yaml:1:7: the list that begins here is not closed; expected `,` or `]`\n"
            "  help: close it, or quote text that holds brackets"
        ),
    ),
]


@pytest.mark.parametrize(("text", "message"), CONFIGS, ids=[row[0][:30] for row in CONFIGS])
def test_a_mistake_in_the_configuration_is_wrong_use(tmp_path: Path, text, message):
    write(tmp_path, {"policykit.yaml": text, "policies/p.yaml": f"policies:\n{POLICY}\n"})

    with pytest.raises(UsageError) as raised:
        load_workspace(tmp_path, KINDS)

    assert (str(raised.value), raised.value.exit_code) == (message, 2)


def test_a_mistake_in_policies_as_well_makes_the_policies_invalid(tmp_path: Path):
    write(tmp_path, {"policykit.yaml": "modes: audit\n", "policies/p.yaml": "x: 1\n"})

    with pytest.raises(InvalidPolicies) as raised:
        load_workspace(tmp_path, KINDS)

    assert ([problem.place.file for problem in raised.value.problems], raised.value.exit_code) == (
        ["policies/p.yaml", "policykit.yaml"], 3,
    )  # fmt: skip


def test_the_configuration_is_read_whole(tmp_path: Path):
    text = """\
        mode: enforce
        store: sqlite:///policykit.db
        policies: policies/
        controller: acme
        on_error: {service: allow}
        providers: {sendgrid: {credentials: {api_key: SENDGRID_API_KEY}}, fcm: }
        data: {consents: data/consents.csv}
        """

    config = load(tmp_path, {"policykit.yaml": text, "policies/p.yaml": f"policies:\n{POLICY}\n"}).config

    assert (config.mode, config.store, config.policies, config.controller) == (
        "enforce", "sqlite:///policykit.db", ("policies/",), "acme",
    )  # fmt: skip
    assert config.on_error == {"marketing": "block", "service": "allow", "transactional": "allow"}
    assert config.providers == {"sendgrid": Provider(credentials={"api_key": "SENDGRID_API_KEY"}), "fcm": Provider()}
    assert config.data == {"consents": "data/consents.csv"}


def test_an_empty_configuration_is_the_default_one(tmp_path: Path):
    assert load(tmp_path, {"policykit.yaml": "", "policies/p.yaml": f"policies:\n{POLICY}\n"}).config.mode == "audit"


def test_policies_of_all_folders_and_files_come_together(tmp_path: Path):
    files = {"policykit.yaml": "policies: [company/, team/]\n"}
    for name in ("company/b.yaml", "company/deep/a.yml", "team/c.yaml", "company/.hidden/d.yaml", "company/e.txt"):
        files[name] = f"policies:\n{POLICY}\n".replace("id: a", f"id: {Path(name).stem}")

    assert [policy.id for policy in load(tmp_path, files).policies] == ["b", "a", "c"]


def test_a_workspace_without_policies_says_that_everything_passes(tmp_path: Path):
    assert complaints(tmp_path, {}) == [
        "policykit.yaml:1:1: warning: there are no policies: every send is allowed\n  help: put some into `policies/`"
    ]


def test_files_are_named_as_the_user_would_type_them(tmp_path: Path):
    write(tmp_path / "demo", {"policies/p.yaml": "x: 1\n"})

    with pytest.raises(InvalidPolicies, match=r"^demo/policies/p.yaml:1:1: "):
        load_workspace(tmp_path / "demo", KINDS, shown_from=tmp_path)


def test_facts_of_plugins_are_facts(tmp_path: Path):
    write(tmp_path, {"policies/p.yaml": f"policies:\n{POLICY}\n".replace("kind", "for: {crm.tier: gold}, kind")})

    workspace = load_workspace(tmp_path, KINDS, [FactSpec("crm.tier", "string", "tier", column="tier")])

    assert workspace.policies[0].applies_to == {"crm.tier": ("gold",)}


def test_a_fact_of_a_plugin_means_what_the_plugin_says(tmp_path):
    """A file that declares it anew could say what its absence means, and let through what nobody knows."""
    facts = "facts:\n  - {path: crm.tier, type: string, absence: gold}\n"
    write(tmp_path, {"policykit.yaml": "", "policies/a.yaml": f"policies:\n{POLICY}\n{facts}"})

    with pytest.raises(InvalidPolicies, match=r"duplicate fact `crm\.tier`, which a plugin adds"):
        load_workspace(tmp_path, KINDS, [FactSpec("crm.tier", "string", "tier", column="tier")])


def test_the_nearest_workspace_is_found_upwards(tmp_path: Path):
    write(tmp_path, {"policies/deep/p.yaml": ""})

    assert find_workspace(tmp_path / "policies" / "deep") == tmp_path
    with pytest.raises(WorkspaceNotFound, match="policykit init"):
        find_workspace(tmp_path.parent)


BYTES = [
    b"policies:\n- {id: a, kind: rule, forbid: 'x', on_breach: block}\n",
    b"policies: [{id: b}]\n",
    b"attributes:\n",
    b"- {id: x, origin: provided, inferred_from: [x]}\n",
    b"channels: {push: 3}\n",
    b"cases:\n- {case: x, expect: {}}\n",
    b"campaign: c\nchannels: {push: {body: '{{ x }}'}}\n",
    b"now: x\n",
    b"for: [",
    b"{",
    b"]",
    b"- ",
    b": ",
    b"\t",
    b"'",
    b"&a *a",
    b"<<: 1\n",
    b"\xff",
    b"\x00",
    b"|\n  x\n",
    b"? ",
    b"!!int x",
    b"when: ",
    b"purposes: [a.b]\n",
    b"\n",
    b"#",
    b"send: {at: 2026-01-01T00:00, zone: x}\n",
    b"audience: {columns: {a: b}, selected_by: x}\n",
    b"facts: [{path: a}]\n",
    b"programs: [{id: p, purpose: q, gives: [{}]}]\n",
    b"null",
    b"1: 2\n",
    b"~: ~\n",
    b"given: {send: [], recipient: 3}\n",
]
NAMES = ("policies/a.yaml", "policies/b.yaml", "policies/a.cases.yaml", "campaigns/c.yaml", "policykit.yaml")


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(BYTES), max_size=6).map(b"".join)))
def test_no_bytes_are_a_traceback_and_every_problem_has_a_place(tmp_path: Path, files):
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files.get(name, b"mode: audit\n" if name == "policykit.yaml" else b"policies: []\n"))

    try:
        problems = load_workspace(tmp_path, KINDS).warnings
    except PolicykitError as error:
        problems = error.problems

    assert all(problem.place and problem.place.line > 0 and problem.place.column > 0 for problem in problems)
    assert all(problem.message and not problem.message.endswith(".") for problem in problems)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_good_file_cut_or_garbled_anywhere_is_never_a_traceback(tmp_path: Path, data):
    name = data.draw(st.sampled_from(sorted(GOOD)))
    text = GOOD[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    garbled = (
        text[:start]
        + data.draw(st.sampled_from(["", " ", "\n", "[", "}", "'", "x", ": ", "null", "- ", "0"]))
        + text[end:]
    )
    write(tmp_path, {**GOOD, name: garbled})

    try:
        load_workspace(tmp_path, KINDS)
        problems = ()
    except PolicykitError as error:
        problems = error.problems

    assert all(problem.place for problem in problems)


GOOD = {
    "policykit.yaml": "mode: audit\nassume: {recipient.country: FR}\ndata: {consents: "
    "c.csv}\non_error: {service: allow}\n",
    "policies/a.yaml": """\
policies:
  - id: one
    kind: consent
    for: {channel: [push], recipient.age: 18}
    when: "recipient.customer"
    require: {quality: {at_least: x}, names: [channel], max_age: 7 days}
    on_breach: {downgrade: {channel: [email]}}
    source: {url: u, verified_on: 2026-03-02}
    starts: 2026-03-02
    ends: 2026-03-03T00:00Z
    zone: Europe/Paris
attributes:
  - {id: basket, disclosed_as: what is in your basket,
     origin: observed, collected_for: [marketing], sensitivity: personal, keep: 7 days}
  - {id: taste, origin: inferred, inferred_from: [basket]}
programs:
  - {id: club, purpose: marketing, gives: [{id: tea, what: x}], asks: [basket], leave: [email]}
purposes: [marketing.loyalty]
channels: {push: 3}
facts: [{path: recipient.tier, type: string, members: [a], absence: a}]
""",
    "policies/a.cases.yaml": """\
now: 2026-03-02T10:00:00Z
given: {send: {channel: push, uses: [basket]}, recipient: {tier: a, addresses: {push: t}}}
cases:
  - case: x
    policy: one
    given: {consents: [{status: given, at: 2026-03-02T10:00:00Z}]}
    expect: {met: true}
  - case: y
    given: {attributes: {basket: {value: v}}}
    expect: {verdict: block, changes: {strip: [basket]}, by: [one]}
""",
    "campaigns/c.yaml": """\
campaign: c
program: club
delivers: tea
audience: {from: p.csv, columns: {recipient.id: x, consents.at: y}, selected_by: [basket]}
style: {helps: use_product, need: basket}
send: {at: 2026-03-02T10:00, zone: recipient, not_after: 2026-03-03T10:00}
channels:
  push: {provider: fcm, body: "{% if basket %}{{ basket | upcase }}{% endif %}", generic: {body: x}}
brakes: {blocked: 5%}
""",
}


JUNK = [None, 3, -1.5, True, "", "x", "2026-01-01T00:00", "{{ x }}", [], {}, [[]], [{}], {"a": {"b": []}}, [None], "é"]


def _paths(tree, path=()):
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from _paths(value, (*path, key))


def _replaced(tree, path, value):
    if not path:
        return value
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = _replaced(tree[path[0]], path[1:], value)
    return copy


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_value_of_a_wrong_shape_anywhere_is_told_with_a_way_out(tmp_path: Path, data):
    name = data.draw(st.sampled_from(sorted(GOOD)))
    tree = yaml.load(GOOD[name], yaml.BaseLoader)
    path = data.draw(st.sampled_from(list(_paths(tree))))
    wrong = _replaced(tree, path, data.draw(st.sampled_from(JUNK)))
    write(tmp_path, {**GOOD, name: yaml.safe_dump(wrong)})

    try:
        problems = load_workspace(tmp_path, KINDS).warnings
    except PolicykitError as error:
        problems = error.problems

    assert all(problem.place and problem.help for problem in problems), [str(problem) for problem in problems]


def test_the_good_files_are_good(tmp_path: Path):
    assert load(tmp_path, GOOD).warnings == ()
