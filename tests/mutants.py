# SPDX-License-Identifier: GPL-2.0-only
"""Change the model in one place at a time, and check that a replay or a test fails.

``make mutants`` tries some of the possible changes (mutants), and prints those
that nothing notices.  A seed chooses the mutants by their code and not by their line, so
that an edit elsewhere does not alter the choice.
"""

from __future__ import annotations

import argparse
import ast
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest

from reference_model.commands import ENDINGS, cores, finish, positive, whole
from reference_model.leftovers import sweep, temporary
from reference_model.workers import workers

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "reference_model"
RULES = (
    *("attachments", "cgroups", "events", "execution", "links", "lsm", "map_create", "maps"),
    *("prog_arrays", "programs", "steps", "storages", "values"),
)
"""The modules with the rules of the kernel."""

LEFT_OUT = (".git", ".venv", "build", "*.pyc.*")
"""What no test of the model reads; a ``*.pyc.*`` is byte code that is not whole yet."""

LIMIT = 300
"""Seconds of a processor for a run of tests; a mutant that takes longer, or waits, is caught."""

GUARDS = (["setpriv", "--pdeathsig", "KILL"], ["prlimit", f"--cpu={LIMIT}"])
"""What a run is started by, where it is installed: it ends with this process, and at the limit."""

NOT_RUN = {
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
    pytest.ExitCode.NO_TESTS_COLLECTED,
}
"""How pytest ends when it says nothing of a mutant."""

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one change."""

    module: str
    line: int
    before: str
    after: str
    number: int
    """Which change of the module it is, counted from 0; -1 for none."""

    def __str__(self) -> str:
        return f"reference_model/{self.module}.py:{self.line}: {self.before}  ->  {self.after}"

    @property
    def text(self) -> str:
        """The whole module."""
        tree = parsed(self.module)
        if self.number >= 0:
            next(islice(changes(tree), self.number, None)).make()
        return ast.unparse(ast.fix_missing_locations(tree))

    def rank(self, seed: int) -> str:
        """Where it stands in the order of a seed: by what it changes, wherever that is."""
        return sha256(f"{seed} {self.module} {self.before} {self.after}".encode()).hexdigest()


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """The node with one change, in each way."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            if type(operator) in SWAPS:
                made = deepcopy(node)
                made.ops[place] = SWAPS[type(operator)]()  # type: ignore[call-overload]
                yield made
    elif isinstance(node, ast.BoolOp | ast.BinOp) and type(node.op) in SWAPS:
        other = deepcopy(node)
        other.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
        yield other
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.If):
        yield ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Raise):
        yield ast.Pass()


UNCHANGED = Mutant("links", 1, "", "", -1)
"""The model as it is: nothing may catch it."""


