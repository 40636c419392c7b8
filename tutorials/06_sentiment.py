# %% [markdown]
# # 6. Sentiment
#
# Is a review for the film or against it? Four readers answer: a bag of words that knows no order,
# a vanilla network, an LSTM and an LSTM in both directions. Which is the best, what does it cost,
# and does it read what you think it reads?
#
# **You will learn**
# - to classify texts, from counting words to reading them in both directions;
# - to compare models fairly: the same words, the same data, three seeds, and the time it took;
# - where order decides, and what a test on real reviews says about that, and what not;
# - to read a network's answer at the last valid step, and what padding does if you do not.
#
# **Before this lesson**: [lesson 3](03_lstm_and_gru.ipynb). The reviews are SST-2, which has no
# licence that lets us hand it out: `ks.datasets.sst2` says where to put it. Without it the lesson
# runs small, on sentences that it makes itself.

# %%
import keras
import numpy as np
from keras.ops import convert_to_numpy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import keras_seq as ks

claims = ks.experiments.Claims(data=ks.datasets.sst2)  # small where CI=true, or without the data
SEEDS, EPOCHS = (1, 1) if claims.small else (3, 4)
ks.analysis.set_figure_style()

# %% [markdown]
# ## Reviews, and sentences that we make
#
# Beside the reviews we need sentences of which we know what they test. In `opinions` a good word
# says *positive*, unless there is a *not*; half of them have one, and words without any opinion
# stand around. First two reviews, then two of those:

# %%
made = [ks.datasets.opinions(n, seed) for seed, n in enumerate((1_500, 400, 400))]
if claims.small:
    made = [task.split(100)[0] for task in made]
    train, dev, test = [(task.texts, task.labels) for task in made]
else:
    train, dev, test = [ks.datasets.sst2(part) for part in ("train", "dev", "test")]
for texts, labels in (test, (made[2].texts, made[2].labels)):
    print(f"{labels[0]}: {texts[0]}\n{labels[1]}: {texts[1]}")

# %% [markdown]
# ## Four readers
#
# The **bag of words** weighs each word and adds up. With $x_w$ the (weighted) count of word $w$,
#
# $$ p(\text{positive}) = \sigma\Big(\sum_w a_w x_w + b\Big) \qquad \sigma(z) = \frac{1}{1 +
# e^{-z}} $$
#
# - $a_w$: what word $w$ speaks for, one number, wherever it stands; $b$: what speaks for it
#   without a word.
#
# The **networks** turn words into vectors, read them, and answer from their last state:
#
# $$ h_t = \text{cell}(e_{w_t}, h_{t-1}) \qquad p = \operatorname{softmax}(V h_T + d) $$
#
# - $e_w$: the vector of word $w$, learnt; $h_T$: the state after the last word; in both
#   directions it is $[h_T; g_1]$, where $g$ read from the end (lesson 7).
#
# All of them read the same words. **Predict:** order the four by accuracy. Then guess how many
# times longer the slowest trains than the fastest.

# %%
kept = {}  # the trained models, by name


def keep(name, model):
    kept.setdefault(name, []).append(model)
    return model


def network(name, **options):
    config = {"units": 32, "embedding_dim": 32, "pooling": "last", "bidirectional": False}
    config |= {"variational": False, "token_dropout": 0.0, "dropout": 0.3, **options}
    return lambda *data: keep(name, ks.models.TextClassifier.from_texts(*data, **config))


def bag(*data):
    return keep(
        "bag of words", make_pipeline(TfidfVectorizer(token_pattern=r"\S+"), LogisticRegression())
    )


