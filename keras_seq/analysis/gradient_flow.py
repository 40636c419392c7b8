"""Measure the norm of the loss gradient at each time step."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from keras_seq._checks import check_choice
from keras_seq.analysis.inside import all_layers, cells_of, observed
from keras_seq.analysis.perturbation import AddedToStates, StateShapes
from keras_seq.backend import compiled, gradient
from keras_seq.layers.cells import state_names
from keras_seq.layers.self_attention import SelfAttention

REDUCTIONS = ("norm", None)


def gradient_flow(
    model: keras.Model,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    loss: str | keras.losses.Loss | Callable[..., Any] | None = None,
    layers: Sequence[str] | None = None,
    reduce: str | None = "norm",
) -> dict[str, np.ndarray]:
    r"""The norm of the gradient of the loss with respect to every hidden state.

        L     the loss of the batch, as in training, but with dropout off
        g_t   = || dL/dh_t ||, the norm over the units of h_t and the rows of the batch

    dL/dh_t is the whole gradient: through the output of step t and through all later states. It is
    exact, found by adding zeros to every state in a loop over the steps and taking the gradient
    with respect to them. For an LSTM there are two, with respect to h_t and to c_t; what comes back
    from h_t to c_t belongs to the second. (In other cells with more than one state each is taken
    with the others of its step held.) Where the norm falls towards the first steps the gradient
    vanishes, where it grows it explodes.

    Args:
        model: a Keras model with recurrent layers, of this package or of Keras, in one direction or
            both, stacked, in an encoder or a decoder. A decoder has the steps of the target.
        x, y, sample_weight: a batch, as for `train_on_batch`; lists of texts for task models.
        loss: a Keras loss, its name, or a function of `(y_true, y_pred)`; that of `compile`, with
            what regularisers add, where it is not given.
        layers: names of further layers whose outputs, `(batch, time, size)`, are taken for states,
            such as an embedding. Layers of self-attention are always among them: their steps are
            positions.
        reduce: `"norm"`, or `None` for the norms of each row, `(batch, time)`.

    Returns:
        A dict from the name of a layer to a float64 array `(time,)`. Cells of one layer are told
        apart by `/forward` and `/backward`, the number in a stack, and `/c` for the second state of
        an LSTM; the time of a backward cell is that of the inputs. Masked steps of a row are left
        out, and so are the steps of a target that weigh 0; where no row has a step, the norm is
        NaN.

    Raises:
        ValueError: for a model that is not built or compiled (and no `loss`), one without recurrent
            layers, an unknown name in `layers`, sequences of fewer than 2 steps, and for a cell
            whose output is none of its states.

    Example:

    >>> from keras_seq.layers import VanillaRNN
    >>> model = keras.Sequential([VanillaRNN(4, name="rnn"), keras.layers.Dense(1)])
    >>> flow = gradient_flow(model, np.ones((2, 9, 3), "float32"), np.ones((2, 1)), loss="mse")
    >>> list(flow), flow["rnn"].shape
    (['rnn'], (9,))

    References:
        - Bengio, Simard & Frasconi, 1994, "Learning long-term dependencies with gradient descent is
          difficult", IEEE Transactions on Neural Networks 5(2).
        - Pascanu, Mikolov & Bengio, 2013, "On the difficulty of training recurrent neural
          networks", arXiv:1211.5063.
    """
    check_choice("reduce", reduce, REDUCTIONS)
    return GradientProbe(model, x, y, sample_weight, loss=loss, layers=layers)(reduce)


def first_to_last_ratio(norms: ArrayLike) -> float:
    """The gradient at the first step by that at the last one, of those that are not NaN.

    Below 1 the gradient vanishes on its way back, above 1 it grows.

    Args:
        norms: one array `(time,)` of what `gradient_flow` returned.

    Returns:
        A float; NaN where nothing is left at the last step, or no step at all.

    Example:

    >>> first_to_last_ratio([0.25, 1.0, 2.0])
    0.125
    """
    norms = np.asarray(norms, "float64")
    norms = norms[~np.isnan(norms)]
    return float(norms[0] / norms[-1]) if norms.size and norms[-1] else float("nan")


class GradientProbe:
    """`gradient_flow` of one batch, again and again while the weights change.

    The arguments are those of `gradient_flow`; a call takes `reduce` and returns its result.
    """

    def __init__(self, model, x, y=None, sample_weight=None, *, loss=None, layers=None):
        self.batch = batch_of(model, x, y, sample_weight)
        self.loss = _loss_function(model, loss)
        self.model = model
        self.cells = cells_of(model)
        self.tapped = _tapped_layers(model, layers)
        if not self.cells and not self.tapped:
            raise ValueError(
                f"There must be a recurrent layer in the model; {model.name!r} has none among its "
                f"{len(all_layers(model)) - 1} layers."
            )
        names = {id(cell): name for name, cell in self.cells.items()}
        names |= {id(layer): layer.name for layer in self.tapped}
        shapes = StateShapes()
        try:
            with observed(model, shapes, self.tapped):
                model(self.batch[0], training=False)
        except ValueError:
            raise
        except Exception as error:  # each backend has its own for shapes that do not fit
            received = keras.tree.map_structure(np.shape, self.batch[0])
            raise ValueError(
                f"The model {model.name!r} must be able to read the probe batch; received inputs "
                f"of the shape {received}, with which it fails: {error}"
            ) from error
        self.states = shapes.found
        self._check_steps(names)
        self.names = {key: _run_name(names, key) for key in self.states}
        zeros = [zero for shape in self.states.values() for zero in shape.zeros()]
        arrays = [leaf for leaf in keras.tree.flatten(self.batch) if leaf is not None]
        self._leaves = [ops.convert_to_tensor(x) for x in [*zeros, *arrays]]
        self._find = compiled(self._gradients, [*model.variables, *model.metrics_variables])

    def __call__(self, reduce="norm"):
        gradients = iter(self._find(*self._leaves))
        result = {}
        for key, shape in self.states.items():
            valid = self._valid(shape)
            for name in self._state_names(key, len(shape.sizes)):
                rows = np.asarray(ops.convert_to_numpy(next(gradients)), "float64")
                rows = np.where(valid, np.linalg.norm(rows, axis=-1), np.nan)
                if name is not None:
                    name = self.names[key] + ("" if name == "h" else f"/{name}")
                    result[name] = rows if reduce is None else _over_rows(rows)
        return result

    def _gradients(self, *leaves):
        """The gradients with respect to all zeros, in the order of `states`."""
        count = sum(len(shape.sizes) for shape in self.states.values())
        zeros, arrays = list(leaves[:count]), iter(leaves[count:])
        batch = keras.tree.map_structure(
            lambda x: x if x is None else next(arrays), self.batch, none_is_leaf=True
        )

        def objective(zeros):
            rest = iter(zeros)
            added = {key: [next(rest) for _ in x.sizes] for key, x in self.states.items()}
            with observed(self.model, AddedToStates(added), self.tapped):
                predictions = self.model(batch[0], training=False)
            return self.loss(*batch, predictions)

        return gradient(objective, zeros)[1]

    def _state_names(self, key, count):
        """The name of each state that was added to, as `inside.state_names` has them."""
        cell = next((cell for cell in self.cells.values() if id(cell) == key[0]), None)
        return ["h"] * count if cell is None else state_names(cell)

    def _valid(self, shape):
        """Which steps count: those of the mask, or those of the target that weigh something."""
        rows = shape.batch, shape.steps
        weights = self.batch[2]
        if shape.mask is None and np.shape(weights) == rows:
            return np.asarray(weights) != 0
        return np.ones(rows, bool) if shape.mask is None else shape.mask

    def _check_steps(self, names):
        for key, shape in self.states.items():
            if shape.steps < 2:
                raise ValueError(
                    "There must be at least 2 steps for a gradient to flow through; "
                    f"{names[key[0]]!r} met {shape.steps}."
                )


def batch_of(model, x, y=None, sample_weight=None):
    """Return `(x, y, sample_weight)` as arrays."""
    if hasattr(model, "as_batch"):
        x, y, sample_weight = model.as_batch(x, y, sample_weight)
    if not model.built:
        model(x, training=False)  # its own error, if any, says what is wrong
    return tuple(
        keras.tree.map_structure(lambda t: t if t is None else ops.convert_to_numpy(t), part)
        if part is not None
        else None
        for part in (x, y, sample_weight)
    )


def _loss_function(model, loss):
    """A function of `(x, y, sample_weight, predictions)`."""
    if loss is None:
        if not model.compiled:
            raise ValueError(
                f"The model {model.name!r} is not compiled: give `loss`, or compile it with one."
            )

        def compiled_loss(x, y, sample_weight, predictions):
            return model.compute_loss(
                x=x, y=y, y_pred=predictions, sample_weight=sample_weight, training=False
            )

        return compiled_loss
    function = keras.losses.get(loss)
    weighted = isinstance(function, keras.losses.Loss)

    def given_loss(x, y, sample_weight, predictions):
        if weighted:
            return function(y, predictions, sample_weight=sample_weight)
        values = function(y, predictions)
        if sample_weight is not None:
            values = values * ops.cast(sample_weight, values.dtype)
        return ops.mean(values)

    return given_loss


def _tapped_layers(model, names):
    """The layers of self-attention, and those that were named."""
    layers = all_layers(model)
    known = {layer.name: layer for layer in layers}
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise ValueError(
            f"The model {model.name!r} has no layer {', '.join(map(repr, unknown))}; it has "
            f"{', '.join(map(repr, known))}."
        )
    kinds = (keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention, SelfAttention)
    attentions = [layer for layer in layers if isinstance(layer, kinds)]
    return attentions + [known[name] for name in names or [] if known[name] not in attentions]


def _run_name(names, key):
    """The name of a run: that of the layer, with the number of the run from the second one on."""
    thing, run = key
    return f"{names[thing]}#{run + 1}" if run else names[thing]


def _over_rows(rows):
    """The norm over the rows of a batch; NaN where all rows are."""
    squares = np.nansum(rows**2, axis=0)
    return np.where(np.isnan(rows).all(axis=0), np.nan, np.sqrt(squares))
