"""Pages of codes that are told where a thing is read, and not by a lint."""

from __future__ import annotations

from policykit.lint.base import Page

_AUDIENCE = 'audience: {from: data/people.csv, selected_by: []}\nsend: {at: "2026-03-02T10:00:00+01:00"}\n'
_EMAIL = "channels: {email: {provider: sendgrid, subject: Spring, body: Hello}}\n"
_SPRING = "campaign: spring\npurpose: marketing.communications\n" + _AUDIENCE + _EMAIL
_HALF = (
    "policies:\n  - {id: half-of-it, kind: offers, require: {personalised: {at_most: 50%}},\n"
    "     on_breach: {downgrade: {offers: blend}}}\n"
)
_WAIVER = (
    "waivers:\n  - {{id: toys, policy: adults-only, owner: toys@example.com, because: A campaign about toys.,\n"
    '     for: {{campaign: {}}}, ends: "{}"}}\n'
)
_MODE = (
    "policies:\n  - id: calm\n    kind: rule\n    mode: {}\n    forbid: recipient.tolerance < 10\n"
    "    on_breach: block\n"
)
_OVERLAY = {
    "policykit.yaml": "mode: enforce\npolicies: [policies/, team/]\n",
    "team/adults.yaml": "policies:\n  - {id: adults-only, kind: rule, forbid: recipient.age < 16, on_breach: block}\n",
}
_RECITES = (
    "campaign: spring\npurpose: marketing.communications\n"
    + _AUDIENCE
    + 'channels: {email: {provider: sendgrid, subject: Hello, body: "{{ size }}"}}\n'
)
_SIZE = "attributes:\n  - {{id: size, origin: provided, collected_for: [marketing.communications]{}}}\n"

PAGES = (
    Page(
        "campaign.selected-by", "A campaign that does not say what picked its people",
        "Attributes that pick the audience shape every send (law M14). Where the manifest is silent about them, the "
        "uses of every send are unknown, and policies about uses are breached for everybody.",
        {"campaigns/spring.yaml": _SPRING.replace(", selected_by: []", "")},
        {"campaigns/spring.yaml": _SPRING},
    ),
    Page(
        "campaign.unknown-offers", "A campaign that does not say which offers it shows",
        "A policy looks at the share of personalised offers, and the manifest has no `offers:`. Unknown is no yes: the "
        "policy is breached for everybody. A campaign without offers says so with `offers: {}`.",
        {"policies/p.yaml": _HALF, "campaigns/spring.yaml": _SPRING},
        {"policies/p.yaml": _HALF, "campaigns/spring.yaml": _SPRING + "offers: {}\n"},
    ),
    Page(
        "campaign.undisclosed", "The use of an attribute that people are not told of",
        "What is remembered about people is disclosed to them (story S15). An attribute without `disclosed_as` has no "
        "sentence in that statement, so no send may use it.",
        {"policies/more.yaml": _SIZE.format(""), "campaigns/spring.yaml": _RECITES},
        {"policies/more.yaml": _SIZE.format(", disclosed_as: your size"), "campaigns/spring.yaml": _RECITES},
        can_be_silenced=False,
    ),
    Page(
        "provider.no-adapter", "A provider that no adapter is installed for",
        "Without its adapter the provider's requests are not recognised: its live sends are not judged, and nothing "
        "can be moved to it. The dry run judges them all the same. Adapters are packages, e.g. `policykit-fcm`.",
        {"campaigns/spring.yaml": _SPRING.replace("provider: sendgrid", "provider: pigeon-post")},
        {"campaigns/spring.yaml": _SPRING},
    ),
    Page(
        "overlay.looser", "An overlay that loosens the company's policy",
        "A team's folder may add policies and tighten the company's, never loosen them (law M11): both stand, so the "
        "looser text would only mislead its readers. The send that shows the difference is printed as a case. Who "
        "needs an exception asks for a waiver, with an owner, a reason and an end.",
        _OVERLAY,
        {**_OVERLAY, "team/adults.yaml": _OVERLAY["team/adults.yaml"].replace("< 16", "< 21")},
        can_be_silenced=False,
    ),
    Page(
        "waiver.ending", "A waiver that ends within 30 days",
        "On the day after its last one the policy stands again, for everybody, without a further word. Whoever needs "
        "longer agrees on a later day now, with the owner of the policy.",
        {"policies/w.yaml": _WAIVER.format("spring", "2026-03-20")},
        {"policies/w.yaml": _WAIVER.format("spring", "2026-12-31")},
    ),
    Page(
        "waiver.ended", "A waiver that ended",
        "The policy stands again. The line says otherwise to whoever reads it: remove it, its use stays in the log.",
        {"policies/w.yaml": _WAIVER.format("spring", "2026-02-20")},
        {"policies/w.yaml": _WAIVER.format("spring", "2026-12-31")},
    ),
    Page(
        "waiver.nothing-to-waive", "A waiver of a policy that stops nothing",
        "The policy is in `mode: audit` or `off`, so there is nothing to set aside; on the day it is enforced the "
        "waiver would take effect unseen.",
        {"policies/p.yaml": _MODE.format("audit"),
         "policies/w.yaml": _WAIVER.format("spring", "2026-12-31").replace("adults-only", "calm")},
        {"policies/p.yaml": _MODE.format("enforce"),
         "policies/w.yaml": _WAIVER.format("spring", "2026-12-31").replace("adults-only", "calm")},
    ),
    Page(
        "waiver.never-applies", "A waiver whose scope its policy does not speak of",
        "No send is in the scope of both, so the waiver sets nothing aside: most often its `for:` is misspelt.",
        {"policies/p.yaml": _MODE.format("enforce") + "    for: {channel: push}\n",
         "policies/w.yaml": _WAIVER.format("spring", "2026-12-31").replace("adults-only", "calm")
         .replace("campaign: spring", "channel: email")},
        {"policies/p.yaml": _MODE.format("enforce") + "    for: {channel: push}\n",
         "policies/w.yaml": _WAIVER.format("spring", "2026-12-31").replace("adults-only", "calm")
         .replace("campaign: spring", "channel: push")},
    ),
    Page(
        "workspace.no-policies", "A workspace without policies",
        "Nothing stands against anything: every send is allowed. A folder that is misspelt in `policies:` looks "
        "the same.",
    ),
    Page(
        "pack.older", "A copy of a pack that is older than the pack",
        "`policykit packs add` copies a pack with its version. A newer one is installed: laws change, and so do their "
        "packs. `policykit packs add ID` brings the copy up to date; its cases say what changed.",
    ),
    Page(
        "pack.edited", "A copy of a pack that was edited",
        "The first line says which pack and version this is, and the text is another one. Whoever brings it up to date "
        "loses the change. To tighten a pack write a policy beside it; to make the copy yours remove its first line.",
    ),
    Page(
        "response.weak", "A response to a refusal that is no refusal",
        "People used a way out that is meant for good, and the response only lowers what is tolerated of us: they will "
        "hear from us again. A withdrawal of consent is what they asked for.",
    ),
)  # fmt: skip
