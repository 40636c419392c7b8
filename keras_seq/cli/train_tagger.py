"""The command that trains a tagger."""

import dataclasses

from keras_seq.cli import options
from keras_seq.cli.option_groups import RecurrentTraining, takes
from keras_seq.cli.show import describe, say
from keras_seq.cli.tagged import read_tagged
from keras_seq.cli.training import check_training, finish, fit, make_callbacks, make_optimizer


@dataclasses.dataclass(kw_only=True)
class TaggerTraining(RecurrentTraining):
    """Options of the training of a tagger."""

    train: options.TaggedFile
    val: options.TaggedValFile = None
    columns: options.TagColumns = "0,-1"
    tag: options.ConlluTag = "upos"
    separator: options.Separator = None
    comment: options.Comment = None
    scheme: options.TagSchemeOption = None
    repair: options.Repair = False
    vocabulary: options.WordVocabulary = None
    lowercase: options.LowercaseWords = False
    zero_digits: options.ZeroDigits = False
    unknown_rate: options.UnknownRate = 0.5
    max_length: options.MaxLength = 256
    characters: options.Characters = options.CharacterReader.cnn
    character_units: options.CharacterUnits = 30
    embedding: options.Embedding = 100
    softmax: options.Softmax = False
    unidirectional: options.LeftOnly = False
    dropout: options.Dropout = 0.3
    batch_size: options.TrainingBatchSize = 32
    learning_rate: options.LearningRate = 2e-3
    label_smoothing: options.TagSmoothing = 0.0
    score: options.TagScoreOption = None


@takes(TaggerTraining)
def train_tagger(given):
    """Train a tagger on a file of tagged sentences.

    The file has a word and its tags in each line, and an empty line between sentences; or it is
    CoNLL-U. Parts of speech need no --scheme; entities and other spans of words have one, and then
    only valid tags come out, IOB1 as BIO. With a held-out file, OUT always holds the model of the
    best epoch so far, and training stops when it gets no better; without one, OUT is written at
    the end.

    Ctrl-C ends training cleanly, with OUT written. After that, or a crash, the same command with
    --resume goes on where the last epoch began, and leads to the same weights: what it needs is in
    OUT.state, which is deleted when training is complete.
    """
    check(given)
    import keras

    sentences, tags = read_tagged(given.train, **how_tagged(given))
    say(f"{len(sentences):,} sentences.")
    keras.utils.set_random_seed(given.seed)
    model = make_model(given, sentences, tags)
    data, scores = {"x": sentences, "y": tags}, []
    if given.val is not None:
        data["validation_data"] = read_known(given.val, model, **how_tagged(given))
        scores = make_scores(given, data["validation_data"])
    callbacks = make_callbacks(given, *monitor(given), scores)
    model.compile(make_optimizer(given), label_smoothing=given.label_smoothing)
    say(describe(model))
    interrupted = fit(model, data, callbacks, given)
    finish(model, callbacks, interrupted, given)


def check(given):
    """Raise a `ValueError` for options that do not go together, before any work is done."""
    if given.score is options.TagScoreName.f1 and given.scheme is None:
        raise ValueError("--score f1 is for spans of words; received no --scheme.")
    if given.label_smoothing and not given.softmax:
        raise ValueError("--label-smoothing is for --softmax.")
    check_training(given)
    if given.scheme is not None:
        from keras_seq.text.tag_schemes import scheme_name  # pulls in Keras

        given.scheme = scheme_name(given.scheme)


def how_tagged(given):
    """The arguments of `read_tagged` behind the path."""
    names = ("columns", "tag", "scheme", "repair", "separator", "comment", "encoding")
    return {name: getattr(given, name) for name in names}


def read_known(path, model, **how):
    """The sentences and tags of a file, as `fit` takes them, if the model has all the tags.

    Raises:
        ValueError: as `read_tagged`, and for a tag that the model does not have.
    """
    sentences, tags = read_tagged(path, **how, wanted=model.tags.read_scheme)
    try:
        model.tags.read(tags)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return sentences, tags


def monitor(given):
    """The number that chooses the best model, and whether more or less of it is better."""
    if given.val is None:
        return None, "max"
    usual = options.TagScoreName.accuracy if given.scheme is None else options.TagScoreName.f1
    score = given.score or usual
    return f"val_{score.value}", "min" if score is options.TagScoreName.loss else "max"


def make_scores(given, held_out):
    """The callbacks that put the scores of the held-out sentences into the logs."""
    from keras_seq.callbacks import TagScore

    return [TagScore(*held_out, batch_size=given.batch_size)]


def make_model(given, sentences, tags):
    """Return a new tagger with the vocabulary and the tags of the sentences."""
    from keras_seq.models import TextTagger

    say("Building the vocabulary.")
    nothing = given.characters is options.CharacterReader.none
    return TextTagger.from_texts(
        sentences,
        tags,
        scheme=given.scheme,
        characters=None if nothing else given.characters.value,
        character_units=given.character_units,
        lowercase=given.lowercase,
        zero_digits=given.zero_digits,
        unknown_rate=given.unknown_rate,
        max_vocabulary=given.vocabulary,
        **given.stack(),
        bidirectional=not given.unidirectional,
        crf=not given.softmax,
        max_length=given.max_length,
    )
