"""The steps of a translator, for its export as step graphs."""

import numpy as np
from keras import ops

from keras_seq.export.step_functions import NEW, Leaves, StepFunctions, looking_inside, tensor_names
from keras_seq.models.base.steps import ABOUT, drawn_ids, task_manifest, writing_manifest


def translator_steps(model, sampler, max_length, examples, stop_tokens, inspect):
    """Return the `StepFunctions` of a `Seq2Seq`; the arguments are those of `make_steps`."""
    source, target = model.source_tokenizer, model.target_tokenizer
    drawn = _drawn(model)
    functions, inputs = _before_the_steps(model)
    names = tuple(drawn[0].keys() - {"token_ids"})
    first = {name: ops.convert_to_tensor(drawn[0][name]) for name in sorted(names)}
    state, memory = model.start(**first)
    cells = getattr(getattr(model, "decoder", None), "cell", None)
    cells = cells.cells if cells is not None else ()
    states = Leaves(state, cells=cells, place=("cells",))
    memories = Leaves(memory, "memory_")

    def start(**tensors):
        state, memory = functions["start"](**tensors)
        return {**states.flat(state), **memories.flat(memory)}

    def step(token_ids, **tensors):
        state = states.nest(tensors)

        def run():
            return model.step(token_ids, state, memories.nest(tensors))

        (logits, new), seen = looking_inside(run, cells) if inspect else (run(), {})
        outputs = {"logits": logits}
        if "coverage" in new:  # a sum of weights
            outputs["attention"] = new["coverage"] - state["coverage"]
        return {**outputs, **seen, **states.flat(new, NEW)}

    def answer(reader):
        (ids,) = reader.encode(examples[:1])
        options = {} if reader.knows_sampler else {"sampler": "greedy"}
        found = reader.generate(examples[0], return_scores=True, **options)
        return {"text": examples[0], **{k: v.tolist() for k, v in ids.items()}, "answer": found}

    tokenizers = {"source": source, "target": target}
    return StepFunctions(
        {**functions, "start": start, "step": step},
        {**inputs, "step": ("token_ids", *states.names, *memories.names)},
        states.names,
        memories.names,
        drawn,
        {**ABOUT, "source_ids": "ids of source tokens and the end token, padded with 0", **_ABOUT},
        {
            **task_manifest(model, "Seq2Seq", tokenizers),
            **writing_manifest(target, sampler, max_length, stop_tokens),
            "max_source_length": model.max_source_length,
            "max_target_length": model.max_target_length,
            "copy": bool(model.copy),
        },
        answer,
    )


_ABOUT = {
    "copy_ids": "which target token each source token is, or the size of the target vocabulary and "
    "the first place at which it stands",
    "values": "what the encoder says of each source token",
    "mask": "whether there is a source token",
}


def _before_the_steps(model):
    """`(functions, inputs)` of the graphs before the step; the last one, `"start"`, gives nests."""
    copies = ("copy_ids",) if model.copy else ()
    if type(model).start.__qualname__ != "Seq2Seq.start":  # who has another one does so at once
        return {"start": model.start}, {"start": ("source_ids", *copies)}
    encoder, cell = model.encoder, model.encoder.cell
    directions = ("", "backward_") if encoder.bidirectional else ("",)
    sides = [f"{side}{name}" for side in directions for name in tensor_names(cell)]
    names = [[f"encoder_{i}_{name}" for name in sides] for i in range(encoder.num_layers)]
    flat = [name for layer in names for name in layer]

    def encode(source_ids):
        values, states, mask = model.encode(source_ids)
        pairs = zip(flat, (x for layer in states for x in layer), strict=True)
        return {"values": values, "mask": mask, **dict(pairs)}

    def start(values, mask, copy_ids=None, **tensors):
        states = [[tensors[name] for name in layer] for layer in names]
        return model.decoder.start(values, states, mask, copy_ids)

    inputs = ("values", "mask", *flat, *copies)
    return {"encode": encode, "start": start}, {"encode": ("source_ids",), "start": inputs}


def _drawn(model):
    """Inputs to compare by, of unequal sizes."""
    source, target = model.source_tokenizer, model.target_tokenizer
    drawn = [
        {"source_ids": ids, "token_ids": written[:, 0]}
        for ids, written in zip(drawn_ids(source), drawn_ids(target), strict=True)
    ]
    if model.copy:  # every second token has an id, the others are places
        for example in drawn:
            ids = example["source_ids"]
            places = target.vocabulary_size + np.arange(ids.shape[1])
            known = np.minimum(ids, target.vocabulary_size - 1)
            copies = np.where((np.arange(ids.shape[1]) % 2 == 0) | (ids == 0), known, places)
            example["copy_ids"] = copies.astype("int32")
    return drawn
