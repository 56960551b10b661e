"""Liquid templates read without rendering: which attributes shape a text, and how (M14).

An attribute is *recited* when its value can reach visible output: through output tags, assign,
capture, loops and filters. A condition or a URL only selects. It is *required* when some output
of it has neither a `default` nor an `if`, `unless` or `case` on it around it: without the value
the text would have a hole. The analysis never forgets a flow; it may see one that cannot happen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeAlias

import liquid
from liquid.ast import BlockNode, ConditionalBlockNode
from liquid.builtin.expressions import FilteredExpression, Path, TernaryFilteredExpression
from liquid.builtin.tags.case_tag import MultiExpressionBlockNode

from policykit.errors import Place, Problem
from policykit.language.html import TEXT, States, after, is_visible, merged
from policykit.language.suggest import clip, did_you_mean
from policykit.model import Use

# Variables every sender fills in itself; they hold nothing that is remembered about the person.
BECAUSE = "because"  # the manifest's own sentence, so that a message can say why it came
FURNISHED = frozenset({"unsubscribe_url", "preferences_url", "view_url", "sender_address"})
OFFERS = "offers"  # the offers this message shows, each with `id` and `text`; no attribute

_COUNTS = frozenset({"length", "rindex", "rindex0"})  # of a loop: they show how many items there are
_WAY_OUT = "`{{ attribute }}` shows a value; `{% if %}` needs its `{% endif %}`"


def undisclosed_use(attribute: str) -> tuple[str, str, str]:
    """Message, way out and code for the use of an attribute that no sentence discloses."""
    message = f"`{attribute}` is used here, and no sentence tells people that it is remembered"
    return message, f"write `disclosed_as:` at `{attribute}` in the registry", "campaign.undisclosed"


@dataclass(frozen=True, slots=True)
class Template:
    """One part of a content. file: the template's file as the user would type it, None when inline.

    offers: whether it says anything of the offers the message shows.
    """

    part: str
    text: str = field(repr=False)
    uses: tuple[Use, ...] = ()
    file: str | None = None
    offers: bool = False


@dataclass(frozen=True, slots=True)
class _Flow:
    """How an attribute's value travels. visible: not only inside a URL. guarded: never leaves a hole."""

    visible: bool = True
    guarded: bool = False


_Taint: TypeAlias = Mapping[str, _Flow]
_CLEAN: _Taint = {}


def read_template(part: str, text: str, attributes: Iterable[str], at: Callable[[int], Place], problems: list[Problem],
                  file: str | None = None, undisclosed: Collection[str] = (), *,
                  because: bool = False) -> Template:  # fmt: skip
    """The template with the attributes it uses, sorted; what cannot be read is reported.

    at: where the character of the text at an offset stands. Part `html` is read as HTML.
    undisclosed: attributes that may not be used, because nothing tells people that they are remembered.
    because: whether `{{ because }}` has something to show, the reason why the campaign is sent.
    """
    reader = _Reader(frozenset(attributes), html=part == "html", undisclosed=frozenset(undisclosed))
    if because:
        reader.declare(BECAUSE)
    try:
        reader.read(_environment().from_string(text).nodes)
    except liquid.exceptions.LiquidError as error:
        start = error.token.start_index if error.token and error.token.start_index >= 0 else 0
        said = str(error.args[0]) if error.args else "it is not Liquid"
        message = f"this template cannot be read: {clip(said, 120)}"
        problems.append(Problem(at(min(start, len(text))), message, _WAY_OUT, "template.syntax"))
        return Template(part, text, (), file)
    except RecursionError:
        problems.append(Problem(at(0), "this template is nested too deeply", "flatten it", "template.syntax"))
        return Template(part, text, (), file)
    problems += [
        Problem(at(start), message, way_out, code) for start, message, way_out, code in sorted(reader.findings)
    ]
    return Template(part, text, reader.uses(), file, reader.offers)


@cache
def _environment() -> liquid.Environment:
    return liquid.Environment()


