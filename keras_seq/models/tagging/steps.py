"""The steps of a tagger that reads from the left, for its export as step graphs."""

import numpy as np
from keras import ops

from keras_seq.export.step_functions import StepFunctions
from keras_seq.models.base.steps import ABOUT, drawn_ids, task_manifest
from keras_seq.models.base.streaming import EncoderSteps

_ABOUT = {
    "emissions": "how well each tag fits the word: their softmax where tags do not know each other",
    "char_ids": "the characters of the word, padded with 0 behind",
    "char_ends": "how many characters the word has",
}


def tagger_steps(model, examples, inspect):
    """Return the `StepFunctions` of a `TextTagger`; the arguments are those of `make_steps`."""
    encoder = EncoderSteps(model)
    drawn = [{"rows": ids[:, 0], "token_ids": ids[:, 0]} for ids in drawn_ids(model.tokenizer)]
    letters = ()
    if model.character_tokenizer is not None:
        letters = ("char_ids", "char_ends")
        for example, ids in zip(drawn, drawn_ids(model.character_tokenizer), strict=True):
            ids = ids[:, : model.max_word_length]
            ends = np.count_nonzero(ids, axis=1)[:, None].astype("int32")
            # Some padding, by which the longest word of one example is that of no other one.
            example["char_ids"] = np.pad(ids, ((0, 0), (0, len(ids))))
            example["char_ends"] = ends

    def step(token_ids, char_ids=None, char_ends=None, **tensors):
        vectors = model.embedding(token_ids)
        if letters:
            features = model.character_features(char_ids, char_ends)[:, 0]
            vectors = ops.concatenate([vectors, features], axis=-1)
        outputs, new, seen = encoder.step(vectors, tensors, inspect)
        emissions = ops.cast(model.projection(outputs), "float32")
        return {"emissions": emissions, **seen, **new}

    def answer(reader):
        found = reader.tag(examples[0], return_probabilities=True)
        steps = [{k: v.tolist() for k, v in x.items()} for x in reader.encode(found["tokens"])]
        return {"text": examples[0], "steps": steps, "answer": found}

    tokenizers = {"text": model.tokenizer}
    if letters:
        tokenizers["characters"] = model.character_tokenizer
    return StepFunctions(
        {"start": encoder.start, "step": step},
        {"start": ("rows",), "step": ("token_ids", *letters, *encoder.names)},
        encoder.names,
        (),
        drawn,
        {**ABOUT, **_ABOUT},
        {
            **task_manifest(model, "TextTagger", tokenizers),
            "tag_names": model.tag_names,
            "scheme": model.scheme,
            "chain": _chain(model),
            "zero_digits": bool(model.zero_digits),
            "max_word_length": model.max_word_length,
            "max_length": model.max_length,
        },
        answer,
    )


def _chain(model):
    """What each tag scores behind another one, first and last; `None` where that is nothing."""
    if not model.crf and model.scheme is None:
        return None
    scores = (ops.convert_to_numpy(x) for x in model.chain.potentials("float32"))
    return dict(zip(("transitions", "start", "end"), scores, strict=True))
