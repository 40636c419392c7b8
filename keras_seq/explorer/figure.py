"""What a model says of a text as a figure that stands still: for where nothing can run."""

import numpy as np

from keras_seq.analysis.activations import Activations, unit_activations
from keras_seq.analysis.attention_plot import plot_attention
from keras_seq.analysis.drawing import COLORS, finished, new_figure, tidy, visible
from keras_seq.analysis.unit_plots import plot_unit
from keras_seq.export.step_model import StepModel

MOST = 60  # tokens that are drawn
ANSWERS = 5
CLASSES = 12


def figure_of(model, kind, text):
    """Return a matplotlib figure of what a model says of a text.

    Args:
        model: the model, or its step graphs: both have the same methods.
        kind: `"Seq2Seq"`, where it looks at each token, or its best answers if it has no
            attention; `"TextTagger"`, the tag of each word and its probability; `"TextClassifier"`,
            the probable classes; `"LanguageModel"`, the unit that changes most.
        text: the text.
    """
    draw = {
        "Seq2Seq": _translation,
        "TextTagger": _tags,
        "TextClassifier": _classes,
        "LanguageModel": _unit,
    }[kind]
    return draw(model, text)


def _translation(model, text):
    answer = model.generate(text, return_attention=True)
    weights = answer["attention"]
    if weights is None or not np.size(weights):
        return _answers(model, text)
    source, target = (answer[f"{side}_tokens"][:MOST] for side in ("source", "target"))
    return plot_attention(np.asarray(weights)[:MOST, :MOST], source, target, answer["text"])


def _answers(model, text):
    options = {"sampler": "beam", "width": ANSWERS, "n_best": ANSWERS}
    if not isinstance(model, StepModel):
        from keras_seq.samplers import Beam

        options = {"sampler": Beam(ANSWERS, n_best=ANSWERS)}
    answers = model.generate(text, return_scores=True, **options)
    scores = [answer["score"] for answer in answers]
    figure, axes = _bars([answer["text"] for answer in answers], scores)
    axes.set_xlabel("score")
    return finished(figure)


def _classes(model, text):
    chances = model.classify(text, return_probabilities=True)["probabilities"]
    best = sorted(chances, key=chances.get, reverse=True)[:CLASSES]
    figure, axes = _bars([str(name) for name in best], [chances[name] for name in best])
    axes.set_xlabel("probability")
    axes.set_xlim(0, 1)
    return finished(figure)


def _bars(names, values):
    """A figure and its axes with a bar for each name, the first at the top."""
    figure = new_figure((8.0, 0.8 + 0.4 * len(names)))
    axes = figure.subplots()
    axes.barh(range(len(values)), values, color=COLORS[0])
    axes.set_yticks(range(len(names)), [visible(name, 60) for name in names], parse_math=False)
    axes.invert_yaxis()
    tidy(axes)
    return figure, axes


def _tags(model, text):
    answer = model.tag(text, return_probabilities=True)
    words, tags = answer["tokens"][:MOST], answer["tags"][:MOST]
    shares = [max(row) for row in np.asarray(answer["probabilities"])[: len(words)]]
    names = list(dict.fromkeys(tags))
    figure = new_figure((max(5.0, 1.5 + 0.8 * len(words)), 3.8))
    axes = figure.subplots()
    colors = [COLORS[names.index(tag) % len(COLORS)] for tag in tags]
    bars = axes.bar(range(len(words)), shares, color=colors)
    axes.bar_label(bars, tags, padding=2, fontsize="small", parse_math=False)
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(words)), map(visible, words), parse_math=False, **turned)
    axes.set_ylabel("probability")
    axes.set_ylim(0, 1.15)
    tidy(axes)
    return finished(figure)


def _unit(model, text):
    if isinstance(model, StepModel):
        found = _stepped(model, text)
    else:
        found = next(iter(unit_activations(model, text).values()))
        found = Activations(found.layer, found.tokens, {"h": found.values["h"]})
    states = found.values["h"][-MOST:]
    unit = int(states.std(axis=0).argmax())
    shown = Activations(found.layer, tuple(found.tokens)[-MOST:], {"h": states})
    return plot_unit(shown, unit, title=f"{found.layer}: the unit that changes most")


def _stepped(model, text):
    """The states of the first layer after each token."""
    ids = [model.tokenizer.start_token_id, *model.tokenizer.tokenize(text)]
    name = model.manifest["state"][0]["input"]
    state, memory = model.start(prompt_ids=np.array([[0]], "int32"))
    rows = []
    for token_id in ids:
        _, state = model.step(np.array([token_id], "int32"), state, memory)
        rows.append(state[name][0])
    tokens = ["<s>", *model.tokenizer.split(text)]
    return Activations(name.replace("_", " "), tuple(tokens), {"h": np.array(rows)})
