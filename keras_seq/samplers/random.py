"""Drawing each token at random."""

from typing import ClassVar

import keras
from keras import ops

from keras_seq._checks import as_integer, as_number, check_count, check_positive
from keras_seq._typing import Tensor
from keras_seq.samplers.noise import gumbel, signed
from keras_seq.samplers.sampler import Sampler

NEVER = -float("inf")
COLDEST = 1e-6  # a temperature that leaves only the most probable token


@keras.saving.register_keras_serializable(package="keras_seq")
class Random(Sampler):
    r"""Each token drawn from the model's distribution, or from its likely part.

        y_t ~ softmax(log p(. | y_<t, x) / temperature), cut to top_k and top_p, and normalised

    The draw is the arg max of the log-probabilities plus Gumbel noise. The noise is a hash of the
    seed, the row id (in `generate` the position of the text in the list), the position of the token
    and the token id. So a seed gives the same text on every backend, in a batch of any size, and
    whatever else is in the batch; two equal texts in one list get different answers. Other seeds
    give independent ones.

    Scores and log-probabilities in the result are those of the model, without temperature and cut.

    Args:
        temperature: below 1 the likely tokens become likelier, above 1 all become more equal.
        top_k: only this many most probable tokens are possible; those as probable as the last of
            them too. `None` for all.
        top_p: only the most probable tokens are possible, as few as have this probability together,
            after temperature and `top_k`; those as probable as the last of them too. `None` for
            all.
        seed: an integer.
        min_length: how many tokens there are at least before the end token. A limit comes first.

    Raises:
        ValueError: if `temperature` is not above 0, `top_k` not an integer above 0, `top_p` not in
            (0, 1], `seed` no integer, or `min_length` no integer of at least 0.

    Example:

    >>> import numpy as np
    >>> def step(token_ids, state, memory):  # tokens 2 and 3, each with probability 0.5
    ...     logits = np.array([[-1e9, -1e9, 0.0, 0.0]], "float32")
    ...     return ops.repeat(logits, token_ids.shape[0], axis=0), state
    >>> found = Random(seed=1).search(
    ...     step, [], [], np.zeros(6, "int32"), 2, 5, np.full(6, 5, "int32")
    ... )
    >>> keras.ops.convert_to_numpy(found["lengths"])[:, 0].tolist()
    [2, 1, 5, 1, 2, 1]

    References:
        - Gumbel, 1954, "Statistical theory of extreme values and some practical applications";
          Maddison, Tarlow & Minka, 2014, "A* sampling", arXiv:1411.0030, section 2.
        - Fan, Lewis & Dauphin, 2018, "Hierarchical neural story generation", arXiv:1805.04833
          (top-k).
        - Holtzman et al., 2020, "The curious case of neural text degeneration", arXiv:1904.09751
          (top-p).
    """

    fed = ("seed", "temperature", "top_p")
    per_row: ClassVar[dict[str, str]] = {"temperature": "float32", "seed": "int32"}

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        min_length: int = 0,
    ):
        self.temperature, self.top_p = as_number(temperature), as_number(top_p)
        self.seed = as_integer(seed)
        if self.temperature is None or not 0 < self.temperature < float("inf"):
            raise ValueError(f"`temperature` must be a number above 0; received {temperature!r}.")
        if top_p is not None and (self.top_p is None or not 0 < self.top_p <= 1):
            raise ValueError(f"`top_p` must be a number in (0, 1] or None; received {top_p!r}.")
        if self.seed is None:
            raise ValueError(f"`seed` must be an integer; received {seed!r}.")
        self.top_k = None if top_k is None else check_positive("top_k", top_k)
        self.min_length = check_count("min_length", min_length)

    def with_rows(self, temperature: Tensor, seed: Tensor) -> "Random":
        """See `Sampler.with_rows`; a temperature that is not above 0 means the likeliest token."""
        above = ops.where(temperature > COLDEST, temperature, COLDEST)
        return super().with_rows(temperature=above[:, None], seed=seed)

    def choose(self, log_probabilities: Tensor, position: Tensor, row_ids: Tensor) -> Tensor:
        likely = self._cut(log_probabilities / self.temperature)
        seed = signed(self.seed) if isinstance(self.seed, int) else self.seed
        seed = ops.convert_to_tensor(seed, dtype="int32")
        row_ids = ops.convert_to_tensor(row_ids, dtype="int32")
        position = ops.convert_to_tensor(position, dtype="int32")
        noise = gumbel(seed, row_ids, position, ops.shape(log_probabilities)[-1])
        return ops.argmax(likely + noise, axis=-1)

    def _cut(self, logits):
        """Put the logits `(batch, vocabulary_size)` of impossible tokens to -inf."""
        most = logits.shape[-1]  # `None` in the graph of a pointer
        if self.top_k is not None and (most is None or self.top_k < most):
            largest, _ = ops.top_k(logits, self.top_k)
            logits = ops.where(logits < largest[:, -1:], NEVER, logits)
        if self.top_p is not None:
            sorted_logits, _ = ops.top_k(logits, ops.shape(logits)[-1])
            probabilities = ops.softmax(sorted_logits, axis=-1)
            before = ops.cumsum(probabilities, axis=-1) - probabilities
            likely = (before < self.top_p) | (self.top_p >= 1)  # sums of many may reach 1 early
            kept = ops.where(likely, sorted_logits, float("inf"))
            logits = ops.where(logits < ops.min(kept, axis=-1, keepdims=True), NEVER, logits)
        return logits
