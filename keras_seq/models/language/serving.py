"""The signatures of a served language model."""

import math

from keras_seq._tensorflow import tensorflow
from keras_seq.export.signature import Field, Signature
from keras_seq.models.base.serving import answer_shape, mended, padded, run_search, shaped
from keras_seq.models.base.stop_tokens import end_token_ids
from keras_seq.samplers.noise import signed


class LanguageModelGraph:
    """From texts to continuations and scores, in TensorFlow.

    Args:
        model: a `LanguageModel`.
        sampler: a `samplers.Sampler`.
        max_length: the most tokens to write.
        stop_tokens: as in `LanguageModel.generate`.
    """

    def __init__(self, model, sampler, max_length, stop_tokens=None):
        self.model = model
        self.sampler = sampler
        self.max_length = max_length
        self.end = end_token_ids(model.tokenizer, stop_tokens)

    def go_on(self, text):
        """Texts `(batch,)` -> `outputs` and `scores`, with the sampler as it is."""
        limits = tensorflow().fill(tensorflow().shape(text), self.max_length)
        return self._go_on(text, limits, self.sampler)

    def generate(self, text, max_length, **numbers):
        """The same with a number of tokens, and with numbers of the sampler, for each row."""
        limits = tensorflow().clip_by_value(max_length, 0, self.max_length)
        sampler = self.sampler.with_rows(**numbers) if numbers else self.sampler
        return self._go_on(text, limits, sampler)

    def _go_on(self, text, limits, sampler):
        tf = tensorflow()
        tokenizer = self.model.tokenizer
        fed = self._fed_and_labels(text)[0]
        prompts = fed[:, :-1]
        ids, scores = run_search(
            self.model,
            sampler,
            {"prompt_ids": padded(prompts)},
            limits,
            fed[:, -1:].flat_values,
            self.end,
            self.max_length,
        )
        before = tokenizer.split(text)
        rows = tf.repeat(tf.range(before.nrows()), sampler.n_best or 1)
        tokens = tf.concat([tf.gather(before, rows), tokenizer.ids_to_tokens(ids)], axis=1)
        return {
            "outputs": shaped(tokenizer.join(tokens), sampler),
            "scores": shaped(scores, sampler),
        }

    def score(self, text):
        """Texts `(batch,)` -> how probable each is."""
        tf = tensorflow()
        fed, labels = self._fed_and_labels(text)
        counts = fed.row_lengths()
        total = self._log_probability(fed.to_tensor(), labels.to_tensor())
        characters = tf.strings.length(mended(text), unit="UTF8_CHAR") + 1
        log2 = tf.constant(math.log(2), "float64")
        scores = {
            "log_probability": total,
            "perplexity": tf.exp(-total / tf.cast(counts, "float64")),
            "bits_per_character": -total / log2 / tf.cast(characters, "float64"),
        }
        scores = {name: tf.cast(value, "float32") for name, value in scores.items()}
        return {**scores, "num_tokens": tf.cast(counts, "int32")}

    def _log_probability(self, fed, labels):
        """That of whole rows, float64 `(batch,)`, read chunk by chunk."""
        tf = tensorflow()
        model, (rows, steps) = self.model, tf.unstack(tf.shape(fed))
        chunk = steps if model.chunk is None else model.chunk

        def read(start, total, *leaves):
            part = slice(start, start + chunk)
            state = tf.nest.pack_sequence_as(structure, leaves)
            values, state = model.log_probabilities(fed[:, part], labels[:, part], state)
            values = tf.where(labels[:, part] != model.tokenizer.pad_token_id, values, 0.0)
            total += tf.reduce_sum(tf.cast(values, "float64"), axis=1)
            return (start + chunk, total, *tf.nest.flatten(state))

        structure = model.first_state(rows)
        first = (tf.constant(0), tf.zeros((rows,), "float64"), *tf.nest.flatten(structure))
        return tf.while_loop(lambda start, *_: start < steps, read, first)[1]

    def _fed_and_labels(self, text):
        columns, labels = self.model.encode_tensors(text)
        return columns["token_ids"], labels


ABOUT = {
    "temperature": "below 1 the likely tokens become likelier; 0 for the likeliest alone",
    "seed": "the same seed and text give the same answer",
}


def language_model_signatures(model, sampler, max_length, examples, stop_tokens=None):
    """Return the signatures `serving_default`, `generate` and `score` of a language model.

    Args:
        model: a `LanguageModel`.
        sampler: a `samplers.Sampler`; `generate` takes its numbers `per_row` for each text.
        max_length: the most tokens to write, whatever a request asks for.
        examples: texts for a request that shows how.
        stop_tokens: as in `LanguageModel.generate`.
    """
    graph = LanguageModelGraph(model, sampler, max_length, stop_tokens)
    shape, count = answer_shape(sampler), len(examples)
    text = {"text": Field("string", "what to go on from, UTF-8; '' is right too")}
    answers = {
        "outputs": Field("string", "the texts and what was written behind them, UTF-8", shape),
    }
    answers["scores"] = Field(
        "float32", "of what was written, by which the sampler ranks; the log-probability", shape
    )
    numbers = {
        name: Field(dtype, ABOUT.get(name, f"`{name}` of the sampler"))
        for name, dtype in sampler.per_row.items()
    }
    defaults = {name: [_number(getattr(sampler, name))] * count for name in numbers}
    length = Field("int32", f"how many tokens to write at most, up to {max_length}")
    scores = {
        "log_probability": Field("float32", "of the whole text and its end, in nats"),
        "num_tokens": Field("int32", "how many tokens it has, the end being one"),
        "perplexity": Field("float32", "exp(-log_probability / num_tokens)"),
        "bits_per_character": Field("float32", "the end being a character"),
    }
    return [
        Signature(
            "serving_default", "Goes on from texts.", graph.go_on, text, answers, {"text": examples}
        ),
        Signature(
            "generate",
            "Goes on from texts, each in its own way.",
            graph.generate,
            {**text, "max_length": length, **numbers},
            answers,
            {"text": examples, "max_length": [max_length] * count, **defaults},
        ),
        Signature(
            "score",
            "Says how probable texts are.",
            graph.score,
            {"text": Field("string", "the texts, UTF-8")},
            scores,
            {"text": examples},
        ),
    ]


def _number(value):
    """A number as a tensor of 32 bits holds it."""
    return signed(value) if isinstance(value, int) else value
