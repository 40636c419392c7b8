# %% [markdown]
# # 3. LSTM and GRU, gate by gate
#
# A vanilla cell writes its whole state anew at every step, and so the gradient goes through a
# matrix at every step. Gates let a cell *keep* a number as it is. This lesson takes the two
# famous gated cells to pieces, on a real sentence.
#
# **You will learn**
# - the LSTM and the GRU, written out, and drawn;
# - how many weights they have, and how long a step takes;
# - why the gradient survives in a cell state, and what one bias has to do with it;
# - how to look at gates while a network reads, and how to cut one out;
# - whether "GRU or LSTM" is a question with an answer.
#
# **Before this lesson**: [lesson 2](02_backpropagation_through_time.ipynb), for why a gradient
# vanishes.

# %%
import keras
import numpy as np
from keras.ops import convert_to_numpy

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS = 1 if claims.small else 3
ks.analysis.set_figure_style()

# %% [markdown]
# ## Four ways to wire a cell
#
# Move the slider: a vanilla cell, an LSTM, a GRU, and a network that reads in both directions
# (lesson 7). Orange boxes are gates: numbers from 0, shut, to 1, open. Blue ones are layers with
# weights. Circles multiply or add, element by element.
#
# **Predict:** follow the line from $c_{t-1}$ to $c_t$ in the LSTM. Which weights does a gradient
# meet on its way back?

# %%
kinds = ("vanilla", "lstm", "gru", "bidirectional")
ks.analysis.Slides({kind: ks.analysis.plot_cell(kind) for kind in kinds}, name="cell", start="lstm")

# %% [markdown]
# None: it is multiplied by the forget gate, and that is all. That line is the whole idea.
#
# ## The LSTM
#
# Think of a whiteboard in an office. Somebody comes in with news $x_t$, and three habits decide
# what happens: what is wiped off (forget gate), what is written up (input gate), and what is read
# out to those who ask (output gate). The board is the cell state $c_t$, what is read out is
# $h_t$.
#
# $$ f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f) \qquad i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i) $$
#
# $$ o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o) \qquad g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g) $$
#
# $$ c_t = f_t \odot c_{t-1} + i_t \odot g_t \qquad h_t = o_t \odot \tanh(c_t) $$
#
# - $x_t$, of $m$ numbers: the input; $h_t$, $c_t$, of $n$ numbers: the two states;
# - $\sigma(a) = 1 / (1 + e^{-a})$, between 0 and 1; $\odot$: element by element;
# - $W_\cdot$ ($m \to n$), $U_\cdot$ ($n \to n$), $b_\cdot$: a set of weights for each of the
#   four.
#
# ## The GRU
#
# The GRU has one state and two gates. Its update gate $z_t$ does the work of two: what is kept is
# not written over, and what is not kept is.
#
# $$ z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z) \qquad r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r) $$
#
# $$ n_t = \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + b'_n)) $$
#
# $$ h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t $$
#
# (In some books $z$ and $1 - z$ change places. This is the form of Keras and PyTorch.) Both in
# NumPy, with the weights of our layers:


# %%
def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, h, W, U, b):
    (z, r, n), (z_h, r_h, n_h) = np.split(x @ W + b[0], 3), np.split(h @ U + b[1], 3)
    z, r = sigmoid(z + z_h), sigmoid(r + r_h)
    return z * h + (1 - z) * np.tanh(n + r * n_h)


x = np.random.default_rng(0).normal(size=(1, 9, 3)).astype("float32")
lstm, gru = ks.layers.LSTM(4), ks.layers.GRU(4)
theirs = [convert_to_numpy(layer(x))[0] for layer in (lstm, gru)]
h, c, h_gru = np.zeros((3, 4))
for x_t in x[0]:
    h, c = lstm_step(x_t, h, c, *lstm.get_weights())
    h_gru = gru_step(x_t, h_gru, *gru.get_weights())
gaps = [abs(h - theirs[0]).max(), abs(h_gru - theirs[1]).max()]
claims.add("NumPy and the layers: largest differences", gaps, [gap < 1e-5 for gap in gaps])

