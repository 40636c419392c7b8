# %% [markdown]
# # 5. A character language model
#
# A network reads Shakespeare letter by letter and says, before each letter, how probable all of
# them are. That is all it learns; writing plays of its own comes with it.
#
# **You will learn**
# - what a text costs in bits, and what a network knows that counting does not;
# - to train on one long text: windows, and a state that goes on from one to the next;
# - what temperature does, in numbers, and how to measure whether what is written makes sense;
# - how far back the network looks, and what single units see;
# - three mistakes that many programs make, and what each of them really costs.
#
# **Before this lesson**: [lesson 1](01_sequences_and_recurrence.ipynb), "A text", and
# [lesson 2](02_backpropagation_through_time.ipynb), "Truncated backpropagation".

# %%
import itertools

import keras
import numpy as np
from keras.layers import Dense, Embedding, Input
from keras.losses import sparse_categorical_crossentropy as cross_entropy
from keras.ops import convert_to_numpy

import keras_seq as ks
from keras_seq.analysis import best_unit, bits_by_context
from keras_seq.datasets import stream_windows

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS, EPOCHS = (1, 1) if claims.small else (3, 3)
ks.analysis.set_figure_style()
if claims.small:  # dates, in the place of Shakespeare
    text, unseen = ("\n".join(ks.datasets.dates(500, i, ("en_US", "en_GB"))[0]) for i in (0, 1))
else:  # 1 MB, downloaded once
    (text,), (unseen,) = (ks.datasets.tiny_shakespeare(part) for part in ("train", "dev"))
text, unseen = text[:400_000], unseen[:40_000]
print(text[:110])

# %% [markdown]
# ## What a text costs
#
# A language model gives a text $x_1 \dots x_T$ a probability, letter by letter. Its **bits per
# character** are
#
# $$ H = -\frac{1}{T} \sum_{t=1}^{T} \log_2 p(x_t \mid x_1 \dots x_{t-1}) $$
#
# - $x_t$: the character at place $t$ of $T$; $p$: the probability that the model gave it before
#   it saw it.
#
# A model that finds a text likely could store it in so many bits: it is what speech recognition,
# spelling aids and translators ask a language model for. Without any network you can *count*:
# which letter follows these $k$ letters most often?
#
# **Predict:** how many bits does a letter of unseen text cost if all letters are equally likely?
# If you know how frequent each is? If you know which one stands before, and which four?

# %%
counts = {k: ks.analysis.NGramModel.from_texts([text], order=k + 1) for k in range(7)}
counted = [model.bits_per_character([unseen]) for model in counts.values()]
uniform = np.log2(len(set(text)))
claims.add("equally likely: log2 V bits; frequencies", [uniform, counted[0]], counted[0] < uniform)
claims.add("four letters before help, six no more", counted[4:], counted[6] > counted[4] - 0.1)

# %% [markdown]
# Counting comes to an end: the longer the run of letters, the more often it never occurred before,
# and there is nothing to count. A network does not look up what stood there; it computes with it.
#
# ## Training on one long text
#
# The text is cut into as many **streams** as a batch has rows, each stream into **windows** of 32
# letters. Each window begins with the state that the one before has left, and the gradient stays
# in its window (truncated backpropagation):
#
# | batch | row 0 | row 1 | ... |
# |---|---|---|---|
# | 1 | letters 0 to 31 | letters $n$ to $n + 31$ | |
# | 2 | letters 32 to 63 | letters $n + 32$ to $n + 63$ | |
#
# where $n$ is the length of a stream. Three networks, GRUs of 128 units, each from another seed
# (`cell="lstm"` is all that an LSTM takes):
#
# **Predict:** which counts will they have passed after three rounds?

# %%
writers, bits = [], []
for seed in range(SEEDS):
    keras.utils.set_random_seed(seed)
    writer = ks.models.LanguageModel.from_texts(text, cell="gru", units=128, window=32, dropout=0.0)
    writer.compile(keras.optimizers.Adam(5e-3, global_clipnorm=1.0))
    options = {"callbacks": [ks.callbacks.LearningRateDecay()], "batch_size": 8, "verbose": 0}
    run = writer.fit(text, validation_data=unseen, epochs=EPOCHS, **options)
    writers.append(writer)
    bits.append(run.history["val_bits_per_character"])
