"""The signatures of a served translator."""

from keras_seq._tensorflow import tensorflow
from keras_seq.export.signature import Field, Signature
from keras_seq.models.base.serving import answer_shape, dense, padded, run_search, shaped
from keras_seq.models.base.stop_tokens import end_token_ids
from keras_seq.text.blank import are_blank

ABOUT_SCORES = "by which the sampler ranks; the log-probability in nats, but for beam search"


class TranslatorGraph:
    """From texts to translations, in TensorFlow.

    Args:
        model: a `Seq2Seq`.
        sampler: a `samplers.Sampler`.
        max_length: the most tokens to write; where `None`, as `Seq2Seq.generate` has it.
        stop_tokens: as in `Seq2Seq.generate`.
    """

    def __init__(self, model, sampler, max_length=None, stop_tokens=None):
        self.model = model
        self.text = model.preprocessor
        self.sampler = sampler
        self.max_length = max_length
        self.end = end_token_ids(model.target_tokenizer, stop_tokens)
        self.room = min(model.max_target_length, max_length or model.max_target_length)

    def translate(self, text):
        """Texts `(batch,)` -> `outputs` and `scores`."""
        columns, _ = self.model.encode_tensors(text)
        ids, scores = self._search(columns, text)
        return {
            "outputs": shaped(self.text.target_texts(ids, text), self.sampler),
            "scores": shaped(scores, self.sampler),
        }

    def attend(self, text):
        """The same for the best answer, with the tokens of both sides and the attention."""
        tf = tensorflow()
        columns, _ = self.model.encode_tensors(text)
        ids, scores = self._search(columns, text)
        best = ids[:: self.sampler.n_best or 1]
        outputs, sources = self.text.target_texts(best, text), self.text.source_tokens(text)
        lengths = best.row_lengths()
        # No row but one without a token to read would have no step.
        steps = tf.maximum(tf.reduce_max(lengths), 1)
        fed = tf.concat([self._start_tokens(best.nrows())[:, None], best], axis=1)[:, :-1]
        fed = padded(fed, steps)
        inputs = {**dense(columns), "target_ids": fed}
        weights = self.model(inputs, training=False, return_attention=True)[1]
        written = tf.sequence_mask(lengths, steps, "float32")
        return {
            "outputs": outputs,
            "scores": scores[:, 0],
            "source_tokens": sources.to_tensor(),
            "target_tokens": padded(self.text.target_tokens(best, sources), steps),
            "attention": tf.cast(weights, "float32") * written[:, :, None],
        }

    def _search(self, columns, text):
        """Ragged columns of texts -> `(token_ids, scores)` of the answers; blank ones get none."""
        tf = tensorflow()
        lengths = tf.cast(columns["source_ids"].row_lengths(), "int32")
        limits = 3 * lengths + 32 if self.max_length is None else tf.fill(tf.shape(lengths), 2**30)
        first = self._start_tokens(tf.shape(lengths)[0])
        blank = are_blank(text, columns["source_ids"])
        limits, columns = tf.where(blank, 0, tf.minimum(limits, self.room)), dense(columns)
        return run_search(self.model, self.sampler, columns, limits, first, self.end, self.room)

    def _start_tokens(self, rows):
        tf = tensorflow()
        return tf.fill((tf.cast(rows, "int32"),), self.model.target_tokenizer.start_token_id)


def translator_signatures(model, sampler, max_length, examples, stop_tokens=None):
    """Return the signatures of a translator: `serving_default`, and `attend` with an attention.

    Args:
        model: see `TranslatorGraph`.
        sampler: likewise.
        max_length: likewise.
        examples: texts for a request that shows how.
        stop_tokens: likewise.
    """
    graph = TranslatorGraph(model, sampler, max_length, stop_tokens)
    text = {"text": Field("string", "the texts to translate, UTF-8; '' of a blank one")}
    shape = answer_shape(sampler)
    best = (
        "" if sampler.n_best is None else ", best first; an empty one with -1e9 where there is none"
    )
    answers = {
        "outputs": Field("string", f"the translations, UTF-8{best}", shape),
        "scores": Field("float32", ABOUT_SCORES, shape),
    }
    example = {"text": examples}
    signatures = [
        Signature("serving_default", "Translates texts.", graph.translate, text, answers, example)
    ]
    if model.has_attention:
        signatures.append(
            Signature(
                "attend",
                "Translates texts, and says where the decoder looked.",
                graph.attend,
                text,
                {
                    "outputs": Field("string", "the best translations, UTF-8"),
                    "scores": Field("float32", ABOUT_SCORES),
                    "source_tokens": Field("string", "what was read, '' behind the end", (None,)),
                    "target_tokens": Field("string", "what was written, likewise", (None,)),
                    "attention": Field(
                        "float32",
                        "weight of each source token for each target token, 0 behind the ends",
                        (None, None),
                    ),
                },
                example,
            )
        )
    return signatures
