"""Prints at the end of a run how each capability of the Cloud Adoption Framework fared, and which scenarios.

A test belongs to the capability in its module's name (`test_identity_…`) and to the scenarios (`R13`) in its
docstring. What did not run is named with its reason, and so is what of a scenario in `clients/acceptance.toml` no test
carries out.
"""

import collections
import pathlib
import re

import acceptance

CAPABILITIES = ("identity", "detective", "infrastructure", "data_protection", "incident", "suite")
COLUMNS = ("passed", "failed", "skipped", "not run")


class Report:
    """Collects outcomes; registered by `conftest.py`."""

    def __init__(self):
        self.outcomes: dict[str, dict[str, str]] = collections.defaultdict(dict)
        self.scenarios: dict[str, set[str]] = {}
        self.reasons: dict[str, str] = {}

    def pytest_itemcollected(self, item):
        self.scenarios[item.nodeid] = set(re.findall(r"\bR\d+b?\b", item.function.__doc__ or ""))

    def pytest_deselected(self, items):
        for item in items:
            self._note(item.nodeid, "not run")
            if item.get_closest_marker("slow") is not None:
                self.reasons[item.nodeid] = "slow: run it with `-m slow`"

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self._note(report.nodeid, "failed")
        elif report.skipped:
            self._note(report.nodeid, "skipped")
            self.reasons[report.nodeid] = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else "")
        elif report.when == "call":
            self._note(report.nodeid, "passed")

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        terminalreporter.section("capabilities")
        write(f"{'':<18}" + "".join(f"{column:>10}" for column in COLUMNS))
        for capability in CAPABILITIES:
            tests = self.outcomes.get(capability, {})
            counts = collections.Counter(tests.values())
            verdict = "FAIL" if counts["failed"] else "pass" if counts["passed"] else "-"
            write(f"{capability:<18}" + "".join(f"{counts[column]:>10}" for column in COLUMNS) + f"  {verdict}")
        for outcome in ("passed", "failed", "skipped"):
            named = self._scenarios_with(outcome)
            if named:
                write(f"scenarios {outcome}: {' '.join(named)}")
        for requirement, verdict in self._requirements():
            write(f"{requirement.id} {verdict}: {requirement.title}")
            if requirement.not_walked:
                write(f"    not walked: {requirement.not_walked}")
        for nodeid, reason in sorted(self.reasons.items()):
            write(f"did not run: {nodeid}: {reason}")

    def _requirements(self) -> list:
        """The scenarios of the table of which a test was chosen, each with how its tests fared together."""
        outcomes = collections.defaultdict(set)
        for tests in self.outcomes.values():
            for nodeid, outcome in tests.items():
                outcomes[_test(nodeid)].add(outcome)
        found = []
        for requirement in acceptance.requirements() if outcomes else []:
            seen = set().union(*(outcomes[test] for test in requirement.tests if test in outcomes))
            if "failed" in seen:
                found.append((requirement, "FAIL"))
            elif "passed" in seen and all(outcomes.get(test) == {"passed"} for test in requirement.tests):
                found.append((requirement, "pass"))
            elif "passed" in seen:
                found.append((requirement, "pass, as far as it ran"))
        return found

    def _note(self, nodeid: str, outcome: str) -> None:
        tests = self.outcomes[_capability(nodeid)]
        if tests.get(nodeid) != "failed":
            tests[nodeid] = outcome

    def _scenarios_with(self, outcome: str) -> list[str]:
        found, failed = set(), set()
        for tests in self.outcomes.values():
            for nodeid, got in tests.items():
                ids = self.scenarios.get(nodeid, set())
                found |= ids if got == outcome else set()
                failed |= ids if got == "failed" else set()
        named = found - failed if outcome == "passed" else found
        return sorted(named, key=lambda name: (int(re.search(r"\d+", name)[0]), name))


def _test(nodeid: str) -> str:
    """A test's file and name, without its parameters."""
    file, _, name = nodeid.partition("::")
    return f"{pathlib.PurePath(file).name}::{name.partition('[')[0]}"


def _capability(nodeid: str) -> str:
    name = pathlib.PurePath(nodeid.partition("::")[0]).stem.removeprefix("test_")
    return next((capability for capability in CAPABILITIES if name.startswith(capability)), "suite")