bits, writer = np.array(bits), writers[0]
levels = {"frequencies": counted[0], "2 letters": counted[2], "4 letters": counted[4]}
claims.add("network: below 2 letters", bits[:, -1], bits[:, -1] < counted[2], trained=True)
ks.analysis.plot_curves({"network": bits}, "round", "bits", range(1, EPOCHS + 1), lines=levels)

# %% [markdown]
# (Curve and points: what unseen text costs the networks. Black lines: those who count.)
# In bits these networks are no wonder: after so short a training they come to where a table of
# counts already is. But a table and a network come there in different ways.
#
# ## How far back?
#
# Let the network and the counts see only the last $k$ letters, and ask for the next one, at the
# same places of unseen text.
#
# **Predict:** where do the two curves cross?

# %%
seen, places = (1, 2, 4, 6, 8, 16, 32, 64), 100 if claims.small else 1_500
network = np.array([bits_by_context(w, unseen, seen, places) for w in writers])
table = [bits_by_context(counts[min(k, 6)], unseen, (k, 64), places)[0] for k in seen]
claims.add("counts: 6 letters no better than 4", table[2:4], table[3] > table[2] - 0.1)
gain = network[:, 3] - network[:, 7]
claims.add("network: 64 letters better than 6", gain, gain > 0.05, trained=True)
ahead = network[:, 0] - table[0]
claims.add("of 1 letter counts know more", ahead, ahead > 0, trained=True)
curves = {"network": network, "counts": table}
ks.analysis.plot_curves(curves, "letters seen, k", "bits", seen, "x")

# %% [markdown]
# They do not cross: with little to go by the network is lost (it is not used to begin in the
# middle), and even with 64 letters it has only caught up. But counting stops where texts stop
# repeating themselves, after four letters, and the state of the network goes on gaining with every
# doubling. What a longer training buys, it buys at the right end of this figure.
#
# Which of the letters that it has read does it lean on? The gradient of what it says next, with
# respect to each of them:

# %%
(link,) = ks.analysis.connectivity(writer, unseen[:45]).values()
claims.add("share of the last 10 letters", link.shares[-10:].sum(), link.shares[-10:].sum() > 0.5)
ks.analysis.plot_connectivity(link)

# %% [markdown]
# ## Temperature
#
# To write, draw a letter, read it, draw the next. **Temperature** $\tau$ sharpens or flattens what
# is drawn from:
#
# $$ p_\tau(v) = \frac{e^{z_v / \tau}}{\sum_u e^{z_u / \tau}} $$
#
# - $z_v$: the logit of character $v$, the output of the network before the softmax.
#
# Move the slider: what could come after *the k*? **Predict:** which letter wins at $\tau = 0.2$,
# and what is left of its lead at $\tau = 2$?

# %%
letters, chances = zip(*writer.stream("\nAnd to the k").likely(8), strict=True)
figures, lead = {}, []
for tau in (0.2, 0.5, 1.0, 2.0):
    shares = np.power(chances, 1 / tau) / np.sum(np.power(chances, 1 / tau))  # of these 8
    lead.append(shares[0])
    bars = dict(zip(map(repr, letters), shares, strict=True))
    figures[tau] = ks.experiments.plot_seeds(bars, "probability", title=f"temperature {tau}")
claims.add("share of the likeliest, 0.2 to 2", lead, lead == sorted(lead, reverse=True))
ks.analysis.Slides(figures, name="temperature", start=1.0)

# %% [markdown]
# Does what is written make sense? No number says so, but several together say something:
#
# - **known words**: the share of written words that Shakespeare used;
# - **distinct pairs**: how many different pairs of words there are, by the number of pairs.
#
# **Predict:** as $\tau$ rises, which of them rises and which falls? At which temperature are both
# as in real text?

# %%
TAUS = (0.2, 1.3) if claims.small else (0.2, 0.4, 0.6, 0.8, 1.0, 1.3)
length, samples, scores = 40 if claims.small else 300, {}, []
for writer, tau in itertools.product(writers, TAUS):
    sampler = ks.samplers.Random(temperature=tau, seed=1)
    samples[tau] = writer.generate(["\n\n"] * 8, sampler, max_length=length)
    found = ks.analysis.sample_quality(samples[tau], [text], model=counts[4])
    scores.append((found["known_words"], found["distinct_2"]))
