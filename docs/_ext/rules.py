# SPDX-License-Identifier: GPL-2.0-only
"""Rules: sentences that a kernel can be held to, each with a stable name and with what checks it.

::

    .. rule:: attach.reuse
       :since: SHARED_STORAGE
       :checked-by: override-replace

       An attach that finds a storage with its key uses it, with its contents.

    ... and here an example: those up to the next rule or heading check it too ...

``:since:`` and ``:until:`` take the name of a record in ``reference_model.changes``, and then show
its release and link to it, or a release.  ``:checked-by:`` names more checks: recorded traces by
their ids, tests as ``tests/test_x.py::test_y``.  ``:not-recorded:`` says that no tested kernel
was asked.  A rule that nothing checks is a warning, so ``-W`` fails; so are a check that does not
exist, and a name used twice.

``:rule:`attach.reuse``` links to a rule; the rules are in the site's inventory and search;
``.. rulelist::`` lists them all with their checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from common.sources import note
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.ext.doctest import parser
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import ExtensionMetadata, OptionSpec
from strict_doctest import is_block, text_of

from records.archive import committed
from reference_model import Change, Release, changes

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


class Rule(NamedTuple):
    """Where a rule stands and what checks it."""

    docname: str
    anchor: str
    versions: str
    checks: tuple[str, ...]
    examples: int = 0


class rulelist(nodes.General, nodes.Element):
    """Where the list of all rules goes."""


class RuleDirective(SphinxDirective):
    """``.. rule:: NAME``"""

    has_content = True
    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {
        "since": directives.unchanged_required,
        "until": directives.unchanged_required,
        "checked-by": directives.unchanged_required,
        "not-recorded": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        name = self.arguments[0]
        if not NAME.fullmatch(name):
            raise self.error(f"a rule is named like attach.reuse, not {name!r}")
        anchor = f"rule-{name}"
        label = nodes.paragraph("", "", classes=["rule-label"])
        label += nodes.reference("", name, refid=anchor, internal=True)
        versions = []
        for option in ("since", "until"):
            if option in self.options:
                text, link = self.version(option, self.options[option])
                versions.append(text)
                label += [nodes.Text(" \N{MIDDLE DOT} "), link]
        if "not-recorded" in self.options:
            label += nodes.Text(" \N{MIDDLE DOT} from source")
        checks = tuple(re.split(r"[,\s]+", self.options.get("checked-by", "").strip(", \n")))
        checks = tuple(check for check in checks if check)
        node = nodes.container("", label, classes=["rule"], ids=[anchor], rule=name)
        self.set_source_info(node)
        for check in checks:
            self.look_for(check, node)
        node += self.parse_content_to_nodes()
        rule = Rule(self.env.docname, anchor, ", ".join(versions), checks)
        self.env.get_domain("rule").note(name, rule, node)  # type: ignore[attr-defined]
        return [node]

    def version(self, option: str, value: str) -> tuple[str, nodes.Node]:
        """What the label says of a release, in words and as a link to the change."""
        change = getattr(changes, value, None)
        if not isinstance(change, Change):
            try:
                release = Release(value)
            except ValueError as error:
                raise self.error(f"{option}: no such change, and {error}") from error
            text = f"{option} {release}"
            return text, nodes.Text(text)
        if change.first is None:
            raise self.error(f"{option}: {value} is in no release; leave {option} out")
        text = f"{'since' if option == 'since' else 'before'} {change.first}"
        if change.backports:
            text += " and its backports"
        link = pending_xref(
            "",
            nodes.inline("", text),
            refdomain="std",
            reftype="change",
            reftarget=value,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(link)
        return text, link

    def look_for(self, check: str, node: nodes.Node) -> None:
        """Warn of a check that does not exist."""
        root = Path(self.config.rules_root)
        path, _, test = check.partition("::")
        if test:
            note(self.env, root / path)
            try:
                found = f"def {test}(" in (root / path).read_text(encoding="utf-8")
            except OSError:
                found = False
        else:
            found = check in committed().trace_ids
        if not found:
            text = "no such trace or test: %s (a trace's id, or tests/FILE.py::test_NAME)"
            logger.warning(text, check, location=node, type="rule")


class RuleRole(XRefRole):
    """``:rule:`NAME```, without the domain's name, or ``:rule:`text <NAME>```."""

    innernodeclass = nodes.inline

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return super().__call__("rule:rule", *args, **kwargs)


