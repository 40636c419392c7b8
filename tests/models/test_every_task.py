"""The common checks, on every line of `cases.TASKS`."""

import pytest
from cases import TASKS


@pytest.mark.every_backend
@pytest.mark.parametrize("case", TASKS, ids=str)
def test_the_common_rules(case):
    case.check()


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("case", TASKS, ids=str)
def test_the_common_rules_with_an_export(case):
    case.check(export=True)
