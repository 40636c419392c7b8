"""Numbers on PyTorch: losses, scores and places."""

import contextlib
import functools
import threading
import weakref

import torch

from keras_seq.backend.torch.graphs import is_watched

_library = torch.library.Library("keras_seq", "DEF")


def additive_scores(query, keys, scale):
    if is_watched():
        return (torch.tanh(query + keys) @ scale).transpose(1, 2)
    return _AdditiveScores.apply(query, keys, scale)[0]


class _AdditiveScores(torch.autograd.Function):
    """`additive_scores` with as few tensors of (batch, time, units) as can be.

    What is kept for the way back is a result as well, which nobody takes: so it has a gradient, and
    so have the gradients. The same in `gates`.
    """

    @staticmethod
    def forward(ctx, query, keys, scale):
        meeting = torch.add(query, keys).tanh_()
        ctx.save_for_backward(meeting, scale)
        ctx.set_materialize_grads(False)
        return (meeting @ scale).transpose(1, 2), meeting

    @staticmethod
    def backward(ctx, gradient, of_meeting):
        meeting, scale = ctx.saved_tensors
        if gradient is None:
            gradient = torch.zeros_like(meeting[:, :, :1]).transpose(1, 2)
        of_scale = meeting.flatten(0, 1).t() @ gradient.reshape(-1, 1)
        of_sum = gradient.transpose(1, 2) * scale[:, 0]
        if of_meeting is not None:
            of_sum = of_sum + of_meeting
        of_sum = torch.ops.aten.tanh_backward(of_sum, meeting)
        return of_sum.sum(dim=1, keepdim=True), of_sum, of_scale


def cross_entropy(labels, logits, constant=False, smoothing=0.0):
    if constant:
        return _remembered("cross entropy", logits, lambda: _losses(labels, logits)[0], labels)
    losses, mean = _losses(labels, logits)
    if not is_watched():
        _remember("cross entropy", logits, losses.detach(), labels)
    return (1 - smoothing) * losses + smoothing * mean if smoothing else losses


def _losses(labels, logits):
    """The cross-entropy of the labels, and its mean over all classes."""
    labels = labels[..., None].long()
    if is_watched():
        likely = torch.log_softmax(logits, dim=-1)
        return -torch.gather(likely, -1, labels)[..., 0], -likely.mean(dim=-1)
    return _CrossEntropies.apply(labels, logits)[:2]


class _CrossEntropies(torch.autograd.Function):
    """`_losses` with as few arrays of (tokens, classes) on the way back as can be."""

    @staticmethod
    def forward(ctx, labels, logits):
        likely = torch.log_softmax(logits, dim=-1)
        ctx.save_for_backward(labels, likely)
        ctx.set_materialize_grads(False)
        return -torch.gather(likely, -1, labels)[..., 0], -likely.mean(dim=-1), likely

    @staticmethod
    def backward(ctx, of_chosen, of_mean, of_likely):
        labels, likely = ctx.saved_tensors
        nothing = torch.zeros_like(labels[..., 0], dtype=likely.dtype)
        of_chosen, of_mean = (nothing if x is None else x for x in (of_chosen, of_mean))
        total = of_chosen + of_mean
        if of_likely is not None:
            total = total - of_likely.sum(dim=-1)
        # In place only on what nobody else holds, and what no second derivative needs.
        multiply = torch.mul if torch.is_grad_enabled() else torch.Tensor.mul_
        of_logits = multiply(torch.exp(likely), total[..., None])
        of_logits.sub_((of_mean / likely.shape[-1])[..., None])
        of_logits.scatter_add_(-1, labels, -of_chosen[..., None])
        return None, of_logits if of_likely is None else of_logits + of_likely


def predictions(logits):
    def compute():
        # `argmax` takes four times as long. For both NaN is the largest, and of equals the first.
        places = logits.argmax(dim=-1) if is_watched() else logits.max(dim=-1)[1]
        return places.to(torch.int32)

    return _remembered("predictions", logits, compute)


# A loss and the metrics beside it ask the same of the same large logits, one after the other, each
# of a view of its own.
_last = {}


def _remember(name, logits, result, labels=None):
    if logits.is_contiguous():
        labels = None if labels is None else labels.flatten().clone()  # they may change in place
        _last[name] = weakref.ref(_base(logits)), _place(logits), labels, result.flatten()


def _base(tensor):
    return tensor if tensor._base is None else tensor._base


def _place(tensor):
    """Where the numbers of a tensor lie, how often they were changed, and their rows."""
    return tensor.data_ptr(), tensor._version, tensor.numel(), tensor.shape[-1], tensor.dtype


def _remembered(name, logits, compute, labels=None):
    """The result of `compute`, without a gradient, or the last one if that was of the same."""
    if is_watched():  # whether the labels are the same must not be decided once for all
        with torch.no_grad():
            return compute()
    if name in _last and logits.is_contiguous():
        of, place, labels_before, result = _last[name]
        same = of() is _base(logits) and place == _place(logits)
        if same and (labels is None or torch.equal(labels.flatten(), labels_before)):
            return result.reshape(logits.shape[:-1])
    with torch.no_grad():
        result = compute()
    _remember(name, logits, result, labels)
    return result


def top_k(x, k):
    """PyTorch's `topk` takes equals in any order: rows that have some are sorted as a whole."""
    if getattr(_traced, "top_k", None):
        return _traced.top_k(x, k)
    values, places = torch.topk(x, min(k + 1, x.shape[-1]))
    tied = (values[..., 1:] == values[..., :-1]).any(dim=-1)
    values, places = values[..., :k], places[..., :k]
    if tied.any():
        places[tied] = torch.sort(x[tied], dim=-1, descending=True, stable=True)[1][..., :k]
    return values, places.to(torch.int32)


_traced = threading.local()


@contextlib.contextmanager
def top_k_as_one():
    """Inside, `top_k` is an operation of PyTorch's for a tracer, which the context gives."""
    operation = _operation_of_top_k()
    _traced.top_k = operation
    try:
        yield operation
    finally:
        _traced.top_k = None


@functools.cache
def _operation_of_top_k():
    def run(x, k):
        before, _traced.top_k = getattr(_traced, "top_k", None), None
        try:
            return top_k(x, k)
        finally:
            _traced.top_k = before

    _library.define("top_k(Tensor x, int k) -> (Tensor, Tensor)")
    _library.impl("top_k", run, "CompositeExplicitAutograd")
    return torch.ops.keras_seq.top_k.default


def last_valid_steps(mask):
    steps = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    # Not by sorting, and not by `cummax`: ONNX lacks them.
    valid_first = torch.zeros_like(steps).scatter(1, places_in_front(mask), steps)
    rank = mask.long().cumsum(dim=1) - 1
    steps_before = torch.gather(valid_first, 1, rank.clamp(min=0))
    return torch.where(rank < 0, steps, steps_before).int()


def places_in_front(mask):
    """Where each step goes when the valid ones go to the front, the others behind them."""
    counts = mask.long().cumsum(dim=1)
    steps = torch.arange(mask.shape[1], device=mask.device)
    return torch.where(mask, counts - 1, counts[:, -1:] + steps - counts)
