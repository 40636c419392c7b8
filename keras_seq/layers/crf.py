"""A linear-chain conditional random field."""

import itertools
import weakref

import keras
import numpy as np
from keras import ops

from keras_seq._checks import check_positive, fresh
from keras_seq._typing import Config, Function, Mask, Options, Shape, Tensor, Unpack
from keras_seq.layers.attached import attach, attached
from keras_seq.layers.chain import FORBIDDEN, backward, best_path, float_type, forward, path_score
from keras_seq.layers.crf_constraints import Constraints, allowed_steps, read_constraints
from keras_seq.layers.masking import check_steps, without_masked

_calls = weakref.WeakKeyDictionary()  # from each CRF that was called to the number of that call
_count = itertools.count()


@keras.saving.register_keras_serializable(package="keras_seq")
class CRF(keras.layers.Layer):
    r"""A linear-chain conditional random field over the tags of a sequence.

        s(x, y) = a[y_1] + sum_t e_t[y_t] + sum_(t > 1) A[y_(t-1), y_t] + b[y_n]
        p(y | x) = exp s(x, y) / sum_y' exp s(x, y')

    e_t are the emissions, scores of the tags at each step that the layers below give; A, a and b
    are the weights `transitions` (units, units), from row to column, `start` and `end` (units,).
    With these at 0, as they are at first, the tags do not know of each other, and p is a softmax
    at each step. The sum over all y' is found by a recursion over time, in O(n units^2).

    The layer hands the emissions on as they came, and the mask with them, so that it stands last
    in a model; `CRFLoss(crf)` trains the model, and `decode` reads tags off what it predicts:

        crf = CRF(9)
        outputs = crf(keras.layers.Dense(9)(hidden), mask=mask)
        model = keras.Model(inputs, outputs)
        model.compile("adam", loss=CRFLoss(crf))
        tags, score = crf.decode(model.predict(x), mask)

    In every method:

    - `emissions` is `(batch, time, units)`, floating point; any number of rows and steps, 0 too.
    - `mask` is boolean `(batch, time)`; `None` masks nothing. A masked step is skipped, wherever
      it stands, as if the steps before and behind it were neighbours, and its emissions are not
      looked at, even if they are NaN. A row without a step has one path, the empty one: score,
      log partition and log-likelihood are 0.
    - `tags` is integers `(batch, time)`, in [0, units) where the mask is not `False`, which is
      checked for lists and arrays but not for tensors; anything elsewhere.
    - All is computed in float32, or in float64 where the emissions or the weights are, in mixed
      precision too; float results have that dtype.

    A method called by itself, outside of a model, is not compiled: on JAX that takes long.

    Args:
        units: number of tags.
        constraints: what may not be: `None`, a list of pairs `(from, to)`, or a dict of such a
            list under `"transitions"` and of lists of tags under `"start"` and `"end"`; see
            `keras_seq.text.tag_constraints` for those of BIO and its kin. In place of its weight,
            which is not trained, a forbidden step scores -1e12: its sequences have probability 0,
            and `decode` finds none of them as long as another one of the length is left. A
            forbidden sequence among the labels gives a log-likelihood near -1e12, not NaN.
        transition_initializer: initialiser of `transitions`.
        boundary_initializer: initialiser of `start` and `end`.
        transition_regularizer: regulariser of `transitions`.

    Call arguments:
        inputs: the emissions.
        mask: as above; one that Keras attached to `inputs` is used where none is passed.

    Returns:
        The emissions, in the dtype in which they came, 0 where masked.

    Raises:
        ValueError: for `units` that are not an integer above 0, constraints on tags outside
            [0, units) or that leave no sequence at all, and for emissions, tags or masks of
            another shape.

    Example:

    >>> import numpy as np
    >>> crf = CRF(3, constraints=[(0, 2)])
    >>> emissions = np.array([[[2, 0, 0], [0, 1, 3]]], "float32")
    >>> tags, score = crf.decode(emissions)
    >>> keras.ops.convert_to_numpy(tags), float(score[0])  # 2 may not follow 0
    (array([[0, 1]], dtype=int32), 3.0)
    >>> keras.ops.convert_to_numpy(crf.score(emissions, [[2, 2]]))
    array([3.], dtype=float32)

    References:
        - Lafferty, McCallum & Pereira, 2001, "Conditional random fields: probabilistic models for
          segmenting and labeling sequence data", ICML.
        - Sutton & McCallum, 2012, "An introduction to conditional random fields",
          arXiv:1011.4088, section 4.1: forward-backward and Viterbi.
        - Lample, Ballesteros, Subramanian, Kawakami & Dyer, 2016, "Neural architectures for named
          entity recognition", arXiv:1603.01360, section 2.2: above a BiLSTM.
    """

    def __init__(
        self,
        units: int,
        constraints: Constraints | None = None,
        transition_initializer: Function = "zeros",
        boundary_initializer: Function = "zeros",
        transition_regularizer: Function = None,
        **kwargs: Unpack[Options],
    ):
        # Emissions that come in float32 stay in float32 under a policy of half precision.
        super().__init__(**{"autocast": False, **kwargs})
        self.units = check_positive("units", units)
        self.constraints = read_constraints(constraints, units)
        self.transition_initializer = keras.initializers.get(transition_initializer)
        self.boundary_initializer = keras.initializers.get(boundary_initializer)
        self.transition_regularizer = keras.regularizers.get(transition_regularizer)
        self.supports_masking = True
        self._allowed = allowed_steps(self.constraints, units)

    def build(self, inputs_shape: Shape) -> None:
        if inputs_shape[-1] != self.units:
            raise ValueError(
                f"CRF({self.units}) needs emissions (batch, time, {self.units}); received the "
                f"shape {tuple(inputs_shape)}."
            )
        self.transitions = self._add("transitions", (self.units, self.units))
        self.start = self._add("start", (self.units,))
        self.end = self._add("end", (self.units,))

    def _add(self, name, shape):
        inner = name == "transitions"
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=fresh(self.transition_initializer if inner else self.boundary_initializer),
            regularizer=self.transition_regularizer if inner else None,
            autocast=False,
        )

    def call(self, inputs: Tensor, mask: Mask = None) -> Tensor:
        # A tensor of its own in any case: the one that came may go through other layers too.
        mask = None if mask is None else ops.cast(mask, "bool")
        outputs = ops.copy(inputs) if mask is None else without_masked(inputs, mask)
        _calls[self] = next(_count)
        attach(outputs, (weakref.ref(self), mask))  # for the loss
        return outputs

    def score(self, emissions: Tensor, tags: Tensor, mask: Mask = None) -> Tensor:
        """Return s(x, y) of the sequences `tags`, `(batch,)`."""
        tags = _read_tags(tags, mask, self.units)
        potentials, emissions, mask = self._prepare(emissions, mask)
        check_steps("tags", tags, emissions)
        return path_score(potentials, emissions, tags, mask)

    def log_partition(self, emissions: Tensor, mask: Mask = None) -> Tensor:
        """Return the logarithm of the sum of exp s(x, y) over all sequences y, `(batch,)`."""
        return forward(*self._prepare(emissions, mask))[1]

    def log_likelihood(self, emissions: Tensor, tags: Tensor, mask: Mask = None) -> Tensor:
        """Return log p(y | x) of the sequences `tags`, `(batch,)`: a sum over steps, not a mean."""
        return self.score(emissions, tags, mask) - self.log_partition(emissions, mask)

    def marginals(self, emissions: Tensor, mask: Mask = None) -> Tensor:
        """Return p(y_t | x) for each step and tag, `(batch, time, units)`; 0 where masked.

        By forward-backward; the numbers of a step sum to 1. The most probable tag of each step
        taken by itself may give a sequence that is forbidden: for sequences there is `decode`.
        """
        potentials, emissions, mask = self._prepare(emissions, mask)
        log_alpha, _ = forward(potentials, emissions, mask)
        log_beta = backward(potentials, emissions, mask)
        joint = log_alpha + log_beta
        marginals = ops.exp(joint - ops.logsumexp(joint, axis=-1, keepdims=True))
        return ops.where(mask[..., None], marginals, 0.0)

    def decode(self, emissions: Tensor, mask: Mask = None) -> tuple[Tensor, Tensor]:
        """Return the most probable sequence, by Viterbi's algorithm, and its score.

        Returns:
            `(tags, score)`: int32 `(batch, time)`, 0 where masked, and s(x, y), `(batch,)`. They
            have no gradient.
        """
        potentials, emissions, mask = self._prepare(emissions, mask)
        potentials = [ops.stop_gradient(x) for x in potentials]
        emissions = ops.stop_gradient(emissions)
        tags = best_path(potentials, emissions, mask)
        return tags, path_score(potentials, emissions, tags, mask)

    def _prepare(self, emissions, mask):
        """The potentials, emissions that are 0 where masked, and a boolean mask."""
        emissions = ops.convert_to_tensor(emissions)
        if len(emissions.shape) != 3 or emissions.shape[2] != self.units:
            raise ValueError(
                f"CRF({self.units}) needs emissions (batch, time, {self.units}); received the "
                f"shape {tuple(emissions.shape)}."
            )
        if not self.built:
            self.build(emissions.shape)
        shape = ops.shape(emissions)[:2]
        if mask is None:
            mask = ops.ones(shape, dtype="bool")
        else:
            mask = ops.cast(ops.convert_to_tensor(mask), "bool")
            check_steps("mask", mask, emissions)
        dtype = float_type(emissions, self.transitions)
        emissions = ops.where(mask[..., None], ops.cast(emissions, dtype), 0.0)
        return self.potentials(dtype), emissions, mask

    def potentials(self, dtype):
        """Transitions, start and end scores, with what is forbidden forbidden."""
        weights = [ops.cast(weight, dtype) for weight in (self.transitions, self.start, self.end)]
        return [
            weight if allowed.all() else ops.where(allowed, weight, FORBIDDEN)
            for weight, allowed in zip(weights, self._allowed, strict=True)
        ]

    def compute_output_shape(self, inputs_shape):
        return tuple(inputs_shape)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "units": self.units,
            "constraints": self.constraints,
            "transition_initializer": keras.initializers.serialize(self.transition_initializer),
            "boundary_initializer": keras.initializers.serialize(self.boundary_initializer),
            "transition_regularizer": keras.regularizers.serialize(self.transition_regularizer),
        }