READERS = {
    "bag of words": bag,
    "vanilla": network("vanilla", cell="vanilla"),
    "LSTM": network("LSTM", cell="lstm"),
    "both directions": network("both directions", cell="lstm", bidirectional=True),
}
settings = {"isolate": False, "learning_rate": 5e-3, "epochs": EPOCHS}
results = ks.experiments.compare(*train, test, dev, READERS, range(SEEDS), **settings)
accuracy, seconds = (
    {name: np.array([run[key] for run in results if run["name"] == name]) for name in READERS}
    for key in ("accuracy", "training_seconds")
)
best = np.max([accuracy[name] for name in READERS if name != "bag of words"], axis=0)
ahead = best - accuracy["bag of words"]
claims.add("networks beat the bag by 0.05", ahead, ahead > 0.05, trained=True, surprise=True)
slower = np.array([seconds[name] / seconds["bag of words"] for name in list(READERS)[1:]])
claims.add("networks: times the time of the bag", slower.mean(1), slower.ravel() > 2, trained=True)
ks.experiments.plot_comparison(results)

# %% [markdown]
# With some thousand sentences to learn from, counting words is at least as good as reading them,
# and it takes next to no time. That is not because order does not matter in language. It is
# because in reviews most sentences are decided by their words, and because a network has to learn
# from the same few sentences what words mean *and* what order does. (With vectors of words or a
# network that was trained on other texts before, it starts with more.)
#
# What does the bag go by? Its weights are its explanation, the most negative and the most positive
# ones:

# %%
vectorizer, regression = kept["bag of words"][0]
names, weights = vectorizer.get_feature_names_out(), regression.coef_[0]
order = np.argsort(weights)
print(*names[order[:10]], "...", *names[order[-10:]])
words = test[0][0].split()
value = dict(zip(names, weights, strict=True))
ks.analysis.highlight([word + " " for word in words], [value.get(word, 0.0) for word in words])

# %% [markdown]
# ## Where order decides
#
# Now the sentences that we made. **Predict:** what can the bag reach, at best? And the LSTM?

# %%
made_data = [(task.texts, task.labels) for task in made]
pair = {name: READERS[name] for name in ("bag of words", "LSTM")}
settings |= {"epochs": 1 if claims.small else 10, "enough": 0.99}
runs = ks.experiments.compare(*made_data[0], *made_data[1:], pair, range(SEEDS), **settings)
order_decides = {name: [run["accuracy"] for run in runs if run["name"] == name] for name in pair}
of_bag, of_lstm = map(np.array, order_decides.values())
claims.add("bag: a toss", of_bag, abs(of_bag - 0.5) < 0.15)
claims.add("LSTM: knows", of_lstm, of_lstm > 0.95, trained=True)

# %% [markdown]
# An LSTM *can* do what no bag can. Did the one that learnt from real reviews *do* it? Look at the
# reviews with a *not*, *n't*, *never* or *no*, and at those without. (The networks from above:
# each made its choice before it saw these questions.)
#
# **Predict:** which of the four suffers from negation, and by how much?

# %%
NEGATIONS = {"not", "n't", "never", "no"}
negated = np.array([bool(NEGATIONS & set(text.split())) for text in test[0]])
split = {name: {} for name in READERS}
for name in READERS:
    for model in kept[name][:SEEDS]:  # those that learnt from reviews
        answer = model.predict if name == "bag of words" else model.classify
        right = np.array(answer(test[0])) == test[1]
        for part, rows in (("with a not", negated), ("without", ~negated)):
            split[name].setdefault(part, []).append(right[rows].mean())
lost = [np.mean(parts["without"]) - np.mean(parts["with a not"]) for parts in split.values()]
claims.add("reviews with a not: accuracy lost", lost, np.array(lost) > -0.1, trained=True)
ks.experiments.plot_seeds(split, lines={"chance": 0.5})

# %% [markdown]
# All four lose, and about as much: those that *could* make use of order do no better where it
# counts. And the sharpest question: does the answer turn round where a *not* comes in? For each
# adjective, *"the film is good ."* and *"the film is not good ."*:

