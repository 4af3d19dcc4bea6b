"""The table of the acceptance scenarios tells the truth: its tests exist, and say themselves what they carry out."""

import ast
import re

import pytest

pytest.importorskip("tomllib", reason="needs Python 3.11")

from acceptance import FOLDER, requirements  # noqa: E402

pytestmark = pytest.mark.selftest

# The whitepaper's parts on policies, least privilege, sharing, grants, contexts and second factors; and what of its
# other parts is a matter of who may do what.
EXPECTED = [*(f"R{n}" for n in range(5, 35)), "R34b", "R40", "R55", "R56", "R57", "R58", "R64", "R85", "R96", "R103"]


def docstrings(file: str) -> dict[str, str]:
    """The tests of a file, with what they say of themselves."""
    tree = ast.parse((FOLDER / file).read_text())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name: ast.get_docstring(node) or "" for node in functions if node.name.startswith("test_")}


def test_every_scenario_stands_in_the_table():
    """Once, in order."""
    assert [requirement.id for requirement in requirements()] == EXPECTED


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.id)
def test_a_scenario_has_tests_that_exist_and_name_it(requirement):
    """Or a reason; and no test carries out anything for a scenario that it does not name."""
    assert requirement.title and (requirement.tests or requirement.not_walked)
    for test in requirement.tests:
        file, _, name = test.partition("::")
        assert (FOLDER / file).is_file(), f"there is no {file}"
        said = docstrings(file).get(name)
        assert said is not None, f"there is no {test}"
        assert re.search(rf"\b{requirement.id}\b", said), f"{test} does not name {requirement.id}"
