"""The common checks, on every line of `cases.TASKS`."""

import pytest
from cases import TASKS

pytestmark = pytest.mark.every_backend


@pytest.mark.parametrize("case", TASKS, ids=str)
def test_the_common_rules(case):
    case.check()
