# %% [markdown]
# # 1. Sequences and recurrence
#
# A recurrent network reads a sequence one step at a time and carries what it has read in a
# vector, its *state*. This lesson builds one by hand, and measures what that idea buys and what
# it costs.
#
# **You will learn**
# - why order and place are hard for a network without a memory, in one experiment;
# - the vanilla recurrence, in NumPy and as `ks.layers.VanillaRNN`, number for number;
# - what sharing parameters through time means, and what "unrolled" means;
# - how one network reads sequences of any length, in batches and as an endless stream;
# - what the first state does, and that the time a sequence takes grows with its length.
#
# **Before this lesson** you should know Python, NumPy and what a dense layer is.

# %%
import collections
import functools

import keras
import numpy as np
from keras.layers import Dense, Flatten, GlobalAveragePooling1D, GlobalMaxPooling1D
from keras.ops import convert_to_numpy

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS, EPOCHS = (0, 1, 2), 1 if claims.small else 10
ks.analysis.set_figure_style()

# %% [markdown]
# ## One note says little
#
# Below is the theme of Beethoven's *Ode to Joy*. Somebody plays you the last $k$ notes and you
# guess the next one, always taking the continuation that is most common *in this very tune*. Then
# the same game with the same notes in a random order.
#
# **Predict:** how often are you right knowing nothing ($k = 0$), one note, three notes? And how
# much does a second note help in the shuffled tune?

# %%
TUNE = list("EEFGGFEDCCDEEDDEEFGGFEDCCDEDCC")


def foreseen(notes, k):
    """The share of notes that the commonest continuation of the k notes before gets right."""
    after = collections.defaultdict(collections.Counter)
    for i in range(k, len(notes)):
        after[tuple(notes[i - k : i])][notes[i]] += 1
    return sum(max(count.values()) for count in after.values()) / (len(notes) - k)


rng, tune = np.random.default_rng(0), [foreseen(TUNE, k) for k in range(4)]
shuffled = [np.mean([foreseen(rng.permutation(TUNE), k) for _ in range(200)]) for k in range(4)]
claims.add("two notes help more in a tune", [tune[2], shuffled[2]], tune[2] > shuffled[2] + 0.1)
curves = {"the tune": tune, "its notes, shuffled": shuffled}
ks.analysis.plot_curves(curves, "notes known, k", "next note guessed", range(4), limits=(0, 1.05))

# %% [markdown]
# The notes are the same; what was lost is their order. (With $k = 3$ the shuffled tune looks
# foreseeable too: a table with an entry for nearly every place in it has learnt it by heart. More
# context needs more than counting, and that is what networks are for.) Words are like notes:
# *"dog bites man"* and *"man bites dog"* have the same words, and so have the beats of a song
# played out of order, the frames of a film, the amino acids of a protein. In all of them a value
# means what it means because of what came before.
#
# No model is the best for all data; one that is built for the structure of its data needs less of
# it. Images have structure in *space*, so a convolution uses the same weights everywhere in the
# picture. Sequences have structure in *time*, so a recurrent network uses the same weights at
# every step. The next experiment shows what that buys.

# %% [markdown]
# ## Why a feed-forward net falls short
#
# A sequence of $T = 20$ symbols holds an A and a B side by side, the rest is filler. **Is it AB
# or BA?** That is a question about order. In training the pair stands at place 0, 4, 8, 12 or 16;
# we test it there, and then at places in between, where it never stood.
#
# Four models of similar size read it:
# - a **bag**: the mean of all one-hot vectors, then a dense layer;
# - a **dense** network on all 20 vectors side by side, with weights of its own for each place;
# - a **recurrent** network, with the same weights at every step, that answers from its *last
#   state*;
# - the same one, answering from the highest value that each unit had at *any step*.
#
# **Predict** eight numbers: each model, at places it has seen and at places in between. Chance is
# one half.

# %%
RNN, T, SYMBOLS = ks.layers.VanillaRNN, 20, 8
READERS = {
    "bag": lambda: [GlobalAveragePooling1D(), Dense(32, "relu"), Dense(2)],
    "dense": lambda: [Flatten(), Dense(32, "relu"), Dense(2)],
    "recurrent, last": lambda: [RNN(32), Dense(2)],
    "recurrent, any": lambda: [RNN(32, return_sequences=True), GlobalMaxPooling1D(), Dense(2)],
}