class _Reader:
    """Walks one template until nothing new is learned about its variables."""

    def __init__(self, attributes: frozenset[str], *, html: bool, undisclosed: frozenset[str] = frozenset()) -> None:
        self.attributes, self.html, self.undisclosed = attributes, html, undisclosed
        self.findings: set[tuple[int, str, str, str]] = set()
        self.offers = False
        self._used: dict[str, Use] = {}
        self._variables: dict[str, _Taint] = {}
        self._loops: list[dict[str, _Taint]] = []
        self._guards: list[frozenset[str]] = []
        self._captured: list[dict[str, _Flow]] = []
        self._said: set[str] = set()

    def declare(self, variable: str) -> None:
        """A variable that holds nothing of the person."""
        self._variables[variable] = _CLEAN

    def read(self, nodes: Iterable[Any]) -> None:
        nodes = list(nodes)
        _declare(nodes, self._variables)
        before = None
        while before != self._variables:
            before = dict(self._variables)
            self._nodes(nodes, frozenset({TEXT}))

    def uses(self) -> tuple[Use, ...]:
        return tuple(self._used[name] for name in sorted(self._used))

    # --- statements: each gives the HTML states that may hold after it

    def _nodes(self, nodes: Iterable[Any], states: States) -> States:
        for node in nodes:
            states = self._node(node, states)
        return states

    def _node(self, node: Any, states: States) -> States:
        match type(node).__name__:
            case "ContentNode":
                return merged(after(state, node.text) for state in states) if self.html else states
            case "OutputNode" | "EchoNode":
                return self._output(self._value(node.expression), states)
            case "CycleNode":
                return self._cycle(node, states)
            case "AssignNode":
                self._assign(str(node.name), self._value(node.expression))
            case "CaptureNode":
                self._capture(node)
            case "IfNode" | "UnlessNode":
                return self._branches(node, states)
            case "CaseNode":
                return self._case(node, states)
            case "ForNode" | "TablerowNode":
                return self._loop(node, states)
            case "BlockNode" | "LiquidNode" | "IfChangedNode":
                return self._nodes([node.block] if hasattr(node, "block") else node.nodes, states)
            case "CommentNode" | "DocNode" | "InlineCommentNode" | "BreakNode" | "ContinueNode":
                return states
            case "IncrementNode" | "DecrementNode":
                return states
            case other:
                tag = node.token.value or other.removesuffix("Node").lower()
                self._find(node.token, f"the tag `{tag}` is not supported", "write the text out", "template.tag")
        return states

    def _output(self, taint: _Taint, states: States) -> States:
        visible = not self.html or is_visible(states)
        for name, flow in taint.items():
            if self._captured:
                _add(self._captured[-1], {name: self._held(name, _Flow(flow.visible and visible, flow.guarded))})
            else:
                guarded = flow.guarded or self._guarded(name)
                self._use(name, recited=flow.visible and visible, required=not guarded)
        # An output stands for some text: after `href=` it begins an unquoted value.
        return merged(after(state, "x") for state in states) if self.html else states

    def _cycle(self, node: Any, states: States) -> States:
        if node.group is not None:
            self._condition(node.group)
        return self._output(_union(self._value(item) for item in node.args), states)

    def _assign(self, name: str, taint: _Taint) -> None:
        held = dict(self._variables.get(name, _CLEAN))
        _add(held, {attribute: self._held(attribute, flow) for attribute, flow in taint.items()})
        self._variables[name] = held

    def _capture(self, node: Any) -> None:
        self._captured.append({})
        self._nodes([node.block], frozenset({TEXT}))
        self._assign(str(node.name), self._captured.pop())

    def _branches(self, node: Any, states: States) -> States:
        guards = self._condition(node.condition)
        for other in node.alternatives:
            guards |= self._condition(other.expression)
        self._guards.append(guards)
        blocks = [
            node.consequence,
            *(other.block for other in node.alternatives),
            *([node.default] if node.default else []),
        ]
        ends = [self._nodes([block], states) for block in blocks]
        self._guards.pop()
        return merged((*(state for end in ends for state in end), *(() if node.default else states)))

    def _case(self, node: Any, states: States) -> States:
        guards = self._condition(node.expression)
        for block in node.blocks:
            if isinstance(block, MultiExpressionBlockNode):
                guards |= self._condition(block.expression)
        self._guards.append(guards)
        inner = [block.block if isinstance(block, MultiExpressionBlockNode) else block for block in node.blocks]
        ends = [self._nodes([block], states) for block in inner]
        self._guards.pop()
        return merged((*states, *(state for end in ends for state in end)))

    def _loop(self, node: Any, states: States) -> States:
        loop = node.expression
        taint = self._value(loop.iterable)
        for name in taint:
            self._use(name)
        for bound in (loop.limit, loop.offset, loop.cols):
            if bound is not None:
                self._condition(bound)
        outer = self._loops[-1]["forloop"] if self._loops else _CLEAN
        counted = _union((taint, outer))  # `parentloop` leads outwards
        self._loops.append({"forloop": counted, "tablerowloop": counted, loop.identifier: taint})
        ends = states
        while True:
            now = merged((*ends, *self._nodes([node.block], ends)))
            if now == ends:
                break
            ends = now
        self._loops.pop()
        default = getattr(node, "default", None)
        return merged((*ends, *self._nodes([default], states))) if default else ends

    # --- expressions

    def _value(self, expression: Any) -> _Taint:
        """The attributes whose values the value of an expression may hold."""
        if isinstance(expression, Path):
            return self._path(expression)
        if isinstance(expression, FilteredExpression):
            return self._filtered(self._value(expression.left), expression.filters)
        if isinstance(expression, TernaryFilteredExpression):
            self._guards.append(self._condition(expression.condition))
            taint = self._filtered(self._value(expression.left), None)
            if expression.alternative is not None:
                taint = _union((taint, self._filtered(self._value(expression.alternative), expression.filters)))
            taint = self._filtered(taint, expression.tail_filters)
            taint = {name: self._held(name, flow) for name, flow in taint.items()}
            self._guards.pop()
            return taint
        return _union(self._value(child) for child in expression.children())

    def _filtered(self, taint: _Taint, filters: Iterable[Any] | None) -> _Taint:
        for filter_ in filters or ():
            if filter_.name not in _environment().filters:
                near = did_you_mean(filter_.name, _environment().filters)
                self._find(filter_.token, f"unknown filter `{filter_.name}`{near}", "see the filters of Liquid",
                           "template.filter")  # fmt: skip
            if filter_.name == "default":
                taint = {name: replace(flow, guarded=True) for name, flow in taint.items()}
            else:
                taint = {name: replace(flow, visible=True) for name, flow in taint.items()}
            taint = _union((taint, *(self._value(argument.value) for argument in filter_.args)))
        return taint

    def _path(self, path: Path) -> _Taint:
        head = path.path[0]
        inner = _union(self._value(step) for step in path.path[1:] if isinstance(step, Path))
        if not isinstance(head, str):
            return _union((inner, self._unnamed(path)))
        for scope in (*reversed(self._loops), self._variables):
            if head in scope and not (scope is self._variables and head in self.attributes):
                return _union((_CLEAN if _is_place(path) else scope[head], inner))
        if head == OFFERS:
            self.offers = True
            return inner
        name = path.path[1] if head == "attributes" and len(path.path) > 1 else head
        if not isinstance(name, str):
            return _union((inner, self._unnamed(path)))
        if name in self.attributes:
            self._disclosed(path, name)
            assigned = self._variables.get(head, _CLEAN)
            return _union(({str(name): _Flow()}, assigned, inner))
        if head not in FURNISHED:
            self._unknown(path, str(name))
        return inner

    def _unnamed(self, path: Path) -> _Taint:
        message = f"`{clip(str(path))}` names a variable by a value"
        self._find(path.token, message, "name the attribute itself", "template.variable")
        return _CLEAN

    def _disclosed(self, path: Path, name: str) -> None:
        if name in self.undisclosed and name not in self._said:
            self._said.add(name)
            self._find(path.token, *undisclosed_use(name))

    def _unknown(self, path: Path, name: str) -> None:
        if name in self._said:
            return
        self._said.add(name)
        known = (*self.attributes, *self._variables, *FURNISHED, OFFERS)
        message = f"`{name}` is not a registered attribute{did_you_mean(name, known)}"
        way_out = "register it under `attributes:`, so that policies can judge its use"
        if name == BECAUSE:
            message, way_out = "the manifest does not say why it is sent", "write `because:` in the manifest"
        self._find(path.token, message, way_out, "template.unknown-attribute")

    def _condition(self, expression: Any) -> frozenset[str]:
        """The attributes a condition asks about; each is a use that selects."""
        names = frozenset(self._mentioned(expression))
        for name in names:
            self._use(name)
        return names

    def _mentioned(self, expression: Any) -> set[str]:
        if isinstance(expression, Path):
            return set(self._path(expression))
        return {name for child in expression.children() for name in self._mentioned(child)}

    # --- what was learned

    def _use(self, name: str, *, recited: bool = False, required: bool = False) -> None:
        use = self._used.get(name, Use(name))
        self._used[name] = replace(use, recited=bool(use.recited) or recited, required=use.required or required)

    def _guarded(self, name: str) -> bool:
        return any(name in guards for guards in self._guards)

    def _held(self, name: str, flow: _Flow) -> _Flow:
        # What a variable holds is also a use: even if it is never shown, it was worked with.
        self._use(name)
        return replace(flow, guarded=flow.guarded or self._guarded(name))

    def _find(self, token: Any, message: str, way_out: str, code: str) -> None:
        self.findings.add((max(token.start_index, 0), message, way_out, code))


