"""Numbers on PyTorch: losses, scores and places."""

import weakref

import torch

from keras_seq.backend.torch.graphs import is_watched


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


def cross_entropy(labels, logits, constant=False):
    if constant:
        return _remembered("cross entropy", logits, lambda: _cross_entropy(labels, logits), labels)
    losses = _cross_entropy(labels, logits)
    if not is_watched():
        _remember("cross entropy", logits, losses.detach(), labels)
    return losses


def _cross_entropy(labels, logits):
    losses = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), labels.reshape(-1).long(), reduction="none"
    )
    return losses.reshape(labels.shape)


def predictions(logits):
    return _remembered("predictions", logits, lambda: logits.argmax(dim=-1).to(torch.int32))


# A loss and the metrics beside it ask the same of the same large logits, one after the other.
_last = {}


def _remember(name, logits, result, labels=None):
    labels = None if labels is None else labels.clone()  # they may change in place
    _last[name] = weakref.ref(logits), logits._version, labels, result


def _remembered(name, logits, compute, labels=None):
    """The result of `compute`, without a gradient, or the last one if that was of the same."""
    if is_watched():  # whether the labels are the same must not be decided once for all
        with torch.no_grad():
            return compute()
    if name in _last:
        of, version, labels_before, result = _last[name]
        same = of() is logits and version == logits._version
        if same and (labels is None or torch.equal(labels, labels_before)):
            return result
    with torch.no_grad():
        result = compute()
    _remember(name, logits, result, labels)
    return result


def top_k(x, k):
    """PyTorch's `topk` takes equals in any order: rows that have some are sorted as a whole."""
    values, places = torch.topk(x, min(k + 1, x.shape[-1]))
    tied = (values[..., 1:] == values[..., :-1]).any(dim=-1)
    values, places = values[..., :k], places[..., :k]
    if tied.any():
        places[tied] = torch.sort(x[tied], dim=-1, descending=True, stable=True)[1][..., :k]
    return values, places.to(torch.int32)


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