words, pairs = np.reshape(scores, (SEEDS, len(TAUS), 2)).transpose(2, 0, 1)
real = ks.analysis.sample_quality([unseen[: 8 * length]], [text], model=counts[4])
fall, rise = words[:, 0] - words[:, -1], pairs[:, -1] - pairs[:, 0]
claims.add("known words: cold less hot", fall, fall > 0, trained=True)
claims.add("distinct pairs: hot less cold", rise, rise > 0, trained=True)
curves = {"known words": words, "distinct pairs": pairs}
levels = {"real: known words": real["known_words"], "real: distinct pairs": real["distinct_2"]}
ks.analysis.plot_curves(curves, "temperature", "share", TAUS, lines=levels, limits=(0, 1.05))

# %%
for tau in TAUS[:: len(TAUS) - 1]:
    print(f"--- temperature {tau}\n{samples[tau][0].strip()[:160]}\n")

# %% [markdown]
# Cold text has real words and says the same ones again and again; hot text never repeats itself
# and makes its words up. Between them there is a temperature at which words are words and the
# text goes on; what it goes on about, nobody asked the network to know. Coherence over a few
# letters costs little, over sentences it costs another size of network and of text.
#
# ## What a unit sees
#
# Each of the 128 units is a number that goes up and down while the network reads. Is there one
# that counts the letters of the word, the letters of the line, or that watches for capitals? We
# take the unit that goes best with each on *training* text, and look at it on *unseen* text.
#
# **Predict:** for which of the three is there such a unit?

# %%
NAMES = ("place in the word", "place in the line", "a capital")


def features(text):
    """Three numbers for each letter, `(3, letters)`, in the order of the names."""
    begins = [i - text.rfind("\n", 0, i + 1) for i in range(len(text))]
    word = [min(n, i - text.rfind(" ", 0, i + 1)) for i, n in enumerate(begins)]
    return np.array([word, begins, [letter.isupper() for letter in text]])


passages = text[:1_600], unseen[:1_600]
held, unit_of = {name: [] for name in NAMES}, {}
for writer in reversed(writers):  # the first one last: its units are shown below
    found = [ks.analysis.unit_activations(writer, "\n" + part) for part in passages]
    found = [next(iter(layers.values())) for layers in found]
    numbers = [features("\n" + "".join(x.tokens[1:])) for x in found]  # (3, letters)
    for i, name in enumerate(NAMES):
        unit_of[name] = best_unit(found[0], numbers[0][i]).unit
        match = best_unit(found[1], numbers[1][i], unit=unit_of[name])
        held[name].append(abs(match.correlation))
claims.add(
    "a unit for the place in the word",
    held["place in the word"],
    np.greater(held["place in the word"], 0.4),
    trained=True,
)
ks.experiments.plot_seeds(held, "correlation, unseen text")

# %%
shown = found[1].values["h"][2:302, unit_of["place in the word"]]
ks.analysis.highlight(list(unseen[:300]), shown - shown.mean())

# %% [markdown]
# (Orange: above its mean, blue: below.) We looked for what *we* have names for, in 128 units, and
# so found something; on the text that it was chosen on, the best of 128 always looks good, which
# is why it was tested on another one. Most of the others have no name, and the network does not
# need one.
#
# Look around in it yourself. In Jupyter the next cell is a page to type in: it says which letters
# the network expects next, and colours the text by any unit, or by how much each letter surprised
# it. (That takes `pip install 'keras_seq[onnx,widget]'` and `make explorer`. Where they are
# missing it draws the unit that changes most.)
#
# **Predict:** where in a word is it surprised least?

# %%
ks.analysis.explore(writers[0], unseen[:40])

# %% [markdown]
# ## Mistake 1: a state carried over overlapping windows
#
# Now the training loop by hand: `stateful=True` keeps the state of each row for the next batch. If
# windows do *not* overlap, that is right. Often they do: to have more of them, each window begins
# half a window after the one before. Then the state has already read the first half of what comes
# next.
#
# Three loops over the same text, with the same number of steps: windows *side by side*, state
# carried; *overlapping* by half, state carried; overlapping by half, each *from zeros*.
#
# **Predict:** the loss at the *first* letter of a window, in each of the three. Which network is
# better on unseen text?

