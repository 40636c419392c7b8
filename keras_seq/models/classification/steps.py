"""The steps of a classifier that reads from the left, for its export as step graphs."""

import numpy as np
from keras import ops

from keras_seq.export.step_functions import NEW, StepFunctions
from keras_seq.layers.running_pooling import running
from keras_seq.models.base.steps import ABOUT, drawn_ids, task_manifest
from keras_seq.models.base.streaming import EncoderSteps

_ABOUT = {
    "logits": "of the classes, given the tokens so far",
    "first_logits": "of the classes, before any token",
}


def classifier_steps(model, examples, inspect):
    """Return the `StepFunctions` of a `TextClassifier`; the arguments are those of `make_steps`."""
    encoder, pooling = EncoderSteps(model), running(model.pooling)
    size = model.encoder.output_size
    pools = [f"pooled_{name}" for name in pooling.start(np.zeros((1, size), "float32"))]

    def named(state, before=""):
        return {f"{before}pooled_{name}": x for name, x in state.items()}

    def start(rows):
        blank = ops.zeros((ops.shape(rows)[0], size))
        pooled = model.pooling(blank[:, None], mask=ops.zeros_like(blank[:, :1], dtype="bool"))
        first = ops.cast(model.projection(pooled), "float32")
        return {**encoder.start(rows), **named(pooling.start(blank)), "first_logits": first}

    def step(token_ids, **tensors):
        outputs, new, seen = encoder.step(model.embedding(token_ids), tensors, inspect)
        state = {name.removeprefix("pooled_"): tensors[name] for name in pools}
        pooled, state = pooling.step(outputs, state)
        logits = ops.cast(model.projection(pooled), "float32")
        return {"logits": logits, **seen, **new, **named(state, NEW)}

    def answer(reader):
        return {
            "text": examples[0],
            "token_ids": model.tokenizer.tokenize(examples[0])[: model.max_length],
            "answer": reader.classify(examples[0], return_probabilities=True),
        }

    states = [*encoder.names, *pools]
    return StepFunctions(
        {"start": start, "step": step},
        {"start": ("rows",), "step": ("token_ids", *states)},
        states,
        (),
        [{"rows": ids[:, 0], "token_ids": ids[:, 0]} for ids in drawn_ids(model.tokenizer)],
        {**ABOUT, **_ABOUT},
        {
            **task_manifest(model, "TextClassifier", {"text": model.tokenizer}),
            "class_names": model.class_names,
            "multi_label": model.multi_label,
            "threshold": model.threshold,
            "max_length": model.max_length,
        },
        answer,
    )
