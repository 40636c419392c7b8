"""The model card of a preset: what is known, and what its author fills in."""

# Of each kind of model: the task in the words of model hubs, and a call.
KINDS = {
    "Seq2Seq": ("translation", 'generate("...")'),
    "LanguageModel": ("text-generation", 'generate("...")'),
    "TextClassifier": ("text-classification", 'classify("...")'),
    "TextTagger": ("token-classification", 'tag("...")'),
}

CARD = """---
library_name: keras_seq
{tag}license:
language:
datasets:
---

# {name}

TO FILL IN: in one sentence, what goes in and what comes out.

```python
import keras_seq as ks

model = ks.models.{kind}.from_preset("{name}")
model.{call}
```

## Data and attribution

TO FILL IN: where the data come from, who made them, how they were split.

## Licence

TO FILL IN: that of the data, and what follows for the weights.

## Training

TO FILL IN: the command as it was run, the backend, minutes, the machine.

## Figures

TO FILL IN: the command that gives them. Choices were made on dev; test was run once.

| | dev | test |
|---|---|---|
| | | |

## Examples

TO FILL IN: ten, some of them wrong.

| text | answer | right |
|---|---|---|
| | | |

## Limits

TO FILL IN: what it does not know, and what happens then.

## Size and latency

| | |
|---|---|
| model | `{kind}`, {weights:,} weights, stored in {dtype} |
| file | {size:.1f} MB |
| one text, from the shell | TO FILL IN |
"""


def model_card(model, name, size, dtype=None):
    """Return the text of a card.

    Args:
        model: the task model.
        name: the name of the preset.
        size: the bytes of the file.
        dtype: that of the weights in the file; that of the model where `None`.
    """
    kinds = [kind.__name__ for kind in type(model).__mro__]
    kind = next((one for one in kinds if one in KINDS), "Task")
    tag, call = KINDS.get(kind, ("", 'predict(["..."])'))
    return CARD.format(
        name=name,
        kind=kind,
        tag=f"pipeline_tag: {tag}\n" if tag else "",
        call=call,
        weights=model.count_params(),
        dtype=dtype or model.variable_dtype,
        size=size / 1e6,
    )