def pairs(count, places, seed):
    """One-hot `(count, T, SYMBOLS)` with A = 0 and B = 1 side by side; y is 1 for BA."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(2, SYMBOLS, (count, T)), rng.integers(2, size=count)
    rows, place = np.arange(count), rng.choice(places, count)
    x[rows, place], x[rows, place + 1] = y, 1 - y
    return np.eye(SYMBOLS, dtype="float32")[x], y


training = pairs(300 if claims.small else 4_000, range(0, 20, 4), seed=0)
tests = {"places seen": range(0, 20, 4), "in between": range(2, 16, 4)}
tests = {name: pairs(1_000, places, seed=1) for name, places in tests.items()}
scores = ks.experiments.over_seeds(READERS, training, tests, SEEDS, EPOCHS, learning_rate=3e-3)
bag, dense, last, any_step = ([run[test] for test in tests] for run in scores.values())
claims.add("bag: AB or BA is a toss", bag, np.ravel(np.abs(bag) < 0.56), trained=True)
claims.add("dense: right where it was trained", dense[0], dense[0] > 0.95, trained=True)
claims.add("dense: elsewhere it guesses", dense[1], dense[1] < 0.8, trained=True)
claims.add("recurrent, any: right at all places", any_step[1], any_step[1] > 0.95, trained=True)
always = bool(min(last[1]) > 0.95)
claims.add("recurrent, last: all places", last[1], always, trained=True, surprise=True)
ks.experiments.plot_seeds(scores, lines={"chance": 0.5}, series=tests)

# %% [markdown]
# | what sequences ask for | bag | dense network | recurrent network |
# |---|---|---|---|
# | any length | yes | no: its weights are for $T$ places | yes |
# | the same pattern at any place | yes | no: own weights at each place | yes, asked at any step |
# | order | no | yes | yes |
# | a memory of what came before | no | no: it has to see all of it at once | yes: the state |
# | knowing the place | no | yes, by its weights | only if the state counts the steps |
#
# Two things are often said here, and the experiment corrects both. *"Feed-forward networks are
# blind to order"*: the bag is, the dense network is not; it pays with weights for every place, and
# those of places where no pair ever stood are still the random ones that it began with.
# *"A recurrent network recognises a pattern wherever it stands, because it shares its weights"*:
# it *sees* the pair at any place, but until the last step its state goes on changing, and how it
# looks by then depends on how long ago the pair was. Trained at every fourth place only, the
# network found a readout that is right there, and with some seeds it is *exactly wrong* in
# between: worse than chance! (With which ones depends on the first weights, which each backend
# draws in its own way.) Asked about any step instead of the last one, sharing does what it
# promises.

# %% [markdown]
# ## The recurrence, written out
#
# At step $t$ the network reads the vector $x_t$ and updates its state $h_t$; an output $y_t$ is
# read off the state where one is wanted:
#
# $$ h_t = \varphi(W\,x_t + U\,h_{t-1} + b) \qquad y_t = \psi(V\,h_t + d) $$
#
# - $x_t$, of $m$ numbers: the input at step $t$, such as the vector of a word;
# - $h_t$, of $n$ numbers: the state after step $t$; $h_{t-1}$: the one before; $h_0$: the first
#   one;
# - $W$ ($m \to n$), $U$ ($n \to n$), $V$: weights, the same at every step; $b$, $d$: biases;
# - $\varphi$: an activation, mostly $\tanh$ or ReLU; $\psi$: one for the output, such as softmax.
#
# A few lines of NumPy, and the layer with the same weights:

# %%
layer = ks.layers.VanillaRNN(units=5, return_sequences=True)
inputs = np.random.default_rng(0).normal(size=(1, 12, 3)).astype("float32")  # (batch, time, m)
states = convert_to_numpy(layer(inputs))[0]  # (time, n)
W, U, b = layer.get_weights()  # (m, n), (n, n), (n,): rows times matrix, as Keras has it


def vanilla(x, h):
    """The states `(time, n)` for inputs `(time, m)`, from the first state `(n,)` on."""
    states = []
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U + b)
        states.append(h)
    return np.array(states)


gap = abs(vanilla(inputs[0], np.zeros(5)) - states).max()
claims.add("NumPy computes what the layer computes, to", gap, gap < 1e-5)

# %% [markdown]
# ## Unrolled in time
#
# Draw every step side by side and the loop becomes a deep feed-forward network with as many
# layers as there are steps, all with the *same* weights. Training uses exactly this picture
# (lesson 2).

# %%
ks.analysis.plot_cell("unrolled")

# %% [markdown]
# **Predict:** a sequence gets ten times as long. How many more parameters does the recurrent
# layer need, and how many the dense one?

# %%
sizes = {}  # without the 2 (32 + 1) weights that give the answer
for name in ("dense", "recurrent, last"):
    models = [keras.Sequential([keras.Input((n, 8)), *READERS[name]()]) for n in (20, 200, 2_000)]
    sizes[name] = np.array([model.count_params() - 2 * (32 + 1) for model in models])
formula = 32 * (SYMBOLS + 32 + 1)  # n (m + n + 1): W, U and b
claims.add(
    "recurrent: n (m + n + 1)", sizes["recurrent, last"], sizes["recurrent, last"] == formula
)
claims.add("dense: 32 (m T + 1)", sizes["dense"], sizes["dense"][2] == 32 * (8 * 2_000 + 1))

# %% [markdown]
# ## Sequences of different lengths
#
# *"I agree."* has two words, a novel a hundred thousand. The loop does not mind. In a batch,
# short sequences are filled up (*padded*) to the longest, and a **mask** says which steps are
# real: at the others the state stays as it is.
#
# **Predict:** what happens to the last state of a short row if nobody tells the layer about
# padding?

# %%
last = ks.layers.VanillaRNN(units=5)
short = np.random.default_rng(1).normal(size=(1, 4, 3)).astype("float32")
padded = np.concatenate([short, np.zeros((1, 6, 3), "float32")], axis=1)  # 4 steps, 6 of padding
mask, alone = np.arange(10)[None] < 4, convert_to_numpy(last(short))
gaps = [abs(convert_to_numpy(last(padded, mask=m)) - alone).max() for m in (mask, None)]
claims.add("with and without a mask, padding changes", gaps, [gaps[0] < 1e-5, gaps[1] > 0.01])

# %% [markdown]
# ## A stream without an end
#
# What the network knows of the past is $h_t$ and nothing else. So it can answer while data
# arrive, hour after hour, with $n$ numbers of memory: give the state back to it with the next
# step.

# %%
state, answers = np.zeros((1, 5), "float32"), []
for x_t in inputs[0]:  # as if they came one by one
    state = layer(x_t[None, None], initial_state=[state])[:, 0]  # of this cell the output is h
    answers.append(convert_to_numpy(state)[0])
gap = abs(np.array(answers) - states).max()
claims.add("a stream gives what the whole sequence gives, to", gap, gap < 1e-5)

# %% [markdown]
# ## The first state
#
# Something has to stand in for $h_0$: zeros mostly, or random numbers, or a vector that is
# *learnt* like a weight. Does it matter? Two networks read the same inputs, one from zeros, one
# from a random state, and we watch how far apart they are. The matrix $U$ is a random rotation
# times a number $\rho$ (its *spectral radius*; lesson 2 says what that is).
#
# **Predict:** for which $\rho$ is the first state forgotten?

# %%
rng = np.random.default_rng(0)
rotation, noise = np.linalg.qr(rng.normal(size=(32, 32)))[0], 0.1 * rng.normal(size=(60, 32))
starts, apart = (np.zeros(32), rng.normal(size=32)), {}
for rho in (0.5, 0.9, 1.5):
    runs = [ks.analysis.tanh_recurrence(rho * rotation, 60, first, noise) for first in starts]
    apart[rf"$\rho$ = {rho}"] = gap = np.linalg.norm(runs[0]["states"] - runs[1]["states"], axis=1)
    claims.add(f"rho {rho}: first state forgotten", gap[-1], gap[-1] < 0.05, surprise=rho > 1)
ks.analysis.plot_curves(apart, "step", "distance of the states", log="y", limits=(1e-8, 30))

# %% [markdown]
# ## A series of numbers
#
# Now a task: 4 or 30 values of a noisy sine wave come in, each row with a period and a height of
# its own, and the network says the next one. Lines show the error of saying the last value again,
# and that of somebody who knows period and height: only the noise is left to him. One network
# learns from zeros and is then tested from zeros and from a random first state; another one has a
# learnt first state.
#
# **Predict:** where will a random state do more harm, with 4 values given or with 30?


# %%
def forecaster(learnt=False):
    x, h = keras.Input((None, 1)), keras.Input((32,))
    rnn = ks.layers.VanillaRNN(32, learn_initial_state=learnt)
    return keras.Model([x, h], Dense(1)(rnn(x) if learnt else rnn(x, initial_state=h)))


FORECASTERS = {"zeros": forecaster, "learnt": functools.partial(forecaster, learnt=True)}
rows, errors = 400 if claims.small else 3_000, {}
for length in (4, 30):
    task = ks.datasets.noisy_sine(rows + 300, length, seed=0)
    h, (training, held_out) = np.random.default_rng(0).normal(size=(rows, 32)), task.split(rows)
    from_zeros = [training.inputs, 0 * h], training.targets
    tests = {s: ([held_out.inputs, s * h[:300]], held_out.targets) for s in (0, 1)}
    runs = ks.experiments.over_seeds(FORECASTERS, from_zeros, tests, SEEDS, EPOCHS, 3e-3)
    zeros, random, learnt = runs["zeros"][0], runs["zeros"][1], runs["learnt"][0]
    errors[f"{length} values"] = {"zeros": zeros, "random": random, "learnt": learnt}
harm = [run["random"] / run["zeros"] for run in errors.values()]
claims.add("times the error, from random states", harm, harm[0] > harm[1], trained=True)
baseline, noise = task.baselines["the last value again"], task.best
claims.add("better than the last value again", [*zeros, baseline], zeros < baseline, trained=True)
ks.experiments.plot_seeds(errors, "squared error", {"last value": baseline, "noise": noise})

# %% [markdown]
# ## A text
#
# A text is a sequence too: here of characters. The network says how probable each character of
# the alphabet is as the next one, and the loss is the cross-entropy, over the $T$ characters of
# the text and the $V$ of the alphabet:
#
# $$ L = -\frac{1}{T} \sum_{t=1}^{T} \sum_{v=1}^{V} [\,x_{t+1} = v\,]\, \log p_t(v) $$
#
# The bracket is 1 where $v$ is the character that comes, else 0: only its probability counts.
#
# **Predict:** the loss of a network that has learnt nothing yet.

# %%
text = "\n".join(ks.datasets.dates(400 if claims.small else 4_000, seed=0)[0])
keras.utils.set_random_seed(0)
config = {"tokens": "char", "cell": "vanilla", "units": 128, "window": 40}
writer = ks.models.LanguageModel.from_texts(text, **config)
writer.compile(keras.optimizers.Adam(3e-3, global_clipnorm=1.0))
before = writer.evaluate(text, verbose=0)[0]
writer.fit(text, epochs=1 if claims.small else 6, verbose=0)
after, V = writer.evaluate(text, verbose=0)[0], writer.tokenizer.vocabulary_size
claims.add("the loss begins near log V", [before, np.log(V)], abs(before - np.log(V)) < 0.5)
claims.add("training lowers it", [before, after], after < before)
cool = ks.samplers.Random(temperature=0.5, seed=1)
for piece in writer.stream("1", sampler=cool, max_length=60):  # one character in, one out
    print(piece, end="")

# %% [markdown]
# ## What it costs: time grows with length
#
# Step $t$ needs the state of step $t - 1$, so the steps cannot be computed side by side, however
# many processors there are. A sequence of $T$ steps takes time $O(T)$, and so does every update
# of the weights.

# %%
network = keras.Sequential([keras.Input((None, 16)), RNN(64)])
lengths = (250, 500, 1_000, 2_000)
batches = [np.zeros((4, steps, 16), "float32") for steps in lengths]
seconds = [ks.experiments.fastest(lambda x=x: network.predict_on_batch(x)) for x in batches]
claims.add("time grows with length: 8 times the steps", seconds, seconds[-1] > 2 * min(seconds))
ks.analysis.plot_curves({"": seconds}, "steps T", "seconds", lengths, limits=(0, None))

# %% [markdown]
# Two more limits will occupy us. Gradients have to come back through all these steps, and on
# their way they vanish or explode: lesson 2. And a state is a vector of numbers that nobody
# labelled; what a unit stands for has to be found out: lessons 3 and 5.

# %% [markdown]
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Shuffle the steps of `inputs` and run `vanilla` again. Does the last state change? Would the
#    mean of the inputs?
# 2. Give the layer a readout: what shape do outputs of `ks.layers.VanillaRNN(5, readout_units=2)`
#    have, and how many parameters come in?
# 3. Read the 12 steps of `inputs` from the last to the first. Is the last state the same?
# 4. Train the network that failed between the places at all places. Is it cured?
# 5. With $\rho = 1.5$ the distance of the two states did not go to zero. Is that the expansion
#    alone? Take away the noise, and the tanh, and look again.

# %% tags=["solution"]
# 1: the state changes, the mean does not.
order = np.random.default_rng(3).permutation(12)
change = abs(vanilla(inputs[0][order], np.zeros(5))[-1] - states[-1]).max()
change_of_mean = abs(inputs[0][order].mean(0) - inputs[0].mean(0)).max()
print(change, change_of_mean)
assert change > 1e-3 > change_of_mean

# %% tags=["solution"]
# 2: (batch, time, 2), and V and d: 5 * 2 + 2 parameters more.
readout = ks.layers.VanillaRNN(5, readout_units=2, return_sequences=True)
print(tuple(readout(inputs).shape), readout.count_params() - layer.count_params())
assert readout.count_params() - layer.count_params() == 5 * 2 + 2

# %% tags=["solution"]
# 3: no. A state knows best what it has read last; lesson 7 reads in both directions.
change = abs(vanilla(inputs[0][::-1], np.zeros(5))[-1] - states[-1]).max()
print(change)
assert change > 1e-3

# %% tags=["solution"]
# 4: yes: then the readout has to be right at every distance.
reader = {"all places": READERS["recurrent, last"]}
training = pairs(300 if claims.small else 4_000, range(19), seed=0)
test = {"in between": pairs(1_000, range(2, 16, 4), seed=1)}
cured = ks.experiments.over_seeds(reader, training, test, SEEDS, EPOCHS, learning_rate=3e-3)
print(cured["all places"]["in between"])
assert claims.small or min(cured["all places"]["in between"]) > 0.95

# %% tags=["solution"]
# 5: without tanh the distance grows without limit; the tanh keeps it finite.
runs = [ks.analysis.linear_recurrence(1.5 * rotation, 60, first) for first in starts]
distance = np.linalg.norm(runs[0]["states"][-1] - runs[1]["states"][-1])
print(distance)
assert distance > 1e6

# %% [markdown]
# ## To read
#
# - J. Elman, 1990, [Finding structure in time](https://doi.org/10.1207/s15516709cog1402_1): the
#   network of this lesson.
# - A. Karpathy, 2015, [The unreasonable effectiveness of recurrent neural
#   networks](http://karpathy.github.io/2015/05/21/rnn-effectiveness/).
# - J. Eisenstein, 2018, [Natural language
#   processing](https://github.com/jacobeisenstein/gt-nlp-class/blob/master/notes/eisenstein-nlp-notes.pdf),
#   chapter 6.
# - U. Kamath, J. Liu and J. Whitaker, 2019, [Deep learning for NLP and speech
#   recognition](https://doi.org/10.1007/978-3-030-14596-5), chapters 7 to 9.
# - D. Wolpert and W. Macready, 1997, [No free lunch theorems for
#   optimization](https://doi.org/10.1109/4235.585893).
