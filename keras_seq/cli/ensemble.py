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
def ensemble(args):
    """Make one model of several that were trained with different seeds: they answer together.

    Probabilities are averaged (of what writes, and of a tagger with a CRF, their logarithms). OUT
    is used like one of the models. With --average it is one of them, as small and as fast, with
    weights that are the means of those in the files, such as the last epochs of a training.
    """
    from keras_seq.models import Ensemble, average_checkpoints, load_model

    check_writable(args.out, *args.models)
    if args.average:
        made = average_checkpoints(args.models)
    else:
        made = Ensemble([load_model(path) for path in args.models])
    made.save(args.out)
    say(f"Wrote {args.out}: {len(args.models)} models, {made.count_params():,} weights.")
