"""Several processes that share the batches of a training, on PyTorch: `DistributedDataParallel`."""

import contextlib
import datetime
import os

import keras
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from keras_seq.backend.devices import check_devices, not_together
from keras_seq.backend.stack import Stack

_totals = Stack()  # what the parts of a batch have together, while a step runs
one_process_a_device = True
broken_connection = (RuntimeError,)  # that of gloo, which has no name of its own


def replicas(model=None):
    return workers()[0]


def workers(model=None):
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1, 0
    return distributed.get_world_size(), distributed.get_rank()


def distribute(model, batches, cut, whole=True):
    return cut(batches, *workers()) if whole else batches


def parts(model=None):
    return replicas(model)


def replica_sum(x, name):
    if replicas() == 1:
        return x
    known = _totals.top()
    return _all_reduce(x) if known is None else known[name]


def _all_reduce(x):
    total = x.detach().clone()
    distributed.all_reduce(total)
    return total


def added_up(loss):
    return loss * replicas()  # the gradient will be a mean


class _Loss(torch.nn.Module):
    """The loss of a batch as the forward pass of a module, which PyTorch wraps."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, y, sample_weight):
        y_pred = self.model(x, training=True)
        loss = self.model.compute_loss(x, y, y_pred, sample_weight, training=True)
        return self.model.optimizer.scale_loss(loss), loss.detach(), y_pred.detach()


def shared_step(model):
    if replicas() == 1:
        return None
    wrapped = []

    def step(data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        if not wrapped:
            wrapped.append(DistributedDataParallel(_Loss(model)))
        model.zero_grad()
        named = model.batch_totals(x, y, sample_weight)
        totals = _all_reduce(torch.stack([value.float() for value in named.values()]))
        with _totals.holding(dict(zip(named, totals, strict=True))):
            return train(x, y, sample_weight)

    def train(x, y, sample_weight):
        scaled, loss, y_pred = wrapped[0](x, y, sample_weight)
        model.metrics[0].update_state(loss)
        scaled.backward()
        variables = model.trainable_weights
        with torch.no_grad():
            model.optimizer.apply([v.value.grad for v in variables], variables)
        return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    return step


@contextlib.contextmanager
def summed_over_workers(variables):
    """The variables hold the sums over all workers inside."""
    if replicas() == 1 or not variables:
        yield
        return
    before = [variable.value.detach().clone() for variable in variables]
    flat = torch.cat([value.reshape(-1).double() for value in before])
    distributed.all_reduce(flat)
    parts = flat.split([value.numel() for value in before])
    with torch.no_grad():
        for variable, part in zip(variables, parts, strict=True):
            variable.value.copy_(part.reshape(variable.shape))
        yield
        for variable, value in zip(variables, before, strict=True):
            variable.value.copy_(value)


def workers_sum(array, model=None):
    if workers()[0] == 1:
        return array
    total = torch.tensor(array)
    total = total.cuda() if torch.cuda.is_available() else total
    distributed.all_reduce(total)
    return total.cpu().numpy()


def join_workers(addresses, count, index, timeout):
    gpus = torch.cuda.device_count()
    try:
        distributed.init_process_group(
            "nccl" if gpus else "gloo",
            init_method=f"tcp://{addresses[0]}",
            world_size=count,
            rank=index,
            timeout=datetime.timedelta(seconds=timeout),
        )
    except RuntimeError as error:
        where = addresses[0], *addresses[: min(index, 1)]  # process 0 alone listens
        raise ValueError(not_together(count, timeout, *where)) from error
    if gpus:
        torch.cuda.set_device(index % gpus)
    together = contextlib.ExitStack()
    together.push(_part)
    return together


def _part(error, *traceback):
    if error is None:
        distributed.destroy_process_group()


def use_devices(count):
    check_devices(count, torch.cuda.device_count() or os.cpu_count())
    return contextlib.nullcontext()
