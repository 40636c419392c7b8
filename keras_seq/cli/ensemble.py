"""The command that makes one model of several."""

from pathlib import Path

from keras_seq.cli.options import REQUIRED, Option, takes
from keras_seq.cli.show import check_writable, say


@takes(
    Option("models", "The .keras files of models of one task.", list[Path], REQUIRED, flag=""),
    Option("out", "The .keras file to write.", Path, REQUIRED),
    Option(
        "average",
        "Average the weights, of files of one training, in place of the answers.",
        bool,
        False,
    ),
)
def ensemble(given):
    """Make one model of several that were trained with different seeds: they answer together.

    Probabilities are averaged (of what writes, and of a tagger with a CRF, their logarithms). OUT
    is used like one of the models. With --average it is one of them, as small and as fast, with
    weights that are the means of those in the files, such as the last epochs of a training.
    """
    from keras_seq.models import Ensemble, average_checkpoints, load_model

    check_writable(given.out, *given.models)
    if given.average:
        made = average_checkpoints(given.models)
    else:
        made = Ensemble([load_model(path) for path in given.models])
    made.save(given.out)
    say(f"Wrote {given.out}: {len(given.models)} models, {made.count_params():,} weights.")
