"""Where the processes of one training are."""

from keras_seq._checks import as_integer


def check_workers(coordinator, workers, worker):
    """Return the addresses of all workers, a list of `"host:port"`.

    Args:
        coordinator: `"host:port"` of worker 0, where the others are on its machine, at the ports
            behind; or those of all, with commas between them.
        workers: how many there are.
        worker: the number of one.

    Raises:
        ValueError: for a number that none of them has, what is no address, and another number of
            addresses than 1 or `workers`.
    """
    number = as_integer(worker)
    if number is None or not 0 <= number < workers:
        raise ValueError(
            f"`worker` must be an integer from 0 to {workers - 1}, below the number of workers; "
            f"received {worker!r}."
        )
    addresses = [_address(part) for part in coordinator.split(",")]
    if len(addresses) == 1:
        (host, port), *_ = addresses
        addresses = [(host, port + i) for i in range(workers)]
    if len(addresses) != workers:
        raise ValueError(
            f"`coordinator` must be the address of worker 0, or those of all {workers} workers; "
            f"received {len(addresses)}: {coordinator!r}."
        )
    return [f"{host}:{port}" for host, port in addresses]


def _address(text):
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(
            f"`coordinator` must be a host and a port, such as '10.0.0.1:1234'; received {text!r}."
        )
    return host, int(port)
