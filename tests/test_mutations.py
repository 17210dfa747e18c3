"""No mutation of the list goes stale: what it changes is there, and so is the test it wants red."""

import ast
from pathlib import Path

import pytest

from tests.mutations.listed import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[1]
EACH = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.gist)


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@EACH
def test_what_a_mutation_changes_is_there_exactly_once(mutation: Mutation) -> None:
    changed = mutation.apply((ROOT / mutation.file).read_text(encoding="utf-8"))

    if mutation.file.endswith(".py"):
        ast.parse(changed)  # a file that cannot be read turns every test red and proves nothing


@EACH
def test_the_test_that_must_notice_is_there(mutation: Mutation) -> None:
    file, _, name = mutation.test.partition("::")

    assert name.partition("[")[0] in names_in(ROOT / file)