# %% [markdown]
# ## Weights and time
#
# A vanilla layer has one set of weights, $n(m + n + 1)$; the LSTM has four, the GRU three (and
# one bias more in each, see $b'_n$).
#
# **Predict:** then does a step of training take four and three times as long?

# %%
LAYERS = {"vanilla": ks.layers.VanillaRNN, "GRU": ks.layers.GRU, "LSTM": ks.layers.LSTM}
m, n, weights, seconds = 32, 64, {}, {}
batch = np.zeros((32, 100, m), "float32"), np.zeros((32, n), "float32")
for name, layer in LAYERS.items():
    model = keras.Sequential([keras.Input((None, m)), layer(n)])
    model.compile("adam", "mse")
    weights[name] = model.count_params()
    seconds[name] = ks.experiments.fastest(lambda model=model: model.train_on_batch(*batch), 10)
one = n * (m + n + 1)
claims.add(
    "vanilla, GRU, LSTM: weights",
    [*weights.values()],
    [*weights.values()] == [one, 3 * (one + n), 4 * one],
)
times = [seconds[name] / seconds["vanilla"] for name in ("GRU", "LSTM")]
claims.add("GRU, LSTM: times the vanilla time", times, [0.5 < t < 8 for t in times])
ks.experiments.plot_seeds(
    {
        name: {"weights": weights[name] / one, "time of a step": seconds[name] / seconds["vanilla"]}
        for name in LAYERS
    },
    "by those of the vanilla layer",
)

# %% [markdown]
# The time depends on machine, backend and sizes: products of matrices are not all there is to a
# step. Run the cell on your own before you choose the smaller cell for its speed.
#
# ## Why the gradient survives
#
# Along the cell state, $\partial c_t / \partial c_{t-1} = f_t$ (and what comes round through
# $h$). Over $k$ steps that is a product of $k$ forget gates. At the beginning a gate is about
# $\sigma(b_f)$: so one bias decides how long the cell remembers before it has learnt anything.
#
# **Predict:** for $b_f = 0$, 1 and 5, what is left after 50 steps? Is it more or less than the
# product of the gates alone, $\sigma(b_f)^{49}$?

# %%
x = 0.3 * np.random.default_rng(0).normal(size=(4, 50, 8)).astype("float32")
flows, left = {}, {}
for bias in (0, 1, 5):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([ks.layers.LSTM(32, forget_bias=bias, name="lstm")])
    flow = ks.analysis.gradient_flow(model, x, np.zeros((4, 32)), loss="mse")["lstm/c"]
    flows[f"forget bias {bias}"], left[bias] = flow, flow[0] / flow[-1]
    gates = sigmoid(bias) ** 49
    claims.add(f"bias {bias}: left; the gates alone", [left[bias], gates], left[bias] > gates)
claims.add("more bias, more is left", [*left.values()], left[0] < left[1] < left[5])
ks.analysis.plot_gradient_flow(flows)

# %% [markdown]
# ## Does that matter for learning?
#
# The task of lesson 2 (name the language of the country that the text begins with), now with 40
# words and with cells that have gates. `chrono` spreads the forget biases so that there are units
# for short and for long times.
#
# **Predict:** which cell will forget first?

# %%
CELLS = {
    "vanilla": "vanilla",
    "LSTM, 0": "lstm:forget=0",
    "LSTM, 1": "lstm",
    "LSTM, 5": "lstm:forget=5",
    "LSTM, chrono": "lstm:chrono",
    "GRU": "gru",
    "GRU, chrono": "gru:chrono",
}
runs = ks.experiments.gradient_experiment(
    "recall", CELLS, [30], SEEDS, steps=10 if claims.small else 300
)
score = {name: np.array([run["score"] for run in runs if run["cell"] == name]) for name in CELLS}
for name in ("LSTM, 5", "LSTM, chrono", "GRU, chrono"):
    claims.add(f"{name}: learns 30 words", score[name], score[name] > 0.9, trained=True)
for name in ("LSTM, 1", "GRU"):
    gate_is_enough = bool(score[name].min() > 0.9)
    claims.add(
        f"{name}: a gate is enough", score[name], gate_is_enough, trained=True, surprise=True
    )