def parsed(module: str) -> ast.Module:
    """The tree of a module."""
    return ast.parse((MODEL / f"{module}.py").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Change:
    """Another node in the place of one in a field of its parent, or in a list there."""

    parent: ast.AST
    field: str
    place: int
    before: ast.AST
    after: ast.AST

    def make(self) -> None:
        """Change the tree."""
        nodes = getattr(self.parent, self.field)
        if isinstance(nodes, list):
            nodes[self.place] = self.after
        else:
            setattr(self.parent, self.field, self.after)


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every change of what runs when the functions of a module are called."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for parent in (node for statement in function.body for node in ast.walk(statement)):
            for field, value in ast.iter_fields(parent):
                if field in {"annotation", "returns"}:
                    continue
                for place, child in enumerate(value if isinstance(value, list) else [value]):
                    if isinstance(child, ast.AST):
                        for other in changed(child):
                            yield Change(parent, field, place, child, other)


def mutants(module: str) -> Iterator[Mutant]:
    """All mutants of a module."""
    for number, change in enumerate(changes(parsed(module))):
        before, after, where = (
            ast.unparse(node).splitlines()[0]
            for node in (change.before, change.after, change.parent)
        )
        line = change.before.lineno  # type: ignore[attr-defined]
        yield Mutant(module, line, f"{before} in {where}", after, number)


def chosen(seed: int, count: int, modules: Sequence[str] = RULES) -> list[Mutant]:
    """Some mutants of the modules."""
    every = {mutant.rank(seed): mutant for module in modules for mutant in mutants(module)}
    return [every[rank] for rank in sorted(every)[:count]]


@contextmanager
def placed(mutant: Mutant) -> Iterator[Path]:
    """A copy of this directory with the mutant in it."""
    with temporary("mutant") as place:
        ignored = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(ROOT, place, ignore=ignored, dirs_exist_ok=True)
        model = place / "reference_model"
        (model / f"{mutant.module}.py").write_text(mutant.text)
        for compiled in (model / "__pycache__").glob(f"{mutant.module}.*"):
            compiled.unlink()
        yield place


def caught_by(mutant: Mutant) -> str | None:
    """What notices a mutant: the replay of all traces, or the fast tests of the model.

    First those of its module, as most are caught there, and to collect them is quick; then all.
    """
    with placed(mutant) as place:
        if replay_fails(place):
            return "the replay"
        tests = place / "tests" / "reference_model"
        own = tests / f"test_{mutant.module}.py"
        for chosen in ([own] if own.exists() else []), [*sorted(tests.glob("test_*.py")), tests]:
            if chosen and fails(place, "pytest", "-qxm", "not slow", *map(str, chosen)):
                return "a test"
    return None


def replay_fails(place: Path) -> bool:
    """Whether the replay of all traces fails in a directory."""
    traces = sorted((place / "records" / "traces").glob("*.jsonl*"), key=lambda it: it.suffix)
    return fails(place, "reference_model", "replay", *map(str, traces))


def fails(place: Path, *command: str) -> bool:
    """Whether a module that runs in a directory fails; RuntimeError if no test ran."""
    guards = [word for guard in GUARDS if shutil.which(guard[0]) for word in guard]
    try:
        done = subprocess.run(
            [*guards, sys.executable, "-m", *command],
            cwd=place, capture_output=True, text=True, timeout=10 * LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True
    if done.returncode in NOT_RUN:
        raise RuntimeError(f"no test ran: {done.stderr or done.stdout}")
    return done.returncode != 0


def module(name: str) -> str:
    """Read the name of a module of the model."""
    if not (name.isidentifier() and (MODEL / f"{name}.py").is_file()):
        raise argparse.ArgumentTypeError(f"{name!r} is no module of the model")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Try mutants and name those that survive; 1 if one does."""
    parser = argparse.ArgumentParser(
        description="Change one place of the model at a time, and check that a test fails.",
        epilog="Exit status: 0 every change was noticed, 1 a change was not noticed, 2 there is no "
        f"such module. {ENDINGS}",
    )
    parser.add_argument(
        "modules",
        nargs="*",
        type=module,
        default=RULES,
        metavar="MODULE",
        help="a module of the model, such as maps (default: those with rules of the kernel)",
    )
    parser.add_argument(
        "--seed",
        type=whole,
        default=1,
        metavar="N",
        help="which changes to try (default: %(default)s)",
    )
    parser.add_argument(
        "--count",
        type=positive,
        default=60,
        metavar="N",
        help="how many changes to try (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    found: Counter[str] = Counter()
    tried = chosen(options.seed, options.count, options.modules)
    try:
        with workers(cores()) as pool:
            results = pool.map(caught_by, [UNCHANGED, *tried])
            if failed := next(results):
                parser.error(f"without a change, too, {failed} fails: mend that first")
            for mutant, caught in zip(tried, results, strict=True):
                found[caught or "nothing"] += 1
                if caught is None:
                    print(f"survives: {mutant}", flush=True)
    finally:
        sweep("mutant")  # what was ended early left its folder
    print(f"{len(tried)} mutants; caught by " + ", ".join(f"{n}: {c}" for n, c in found.items()))
    return int("nothing" in found)


if __name__ == "__main__":
    finish(main)