def origin_of(emissions):
    """Return `(layer, mask)`: what a tensor came out of; `None` each where that is not known."""
    layer, mask = attached(emissions) or (lambda: None, None)
    return layer(), mask


def number_of_calls():
    """How many calls of any CRF there were."""
    return next(_count)


def called_like(config, since):
    """Return the layers with the name and the tags of a serialised `CRF` that were called since."""
    config = config["config"]
    constraints = read_constraints(config["constraints"], config["units"])
    return [
        layer
        for layer, number in list(_calls.items())
        if number >= since
        and (layer.name, layer.units) == (config["name"], config["units"])
        and layer.constraints == constraints
    ]


def _read_tags(tags, mask, units):
    """`tags` as int32; a `ValueError` for what is no tag, where that can be seen."""
    seen = (list, tuple, np.ndarray)
    if isinstance(tags, seen) and (mask is None or isinstance(mask, seen)):
        tags = np.asarray(tags)
        valid = np.ones(tags.shape, bool) if mask is None else np.asarray(mask, bool)
        wrong = (tags < 0) | (tags >= units)
        if tags.shape == valid.shape and (wrong & valid).any():
            row, step = np.argwhere(wrong & valid)[0].tolist()
            raise ValueError(
                f"Tags must be in [0, {units}); received {tags[row, step]} in row {row} at step "
                f"{step}, which is not masked."
            )
    return ops.cast(ops.convert_to_tensor(tags), "int32")
