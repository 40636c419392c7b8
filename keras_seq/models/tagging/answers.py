"""Taggers with sentences: in pieces, in batches of similar length, compiled once a shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_seq._checks import check_batch_size
from keras_seq._typing import Tensor
from keras_seq.backend import predictions
from keras_seq.export.step_functions import StepFunctions
from keras_seq.models.base.encoders import TokenReader
from keras_seq.models.base.outputs import Outputs
from keras_seq.models.base.predicting import padded_batches
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.streaming import check_streams
from keras_seq.models.tagging.serving import tagger_ids
from keras_seq.models.tagging.steps import tagger_steps
from keras_seq.models.tagging.tag_loss import TagLoss
from keras_seq.text.forms import single_text
from keras_seq.text.sentences import check_sentences, listed_sentences


class Tagging(TokenReader):
    """A task that gives each word of a sentence a tag, and says how probable all tags are.

    Attributes:
        tags: the `Tags`.
        chain: the `layers.CRF` over the emissions that `call` returns.
        crf: whether its weights count.
        max_length: longer sentences are read in pieces of so many words.
    """

    @property
    def tag_names(self) -> list[str]:
        """The names of the tags, a list of str, in the order of the outputs."""
        return list(self.tags.names)

    @property
    def scheme(self) -> str | None:
        """What the tags that the model writes are written in; `None` for tags of single words."""
        return self.tags.scheme

    @property
    def label_limit(self):
        return len(self.tag_names) + 1

    def output_form(self):
        return Outputs(len(self.tag_names), per_token=True)

    def real_targets(self, x, y, sample_weight=None):
        """Return labels as numbers of tags from 0 on, with weights and what is real."""
        labels, weights, real = super().real_targets(x, y, sample_weight)
        return ops.maximum(ops.cast(labels, "int32") - 1, 0), weights, real

    def encode_words(self, words):
        """A ragged tensor of words -> the columns of `call`, ragged int32."""
        return self.preprocessor.encode_words(words)

    def get_compile_config(self):
        config = super().get_compile_config()
        if config is not None and isinstance(self.loss, TagLoss):
            config["loss"] = "auto"  # it belongs to the CRF of the model, of which there is one
        return config

    def predict_texts(self, texts, batch_size=None, verbose=0, **options):
        """Return the probabilities of the tags of each word, for a list of sentences."""
        del options  # Keras's `predict` has no part in it
        answers = self._tag_sentences(self.check_inputs(texts), batch_size, verbose)
        return [probabilities for _, probabilities in answers]

    def answer_ids(self, x, **kwargs):
        """The same for ids that are known to be right: a dict as `call` takes it, or a dataset."""
        del kwargs
        batches = [x] if isinstance(x, dict) else x
        batches = (batch[0] if isinstance(batch, (list, tuple)) else batch for batch in batches)
        return [probabilities for batch in batches for _, probabilities in self._tag_batch(batch)]

    def answer_ids_on_batch(self, x):
        """The same for a dict of ids."""
        return self.answer_ids(x)

    def tag(
        self,
        inputs: Any,
        return_probabilities: bool = False,
        return_spans: bool = False,
        batch_size: int = 64,
    ) -> Any:
        """Tag the words of sentences.

        Args:
            inputs: one sentence as a string; or a list of sentences, each a string or a list of
                words. (A list is always one of sentences: `model.tag([words])[0]`.)
            return_probabilities: whether to return the probabilities of all tags too.
            return_spans: whether to return the spans that the tags mark too; for a `scheme`.
            batch_size: how many sentences at once.

        Returns:
            For a sentence given as a list of words the list of its tags; for one given as a string
            a dict of `tokens`, its words, and `tags`. With `return_...` a dict for both, which has
            besides `probabilities`, float32 `(words, tags)` in the order of `tag_names` (as
            `predict` finds them), and `spans`, list of `(type, start, end)`: words `start` to
            `end - 1`. One of these for a string, a list of them for a list.

        Raises:
            ValueError: for anything but sentences, and `return_spans` without a scheme.
        """
        if return_spans and self.scheme is None:
            raise ValueError('`return_spans` is for a tagger with a scheme, such as "BIO".')
        text = single_text(inputs)
        single = text is not None
        listed = [text] if single else listed_sentences(inputs, "inputs")
        sentences = check_sentences(listed, "inputs")
        results = self._tag_sentences(sentences, batch_size)
        answers = []
        for sentence, words, (numbers, probabilities) in zip(
            listed, sentences, results, strict=True
        ):
            answer = {"tokens": words, "tags": self.tags.decode(numbers)}
            if return_probabilities:
                answer["probabilities"] = probabilities
            if return_spans:
                answer["spans"] = self.tags.spans(answer["tags"])
            plain = single_text(sentence) is None and len(answer) == 2
            answers.append(answer["tags"] if plain else answer)
        return answers[0] if single else answers

    def answer(self, inputs: Any) -> tuple[Tensor, Tensor]:
        """Return the best tags and the probabilities of all, for a dict of ids as `call` takes it.

        Returns:
            `(tags, probabilities)`: integers `(batch, words)` from 0 on, and floats
            `(batch, words, tags)`; anything where padding.
        """
        emissions = self(inputs, training=False)
        mask = ops.not_equal(inputs["token_ids"], self.tokenizer.pad_token_id)
        if not self.crf and self.scheme is None:
            emissions = ops.cast(emissions, "float32")
            return predictions(emissions), ops.softmax(emissions)
        return self.chain.decode(emissions, mask)[0], self.chain.marginals(emissions, mask)

    def make_id_function(self):
        return tagger_ids(self)

    step_signature = "stream"

    def _check_steps(self, examples=None, **options):
        check_streams(self)
        check_examples(examples, self.tokenizer)

    def make_steps(
        self, examples: Sequence[str] | None = None, inspect: bool = False
    ) -> StepFunctions:
        """Return what the model computes word by word.

        Args:
            examples: a sentence for the example of the manifest; of frequent words where `None`.
            inspect: whether a step shows gates and candidates too.
        """
        return tagger_steps(self, check_examples(examples, self.tokenizer), inspect)

    def _tag_sentences(self, sentences, batch_size=None, verbose=0):
        """Return a pair for each list of words: the numbers of its tags, and their probabilities.

        Longer sentences are cut into pieces, and the answers to these put together: a sentence of
        tags that begins and ends validly is valid behind another one.

        Returns:
            A list of `(numbers, probabilities)`, `(words,)` and float32 `(words, tags)`.
        """
        batch_size = check_batch_size(batch_size, 64)
        most = self.max_length
        pieces = [words[i : i + most] for words in sentences for i in range(0, len(words), most)]
        answers = iter(self._tag_pieces(pieces, batch_size, verbose))
        nothing = np.zeros(0, "int32"), np.zeros((0, len(self.tag_names)), "float32")
        results = []
        for words in sentences:
            parts = [nothing, *(next(answers) for _ in range(0, len(words), most))]
            results.append(tuple(np.concatenate(part) for part in zip(*parts, strict=True)))
        return results

    def _tag_pieces(self, pieces, batch_size, verbose):
        """The answers to lists of words, none of them empty or too long."""
        answers = [None] * len(pieces)
        if not pieces:
            return answers
        examples = self.encode_examples(pieces)
        for rows, inputs in padded_batches(examples, batch_size, verbose):
            for row, answer in zip(rows, self._tag_batch(inputs), strict=False):
                answers[row] = answer
        return answers

    def _tag_batch(self, inputs):
        """The answers to one padded batch of ids."""
        names = tuple(sorted(inputs))
        columns = [ops.convert_to_numpy(inputs[name]) for name in names]
        lengths = (ops.convert_to_numpy(inputs["token_ids"]) != 0).sum(axis=1)

        def answer(*columns):
            return self.answer(dict(zip(names, columns, strict=True)))

        key = ("answer", names)
        answer = self._compiled(key, self._compiled.reader(key, answer))
        answers = answer(*(ops.convert_to_tensor(x, dtype="int32") for x in columns))
        tags, probabilities = (ops.convert_to_numpy(x) for x in answers)
        return [(tags[i, :n].copy(), probabilities[i, :n].copy()) for i, n in enumerate(lengths)]
