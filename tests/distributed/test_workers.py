"""Addresses and numbers of workers, and what is wrong with them."""

import pytest

from keras_seq.distributed.workers import check_workers

pytestmark = pytest.mark.once


def test_the_workers_of_one_machine_have_ports_in_a_row():
    assert check_workers("10.0.0.1:1234", 2, 1) == ["10.0.0.1:1234", "10.0.0.1:1235"]


def test_each_worker_may_have_an_address():
    assert check_workers("a:1, b:2", 2, 0) == ["a:1", "b:2"]


@pytest.mark.parametrize(
    ("coordinator", "worker", "message"),
    [
        ("a:1", 2, "`worker` must be an integer from 0 to 1"),
        ("a:1", None, "`worker` must be an integer from 0 to 1"),
        ("a", 0, "`coordinator` must be a host and a port, such as .*; received 'a'"),
        (":1", 0, "`coordinator` must be a host and a port"),
        ("a:99999", 0, "`coordinator` must be a host and a port"),
        ("a:1,b:2,c:3", 0, "`coordinator` must be the address of worker 0, or those of all 2"),
    ],
)
def test_what_is_wrong_is_said(coordinator, worker, message):
    with pytest.raises(ValueError, match=message):
        check_workers(coordinator, 2, worker)
