"""From a memory to logits over the next token: all steps at once, or one by one."""

import keras
from keras import ops

from keras_seq._checks import check_choice, check_positive, check_rate, unbuilt_config
from keras_seq._options import options
from keras_seq._typing import AnyCell, Chosen, Config, Mask, Nest, Options, Seed, Tensor, Unpack
from keras_seq.backend import jit_pays
from keras_seq.layers import scheduled_sampling as sampling
from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.attentions.mechanism import AttentionMechanism, get_attention
from keras_seq.layers.bridge import Bridge
from keras_seq.layers.cells import cell_config, own_sizes, whole_state
from keras_seq.layers.dropout import dropout_layer, masks_between, ones_dropped, some_unknown
from keras_seq.layers.pointer_output import mixed_log_probabilities, pointer_memory
from keras_seq.layers.readout import READOUTS, dense, read, readout_layer
from keras_seq.layers.token_embedding import tied_logits, token_embedding


@keras.saving.register_keras_serializable(package="keras_seq")
class Decoder(keras.layers.Layer):
    r"""A recurrent decoder with attention, conditioned on an encoder.

        s_0 = Bridge(final encoder states)
        h_t, c_t, s_t = AttentionCell(x_t, s_(t-1), memory)      h_t is the output of the top cell
        r_t = readout(h_t, c_t, E y_(t-1))
        p(y_t | y_<t, x) = softmax(W_o r_t + b_o)

    In Bahdanau's order (attend, then recur) the readout sees [h_t; c_t; E y_(t-1)], in Luong's
    (recur, then attend) [h_t; c_t]. It is tanh(W_r [...] + b_r), or the larger of each two of
    W_r [...] + b_r (maxout), or there is none. x_t is E y_(t-1), and with input feeding
    [E y_(t-1); r_(t-1)]. With `attention=None` the source is one vector: it sets the initial state
    (Sutskever et al.) and in Bahdanau's order is fed at each step (Cho et al.).

    Called on a whole target sequence it is teacher-forced. The embedding, the readout and the
    vocabulary projection of all steps are then one product each, and only the recurrence is a
    loop; in Luong's order without input feeding the attention is one product too, and the loop
    is a fused kernel where the backend has one. `start` and `step` are the same decoder one token
    at a time, for search.

    With `copy=True` the decoder may also point at a source token (See et al.):

        g_t = sigmoid(W_g [h_t; c_t; E y_(t-1)] + b_g)
        p(w) = g_t p_vocabulary(w) + (1 - g_t) sum_(s: x_s = w) alpha_ts

    The tokens are then the vocabulary and, behind it, the positions of the source: `copy_ids` says
    which token each source token is, its id in the target vocabulary or `vocabulary_size` and the
    first position at which it stands. The results are then log-probabilities, with `time` columns
    more.

    With a `teacher_forcing_ratio` below 1 a step of training is fed the decoder's own last token
    instead of the true one, with probability 1 - ratio (scheduled sampling). Readout and
    projection are then inside the loop.

    Args:
        vocabulary_size: number of token ids.
        cell: `"lstm"`, `"gru"`, `"vanilla"` or another name in `ks.layers.CELLS`, the config of a
            cell, or an instance of one.
        units: size of the cell where a name is given, of the attention's score, and of r.
        num_layers: number of cells in the stack.
        attention: `"additive"` (the same as `"bahdanau"`), `"dot"` or another name in
            `ks.layers.ATTENTIONS`, a config, an instance, or `None`.
        embedding_dim: size of the token embeddings; `units` where `None`.
        dropout: rate on the embeddings, between layers (one mask per sequence) and on r.
        order: `"bahdanau"`, attend and then recur, or `"luong"`, recur and then attend, which
            trains faster.
        input_feeding: whether the last readout r_(t-1) is fed too.
        residual: whether a layer's input is added to its output, above the bottom one.
        readout: `"tanh"`, `"maxout"` or `None`.
        tie_embeddings: whether W_o is the embedding matrix; r is then as large as an embedding.
        copy: whether the decoder may point at source tokens, so that words (or characters) that
            are in no vocabulary pass through; it needs an attention.
        unknown_token_id: what is fed after a copied token that has no id.
        teacher_forcing_ratio: how often the true token is fed in training: a number in [0, 1], or a
            `LearningRateSchedule` of Keras's, of the training step, which a weight counts.
        sampling_level: what each toss of the coin is for: every `"token"`, every `"step"` for the
            whole batch, or every `"batch"`. The first step is always true: the start token.
        feedback: the token fed instead: the most probable, `"argmax"`, or a drawn one, `"sample"`.
        seed: an integer, for coins and draws.
        token_dropout: rate at which tokens are read as the unknown one in training, those of a
            translator's sources too. Ids up to `unknown_token_id`, the special ones, stay.
        variational: whether `dropout` drops the same features at all steps of a sequence.

    Call arguments:
        token_ids: integers `(batch, steps)`, the tokens fed: `y_0` is the start token.
        values: the outputs of the encoder, `(batch, time, size)`.
        encoder_states: its final states, a list of lists of `(batch, size)`.
        values_mask: boolean `(batch, time)`, `False` where the source is padding. Padding of the
            target needs no mask here: it stands on the right, and the loss leaves it out.
        copy_ids: integers `(batch, time)`, where `copy=True`.
        return_attention: whether to return the attention weights too.
        training: whether dropout, noise and scheduled sampling are active.

    Returns:
        Logits `(batch, steps, vocabulary_size)`, float32 in mixed precision; with
        `return_attention` a tuple with the weights `(batch, steps, time)` (or `None`).

    Raises:
        ValueError: for an unknown cell, attention, order, readout, level or feedback, sizes below
            1, a rate outside [0, 1), a ratio outside [0, 1], tied embeddings without a readout,
            or a pointer without attention or without `copy_ids`.

    Example:

    >>> import numpy as np
    >>> from keras_seq.layers import Encoder
    >>> values, states = Encoder("gru", units=4)(np.ones((2, 5, 3), "float32"))
    >>> decoder = Decoder(vocabulary_size=7, cell="gru", units=4)
    >>> tuple(decoder(np.ones((2, 6), "int32"), values, states).shape)
    (2, 6, 7)

    References:
        - Bahdanau, Cho & Bengio, 2015, arXiv:1409.0473 (the order, maxout in appendix A.2.2).
        - Luong, Pham & Manning, 2015, arXiv:1508.04025 (the other order, input feeding).
        - Sutskever, Vinyals & Le, 2014, arXiv:1409.3215; Cho et al., 2014, arXiv:1406.1078.
        - See, Liu & Manning, 2017, "Get to the point", arXiv:1704.04368 (the pointer).
        - Bengio, Vinyals, Jaitly & Shazeer, 2015, arXiv:1506.03099 (scheduled sampling).
        - Press & Wolf, 2017, arXiv:1608.05859 (tied embeddings).
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: AnyCell = "lstm",
        units: int = 256,
        num_layers: int = 1,
        attention: Chosen[AttentionMechanism] | None = "additive",
        embedding_dim: int | None = None,
        dropout: float = 0.0,
        order: str = "bahdanau",
        input_feeding: bool = False,
        residual: bool = False,
        readout: str | None = "tanh",
        tie_embeddings: bool = False,
        copy: bool = False,
        unknown_token_id: int = 3,
        teacher_forcing_ratio: sampling.Ratio = 1.0,
        sampling_level: str = "token",
        feedback: str = "argmax",
        seed: Seed = None,
        *,
        token_dropout: float = 0.0,
        variational: bool = False,
        **kwargs: Unpack[Options],
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = check_positive("vocabulary_size", vocabulary_size)
        self.units = check_positive("units", units)
        self.num_layers = check_positive("num_layers", num_layers)
        embedding_dim = units if embedding_dim is None else embedding_dim
        self.embedding_dim = check_positive("embedding_dim", embedding_dim)
        self.dropout = check_rate("dropout", dropout)
        self.order, self.residual, self.input_feeding = order, residual, input_feeding
        self.readout = check_choice("readout", readout, READOUTS)
        self.tie_embeddings, self.copy = tie_embeddings, copy
        self.unknown_token_id = unknown_token_id
        self.teacher_forcing_ratio = sampling.check_ratio(teacher_forcing_ratio)
        self.sampling_level = check_choice("sampling_level", sampling_level, sampling.LEVELS)
        self.feedback = check_choice("feedback", feedback, sampling.FEEDBACKS)
        self.seed = seed
        self.token_dropout = check_rate("token_dropout", token_dropout)
        self.variational = variational
        if readout is None and (tie_embeddings or input_feeding):
            raise ValueError(
                "`tie_embeddings` and `input_feeding` need a readout; received readout=None."
            )
        if copy and attention is None:
            raise ValueError("`copy=True` points by attention; received attention=None.")
        self._make_layers(cell, attention)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_jit = jit_pays  # what `jit_compile="auto"` asks

    def _make_layers(self, cell, attention):
        policy = self.dtype_policy
        self.embedding = token_embedding(
            self.vocabulary_size, self.embedding_dim, policy, name="target_embedding"
        )
        self.cell = AttentionCell(
            [cell] * self.num_layers,
            get_attention(attention, self.units, policy),
            self.units,
            order=self.order,
            residual=self.residual,
            dtype=policy,
        )
        self.bridge = Bridge([own_sizes(inner) for inner in self.cell.cells], dtype=policy)
        self.readout_size = self.embedding_dim if self.tie_embeddings else self.units
        self.readout_layer = readout_layer(self.readout, self.readout_size, policy)
        self.projection = keras.layers.Dense(self.vocabulary_size, dtype=policy.variable_dtype)
        if self.copy:
            self.copy_gate = keras.layers.Dense(1, dtype=policy.variable_dtype)
        self.dropout_layer = dropout_layer(self.dropout, self.variational, policy)

    def build(self, token_ids_shape, values_shape, encoder_states_shape):
        batch = token_ids_shape[0]
        if self.cell.attention is None:
            values_shape = (batch, self.cell.output_size)
        seen = self.cell.output_size + values_shape[-1]  # what pointer and readout see
        features = seen + (self.embedding_dim if self.order == "bahdanau" else 0)
        self.embedding.build(token_ids_shape)
        self.bridge.build(encoder_states_shape)
        fed = self.embedding_dim + (self.readout_size if self.input_feeding else 0)
        self.cell.build((batch, fed), values_shape)
        if self.readout is not None:
            self.readout_layer.build((batch, None, features))
            features = self.readout_size
        if self.tie_embeddings:
            self.projection_bias = self.add_weight(
                shape=(self.vocabulary_size,), initializer="zeros", name="projection_bias"
            )
        else:
            self.projection.build((batch, None, features))
        if self.copy:
            self.copy_gate.build((batch, None, seen + self.embedding_dim))
        if callable(self.teacher_forcing_ratio):  # a schedule
            self.training_steps = self.add_weight(
                shape=(), dtype="int32", initializer="zeros", trainable=False, name="training_steps"
            )

    def start(
        self,
        values: Tensor,
        encoder_states: Nest,
        values_mask: Mask = None,
        copy_ids: Tensor = None,
    ) -> tuple[Nest, dict[str, Tensor]]:
        """Return `(state, memory)` before the first token.

        `state` changes with every step: a dict of nests of tensors, batch first. Where there is
        attention its `coverage`, `(batch, time)`, is the sum of all weights so far, and 1 where
        the source is padding. `memory` stays: beam search repeats it for the beams of a source and
        never reorders it.
        """
        cell_states = [
            whole_state(cell, first)
            for cell, first in zip(self.cell.cells, self.bridge(encoder_states), strict=True)
        ]
        if self.cell.attention is None:
            values = ops.cast(cell_states[-1][0], self.compute_dtype)
        memory = self.cell.memory(values, values_mask)
        state = self.cell.start(cell_states, memory)
        if self.input_feeding:
            blank = ops.cast(ops.zeros_like(cell_states[0][0][:, :1]), self.compute_dtype)
            state["fed"] = ops.repeat(blank, self.readout_size, axis=1)
        if self.cell.attention is not None:
            state["coverage"] = ops.cast(ops.logical_not(memory["mask"]), "float32")
        if self.copy:
            memory |= pointer_memory(copy_ids, memory["mask"], self.vocabulary_size)
        return state, memory

    def step(self, token_ids: Tensor, state: Nest, memory: Nest) -> tuple[Tensor, Nest]:
        """Return `(logits, state)` after feeding `token_ids`, integers `(batch,)`."""
        seen, new_state = self._advance(self._embed(token_ids), state, memory)
        if "weights" in seen:
            new_state["coverage"] = state["coverage"] + ops.cast(seen["weights"], "float32")
        logits = self._logits(seen, memory)
        if self.copy:
            logits = ops.where(memory["possible"], logits, -1e9)
        return logits, new_state

    def call(
        self,
        token_ids: Tensor,
        values: Tensor,
        encoder_states: Nest,
        values_mask: Mask = None,
        copy_ids: Tensor = None,
        return_attention: bool = False,
        training: bool = False,
    ) -> Nest:
        state, memory = self.start(values, encoder_states, values_mask, copy_ids)
        state.pop("coverage", None)
        if training and self.token_dropout:
            how = (self.token_dropout, self.unknown_token_id, self.seed_generator)
            token_ids = some_unknown(token_ids, *how)
        # Whether it is 1 for good is known while a graph is made; a schedule's value is not.
        if training and self.teacher_forcing_ratio != 1:
            logits, weights = self._sample(token_ids, state, memory)
        else:
            logits, weights = self._force(token_ids, state, memory, training)
        return (logits, weights) if return_attention else logits

    def _embed(self, token_ids):
        """The embeddings of tokens; a copied one is fed as the unknown token."""
        if self.copy:
            known = token_ids < self.vocabulary_size
            token_ids = ops.where(known, token_ids, self.unknown_token_id)
        return self.embedding(token_ids)

    def _advance(self, inputs, state, memory, steppers=None, x=None, drop=None, **how):
        """One step; the arguments behind `memory` are for loops, see `AttentionCell.step`.

        Returns:
            `(seen, state)`, with `seen` a dict of `output`, `context` and `inputs`, with attention
            `weights` too, and with input feeding the `readout`, which `drop` is multiplied with.
        """
        steppers = steppers or self.cell.plain_steppers()
        inside = [inputs] if x is None else []
        if self.input_feeding:
            inside.append(state["fed"])
        (output, context, weights), new = self.cell.step(steppers, x, state, memory, inside, **how)
        seen = {"output": output, "context": context, "inputs": inputs}
        if weights is not None:
            seen["weights"] = weights
        if self.input_feeding:
            seen["readout"] = self._read(seen) if drop is None else self._read(seen) * drop
            new = {**new, "fed": seen["readout"]}
        return seen, new

    def _force(self, token_ids, state, memory, training):
        """Logits and attention weights with the true tokens fed."""
        inputs = self.dropout_layer(self._embed(token_ids), training=training)  # (B, T, E)
        masks = masks_between(self.dropout_layer, state["cells"]) if training else None
        if self.input_feeding:
            seen = self._force_with_feeding(inputs, state, memory, masks, training)
        else:
            output, context, weights = self.cell.unroll(inputs, state, memory, masks, training)
            seen = {"output": output, "context": context, "inputs": inputs, "weights": weights}
            seen["readout"] = self.dropout_layer(self._read(seen), training=training)
        return self._logits(seen, memory), seen.get("weights")

    def _force_with_feeding(self, inputs, state, memory, masks, training):
        """The loop where the readout is fed back: what all steps have seen."""
        steppers = self.cell.steppers(self.embedding_dim, training)
        steps = {"inputs": inputs, "projected": steppers[0].project(inputs)}
        if training and self.dropout:
            steps["drop"] = ones_dropped(self.dropout_layer, inputs, self.readout_size)

        def step(x, state):
            how = {"dropout_masks": masks, "noise": x.get("noise"), "training": training}
            how |= {"x": x["projected"], "drop": x.get("drop")}
            seen, state = self._advance(x["inputs"], state, memory, steppers, **how)
            del seen["inputs"]  # they are known
            return seen, state

        seen, _ = self.cell.loop(step, state, state, memory, steps, steppers, training)
        return {**seen, "inputs": inputs}

    def _sample(self, token_ids, state, memory):
        """Logits and attention weights of training with scheduled sampling."""
        steppers = self.cell.steppers(0, training=True)
        masks = masks_between(self.dropout_layer, state["cells"])
        ratio = self.teacher_forcing_ratio
        if callable(ratio):
            ratio = ratio(self.training_steps)
            self.training_steps.assign_add(1)
        how = (self.sampling_level, self.feedback, self.seed_generator)
        steps = sampling.draw_steps(token_ids, ratio, *how)
        if self.dropout:
            steps["drop_inputs"] = ones_dropped(self.dropout_layer, token_ids, self.embedding_dim)
            steps["drop"] = ones_dropped(self.dropout_layer, token_ids, self.readout_size)

        def step(x, carried):
            written, state = carried
            inputs = self._embed(ops.where(x["forced"], x["token_ids"], written))
            if "drop_inputs" in x:
                inputs = inputs * x["drop_inputs"]
            how = {"dropout_masks": masks, "noise": x.get("noise"), "training": True}
            seen, state = self._advance(inputs, state, memory, steppers, drop=x.get("drop"), **how)
            if "readout" not in seen and "drop" in x and self.readout is not None:
                seen["readout"] = self._read(seen) * x["drop"]
            seen["logits"] = self._logits(seen, memory)
            written = sampling.fed_back(seen["logits"], x.get("draw"))
            return {name: seen[name] for name in kept if name in seen}, (written, state)

        kept = ("logits", "weights")
        carried = (ops.zeros_like(steps["token_ids"][:, 0]), state)
        results, _ = self.cell.loop(step, carried, state, memory, steps, steppers, training=True)
        return results["logits"], results.get("weights")

    def _read(self, seen):
        """The readout, from one step or from all."""
        parts = [seen["output"], seen["context"]]
        parts += [seen["inputs"]] if self.order == "bahdanau" else []
        return read(self.readout, self.readout_layer, ops.concatenate(parts, axis=-1))

    def _logits(self, seen, memory):
        """The logits, of one step or of all, from what `_advance` returns."""
        readout = seen["readout"] if "readout" in seen else self._read(seen)
        if self.tie_embeddings:
            bias, dtype = self.projection_bias, self.projection.dtype
            logits = tied_logits(self.embedding, readout, bias, dtype)
        else:
            logits = dense(self.projection, readout)
        if not self.copy:
            return logits
        parts = [seen["output"], seen["context"], seen["inputs"]]
        gate = ops.sigmoid(self.copy_gate(ops.concatenate(parts, axis=-1)))
        return mixed_log_probabilities(logits, gate, seen["weights"], memory["copies"])

    def get_config(self) -> Config:
        names = [name for name in options(Decoder) if name not in ("cell", "attention")]
        return {
            **super().get_config(),
            **{name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names},
            "cell": cell_config(self.cell.cells[0]),
            "attention": unbuilt_config(self.cell.attention),
        }
