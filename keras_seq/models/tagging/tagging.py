"""Sentences through a tagger: in pieces, in batches of similar length, compiled once a shape."""

import numpy as np
from keras import ops

from keras_seq._checks import check_batch_size
from keras_seq.models.base.adapter import Adapter
from keras_seq.models.base.batches import padded_batches
from keras_seq.models.base.functions import CompiledFunctions
from keras_seq.models.base.id_checks import check_id_dataset, check_ids
from keras_seq.models.base.task import is_dataset, is_text
from keras_seq.models.tagging.sentences import check_sentences
from keras_seq.text.pipeline import is_text_dataset, text_batches


class Tagging:
    """What a tagger answers to anything that it takes.

    Args:
        model: the `TextTagger`.

    Call arguments:
        x: sentences, a dataset of strings, or ids prepared by hand, as in `TextTagger.predict`.
        batch_size: sentences at once, 64 where `None`.
        verbose: whether to show a progress bar.

    Returns:
        For each sentence a pair: the numbers of its tags, `(words,)`, and the probabilities of
        all, float32 `(words, tags)`.
    """

    def __init__(self, model):
        self.model = model
        self._compiled = CompiledFunctions(model)

    def __call__(self, x, batch_size=None, verbose=0):
        x, batch_size = Adapter(self.model).inputs(x), check_batch_size(batch_size, 64)
        if is_text_dataset(x):
            return [pair for part in text_batches(x) for pair in self(part, batch_size, verbose)]
        if is_text(x):
            return self._sentences(check_sentences(x, "x"), batch_size, verbose)
        if not is_dataset(x):
            return self._batch(check_ids(self.model, x)[0])
        x = check_id_dataset(self.model, x)
        batches = (one[0] if isinstance(one, (list, tuple)) else one for one in x)
        return [pair for batch in batches for pair in self._batch(batch)]

    def _sentences(self, sentences, batch_size, verbose):
        """Answers to lists of words; a longer sentence is cut into pieces, which are put together.

        A sentence of tags that begins and ends validly is valid behind another one.
        """
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
            for row, answer in zip(rows, self._batch(inputs), strict=False):
                answers[row] = answer
        return answers

    def _batch(self, inputs):
        """The answers to one padded batch of ids."""
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
