"""The steps of a language model, for its export as step graphs."""

import numpy as np

from keras_seq.export.step_functions import NEW, Leaves, StepFunctions, looking_inside
from keras_seq.models.base.steps import ABOUT, drawn_ids, task_manifest, writing_manifest


def language_model_steps(model, sampler, max_length, examples, stop_tokens, inspect):
    """Return the `StepFunctions` of a `LanguageModel`; the arguments are those of `make_steps`."""
    tokenizer = model.tokenizer
    drawn = [{"prompt_ids": ids, "token_ids": ids[:, 0]} for ids in drawn_ids(tokenizer)]
    state, _ = model.start(np.zeros((1, 1), "int32"))
    cells = getattr(getattr(model, "encoder", None), "forward_cells", ())
    states = Leaves(state, cells=cells)

    def start(prompt_ids):
        return states.flat(model.start(prompt_ids)[0])

    def step(token_ids, **tensors):
        def run():
            return model.step(token_ids, states.nest(tensors), {})

        (logits, new), seen = looking_inside(run, cells) if inspect else (run(), {})
        return {"logits": logits, **seen, **states.flat(new, NEW)}

    def answer(reader):
        text = examples[0]
        options = {} if reader.knows_sampler else {"sampler": "greedy"}
        found = reader.generate(text, return_scores=True, max_length=min(max_length, 20), **options)
        inputs, first = reader.encode(text)
        ids = {"prompt_ids": inputs["prompt_ids"].tolist(), "token_ids": [first]}
        return {"text": text, **ids, "answer": found}

    about = "the start token and what there is of the text, without its last token, padded with 0"
    return StepFunctions(
        {"start": start, "step": step},
        {"start": ("prompt_ids",), "step": ("token_ids", *states.names)},
        states.names,
        (),
        drawn,
        {**ABOUT, "prompt_ids": about},
        {
            **task_manifest(model, "LanguageModel", {"text": tokenizer}),
            **writing_manifest(tokenizer, sampler, max_length, stop_tokens),
        },
        answer,
    )
