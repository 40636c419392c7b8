"""Hard monotonic attention."""

import keras
from keras import ops

from keras_seq._typing import Config, Seed, Shape, Tensor, Tensors, Unpack
from keras_seq.backend import product, scan
from keras_seq.layers.attentions.bahdanau import BahdanauAttention
from keras_seq.layers.attentions.mechanism import AttentionOptions


@keras.saving.register_keras_serializable(package="keras_seq")
class MonotonicAttention(BahdanauAttention):
    r"""Attention that moves from left to right, and looks at one value at a time.

        e_ts = g v / |v| . tanh(W_q q_t + W_k k_s) + r
        p_ts = sigmoid(e_ts + noise)                          the probability to stop at s

    Otherwise than in training, step t starts where step t - 1 stopped, goes right, and stops at
    the first value with p > 1/2: its weight is 1, that of all others 0. Where none is left, all
    weights are 0, and stay so. In training the weights are the probabilities of stopping,

        alpha_ts = p_ts sum_(j <= s) alpha_(t-1)j prod_(j <= i < s) (1 - p_ti),

    which have a gradient, and the noise drives p towards 0 and 1. Products are taken as exponents
    of sums, so that nothing is divided by a small number. Time and memory grow with the square of
    the source's length in training.

    Masking, call arguments and results are those of `AttentionMechanism`. Attention at a step
    depends on the step before, whose weights are its state.

    Args:
        units: size of the space in which query and key meet.
        offset: initial value of r; below 0, so that at first the attention sees far.
        noise: standard deviation of the noise in training, at least 0.
        seed: an integer or a `keras.random.SeedGenerator`, for the noise.
        **kwargs: `kernel_initializer`, and the arguments of `keras.layers.Layer`.

    Raises:
        ValueError: if `units` is not an integer above 0, or `noise` is negative.

    Example:

    >>> import numpy as np
    >>> attention = MonotonicAttention(8)
    >>> query, values = np.ones((2, 3, 4), "float32"), np.ones((2, 5, 6), "float32")
    >>> context, weights = attention(query, values)
    >>> tuple(context.shape), tuple(weights.shape)
    ((2, 3, 6), (2, 3, 5))

    References:
        - Raffel, Luong, Liu, Weiss & Eck, 2017, "Online and linear-time attention by enforcing
          monotonic alignments", arXiv:1704.00784.
    """

    def __init__(
        self,
        units: int,
        offset: float = -1.0,
        noise: float = 1.0,
        seed: Seed = None,
        **kwargs: Unpack[AttentionOptions],
    ):
        super().__init__(units, **kwargs)
        if noise < 0:
            raise ValueError(f"`noise` must be at least 0; received {noise!r}.")
        self.offset = offset
        self.noise = noise
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, query_shape: Shape, values_shape: Shape) -> None:
        super().build(query_shape, values_shape)
        self.gain = self.add_weight(
            shape=(), name="gain", initializer=keras.initializers.Constant(self.units**-0.5)
        )
        self.energy_offset = self.add_weight(
            shape=(), name="energy_offset", initializer=keras.initializers.Constant(self.offset)
        )

    def score(self, query: Tensor, keys: Tensor) -> Tensor:
        scale = self.scale / (ops.norm(self.scale) + 1e-6)
        query = product(query, self.query_kernel)
        meeting = ops.tanh(query[:, :, None] + keys[:, None])  # (B, T, S, U)
        return self.gain * ops.einsum("btsu,uv->bts", meeting, scale) + self.energy_offset

    def weigh(self, query, keys, values_mask, training=False):
        if values_mask is None:
            values_mask = ops.ones(ops.shape(keys)[:2], dtype="bool")
        noise = self.draw_noise(values_mask, ops.shape(query)[1]) if training else None
        energies = self._energies(query, keys, values_mask, noise)

        def step(energy, before):
            weights = self._move(energy, before, training)
            return weights, weights

        weights, _ = scan(step, self.initial_state(values_mask)[0], energies)
        return ops.cast(weights, query.dtype)

    def initial_state(self, values_mask: Tensor) -> Tensors:
        blank = ops.zeros_like(ops.cast(values_mask, "float32"))
        return [blank + ops.cast(ops.arange(ops.shape(values_mask)[1]) == 0, "float32")]

    def draw_noise(self, values_mask, steps):
        if not self.noise:
            return None
        batch, time = ops.shape(values_mask)
        return self.noise * keras.random.normal((batch, steps, time), seed=self.seed_generator)

    def attend(self, query, memory, state, noise=None, training=False):
        noise = None if noise is None else noise[:, None]
        energy = self._energies(query[:, None], memory["keys"], memory["mask"], noise)[:, 0]
        alpha = self._move(energy, state[0], training)
        weights = ops.cast(alpha, query.dtype)
        return ops.matmul(weights[:, None], memory["values"])[:, 0], weights, [alpha]

    def _energies(self, query, keys, values_mask, noise):
        energies = ops.cast(self.score(query, keys), "float32")  # (B, T, S)
        if noise is not None:
            energies = energies + ops.cast(noise, "float32")
        return ops.where(values_mask[:, None], energies, -1e9)

    def _move(self, energy, before, training):
        """The weights of a step, `(B, S)`, from its energies and the weights of the step before."""
        if not training:
            reached = ops.cumsum(before, axis=1) > 0.5
            stops = ops.cast(ops.logical_and(reached, energy > 0), "float32")
            return stops * ops.cast(ops.cumsum(stops, axis=1) < 1.5, "float32")
        passing = -ops.softplus(energy)  # log(1 - p)
        passed = ops.cumsum(passing, axis=1) - passing  # up to, and without, each value
        time = ops.shape(energy)[1]
        right = ops.arange(time)[:, None] >= ops.arange(time)[None]  # s >= j
        paths = ops.where(right, passed[:, :, None] - passed[:, None], -1e9)  # (B, S, S)
        arriving = ops.matmul(ops.exp(paths), before[:, :, None])[:, :, 0]
        return ops.sigmoid(energy) * arriving

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "offset": self.offset,
            "noise": self.noise,
            "seed": self.seed,
        }
