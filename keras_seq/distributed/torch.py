"""Training on several devices with PyTorch: a process for each, which share every batch."""

import os

from keras_seq._checks import check_at_least, check_number
from keras_seq.backend import join_workers, one_process_a_device
from keras_seq.distributed.workers import check_workers


def initialize(
    address: str | None = None,
    workers: int | None = None,
    worker: int | None = None,
    timeout: float = 60.0,
) -> None:
    r"""Let this process share the batches of `fit` and `evaluate` with others, on PyTorch.

    Each process runs the same script, which calls this before it makes a model. It reads all the
    data, makes the same batches, and trains on its part of the rows; the gradients become one by
    PyTorch's `DistributedDataParallel`, with NCCL where there are GPUs and gloo elsewhere. The
    weights are those of one process with the same batches, whose loss is a mean over all tokens:

        L = sum_k w_k l_k / sum_k w_k

    with w_k what the rows of process k weigh. Process k takes GPU k mod (GPUs of its machine).

    Args:
        address: `"host:port"` of process 0, where the others find each other. `None` for what the
            environment says, which `torchrun` sets.
        workers: how many processes there are; likewise.
        worker: the number of this one, from 0; likewise.
        timeout: how many seconds to wait for the others, and for each exchange with them.

    Raises:
        ValueError: on another backend, for numbers out of range, where the environment says
            nothing, and if the others do not answer.

    Example:

    ```python
    # torchrun --nproc-per-node 2 train.py
    ks.distributed.torch.initialize()
    model = ks.models.TextClassifier.from_texts(texts, labels)
    model.fit(texts, labels, batch_size=64)  # 32 rows on each
    ```

    References:
        - Li et al., 2020, "PyTorch distributed: experiences on accelerating data parallel
          training", VLDB, arXiv:2006.15704.
    """
    if not one_process_a_device:
        raise ValueError(
            "`ks.distributed.torch` must be used on the backend torch; on JAX there is "
            "`keras.distribution`, on TensorFlow `tf.distribute`."
        )
    timeout = check_number("timeout", timeout, 0, above=True)
    if address is None:
        missing = [name for name in _SET_BY_TORCHRUN if name not in os.environ]
        if missing:
            raise ValueError(
                "`address` must be the host:port of process 0 where the script is not run by "
                f"`torchrun`; received None, and {missing[0]} is not in the environment."
            )
        address = "{MASTER_ADDR}:{MASTER_PORT}".format_map(os.environ)
        workers, worker = (int(os.environ[name]) for name in ("WORLD_SIZE", "RANK"))
    workers = check_at_least("workers", workers, 1)
    join_workers(check_workers(address, workers, worker), workers, worker, timeout)


_SET_BY_TORCHRUN = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK")
