"""The options of the commands: a type and a line of help each."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option


class Tokens(StrEnum):
    """Kinds of tokens."""

    char = "char"
    word = "word"
    subword = "subword"


class Score(StrEnum):
    """What the best model is chosen by."""

    perplexity = "perplexity"
    bleu = "bleu"
    chrf = "chrf"
    exact_match = "exact_match"
    token_error_rate = "token_error_rate"


class Pooling(StrEnum):
    """What makes one vector of all steps."""

    last = "last"
    mean = "mean"
    max = "max"
    attention = "attention"


class ClassScore(StrEnum):
    """What the best classifier is chosen by."""

    accuracy = "accuracy"
    f1 = "f1"
    loss = "loss"


class CharacterReader(StrEnum):
    """What reads the characters of a word."""

    cnn = "cnn"
    lstm = "lstm"
    none = "none"


class TagScoreName(StrEnum):
    """What the best tagger is chosen by."""

    f1 = "f1"
    accuracy = "accuracy"
    loss = "loss"


class OutputFormat(StrEnum):
    """What a tagger writes: word/TAG, a line a sentence, or columns, a line a word."""

    words = "words"
    conll = "conll"


class ExportFormat(StrEnum):
    """What a model is exported as."""

    tf_saved_model = "tf_saved_model"
    onnx = "onnx"


def option(kind: type, text: str, panel: str | None = None, name: str | None = None) -> Any:
    """An option of a type, with a line of help, under a heading."""
    names = () if name is None else (name,)
    return Annotated[kind, Option(*names, help=text, rich_help_panel=panel)]


ModelFile = Annotated[Path, Argument(help="A .keras file.")]
SourceFile = option(Path, "One source text a line.", name="--source")
TargetFile = option(Path, "One target text a line.", name="--target")
EvaluatedSource = option(Path | None, "One source text a line.", name="--source")
EvaluatedTarget = option(Path | None, "One target text a line.", name="--target")
BatchSize = option(int, "Texts at once.")
ENCODING = "such as cp1252; UTF-8, or what a byte order mark says, if not set."
FileEncoding = option(str | None, f"Encoding of the files, {ENCODING}", name="--encoding")
StdinEncoding = option(str | None, f"Encoding of standard input, {ENCODING}", name="--encoding")
Separator = option(
    str | None,
    "What stands between columns, such as ';'; where not set, what the file is certain to have.",
    name="--separator",
)

LABELLED = "Labelled files"
TrainFile = option(Path, "A TSV or CSV file of texts and labels.", LABELLED, "--train")
ValFile = option(Path | None, "Held-out texts and labels.", LABELLED, "--val")
DataFile = option(Path | None, "A TSV or CSV file of texts and labels.", LABELLED, "--data")
TextColumn = option(str, "Column of the texts: a name, or a place from 0.", LABELLED)
LabelColumn = option(str, "Column of the labels, likewise.", LABELLED)
LabelSeparator = option(
    str | None, "What stands between labels, where a text has any number of them.", LABELLED
)
Quoted = option(
    bool | None,
    "Whether columns may be in double quotes; where not set, in CSV files.",
    LABELLED,
    "--quoted/--not-quoted",
)

TEXT = "Text"
ValSourceFile = option(Path | None, "Held-out sources.", name="--val-source")
ValTargetFile = option(Path | None, "Held-out targets.", name="--val-target")
Out = option(Path, "The .keras file to write.")
TokensOption = option(Tokens, "What a token is.", TEXT, "--tokens")
Vocabulary = option(int | None, "Largest vocabulary of each side; 8000 for subwords.", TEXT)
Lowercase = option(bool, "Lower-case both sides.", TEXT, "--lowercase")
MaxLength = option(int, "Longer texts are cut to so many tokens.", TEXT)
Stream = option(bool, "Read the files as training goes on: they need no memory.", TEXT, "--stream")
ShuffleBuffer = option(int, "With --stream: texts in memory at once, to be shuffled.", TEXT)

OneVocabulary = option(int | None, "Largest vocabulary; 8000 for subwords.", TEXT, "--vocabulary")
LowercaseText = option(bool, "Lower-case the texts.", TEXT, "--lowercase")

MODEL = "Model"
Cell = option(str, "lstm, gru, vanilla, irnn, min_gru or min_lstm.", MODEL)
Units = option(int, "Size of encoder (per direction) and decoder.", MODEL)
Embedding = option(int | None, "Embedding size; units if not set.", MODEL)
Layers = option(int, "Layers of encoder and decoder.", MODEL)
Attention = option(
    str,
    "additive, dot, general, concat, scaled_dot, local, local_monotonic, monotonic or none.",
    MODEL,
)
Order = option(str, "bahdanau: attend, then recur; luong: recur, then attend.", MODEL)
InputFeeding = option(bool, "Feed the decoder its last readout.", MODEL, "--input-feeding")
Residual = option(bool, "Add a layer's input to its output.", MODEL, "--residual")
Readout = option(str, "tanh, maxout or none.", MODEL)
TieEmbeddings = option(
    bool, "Use the target embeddings as output weights too.", MODEL, "--tie-embeddings"
)
Copy = option(bool, "Let the decoder copy words of the source.", MODEL, "--copy")
Unidirectional = option(bool, "Read the source from the left only.", MODEL, "--unidirectional")
Dropout = option(float, "Rate of dropout.", MODEL)
EncoderUnits = option(int, "Size of the state, per direction.", MODEL, "--units")
EncoderLayers = option(int, "Recurrent layers.", MODEL, "--layers")
LeftOnly = option(bool, "Read from the left only.", MODEL, "--unidirectional")
PoolingOption = option(Pooling, "What makes one vector of all steps.", MODEL, "--pooling")
LayerNorm = option(bool, "Normalise the output of each layer.", MODEL, "--layer-norm")
Variational = option(bool, "Drop the same features at all steps.", MODEL, "--variational")
WeightDropout = option(float, "Rate of dropout of the recurrent weights.", MODEL)

TRAINING = "Training"
Epochs = option(int | None, "Passes; 10 if no --minutes are set.", TRAINING)
Minutes = option(float | None, "Stop then; the learning rate falls until there.", TRAINING)
Warmup = option(float, "Share of --minutes in which the learning rate rises first.", TRAINING)
TrainingBatchSize = option(int, "Texts at once.", TRAINING, "--batch-size")
LearningRate = option(float, "Of Adam.", TRAINING)
WeightDecay = option(float | None, "Of AdamW.", TRAINING)
Clip = option(float, "Largest norm of all gradients together; 0 for no limit.", TRAINING)
Ema = option(float | None, "Momentum of a running average of the weights, e.g. 0.999.", TRAINING)
ClassSmoothing = option(
    float, "Share of probability spread over the classes.", TRAINING, "--label-smoothing"
)
Balanced = option(bool, "Let all classes count the same in training.", TRAINING, "--balanced")
ClassScoreOption = option(
    ClassScore, "Choose the best model by this, on the held-out texts.", TRAINING, "--score"
)
LabelSmoothing = option(float, "Share of probability spread over the vocabulary.", TRAINING)
TeacherForcing = option(
    float, "How often the true token is fed.", TRAINING, "--teacher-forcing-ratio"
)
SamplingLevel = option(str, "One coin for each token, step or batch.", TRAINING)
Feedback = option(str, "What is fed instead: argmax or sample.", TRAINING)
Seed = option(int, "Seed of weights and order.", TRAINING)
ScoreOption = option(
    Score, "Choose the best model by this, on the held-out texts.", TRAINING, "--score"
)
Patience = option(int, "Stop after so many epochs that were not better.", TRAINING)
Resume = option(
    bool, "Go on with the training in OUT.state, if there is one.", TRAINING, "--resume"
)

Probabilities = option(
    bool, "Write the probabilities behind the answer, most probable first.", name="--probabilities"
)
Threshold = option(float | None, "Probability above which a text has a label.")

SEARCH = "Search"
SamplerName = option(
    str | None,
    "greedy, beam, random or exhaustive; the model's own if not set.",
    SEARCH,
    "--sampler",
)
Width = option(int | None, "beam: number of beams.", SEARCH)
LengthPenalty = option(float | None, "beam: exponent of the length normalisation.", SEARCH)
CoveragePenalty = option(float | None, "beam: cost of source tokens left out.", SEARCH)
MinLength = option(int | None, "Tokens before the end, at least.", SEARCH)
NoRepeatNgram = option(int | None, "beam: write no n-gram of this size twice.", SEARCH)
NBest = option(int | None, "beam: answers for each text.", SEARCH)
Temperature = option(float | None, "random: below 1 likely tokens become likelier.", SEARCH)
TopK = option(int | None, "random: only so many likely tokens.", SEARCH)
TopP = option(float | None, "random: only tokens of this probability together.", SEARCH)
SearchSeed = option(int | None, "random: seed.", SEARCH, "--seed")
MaxNodes = option(int | None, "exhaustive: prefixes to look at for each text.", SEARCH)
ReplaceUnknown = option(
    bool, "Put the source word attended to for an unknown one.", SEARCH, "--replace-unknown"
)

LANGUAGE = "Language models"
TextFile = option(Path, "A text, read as one from its first character to its last.", name="--train")
HeldOutText = option(Path | None, "A held-out text.", name="--val")
LineTexts = option(bool, "Each line of the file is a text by itself.", LANGUAGE, "--lines")
Window = option(
    int, "Steps that a gradient goes back; 0 for whole texts, of similar length together.", MODEL
)
Tied = option(bool, "Use the embeddings as output weights too.", MODEL, "--tie-embeddings")
EmbeddingDropout = option(float, "Rate at which tokens of the vocabulary are dropped.", MODEL)
Streams = option(
    int, "Streams side by side; texts at once without a window.", TRAINING, "--batch-size"
)
TextSmoothing = option(
    float, "Share of probability spread over the vocabulary.", TRAINING, "--label-smoothing"
)
Prompt = option(str | None, "Go on from this text.", LANGUAGE)
Count = option(int, "With --prompt: how many texts to write.", LANGUAGE)
StopTokens = option(
    list[str] | None,
    "A token of the vocabulary with which a text ends too; any number.",
    SEARCH,
    "--stop-token",
)
WrittenLength = option(int | None, "The most tokens to write.", SEARCH, "--max-length")
Reference = option(
    Path | None, "The text that it was trained on, to judge samples by.", LANGUAGE, "--reference"
)
Samples = option(int, "With --reference: how many texts to sample.", LANGUAGE)

COMPARED = "Comparison"
ComparedFile = option(Path | None, "Texts and labels to train on.", LABELLED, "--train")
TestFile = option(Path | None, "Texts and labels that the results are about.", LABELLED, "--test")
MemoryTask = option(str | None, "A generated task: recall, agreement, coreference, ...", COMPARED)
TaskLengths = option(str | None, "With --task: lengths with commas; 10,20,40.", COMPARED)
TaskRows = option(int | None, "With --task: texts to train on; 5000.", COMPARED)
Architectures = option(
    str | None, "Names with commas, such as bag_of_words,lstm,self_attention; all.", COMPARED
)
Seeds = option(str, "Seeds with commas: a run of each.", COMPARED)
Isolate = option(
    bool,
    "A process for each run; without, memory is not known.",
    COMPARED,
    "--isolate/--no-isolate",
)
ResultsFile = option(Path | None, "Write the results to this file, as JSON.", COMPARED, "--out")
FigureFile = option(Path | None, "Draw them into this file.", COMPARED, "--plot")
ComparedUnits = option(int | None, "Size of every model; 64.", MODEL, "--units")
ComparedEmbedding = option(int | None, "Embedding size; 64.", MODEL, "--embedding")
ComparedDropout = option(float | None, "Rate; 0.5, and 0 with --task.", MODEL, "--dropout")
ComparedTokens = option(Tokens | None, "What a token is; word.", TEXT, "--tokens")
ComparedLength = option(int | None, "Longer texts are cut; 512.", TEXT, "--max-length")
ComparedRate = option(float | None, "Of Adam; 0.001.", TRAINING, "--learning-rate")
ComparedBatch = option(int | None, "Texts at once; 64.", TRAINING, "--batch-size")
ComparedEpochs = option(int | None, "Passes at most; 20, and 30 with --task.", TRAINING, "--epochs")
ComparedPatience = option(
    int | None, "Stop after so many that were not better; 4, and 10.", TRAINING, "--patience"
)
ComparedMinutes = option(float | None, "Limit of the training of each.", TRAINING, "--minutes")

TAGGED = "Tagged files"
TAGGED_HELP = "Words and tags in columns, or CoNLL-U where it ends in .conllu."
TaggedFile = option(Path, TAGGED_HELP, TAGGED, "--train")
TaggedValFile = option(Path | None, "Held-out sentences, likewise.", TAGGED, "--val")
TagColumns = option(str, "Columns of words and tags, from 0; -1 is the last.", TAGGED, "--columns")
ConlluTag = option(str, "In CoNLL-U the column of the tags: upos, xpos, ...", TAGGED, "--tag")
TagSchemeOption = option(
    str | None, "What spans are written in: BIO, IOB1, IOBES, BILOU or BMES.", TAGGED, "--scheme"
)
Comment = option(
    str | None, "What lines that are no words begin with, such as '#'; '' for none.", TAGGED
)
Repair = option(bool, "Read invalid sequences of tags as conlleval does.", TAGGED, "--repair")
WordVocabulary = option(int | None, "Largest vocabulary of words.", TEXT, "--vocabulary")
LowercaseWords = option(bool, "Look words up in lower case.", TEXT, "--lowercase")
ZeroDigits = option(bool, "Look words up with 0 for each digit.", TEXT, "--zero-digits")
UnknownRate = option(float, "How often a word seen once is read as unknown.", TEXT)
Characters = option(CharacterReader, "What reads the characters.", MODEL, "--characters")
CharacterUnits = option(int, "Filters, or size of each of two LSTMs.", MODEL)
Softmax = option(bool, "A softmax for each word; else a CRF.", MODEL, "--softmax")
TagScoreOption = option(
    TagScoreName | None,
    "Choose the best model by this; f1 with --scheme, else accuracy.",
    TRAINING,
    "--score",
)
TagSmoothing = option(
    float,
    "With --softmax: share of probability spread over the tags.",
    TRAINING,
    "--label-smoothing",
)
TagFormat = option(OutputFormat, "What a tagger writes.", name="--format")

EXPORT = "Export"
ExportPath = Annotated[Path, Argument(help="The folder of all versions, or an .onnx file.")]
ExportFormatOption = option(ExportFormat, "What to write.", EXPORT, "--format")
Version = option(int | None, "Number of the version; the next one if not set.", EXPORT)
Examples = option(
    list[str] | None,
    "A text for the warm-up and for signature.json; any number.",
    EXPORT,
    "--example",
)
Batching = option(bool, "Write batching_params.pbtxt too.", EXPORT, "--batching")
CustomModules = option(
    list[str] | None,
    "A module to import before the model is loaded; any number.",
    EXPORT,
    "--custom-module",
)