ks.experiments.plot_seeds(score, lines={"chance": 0.1})

# %% [markdown]
# Gates can keep, but they have to be *open to keeping* from the start: with the usual bias of 1
# the LSTM fares no better here than the vanilla cell, within so few batches. It is the most
# useful single number of this lesson.
#
# ## Reading a sentence
#
# Now we look inside. A small LSTM learns whether the verb that follows is singular or plural:
# *"the keys upstairs to the old cabinet near the doors"* wants *are*. Nouns in between attract:
# *cabinet* is singular, *doors* is plural, and neither counts.
#
# **Predict:** at which word should the network write, and what should its forget gates do
# afterwards?

# %%
task = ks.datasets.agreement(400 if claims.small else 4_000, length=12, seed=0)
held_out = ks.datasets.agreement(100, length=12, seed=1)
readers = []
for seed in range(SEEDS):
    keras.utils.set_random_seed(seed)
    embedding = keras.layers.Embedding(len(task.vocabulary), 16)
    layers = [embedding, ks.layers.LSTM(12, forget_bias=2.0, name="lstm"), keras.layers.Dense(2)]
    reader = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    reader.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    reader.fit(task.inputs, task.targets, epochs=1 if claims.small else 10, verbose=0)
    readers.append(reader)
right = [reader.evaluate(held_out.inputs, held_out.targets, verbose=0)[1] for reader in readers]
claims.add("the readers know the number of the verb", right, np.array(right) > 0.95, trained=True)

SENTENCE = "the {} upstairs to the old cabinet near the doors today again"
ids = {word: i for i, word in enumerate(task.vocabulary)}


def read(subject, reader=readers[0], **options):
    words = SENTENCE.format(subject).split()
    row = np.array([ids[word] for word in words])
    return ks.analysis.gate_activations(reader, row, tokens=words, **options)


ks.analysis.plot_gates(read("keys")["lstm"])

# %% [markdown]
# Each row is a unit, each column a word. Which unit carries the number? Take the one whose cell
# state differs most at the end between *key* and *keys*, and follow it through both sentences:

# %%
states = {subject: read(subject)["lstm"].values["c"] for subject in ("key", "keys")}  # (12, 12)
unit = abs(states["keys"][-1] - states["key"][-1]).argmax()
follow = {subject: values[:, unit] for subject, values in states.items()}
apart = abs(follow["keys"] - follow["key"])
claims.add("before the subject nothing differs", apart[0], apart[0] == 0)
claims.add("from the subject on it stays apart", apart[1:], apart[1:] > 0.2, trained=True)
ks.analysis.plot_curves(follow, "word", f"cell state of unit {unit}")

# %% [markdown]
# ## Cutting a gate out
#
# What is a gate for? Hold it open, at 1, for every unit and every word, and let the trained
# network read on: no weights for the gate, and a bias of 30, since $\sigma(30) = 1$. (The library
# does the same by `gate_activations(..., without=["input"])`.) Accuracy on held-out sentences, for
# three networks:
#
# **Predict:** which of the three gates will be missed most?

# %%
cut = {"nothing": [], "input": [], "forget": [], "output": []}
for reader in readers:
    kept = reader.layers[1].get_weights()  # W, U, b; the columns of i, f, g, o, 12 each
    for gate, place in zip(cut, (None, 0, 1, 3), strict=True):
        W, U, b = (weights.copy() for weights in kept)
        if place is not None:
            columns = slice(12 * place, 12 * place + 12)
            W[:, columns], U[:, columns], b[columns] = 0, 0, 30
        reader.layers[1].set_weights([W, U, b])
        answers = reader.predict(held_out.inputs, verbose=0)
        cut[gate].append(np.mean(answers.argmax(-1) == held_out.targets))
    reader.layers[1].set_weights(kept)
