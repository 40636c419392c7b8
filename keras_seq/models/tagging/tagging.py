"""Sentences through a tagger: in pieces, in batches of similar length, compiled once a shape."""

import numpy as np
from keras import ops

from keras_seq._checks import check_batch_size
from keras_seq.models.base.functions import CompiledFunctions
from keras_seq.models.base.predicting import padded_batches


class Tagging:
    """What a tagger answers to sentences of any length.

    Args:
        model: the `TextTagger`.

    Call arguments:
        sentences: lists of words.
        batch_size: sentences at once, 64 where `None`.
        verbose: whether to show a progress bar.

    Returns:
        For each sentence a pair: the numbers of its tags, `(words,)`, and the probabilities of
        all, float32 `(words, tags)`.
    """

    def __init__(self, model):
        self.model = model
        self._compiled = CompiledFunctions(model)

    def __call__(self, sentences, batch_size=None, verbose=0):
        """Cut longer sentences into pieces, and put the answers to these together.

        A sentence of tags that begins and ends validly is valid behind another one.
        """
        batch_size = check_batch_size(batch_size, 64)
        most = self.model.max_length
        pieces = [words[i : i + most] for words in sentences for i in range(0, len(words), most)]
        answers = iter(self._pieces(pieces, batch_size, verbose))
        nothing = np.zeros(0, "int32"), np.zeros((0, len(self.model.tag_names)), "float32")
        found = []
        for words in sentences:
            parts = [nothing, *(next(answers) for _ in range(0, len(words), most))]
            found.append(tuple(np.concatenate(part) for part in zip(*parts, strict=True)))
        return found

    def _pieces(self, pieces, batch_size, verbose):
        """Answers to lists of words, none of them empty or too long."""
        answers = [None] * len(pieces)
        if not pieces:
            return answers
        examples = self.model.encode_examples(pieces)
        for rows, inputs in padded_batches(examples, batch_size, verbose):
            for row, answer in zip(rows, self.tag_batch(inputs), strict=False):
                answers[row] = answer
        return answers

    def tag_batch(self, inputs):
        """Return the answers to one padded batch of ids."""
        names = tuple(sorted(inputs))
        columns = [ops.convert_to_numpy(inputs[name]) for name in names]
        lengths = (ops.convert_to_numpy(inputs["token_ids"]) != 0).sum(axis=1)
        found = self._answer(names)(*(ops.convert_to_tensor(x, dtype="int32") for x in columns))
        tags, probabilities = (ops.convert_to_numpy(x) for x in found)
        return [(tags[i, :n].copy(), probabilities[i, :n].copy()) for i, n in enumerate(lengths)]

    def _answer(self, names):
        """The compiled `answer` of the model, a function of the columns with these names."""

        def answer(*columns):
            return self.model.answer(dict(zip(names, columns, strict=True)))

        return self._compiled(names, answer)