# %%
turned = {}
ADJECTIVES = "bad dull poor awful silly good great fine lovely clever"
plain = [f"the film is {word} ." for word in ADJECTIVES.split()]
for name in READERS:
    for model in kept[name][:SEEDS]:
        answer = model.predict if name == "bag of words" else model.classify
        pair = answer(plain), answer([text.replace("is", "is not", 1) for text in plain])
        turned.setdefault(name, []).append(np.mean(np.array(pair[0]) != pair[1]))
claims.add(
    "LSTM: learnt from reviews to turn round",
    turned["LSTM"],
    bool(min(turned["LSTM"]) > 0.8),
    trained=True,
    surprise=True,
)
ks.experiments.plot_seeds(turned, "answers turned by 'not'", {"all": 1.0})

# %% [markdown]
# The bag turns none: one more word of small weight does not outvote the adjective. Of the networks
# the one that is the worst on reviews turns most. One number for all reviews would have hidden
# this. *Can* a model do it, *did* it learn it from these data, and *does the test show it* are
# three questions, and only the first one is about the name of the cell.
#
# ## The last valid step
#
# Texts in a batch differ in length, and short ones are padded with zeros behind. The answer has to
# be read from $h_T$ at the last word of *each* text. The usual way to do it wrong: let the network
# read the padding too, and read the last column.
#
# Here is the trained LSTM of above, read by hand in both ways, with more and more padding:
#
# $$ \text{right:}\quad h_{T_i}, \quad T_i = \text{the number of words of text } i \qquad\qquad
# \text{wrong:}\quad h_{T_{\max}} $$
#
# **Predict:** how much padding does the wrong way bear?

# %%
chosen = [i for i, text in enumerate(test[0]) if len(text.split()) <= 20][:300]
truth = np.array([test[1][i] for i in chosen])


def read(model, extra, masked):
    """Accuracy on texts of up to 20 words that are padded to 20 and `extra` steps."""
    ids = np.zeros((len(chosen), 20 + extra), "int32")
    for row, tokens in enumerate(model.tokenizer.encode([test[0][i] for i in chosen])):
        ids[row, : len(tokens[:20])] = tokens[:20]
    lengths = (ids != 0).sum(1)  # (rows,)
    vectors = model.embedding(ids)
    outputs = convert_to_numpy(model.encoder(vectors, mask=ids != 0 if masked else None))
    last = outputs[np.arange(len(ids)), lengths - 1] if masked else outputs[:, -1]  # (rows, n)
    V, d = model.projection.get_weights()
    return np.mean(np.array(model.class_names)[(last @ V + d).argmax(1)] == truth)


extras = (0, 10, 40) if claims.small else (0, 5, 10, 20, 40, 80)
ways = {"last valid step": True, "last column": False}
lstms = kept["LSTM"][:SEEDS]
by_padding = {
    name: np.array([[read(model, extra, masked) for extra in extras] for model in lstms])
    for name, masked in ways.items()
}
right, wrong = by_padding.values()
claims.add("last valid step: padding changes nothing", right[0], right == right[:, :1])
fall = wrong[:, 0] - wrong[:, -1]
claims.add("last column: lost by padding", fall, fall > 0.1, trained=True)
ks.analysis.plot_curves(
    by_padding, "steps of padding more", "accuracy", extras, lines={"chance": 0.5}, limits=(0.3, 1)
)

# %% [markdown]
# The network never saw padding while it learnt. What if it learns *with* the mistake? Then padding
# is one more word, and what the sentence said has to be carried over it: padding is distance
# (lesson 4). Sentences that we made, padded to 24 and to 80 steps:
#
# **Predict:** which of the four networks learn?

# %%
learnt = {}
models = {
    name: lambda masked=masked: [
        keras.layers.Embedding(len(made[0].vocabulary), 32, mask_zero=masked),
        ks.layers.LSTM(32),
        keras.layers.Dense(2),
    ]
    for name, masked in ways.items()
}
for steps in (24, 80):
    data, held_out = (ks.datasets.opinions(len(made[i]), i, steps) for i in (0, 2))
    tests = {"accuracy": held_out}
    scores = ks.experiments.over_seeds(models, data, tests, SEEDS, settings["epochs"], 5e-3, 64)
    learnt[f"{steps} steps"] = {name: run["accuracy"] for name, run in scores.items()}
