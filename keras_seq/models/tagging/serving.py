"""The signatures of a served tagger, for sentences and for ids."""

import json

import numpy as np
from keras import ops

from keras_seq._tensorflow import tensorflow, to_utf8
from keras_seq.export.id_function import IdFunction
from keras_seq.export.signature import Field, Signature
from keras_seq.models.base.id_function import draw_ids, id_examples, id_metadata, ids_field
from keras_seq.models.base.serving import dense, mended, padded
from keras_seq.text.sentences import split_tensors


class TaggerGraph:
    """From sentences to tags, in TensorFlow.

    Args:
        model: a `TextTagger`.
    """

    def __init__(self, model):
        self.model = model

    def tag(self, text):
        """Sentences `(batch,)` -> `tokens`, `tags` and `probabilities`, `(batch, words)`."""
        tf = tensorflow()
        words = split_tensors(text)
        pieces, lengths = self._pieces(words)
        numbers, probabilities = self.model.answer(dense(self.model.encode_words(pieces)))
        chosen = tf.gather(probabilities, numbers, axis=-1, batch_dims=2)
        names = tf.constant([to_utf8(name) for name in self.model.tag_names])
        # The pieces of a sentence follow each other, so that all words stand as they stood.
        numbers, chosen = (
            tf.RaggedTensor.from_tensor(x, lengths).flat_values for x in (numbers, chosen)
        )
        columns = {
            "tokens": mended(words.flat_values),
            "tags": tf.gather(names, numbers),
            "probabilities": tf.cast(chosen, "float32"),
        }
        return {name: padded(words.with_flat_values(values)) for name, values in columns.items()}

    def _pieces(self, words):
        """Sentences cut where they are too long, and one more without a word; their lengths."""
        tf = tensorflow()
        most, lengths = self.model.max_length, words.row_lengths()
        counts = (lengths + most - 1) // most
        numbers = tf.ragged.range(counts)
        left = tf.gather(lengths, numbers.value_rowids()) - numbers.flat_values * most
        lengths = tf.concat([tf.minimum(left, most), [0]], axis=0)
        return tf.RaggedTensor.from_row_lengths(words.flat_values, lengths, validate=False), lengths


def tagger_signatures(model, examples):
    """Return the signature of a tagger.

    Args:
        model: a `TextTagger`.
        examples: sentences for a request that shows how.
    """
    answers = {
        "tokens": Field("string", "the words of the sentence, '' behind the last one", (None,)),
        "tags": Field("string", "the tag of each word, likewise", (None,)),
        "probabilities": Field("float32", "of the tag of each word, 0 behind the last", (None,)),
    }
    return [
        Signature(
            "serving_default",
            "Tags the words of sentences.",
            TaggerGraph(model).tag,
            {"text": Field("string", "sentences, UTF-8, with blanks between the words")},
            answers,
            {"text": examples},
        )
    ]


def tagger_ids(model):
    """Return the `IdFunction` of a `TextTagger`: ids to tags and probabilities."""

    def tag(**inputs):
        tags, probabilities = model.answer(inputs)
        return {
            "tags": ops.cast(tags, "int32"),
            "probabilities": ops.cast(probabilities, "float32"),
        }

    def letters(draw, valid):
        return _characters(draw, model, valid)

    inputs = {"token_ids": ids_field("words")}
    examples = id_examples(model, None if model.character_tokenizer is None else letters)
    metadata = {
        **id_metadata(model),
        "tag_names": json.dumps(model.tag_names, ensure_ascii=False),
        "scheme": json.dumps(model.scheme),
        "zero_digits": json.dumps(bool(model.zero_digits)),
    }
    if model.character_tokenizer is not None:
        inputs["char_ids"] = ids_field("the characters of all words, one behind the other")
        about = "how many of the characters of its row there are up to the end of each word"
        inputs["char_ends"] = Field("int32", about, (None,))
        metadata["max_word_length"] = str(model.max_word_length)
    outputs = {
        "tags": Field("int32", "the number of the tag of each word, from 0", (None,)),
        "probabilities": Field("float32", "of all tags", (None, len(model.tag_names))),
    }
    return IdFunction(tag, inputs, outputs, examples, metadata)


def _characters(draw, model, valid):
    """The columns of the characters, for words where `valid`, some of them long."""
    sizes = np.where(valid, draw(1, model.max_word_length + 1, valid.shape), 0)
    ends = np.cumsum(sizes, axis=1)
    ids = draw_ids(draw, model.character_tokenizer, (len(valid), ends.max()))
    inside = np.arange(ids.shape[1]) < ends[:, -1:]
    return {
        "char_ids": np.where(inside, ids, 0).astype("int32"),
        "char_ends": ends.astype("int32"),
    }