# %%
ROWS, WINDOW, V = 32, 40, writer.tokenizer.vocabulary_size
train_ids = writer.tokenizer.encode([text[: 6_000 if claims.small else 60_000]])[0]
ids = writer.tokenizer.encode([unseen[:16_000]])[0]


def reader(stateful):
    lstm = ks.layers.LSTM(64, return_sequences=True, stateful=stateful)
    model = keras.Sequential([Input(batch_shape=(ROWS, None)), Embedding(V, 32), lstm, Dense(V)])
    model.compile(keras.optimizers.Adam(5e-3), lambda y, z: cross_entropy(y, z, from_logits=True))
    return model


def losses(model, x, y):
    """Bits of each letter, `(windows, WINDOW)`, read from state zero on."""
    model.layers[1].reset_state()
    logits = model.predict(x, batch_size=ROWS, verbose=0)
    return convert_to_numpy(cross_entropy(y, logits, from_logits=True)) / np.log(2)


LOOPS = {"side by side": (40, True), "overlapping": (20, True), "from zeros": (20, False)}
new, by_place, bits_of, models = stream_windows(ids, ROWS, WINDOW), {}, {}, []
for name, (step, stateful) in LOOPS.items():
    x, y = stream_windows(train_ids, ROWS, WINDOW, step)
    runs = []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        models.append(reader(stateful))
        for _ in range(1 if claims.small else step // 4):
            models[-1].layers[1].reset_state()
            models[-1].fit(x, y, ROWS, shuffle=False, verbose=0)
        by_letter = losses(models[-1], x[: ROWS * 30], y[: ROWS * 30])[ROWS:]
        runs.append((by_letter.mean(0)[:12], losses(models[-1], *new).mean()))
    by_place[name], bits_of[name] = map(np.array, zip(*runs, strict=True))
right, overlapping, zeros = (runs[:, 0] for runs in by_place.values())
claims.add("first letter, overlapping", overlapping, overlapping > right + 0.5, trained=True)
claims.add("from zeros: less", zeros, zeros < overlapping, trained=True)
fair, leaky, _ = bits_of.values()
ruined = bool(min(leaky) > max(fair) + 0.2)
claims.add(
    "unseen text: ruined by it", [fair.mean(), leaky.mean()], ruined, trained=True, surprise=True
)
ks.analysis.plot_curves(by_place, "place in the window", "bits", range(1, 13), limits=(0, None))

# %% [markdown]
# At the first letter, a state that goes with *other* text is worse than no state at all. Then the
# network reads the letters of the window itself, and after three of them it is back where it would
# have been. That is why this mistake lives so long in so many programs: the average over a window
# hardly shows it, and on unseen text, read as it should be, the network is as good as the careful
# one. What is wasted are the first letters of every window, and the state that was to help there.
# Look at the loss by place, not only at its mean.
#
# ## Mistake 2: the whole window again, on top of the carried state
#
# The same thing while writing. The state is kept from letter to letter, *and* the last 40 letters
# are fed again for each new one.
#
# **Predict:** which suffers more, the text or the clock?

# %%
steps, seconds, read = 20 if claims.small else 100, {}, {}
for name, window in (("one letter", 1), ("window again", WINDOW)):
    x, y = stream_windows(ids[: ROWS * (WINDOW + steps + 1)], ROWS, window, 1)
    seconds[name] = ks.experiments.fastest(lambda x=x, y=y: losses(models[0], x, y), 2) / len(x)
    read[name] = losses(models[0], x, y)[-ROWS * steps :, -1].mean()  # of the last letter
harm = read["window again"] - read["one letter"]
claims.add("bits more by the window again", harm, bool(harm > 0.2), trained=True, surprise=True)
slower = seconds["window again"] / seconds["one letter"]
claims.add("times slower", slower, slower > 1, trained=True)

# %% [markdown]
# By the end of the window the network has recovered, as you saw above, so the text hardly
# suffers. The clock does: all letters of the window are read for every single one written.
# Either feed one letter and keep the state, or feed the window and begin from zeros. Both are
# right; only one of them is fast.
#
# ## Mistake 3: dividing by the wrong number
#
# A loop adds up the loss of each batch, which is a *mean* already, and divides the sum by the
# number of windows instead of the number of batches.
#
# **Predict:** by how much is the reported loss too small? What happens to it when you double the
# batch?

# %%
each, sizes = losses(models[0], *new), (8, 16, 32)  # (windows, WINDOW), bits
sums = np.array([each.reshape(-1, n, WINDOW).mean((1, 2)).sum() for n in sizes])
right, wrong = sums * sizes / len(each), sums / len(each)
claims.add("by batches: the same for all", right, np.allclose(right, right[0]))
claims.add("by windows: too small by", right / wrong, np.allclose(right / wrong, sizes))
rows = zip(sizes, right, wrong, strict=True)
reported = {f"batches of {n}": {"by batches": r, "by windows": w} for n, r, w in rows}
ks.experiments.plot_seeds(reported, "bits per character")

# %% [markdown]
# A loss that no model can have is a gift: whoever knows what counting costs (the first cell of
# this lesson) sees at once that something is wrong. A small error of the same kind hides better:
# the mean of the means of batches counts the letters of a short last batch more than the others.
# `keras_seq` sums over letters and divides by their number.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. A language model as a spelling aid: swap two neighbouring letters in each of 100 unseen
#    lines. How often does the network find the right line likelier?
# 2. Train a network on one paragraph for many rounds, and let it write. What does
#    `longest_copy` of `sample_quality` say?
# 3. What does temperature do as it goes to 0? Compare with `sampler="greedy"`.
# 4. A loss of 1.5 nats a letter: how many bits is that, and what perplexity?

# %% tags=["solution"]
# 1: nearly always.
rng, lines = np.random.default_rng(0), [x for x in unseen.split("\n") if len(x) > 20][:100]
swapped = []
for line in lines:
    i = rng.choice([i for i in range(len(line) - 1) if line[i] != line[i + 1]])
    swapped.append(line[:i] + line[i + 1] + line[i] + line[i + 2 :])
better = [
    a["log_probability"] > b["log_probability"]
    for a, b in zip(writer.score(lines), writer.score(swapped), strict=True)
]
print(np.mean(better))
assert claims.small or np.mean(better) > 0.9

# %% tags=["solution"]
# 2: it knows the paragraph by heart, and nothing else.
paragraph = text[:290]
keras.utils.set_random_seed(0)
parrot = ks.models.LanguageModel.from_texts(
    paragraph, tokens="char", cell="gru", units=128, dropout=0.0
)
parrot.compile(keras.optimizers.Adam(1e-2, global_clipnorm=1.0))
parrot.fit(paragraph, batch_size=2, epochs=2 if claims.small else 100, verbose=0)
written = parrot.generate(paragraph[:20], ks.samplers.Random(0.8, seed=0), max_length=200)
print(ks.analysis.sample_quality([written], [paragraph])["longest_copy"], repr(written[:90]))

# %% tags=["solution"]
# 3: at 0 only the likeliest letter is left, which is what greedy search takes.
cold = writer.generate("\nAnd to", ks.samplers.Random(temperature=0.001), max_length=60)
print(cold, cold == writer.generate("\nAnd to", "greedy", max_length=60))

# %% tags=["solution"]
# 4: a nat is 1 / log 2 bits; perplexity is 2 to the bits, or e to the nats.
print(1.5 / np.log(2), np.exp(1.5))
assert np.isclose(2 ** (1.5 / np.log(2)), np.exp(1.5))

# %% [markdown]
# ## To read
#
# - A. Karpathy, 2015, [The unreasonable effectiveness of recurrent neural
#   networks](http://karpathy.github.io/2015/05/21/rnn-effectiveness/).
# - A. Karpathy, J. Johnson and L. Fei-Fei, 2015, [Visualizing and understanding recurrent
#   networks](https://arxiv.org/abs/1506.02078): units that can be read.
# - A. Madsen, 2019, [Visualizing memorization in
#   RNNs](https://doi.org/10.23915/distill.00016): connectivity.
# - C. Shannon, 1951, [Prediction and entropy of printed
#   English](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x): bits per letter, guessed by
#   people.
# - T. Mikolov and others, 2010, [Recurrent neural network based language
#   model](https://doi.org/10.21437/Interspeech.2010-343).
# - S. Chen and J. Goodman, 1999, [An empirical study of smoothing techniques for language
#   modeling](https://doi.org/10.1006/csla.1999.0128): counts, done well.