_, long = learnt.values()
claims.add(
    "last valid step, 80: learns",
    long["last valid step"],
    long["last valid step"] > 0.9,
    trained=True,
)
claims.add(
    "last column, 80: does not", long["last column"], long["last column"] < 0.8, trained=True
)
ks.experiments.plot_seeds(learnt, lines={"chance": 0.5})

# %% [markdown]
# How long the longest text of a batch is has nothing to do with a sentence; a model whose answer
# depends on it answers differently today and tomorrow. `keras_seq` masks padding everywhere, and
# its tests pad with rubbish to prove it. (A length that is counted as "tokens that are not 0" is
# 0 for an empty text; then index -1 is the last *padded* step. See exercise 3.)
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Two logits with a softmax, or one with a sigmoid? Show that they are the same model.
# 2. Pad *in front* and leave the mask out: now the last column is the last word. Does that save the
#    trained LSTM?
# 3. What does a classifier of this package say to an empty text?
# 4. Let the network tell you which words it went by: `pooling="attention"`, and
#    `classify(..., return_attention=True)` with `ks.analysis.highlight`.

# %% tags=["solution"]
# 1: the softmax of two logits is the sigmoid of their difference.
z = np.array([0.3, 1.7])
softmax = np.exp(z) / np.exp(z).sum()
print(softmax[1], 1 / (1 + np.exp(-(z[1] - z[0]))))
assert np.isclose(softmax[1], 1 / (1 + np.exp(-(z[1] - z[0]))))

# %% tags=["solution"]
# 2: no. It begins to read in a state that no sentence ever began in.
model, front = lstms[0], []
for extra in extras:
    ids = np.zeros((len(chosen), 20 + extra), "int32")
    for row, tokens in enumerate(model.tokenizer.encode([test[0][i] for i in chosen])):
        ids[row, len(ids[row]) - len(tokens[:20]) :] = tokens[:20]
    last = convert_to_numpy(model.encoder(model.embedding(ids)))[:, -1]
    V, d = model.projection.get_weights()
    front.append(np.mean(np.array(model.class_names)[(last @ V + d).argmax(1)] == truth))
print(front)

# %% tags=["solution"]
# 3: it names no class: nobody has said anything.
print(model.classify(["a fine film", ""]))
assert model.classify("") is None

# %% tags=["solution"]
# 4: brighter words counted more.
config = {"units": 32, "pooling": "attention", "dropout": 0.3}
looking = ks.models.TextClassifier.from_texts(*made_data[0], **config)
looking.compile(keras.optimizers.Adam(3e-3))
looking.fit(*made_data[0], epochs=1 if claims.small else 5, verbose=0)
answer = looking.classify("we saw yesterday and it is not dull", return_attention=True)
ks.analysis.highlight([token + " " for token in answer["tokens"]], answer["attention"])

# %% [markdown]
# ## To read
#
# - R. Socher and others, 2013, [Recursive deep models for semantic compositionality over a
#   sentiment treebank](https://aclanthology.org/D13-1170/): SST.
# - S. Wang and C. Manning, 2012, [Baselines and bigrams: simple, good sentiment and topic
#   classification](https://aclanthology.org/P12-2018/): why the bag belongs into the table.
# - M. Ribeiro and others, 2020, [Beyond accuracy: behavioral testing of NLP models with
#   CheckList](https://arxiv.org/abs/2005.04118): tests such as the one with *not*.
# - A. Dai and Q. Le, 2015, [Semi-supervised sequence learning](https://arxiv.org/abs/1511.01432):
#   LSTMs that were trained on other texts before.
# - U. Kamath, J. Liu and J. Whitaker, 2019, [Deep learning for NLP and speech
#   recognition](https://doi.org/10.1007/978-3-030-14596-5), chapters 7 to 9.
