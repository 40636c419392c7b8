"""The demonstration: dates in many languages, learnt from scratch."""

import pathlib
import time

UNSEEN = 1_000


def run(out, pairs=20_000, epochs=3, seed=0):
    """Train a translator on dates, test it on unseen ones, and write model and figures.

    Args:
        out: the folder for `dates.keras`, `attention.png`, `training.png` and the export
            `saved_models/dates`; made if need be.
        pairs: how many dates to train on; as many as a twentieth of them are held out besides.
        epochs: passes over them.
        seed: of the data, the weights and the order.

    Returns:
        The exact match on 1,000 unseen dates.
    """
    import keras

    from keras_seq import analysis, datasets
    from keras_seq.models import Seq2Seq
    from keras_seq.text import CharacterTokenizer

    began = time.monotonic()
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(seed)
    # No two of these strings are the same, so the last ones are unseen.
    sources, targets = datasets.dates(pairs + UNSEEN, seed=seed)
    seen, unseen = slice(None, pairs), slice(pairs, None)
    languages = sorted({locale.split("_")[0] for locale in datasets.DEFAULT_LOCALES})
    print(
        f"{pairs:,} dates in {len(languages)} languages ({', '.join(languages)}); "
        f"backend {keras.config.backend()}."
    )
    reachable = datasets.best_reachable_accuracy(sources, targets)
    print(f"Best exact match that any model can reach on them: {reachable:.4f}.")

    # Examples by the thousand, and no two alike: nothing of the recipe against overfitting.
    tokenizers = [CharacterTokenizer.from_texts(texts[seen]) for texts in (sources, targets)]
    model = Seq2Seq(*tokenizers, units=128, embedding_dim=64)
    optimizer = keras.optimizers.Adam(_learning_rate(pairs, epochs), global_clipnorm=1.0)
    model.compile(optimizer, sampler="beam")
    history = model.fit(
        sources[seen],
        targets[seen],
        validation_split=0.05,
        batch_size=64,
        epochs=epochs,
        verbose=2,
    )

    exact = _exact_match(model, sources[unseen], targets[unseen])

    example = model.generate("le 27 septembre 2016", return_attention=True)
    analysis.plot_attention(
        example["attention"],
        example["source_tokens"],
        example["target_tokens"],
        title="Where the decoder looks while it writes",
        save=out / "attention.png",
    )
    analysis.plot_history(
        history, ["loss", "token_accuracy", "exact_match"], save=out / "training.png"
    )
    model.save(out / "dates.keras")
    print(f"Wrote dates.keras, attention.png and training.png to {out}/.\n")
    _export(model, out / "saved_models" / "dates", sources[unseen][:3])
    print(f"{time.monotonic() - began:.0f} seconds.")
    return exact


def _exact_match(model, sources, targets):
    """Show the first answers, and return the share of all that are right."""
    answers = model.generate(sources, batch_size=256)
    print("\nUnseen dates:")
    rows = list(zip(sources, answers, targets, strict=True))
    for source, answer, target in rows[:10]:
        print(f"  {source:<34} {answer}  {'right' if answer == target else f'wrong: {target}'}")
    exact = sum(answer == target for _, answer, target in rows) / len(rows)
    print(f"\nExact match on {len(rows):,} unseen dates: {exact:.4f}")
    return exact


def _export(model, path, texts):
    """Export the model for TF Serving, and ask the export in a process that knows nothing else."""
    from keras_seq.export import ask

    version = model.export(path, sampler="greedy", examples=texts)
    answers = ask(version, {"text": texts})["outputs"]
    print("Asked in a fresh process, the export answers:")
    for text, answer in zip(texts, answers, strict=True):
        print(f"  {text:<34} {answer}")
    expected = model.generate(texts, sampler="greedy")
    if answers != expected:
        raise ValueError(f"The model itself answers {expected}.")


def _learning_rate(pairs, epochs):
    """A cosine from 4e-3 to 0 over the whole training."""
    import keras

    steps = -(-pairs * 95 // (100 * 64)) * epochs
    return keras.optimizers.schedules.CosineDecay(4e-3, steps)
