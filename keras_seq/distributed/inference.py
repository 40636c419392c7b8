"""Texts of an engine's data set, answered by its workers."""

from typing import Any

from keras_seq._checks import check_positive
from keras_seq._typing import PathLike
from keras_seq.distributed.answering import PART, load, locate


def generate(
    dataset: Any,
    model: PathLike,
    batch_size: int = 64,
    workers: int | None = None,
    column: str = "text",
    answer: str = "answer",
    **options: Any,
) -> Any:
    """Answer the texts of a data set of Ray Data or Apache Beam, as `generate` of the model does.

    The engine shares the work among its workers, each of which loads the model once, and gives what
    a dead worker had in hand to another. Nothing is computed here: both engines do it when what is
    returned is asked for, or written.

    Texts come in batches of 20 times `batch_size`, whose texts of similar length go together. A
    sampler that draws has no part in it: which texts are in a batch, and so its noise, is up to the
    engine. (`keras-seq generate --input ... --shard ...` draws the same noise on any number of
    machines.)

    Args:
        dataset: a `ray.data.Dataset` with a column of texts, such as `ray.data.read_text` gives, or
            a Beam `PCollection` of pairs of a key and a text.
        model: the folder of a SavedModel (or of its versions) that `model.export` wrote, which is
            the fastest; a folder of step graphs; a `.keras` file; or the name of a preset. Each
            worker reads it, so the path must be right on each machine. A file and a preset are run
            by Keras, on the backend that `KERAS_BACKEND` names where the workers are.
        batch_size: how many texts are searched at once.
        workers: with Ray, how many processes; as many as the cluster has room for where `None`.
            With Beam the options of the pipeline say it.
        column: with Ray, the column of the texts.
        answer: with Ray, the column for the answers.
        **options: of `generate` of the model, such as `sampler="greedy"`. A SavedModel has none: it
            searches as it was exported.

    Returns:
        With Ray a `ray.data.Dataset` with the column `answer` besides those of before; its rows are
        in the order of before where `ray.data.DataContext.get_current().execution_options` has
        `preserve_order`. With Beam a `PCollection` of pairs of the key and the answer, in any
        order.

    Raises:
        ValueError: for a data set of no such engine, a model that is not there, options that have
            no meaning, and numbers below 1. From the workers: for options that the model does not
            know, a model that writes no text, and a sampler that draws.

    Example:

    ```python
    import ray
    lines = ray.data.read_text("news/*.txt")
    answers = keras_seq.distributed.generate(lines, "saved_models/dates/1", workers=8)
    answers.write_parquet("answers")
    ```

    ```python
    import apache_beam as beam
    with beam.Pipeline() as pipeline:
        pairs = pipeline | beam.Create([(0, "3 May 1979"), (1, "4.5.79")])
        answers = keras_seq.distributed.generate(pairs, "saved_models/dates/1")
        answers | beam.MapTuple("{}\\t{}".format) | beam.io.WriteToText("answers")
    ```
    """
    package = type(dataset).__module__.partition(".")[0]
    if package not in ("ray", "apache_beam"):
        raise ValueError(
            "`dataset` must be a `ray.data.Dataset` or a Beam `PCollection`; received "
            f"{type(dataset).__name__}."
        )
    options["batch_size"] = check_positive("batch_size", batch_size)
    place = locate(model)
    if package == "ray":
        workers = None if workers is None else check_positive("workers", workers)
        return _on_ray(dataset, place, options, workers, column, answer)
    if workers is not None:
        raise ValueError(f"`workers` is for Ray Data; received {workers!r} with a PCollection.")
    return _on_beam(dataset, place, options)


def _on_ray(dataset, place, options, workers, column, answer):
    """Answers by actors: Ray starts a dead one again, and gives it the same texts."""
    from ray.data import ActorPoolStrategy

    return dataset.map_batches(
        _Actor,
        fn_constructor_args=(place, options, column, answer),
        batch_size=PART * options["batch_size"],
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=workers),
        num_cpus=1,
    )


class _Actor:
    """A worker of Ray: it loads the model once, and answers tables of Arrow."""

    def __init__(self, place, options, column, answer):
        self.answers = load(*place, options)
        self.column, self.answer = column, answer

    def __call__(self, table):
        import pyarrow

        if self.column not in table.column_names:
            raise ValueError(
                f"`column` must be one of {', '.join(table.column_names)}; received "
                f"{self.column!r}."
            )
        answers = self.answers(table[self.column].to_pylist())
        return table.append_column(self.answer, pyarrow.array(answers))


def _on_beam(pairs, place, options):
    """Answers within `RunInference`: the model is loaded once by a process, for all its threads.

    Beam's own handler of SavedModels calls a function of tensors, and knows no signature of strings
    and no TensorFlow Text. Its buckets of lengths hold texts back in state, by keys and for a time
    that must be set; here a batch is large, and texts of similar length within it go together.
    """
    from apache_beam.ml.inference import base

    class Handler(base.ModelHandler):
        def load_model(self):
            return load(*place, options)

        def run_inference(self, batch, model, inference_args=None):
            return model(list(batch))

    size = PART * options["batch_size"]
    handler = Handler(min_batch_size=size, max_batch_size=size)
    return pairs | "Answer" >> base.RunInference(base.KeyedModelHandler(handler))