def _is_place(path: Path) -> bool:
    """Whether a path tells where a loop stands, which is no value; how long the loop is would be one."""
    counts = any(not isinstance(step, str) or step in _COUNTS for step in path.path[1:])
    return path.path[0] in ("forloop", "tablerowloop") and not counts


def _declare(nodes: Iterable[Any], variables: dict[str, _Taint]) -> None:
    """Every variable that a template assigns or captures anywhere."""
    for node in nodes:
        if type(node).__name__ in ("AssignNode", "CaptureNode"):
            variables.setdefault(str(node.name), {})
        children = node.nodes if isinstance(node, BlockNode) else _blocks(node)
        _declare(children, variables)


def _blocks(node: Any) -> list[Any]:
    found: list[Any] = []
    for name in ("consequence", "block", "default"):
        block = getattr(node, name, None)
        if block is not None:
            found.append(block)
    for other in (*getattr(node, "alternatives", ()), *getattr(node, "blocks", ())):
        is_wrapped = isinstance(other, ConditionalBlockNode | MultiExpressionBlockNode)
        found.append(other.block if is_wrapped else other)
    return found


def _union(taints: Iterable[_Taint]) -> dict[str, _Flow]:
    every: dict[str, _Flow] = {}
    for taint in taints:
        _add(every, taint)
    return every


def _add(into: dict[str, _Flow], taint: _Taint) -> None:
    for name, flow in taint.items():
        old = into.get(name, flow)
        into[name] = _Flow(old.visible or flow.visible, old.guarded and flow.guarded)
