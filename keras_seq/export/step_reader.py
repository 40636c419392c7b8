"""Step graphs of any model, without Keras: onnxruntime and NumPy (sentencepiece for subwords).

With `step_model`, `step_search`, `step_writers` and `step_labels` this is the reference for readers
in other languages.
"""

from keras_seq._checks import check_positive
from keras_seq._typing import PathLike
from keras_seq.export.step_labels import StepClassifier, StepTagger
from keras_seq.export.step_model import StepModel, knows_tokenizers, read_manifest
from keras_seq.export.step_writers import StepLanguageModel, StepTranslator

KINDS = {
    "Seq2Seq": StepTranslator,
    "LanguageModel": StepLanguageModel,
    "TextTagger": StepTagger,
    "TextClassifier": StepClassifier,
}


def load_step(path: PathLike, threads: int = 1) -> StepModel:
    """Read a folder of step graphs, as `export(..., signature="step")` writes it.

    Neither Keras nor TensorFlow is imported: onnxruntime computes.

    Args:
        path: the folder.
        threads: how many threads compute; small models are fastest with one.

    Returns:
        A `StepModel`, with `start` and `step`. That of a translator or a language model has
        `generate`, that of a language model `stream`; that of a tagger has `tag` and `stream`, and
        that of a classifier `classify` and `stream`. They answer as the models do. Where texts are
        cut by a tokenizer of a user's own, there are `start` and `step` alone.

    Raises:
        ValueError: where there are no step graphs, damaged ones, or those of a later version.

    Example:

    ```python
    translator = keras_seq.export.load_step("steps/dates")
    translator.generate("27 September 2016", sampler="beam", width=5, return_scores=True)
    ```
    """
    manifest = read_manifest(path)
    kind = KINDS.get(manifest["kind"], StepModel)
    if not knows_tokenizers(manifest):
        kind = StepModel
    return kind(path, manifest, check_positive("threads", threads))