theirs = ks.analysis.gate_activations(reader, held_out.inputs[0], without=["output"])
gap = abs(theirs["predictions"] - answers[0]).max()  # the last one was the output gate
claims.add("cut out by hand and by the library: largest difference", gap, gap < 1e-4)
whole = np.array(cut["nothing"])
for gate in ("input", "forget", "output"):
    lost = whole - cut[gate]
    claims.add(f"without the {gate} gate it loses", lost, lost >= -0.05, trained=True)
ks.experiments.plot_seeds(cut, lines={"chance": 0.5})

# %% [markdown]
# Nobody misses the forget gate: held at 1 it keeps everything, and keeping is all that this
# sentence asks for. It will be missed where a state has to be cleared, such as at the end of a
# sentence in a longer text. The other two are missed by some networks and hardly by others: each
# seed has found a way of its own, and "what the input gate is for" is a question about one
# trained network.
#
# ## GRU or LSTM?
#
# | | LSTM | GRU |
# |---|---|---|
# | states | $h$ and $c$ | $h$ |
# | gates | input, forget, output | update, reset |
# | sets of weights | 4 | 3 |
# | keeps while it writes | yes: $f$ and $i$ are free | no: what is written is not kept |
#
# *"The GRU trains faster, the LSTM remembers longer"* is what tables say. What you measured: the
# weights are as the formula says, the time is a matter of the backend, and both remember for as
# long as their biases let them. Lesson 4 compares them over distances. What both share is what
# they cost to understand: more parts, and states that nobody labelled.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Colour the sentence by the unit that carries the number, with `ks.analysis.highlight`.
# 2. For which bias does a gate of $\sigma(b_f)$ keep half of a number over 100 steps? (This is
#    what `chrono` does, for many lengths at once.)
# 3. Cut the update gate out of a GRU: hold $z_t$ at 1. What does it compute then? Check it with
#    `gate_activations(..., without=["update"])`.
# 4. How many weights has a bidirectional LSTM of $n$ units? Check with `ks.layers.Bidirectional`.

# %% tags=["solution"]
# 1: orange is above 0, blue below.
words = [word + " " for word in SENTENCE.format("keys").split()]
ks.analysis.highlight(words, follow["keys"])

# %% tags=["solution"]
# 2: f^100 = 1/2, f = 2^(-1/100), b = log(f / (1 - f)).
f = 0.5**0.01
bias = np.log(f / (1 - f))
print(bias)
assert np.isclose(sigmoid(bias) ** 100, 0.5)

# %% tags=["solution"]
# 3: nothing at all: it keeps its first state, zeros, for ever.
model = keras.Sequential([ks.layers.GRU(4, name="gru")])
found = ks.analysis.gate_activations(model, x[0], without=["update"])
print(abs(found["gru"].values["h"]).max())
assert abs(found["gru"].values["h"]).max() == 0

# %% tags=["solution"]
# 4: twice those of one: 8 n (m + n + 1).
both = ks.layers.Bidirectional(ks.layers.LSTM(n))
both.build((None, None, m))
print(both.count_params())
assert both.count_params() == 8 * n * (m + n + 1)

# %% [markdown]
# ## To read
#
# - S. Hochreiter and J. Schmidhuber, 1997, [Long short-term
#   memory](https://doi.org/10.1162/neco.1997.9.8.1735).
# - C. Olah, 2015, [Understanding LSTM
#   networks](http://colah.github.io/posts/2015-08-Understanding-LSTMs/).
# - K. Cho and others, 2014, [Learning phrase representations using RNN
#   encoder-decoder](https://arxiv.org/abs/1406.1078): the GRU.
# - J. Chung and others, 2014, [Empirical evaluation of gated recurrent neural networks on
#   sequence modeling](https://arxiv.org/abs/1412.3555).
# - R. Jozefowicz, W. Zaremba and I. Sutskever, 2015, [An empirical exploration of recurrent
#   network architectures](https://proceedings.mlr.press/v37/jozefowicz15.html): the forget bias.
# - K. Greff and others, 2017, [LSTM: a search space odyssey](https://arxiv.org/abs/1503.04069):
#   cells without one gate.
# - C. Tallec and Y. Ollivier, 2018, [Can recurrent neural networks warp
#   time?](https://arxiv.org/abs/1804.11188): chrono initialisation.