class RuleDomain(Domain):
    """All rules of the site, in the order of their pages."""

    name = "rule"
    label = "rule"
    object_types: ClassVar[dict[str, ObjType]] = {"rule": ObjType("rule", "rule")}
    directives: ClassVar[dict[str, Any]] = {"rule": RuleDirective}
    roles: ClassVar[dict[str, Any]] = {"rule": RuleRole()}
    initial_data: ClassVar[dict[str, Any]] = {"rules": {}, "lists": set()}
    data_version = 1

    @property
    def rules(self) -> dict[str, Rule]:
        rules: dict[str, Rule] = self.data["rules"]
        return rules

    def note(self, name: str, rule: Rule, node: nodes.Node) -> None:
        """Add a rule; its name must be new."""
        if name in self.rules:
            other = self.env.doc2path(self.rules[name].docname, base=False)
            text = "rule %s is already in %s: choose another name"
            logger.warning(text, name, other, location=node, type="rule")
        self.rules[name] = rule

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Count the examples that follow each rule, and warn where nothing checks one."""
        for node, examples in followed_by(document):
            name = node["rule"]
            rule = self.rules[name] = self.rules[name]._replace(examples=examples)
            if not examples and not rule.checks:
                text = "nothing checks rule %s: write an example below it, or :checked-by:"
                logger.warning(text, name, location=node, type="rule")

    def clear_doc(self, docname: str) -> None:
        for name in [name for name, rule in self.rules.items() if rule.docname == docname]:
            del self.rules[name]
        self.data["lists"].discard(docname)

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        for name, rule in otherdata["rules"].items():
            if rule.docname in docnames:
                self.rules[name] = rule
        self.data["lists"] |= otherdata["lists"] & docnames

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        rule = self.rules.get(target)
        if rule is None:
            return None
        return make_refnode(builder, fromdocname, rule.docname, rule.anchor, contnode, target)

    def resolve_any_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> list[tuple[str, nodes.reference]]:
        found = self.resolve_xref(env, fromdocname, builder, "rule", target, node, contnode)
        return [("rule:rule", found)] if found is not None else []

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        for name, rule in self.rules.items():
            yield name, name, "rule", rule.docname, rule.anchor, 1


def followed_by(document: nodes.document) -> Iterator[tuple[nodes.Element, int]]:
    """Each rule of a page, with the number of examples up to the next rule or heading."""
    rule, count = None, 0
    for node in document.findall(nodes.Element):
        if "rule" in node or isinstance(node, nodes.section):
            if rule is not None:
                yield rule, count
            rule, count = (node if "rule" in node else None), 0
        elif is_block(node):
            count += len(parser.get_examples(text_of(node)))
    if rule is not None:
        yield rule, count


class RuleList(SphinxDirective):
    """``.. rulelist::``"""

    def run(self) -> list[nodes.Node]:
        self.env.get_domain("rule").data["lists"].add(self.env.docname)
        return [rulelist()]


def fill_lists(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list of all rules into a page.  (doctree-resolved)"""
    for place in list(doctree.findall(rulelist)):
        rules = app.env.get_domain("rule").rules  # type: ignore[attr-defined]
        unchecked = sum(not rule.examples and not rule.checks for rule in rules.values())
        text = f"{len(rules)} statements; {unchecked or 'none'} without a test."
        items = [
            nodes.list_item("", line(app.builder, docname, name, rule))
            for name, rule in sorted(rules.items())
        ]
        place.replace_self(
            [nodes.paragraph("", text), nodes.bullet_list("", *items, classes=["simple"])]
        )


def line(builder: Builder, docname: str, name: str, rule: Rule) -> nodes.paragraph:
    """A rule, its releases and its checks in a line."""
    link = make_refnode(builder, docname, rule.docname, rule.anchor, nodes.Text(name))
    checks = [f"{rule.examples} example{'s' * (rule.examples != 1)}"] if rule.examples else []
    found = ", ".join([*checks, *rule.checks])
    versions = f" ({rule.versions})" if rule.versions else ""
    return nodes.paragraph("", "", link, nodes.Text(f"{versions}: {found}"))


def outdated_lists(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """The pages with a list are written again whenever a page changed.  (env-updated)"""
    lists: set[str] = env.get_domain("rule").data["lists"]
    return lists


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directives, the role and the domain behind them."""
    app.add_config_value("rules_root", str(app.confdir), "env", types=frozenset({str}))
    app.add_domain(RuleDomain)
    app.add_directive("rule", RuleDirective)
    app.add_role("rule", RuleRole())
    app.add_node(rulelist)
    app.add_directive("rulelist", RuleList)
    app.add_css_file("rules.css")
    app.connect("doctree-resolved", fill_lists)
    app.connect("env-updated", outdated_lists)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
