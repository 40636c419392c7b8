"""Compare a translator fed its own tokens with one fed the right tokens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_seq.analysis.scores import text_scores
from keras_seq.analysis.texts import as_pairs
from keras_seq.models.base.predicting import padded_batches

if TYPE_CHECKING:
    from keras_seq.models import Seq2Seq


def exposure_bias(
    model: "Seq2Seq",
    sources: Sequence[str],
    targets: Sequence[str],
    max_length: int | None = None,
    batch_size: int = 64,
) -> dict[str, Any]:
    r"""Compare a model that is fed the right tokens with the same one fed its own.

    With x the source, y the right target, the end token included, and [.] 1 where true, else 0:

        teacher-forced   z_t = arg max_v p(v | y_1 ... y_(t-1), x)
        free-running     w_t = arg max_v p(v | w_1 ... w_(t-1), x)     (greedy search)
        accuracy at t    sum [z_t = y_t] / N_t     and     sum [w_t = y_t] / N_t

    The sums go over the N_t texts whose target has t tokens or more; a free-running text that has
    ended before t is wrong at t. In training a model sees the right tokens only; how much worse it
    does on its own, ever more so along the text, is its exposure bias.

    Places are compared one by one: after a word too many all that follows counts as wrong, however
    good. BLEU has no such limit. `exact_match` is the same number on both sides, but for rounding
    and limits of length: who writes the right token after every right beginning writes all of
    them. What differs is what follows the first mistake.

    Args:
        model: a `models.Seq2Seq`.
        sources: list of source texts.
        targets: list of their right answers.
        max_length: limit of the free-running texts; see `generate`.
        batch_size: texts at once.

    Returns:
        A dict: `counts`, the list of N_t for t = 1, 2, ...; and `teacher_forced` and
        `free_running`, each a dict of

        - `accuracy`, the list of the accuracies at t = 1, 2, ...;
        - `token_accuracy`, the same over all tokens of all texts;
        - `exact_match`, the share of texts whose tokens, the end token too, are all right;
        - `bleu`, 0 to 100: of the text of z (which has as many tokens as y, if it does not end
          itself before) and of w, against `targets`.

    Raises:
        ValueError: for different numbers of texts, or none.

    Example:

    ```python
    result = exposure_bias(model, held_out_sources, held_out_targets)
    result["teacher_forced"]["bleu"] - result["free_running"]["bleu"]
    plot_exposure_bias(result, save="exposure_bias.png")
    ```

    References:
        - Bengio, Vinyals, Jaitly & Shazeer, 2015, "Scheduled sampling for sequence prediction with
          recurrent neural networks", arXiv:1506.03099.
        - Ranzato, Chopra, Auli & Zaremba, 2016, "Sequence level training with recurrent neural
          networks", arXiv:1511.06732 (the name).
    """
    sources, targets = as_pairs(sources, targets)
    examples = model.encode_examples(sources, targets)
    answers = model.generate(
        sources,
        sampler="greedy",
        max_length=max_length,
        batch_size=batch_size,
        return_trace=True,
    )
    written = {
        "teacher_forced": _forced(model, examples, batch_size),
        "free_running": [[step[0]["token_id"] for step in answer["trace"]] for answer in answers],
    }
    longest = max(map(len, examples.labels))
    counts = np.sum([np.arange(longest) < len(label) for label in examples.labels], axis=0)
    split = model.source_tokenizer.split(sources)
    result = {"counts": counts.tolist()}
    for name, rows in written.items():
        texts = [_text(model, *pair) for pair in zip(rows, split, strict=True)]
        bleu = text_scores(texts, targets)["bleu"]
        result[name] = {**_accuracies(rows, examples.labels, counts), "bleu": bleu}
    return result


def _forced(model, examples, batch_size):
    """The most probable token after every right beginning, an array for each text."""
    tokenizer = model.target_tokenizer
    never = [tokenizer.pad_token_id, tokenizer.start_token_id]  # nor does a search write them
    rows = [None] * len(examples)
    for numbers, inputs in padded_batches(examples, batch_size):
        logits = np.array(model.predict_on_batch(inputs))
        logits[..., never] = -np.inf
        for number, tokens in zip(numbers, logits.argmax(axis=-1), strict=False):
            rows[number] = tokens[: len(examples.labels[number])]
    return rows


def _text(model, ids, source_tokens):
    """The text of ids, some of which a pointer may have taken from the source."""
    tokenizer, tokens = model.target_tokenizer, []
    for token_id in ids:
        if token_id == tokenizer.end_token_id:
            break
        copied = int(token_id) - tokenizer.vocabulary_size
        tokens.append(
            source_tokens[copied] if copied >= 0 else tokenizer.id_to_token(int(token_id))
        )
    return tokenizer.join(tokens)


def _accuracies(rows, labels, counts):
    """How often the tokens of `rows` are those of `labels`."""
    right = np.zeros(len(counts))
    for row, label in zip(rows, labels, strict=True):
        shared = min(len(row), len(label))
        right[:shared] += np.asarray(row[:shared]) == label[:shared]
    same = [np.array_equal(row, label) for row, label in zip(rows, labels, strict=True)]
    return {
        "accuracy": (right / counts).tolist(),
        "token_accuracy": float(right.sum() / counts.sum()),
        "exact_match": float(np.mean(same)),
    }
