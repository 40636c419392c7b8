# %% [markdown]
# # 11. The road to Transformers
#
# In lesson 9 a decoder looked back at the words of a source. The next thought was bold: let every
# word of a text look at all the others, and do without the recurrence. This lesson writes that
# out, measures what it buys, and what was lost and had to be brought back: the order.
#
# **You will learn**
# - self-attention in a dozen lines, with heads and with a mask of the future;
# - what can be computed at the same time: steps, rounds, and a recurrence that is parallel too;
# - position encodings, none, sinusoidal, rotary, ALiBi, and which of them read texts longer than
#   those of the training;
# - speed, memory and reach of a GRU, a MinGRU and self-attention, by length.
#
# **Before this lesson**: [lesson 4](04_long_range_dependencies.ipynb), for distance, and
# [lesson 9](09_attention.ipynb), for attention.

# %%
import dataclasses
import functools

import keras
import numpy as np

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS, BATCHES = (1, 4) if claims.small else (3, 250)
as_array = keras.ops.convert_to_numpy
ks.analysis.set_figure_style()

# %% [markdown]
# ## Everything looks at everything
#
# The decoder of lesson 9 asked with its state, and the words of the source answered. Here every
# word asks, answers, and says something, with three matrices:
#
# $$ q_t = W_q x_t \qquad k_t = W_k x_t \qquad v_t = W_v x_t $$
#
# $$ e_{ts} = \frac{q_t \cdot k_s}{\sqrt d} \qquad \alpha_{ts} = \frac{\exp e_{ts}}
# {\sum_{s'} \exp e_{ts'}} \qquad y_t = W_o \sum_s \alpha_{ts} v_s $$
#
# - $x_t$: the vector of word $t$; $q_t$, $k_t$, $v_t$: its *query*, *key* and *value*;
# - $\alpha_{ts}$: how much word $t$ takes of word $s$; each row sums to 1;
# - $\sqrt d$, with $d$ the size of a key, keeps the scores of long vectors in the range in which
#   the softmax has a slope;
# - **heads**: query, key and value are cut into $H$ pieces of size $d$, each piece looks for
#   itself, $W_o$ puts the answers together: one head may look for the subject, another one for the
#   word before;
# - **causal**: a network that writes must not see what comes, so that $e_{ts} = -\infty$ for
#   $s > t$.

# %%
T, H, d, close = 12, 2, 8, functools.partial(np.allclose, rtol=1e-4, atol=1e-5)
keras.utils.set_random_seed(0)
layer = ks.layers.SelfAttention(H * d, num_heads=H, causal=True)
x = np.random.default_rng(0).normal(size=(T, H * d)).astype("float32")
outputs, weights = map(as_array, layer(x[None], return_attention=True))
W_q, W_k, W_v, W_o = layer.get_weights()  # (16, 16) each; rows are multiplied from the left
q, k, v = ((x @ W).reshape(T, H, d).transpose(1, 0, 2) for W in (W_q, W_k, W_v))  # (H, T, d)
e = np.where(np.tri(T, dtype=bool), q @ k.transpose(0, 2, 1) / np.sqrt(d), -np.inf)  # (H, T, T)
alpha = np.exp(e) / np.exp(e).sum(axis=-1, keepdims=True)
y = (alpha @ v).transpose(1, 0, 2).reshape(T, H * d) @ W_o  # (T, 16)
claims.add("by hand as by the layer", abs(y - outputs[0]).max(), close(y, outputs[0]))
claims.add("and its weights", abs(alpha - weights[0]).max(), close(alpha, weights[0]))

# %% [markdown]
# No step of it waits for another one: it is a handful of products of matrices. Between the first
# word and the last one lies *one* product, where a recurrent network has $T$ of them: that is how
# attention got rid of vanishing gradients through time. A **Transformer** stacks this with a small
# feed-forward network on each word, and adds what came in to what goes out:
# `ks.layers.SelfAttentionEncoder`.
#
# ## What can be computed at the same time
#
# With as many processors as you like, how many times do you have to *wait*? Self-attention: a fixed
# number of times, whatever $T$ is. A recurrence: $T$ times, since $h_t$ needs $h_{t-1}$. Unless it
# is a *linear* one with gates that do not look at the state, as in the MinGRU:
#
# $$ h_t = a_t \odot h_{t-1} + b_t \qquad a_t = 1 - z_t \qquad b_t = z_t \odot n_t $$
#
# - $z_t = \sigma(W_z x_t + b_z)$: the share of the new value; $n_t = g(W_n x_t + b_n)$: the new
#   value, of the input alone; $g$ is a function that is above 0;
# - so all $a_t$ and $b_t$ are computed at once; what is left is the chain.
#
# Two steps of such a chain are one step of the same kind: $h_t = (a_t a_{t-1}) h_{t-2} + (a_t
# b_{t-1} + b_t)$. Join neighbours, then the pairs, then the fours: a **scan**.
#
# **Predict:** how many rounds does a scan of 100 steps take? And of 4,096?


# %%
def scan(a, b):  # (T, n) each; it returns h, (T, n), and how many times it had to wait
    rounds, reach = 0, 1
    while reach < len(a):  # each step knows the sum over the `reach` steps before it
        b = np.concatenate([b[:reach], b[reach:] + a[reach:] * b[:-reach]])
        a = np.concatenate([a[:reach], a[reach:] * a[:-reach]])
        rounds, reach = rounds + 1, 2 * reach
    return b, rounds


layer = ks.layers.MinGRU(8, return_sequences=True)
x = np.random.default_rng(1).normal(size=(100, 4)).astype("float32")
of_layer = as_array(layer(x[None]))[0]
kernel, bias = layer.get_weights()
z, n = np.split(x @ kernel + bias, 2, axis=-1)
z, n = 1 / (1 + np.exp(-z)), np.where(n >= 0, n + 0.5, 1 / (1 + np.exp(-n)))
h, rounds = scan(1 - z, z * n)
claims.add("the scan as the layer", abs(h - of_layer).max(), close(h, of_layer))
claims.add("100 steps: rounds", rounds, rounds == np.ceil(np.log2(100)))
lengths = (16, 64, 256, 1_024, 4_096)
scans = [scan(np.ones((T, 1)), np.ones((T, 1)))[1] for T in lengths]
waits = {"recurrence": lengths, "scan": scans, "self-attention": [1] * len(lengths)}
ks.analysis.plot_curves(waits, "steps T", "times to wait", lengths, "xy")

# %% [markdown]
# That is why recurrent networks came back: S4, Mamba, RWKV and the minimal cells are linear
# recurrences with a scan. The gate that does not see the state is the price; lesson 4 showed what
# it cost on one layer.
#
# At once or step after step, the numbers are the same; only while a text is *written* must all of
# them go step by step, since each word is the input of the next.
#
# **Predict:** 256 steps at once and one by one. How many times longer do they take one by one?

# %%
ENCODINGS = ("none", "sinusoidal", "rotary", "alibi")


def one_layer(name, units=32):  # with a position encoding, or recurrent
    if name in ENCODINGS:
        options = {"positions": name, "causal": True, "return_sequences": True}
        return ks.layers.SelfAttentionEncoder(units, 1, **options)
    return ks.layers.RNNStack(name, units, return_sequences=True)


def one_by_one(stack, text):
    state, answers = stack.start(1, max_length=text.shape[1]), []
    for t in range(text.shape[1]):
        answer, state = stack.step(text[:, t], state)
        answers.append(as_array(answer))
    return np.stack(answers, axis=1)


text = np.random.default_rng(2).normal(size=(1, 32 if claims.small else 256, 32)).astype("float32")
for name in ("min_gru", "alibi"):
    layer = one_layer(name)
    apart = abs(as_array(layer(text)) - one_by_one(layer, text)).max()
    claims.add(f"{name}, one by one and at once: apart by", apart, apart < 1e-4)
    slow = ks.experiments.fastest(lambda layer=layer: one_by_one(layer, text), 2)
    fast = ks.experiments.fastest(lambda layer=layer: as_array(layer(text)), 2)
    claims.add(f"{name}, one by one: times longer", slow / fast, slow > 2 * fast, trained=True)

# %% [markdown]
# ## The order, lost and brought back
#
# The formulas above do not know where a word stands. **Predict:** *dog bites man*, *man bites dog*:
# which of these layers give the two the same mean? Four position encodings:
#
# - **none**;
# - **sinusoidal**: a code of the position is added to each word,
#   $p_{t,2i} = \sin(t / 10000^{2i/n})$ and $p_{t,2i+1} = \cos(t / 10000^{2i/n})$, with $n$ the size
#   of $x_t$;
# - **rotary**: pairs of numbers of queries and keys are turned by the angle $t\,\theta_i$,
#   $\theta_i = 10000^{-2i/d}$, so that a score depends on $t - s$ alone;
# - **ALiBi**: $e_{ts} - m_h |t - s|$: the further away, the less it counts; each head $h$ has a
#   slope of its own, $m_h = 2^{-8h/H}$.

# %%
dog, bites, man = np.random.default_rng(0).normal(size=(3, 16)).astype("float32")
texts = np.array([[dog, bites, man], [man, bites, dog], [dog, man, bites]])


def attention(name, **options):
    keras.utils.set_random_seed(3)
    return ks.layers.SelfAttention(16, 2, positions=name, **options)


apart = {}
for name in ENCODINGS:
    mean, *others = as_array(attention(name)(texts)).mean(axis=1)
    apart[name] = [abs(mean - other).max() for other in others]
claims.add("none: the order changes nothing", apart["none"], np.less(apart["none"], 1e-6))
for name in ("sinusoidal", "rotary"):
    claims.add(f"{name}: tells both", apart[name], np.greater(apart[name], 1e-3))
claims.add("ALiBi: tells dog man bites", apart["alibi"][1], apart["alibi"][1] > 1e-3)
backwards = apart["alibi"][0]
claims.add("ALiBi: tells man bites dog", backwards, bool(backwards > 1e-3), surprise=True)
two_layers = ks.layers.SelfAttentionEncoder(16, 2, positions="none", causal=True)
first, second = as_array(two_layers(np.array([[dog, man, bites], [man, dog, bites]])))
claims.add(
    "without an encoding, no order",
    abs(first - second).max(),
    close(first, second),
    surprise=True,
)

# %% [markdown]
# Two surprises. ALiBi counts the distance and not the side, so to read a text backwards is to read
# the same text; it was made for causal attention, where one side is hidden. And two *causal* layers
# know something of the order without any encoding: the first layer of *dog* saw nobody before,
# that of *man* saw *dog*; the second one sees the difference. What you cannot see tells where you
# are.
#
# What does each encoding say? Take a text of one word, again and again, so that nothing but the
# position speaks, and look at the weights of its last step.

# %%
same, seen, apart = np.tile(dog, (1, 64, 1)), {}, {}
for name in ENCODINGS:
    weights = as_array(attention(name, causal=True)(same, return_attention=True)[1])[0, 0]
    seen[name] = weights[-1, ::-1]  # of the first head, of which all weights are (64, 64)
    relative = [np.log(weights[t, t - 30 : t + 1] / weights[t, t]) for t in (63, 40)]
    apart[name] = abs(relative[0] - relative[1]).max()
claims.add(
    "none, rotary, ALiBi: the distance alone counts",
    [apart[name] for name in ("none", "rotary", "alibi")],
    [apart[name] < 1e-3 for name in ("none", "rotary", "alibi")],
)
claims.add("sinusoidal: the place counts", apart["sinusoidal"], apart["sinusoidal"] > 0.01)
ks.analysis.plot_curves(seen, "steps back", "attention of the last step", log="y")

# %% [markdown]
# ## Train short, test long
#
# Every token is a key and a value, such as *b2*. Two questions at each step, about what came
# before:
#
# - `recent`: what value did this key have when it came last? Found by *content*.
# - `back`: what value came three steps before? Found by *place*.
#
# All readers are trained on 16 steps and tested on 64: beyond 16 lie positions that none of them
# has ever seen. One layer each, of 32 units.

# %%
ASKED = {"recent": "newest", "back": 3}
for kind, asked in ASKED.items():
    task = ks.datasets.associative_recall(1, 10, seed=1, asked=asked)
    print(f"{kind}: {task.texts[0]} -> {task.labels[0]}, at {np.flatnonzero(task.weights[0]) + 1}")

# %% [markdown]
# **Predict:** rotary positions know distances, and three steps are three steps anywhere. Does it
# read `back` up to 64? Who reads `recent` up to 64? And the GRU?

# %%
readers = {}  # the last one of each name


def reader(name):
    layers = [keras.layers.Embedding(17, 32), one_layer(name), keras.layers.Dense(4)]
    readers[name] = keras.Sequential(layers)
    return readers[name]


makers = {name: functools.partial(reader, name) for name in (*ENCODINGS, "gru", "min_gru")}
places, results = (8, 16, 24, 32, 40, 48, 56, 64), {}
for kind, asked in ASKED.items():
    training = ks.datasets.associative_recall(64 * BATCHES, 16, 0, asked=asked)
    held_out, tests = ks.datasets.associative_recall(200, 64, 1, asked=asked), {}
    for place in places:  # the eight steps before
        counts = np.isin(np.arange(64), range(place - 8, place)) * held_out.weights
        tests[place] = dataclasses.replace(held_out, weights=counts)
    scores = ks.experiments.over_seeds(makers, training, tests, SEEDS, 1, 1e-2, batch_size=64)
    results[kind] = {name: np.array([runs[p] for p in places]).T for name, runs in scores.items()}
look = {"x": places, "lines": {"chance": 0.25}, "limits": (0, 1.05)}
draw = functools.partial(ks.analysis.plot_curves, xlabel="position, trained up to 16", **look)
draw(results["recent"], ylabel="right: recent")

# %%
draw(results["back"], ylabel="right: back")

# %%
recent, back = ({name: run.T for name, run in runs.items()} for runs in results.values())
claims.add("recent: alibi reads on to 64", recent["alibi"][7], recent["alibi"][7] > 0.7, True)
claims.add("recent: gru, up to 16", recent["gru"][1], recent["gru"][1] < recent["alibi"][1], True)
for name in ("none", "sinusoidal", "rotary"):
    less = recent["alibi"][7] - recent[name][7]
    claims.add(f"recent: {name} does not, by", less, less > 0.2, trained=True)
claims.add("back: sinusoidal, up to 16", back["sinusoidal"][1], back["sinusoidal"][1] > 0.9, True)
claims.add("back: sinusoidal, 17 to 24", back["sinusoidal"][2], back["sinusoidal"][2] < 0.6, True)
claims.add("back: rotary, 17 to 24", back["rotary"][2], back["rotary"][2] > 0.9, True)
claims.add(
    "back: rotary reads on to 64",
    back["rotary"][7],
    bool(back["rotary"][7].min() > 0.9),
    trained=True,
    surprise=True,
)
claims.add("back: gru reads on to 64", back["gru"][7], back["gru"][7] > 0.95, trained=True)
for name in ("none", "alibi", "min_gru"):
    claims.add(f"back: {name} never learns it", back[name][1], back[name][1] < 0.7, trained=True)

# %% [markdown]
# No encoding is the best. ALiBi reads on where the newest counts, as in language, and cannot count
# to three; sinusoidal positions fall at the first place that the training did not have. The
# surprise is rotary: *the score depends on the distance alone*, so where does it go wrong? The
# softmax has more and more steps to share its weight with, and distances beyond 16 turn to angles
# at which nobody ever looked. The GRU has no positions, and reads on without an end what it has
# learnt; but within as many batches it has not learnt to look things up by content.
#
# **Predict:** four heads, one question, three steps back. What do the heads of the rotary reader of
# `back` do?

# %%
embedding, encoder, _ = readers["rotary"].layers
tokens = held_out.inputs[:20, :16]
weights = as_array(encoder(embedding(tokens), return_attention=True)[1][0])  # (20, 4, 16, 16)
looks = [weights[:, :, range(8, 16), range(8 - d, 16 - d)].mean((0, 2)) for d in range(8)]
claims.add("a head looks three steps back", looks[3], looks[3].max() > 0.5, trained=True)
claims.add(
    "each head looks elsewhere; steps back",
    np.argmax(looks, axis=0),
    len({*np.argmax(looks, axis=0)}) == 4,
    trained=True,
    surprise=True,
)
looks = {f"head {h + 1}": look for h, look in enumerate(np.transpose(looks))}
ks.analysis.plot_curves(looks, "steps back", "attention", limits=(0, 1))

# %% [markdown]
# Heads *may* look for different things, and in large Transformers many do. Nothing makes them:
# where there is one thing to find, they find the same one.
#
# ## Speed, memory, reach
#
# Four layers of 64 units, compared by three measures; move the slider.
#
# - **speed**: seconds for a whole text at once, on this machine;
# - **memory**: what has to be kept to write one more word: a state, or the keys and values of all
#   words so far; and the weights that self-attention computes for a whole text, $H T^2$ of them;
# - **reach**: how much of the gradient of the last output arrives at the first word, by what
#   arrives at the last one, before any training; below $10^{-20}$ it is drawn there.
#
# **Predict:** which curve is the steepest? Which one crosses another?

# %%
lengths = (32, 128) if claims.small else (32, 128, 512, 2_048)
texts = [np.random.default_rng(0).normal(size=(1, T, 64)).astype("float32") for T in lengths]
speed, memory, reach = {}, {}, {}
for name in ("gru", "min_gru", "rotary", "alibi"):
    layer = one_layer(name, 64)
    network = keras.Sequential([layer])
    runs = [functools.partial(network.predict_on_batch, x) for x in texts]
    speed[name] = [ks.experiments.fastest(run, 3) for run in runs]
    states = [keras.tree.flatten(layer.start(1, T)) for T in lengths]
    memory[name] = [sum(4 * np.prod(x.shape) for x in state) / 1024 for state in states]
    arrives = [ks.analysis.connectivity(network, x[0], output=0)["input"].values for x in texts]
    reach[name] = [max(values[0] / values[-1], 1e-20) for values in arrives]
memory["weights, at once"] = [4 * 4 * T**2 / 1024 for T in lengths]  # of 4 heads, float32
claims.add(
    "4 times the text, times longer: gru, min_gru, rotary, alibi",
    [seconds[-1] / seconds[-2] for seconds in speed.values()],
    speed["rotary"][-1] / speed["rotary"][-2] > 1.5 * speed["gru"][-1] / speed["gru"][-2],
    trained=True,
)
claims.add(
    "seconds: gru, min_gru, rotary, alibi",
    [seconds[-1] for seconds in speed.values()],
    speed["min_gru"][-1] < speed["gru"][-1] < speed["rotary"][-1],
    trained=True,
)
claims.add("the state: KiB", memory["gru"], memory["gru"][0] == memory["gru"][-1])
claims.add("the cache: KiB", memory["rotary"], np.diff(memory["rotary"]) > 0)
claims.add(
    "reach: gru, min_gru, rotary, alibi",
    [ratios[-1] for ratios in reach.values()],
    reach["gru"][-1] < reach["rotary"][-1] / 1e3,
)
claims.add(
    "self-attention reaches everything, with ALiBi too",
    reach["alibi"][-1],
    bool(reach["alibi"][-1] > 0.1 * reach["rotary"][-1]),
    trained=True,
    surprise=True,
)
draw = functools.partial(ks.analysis.plot_curves, xlabel="words T", x=lengths, log="xy")
figures = {"speed": draw(speed, ylabel="seconds"), "memory": draw(memory, ylabel="KiB kept")}
figures["reach"] = draw(reach, ylabel="first by last gradient")
ks.analysis.Slides(figures, "compared by")

# %% [markdown]
# Self-attention has the direct way to each word, and pays with $T^2$: four times the text, sixteen
# times the work. In shorter texts that does not show: most of the work is in the $n^2 T$. A
# recurrent network reads and writes with a state that stays as small as it was; that is where it is
# still the right tool: streams, long texts, small machines. And a direct way is not always taken:
# ALiBi shuts most of it again, on purpose.
#
# | | waits | work of a layer | way from first to last | kept while writing |
# |---|---|---|---|---|
# | GRU, LSTM | $T$ | $n^2 T$ | $T$ steps | $n$ |
# | MinGRU, scan | $\log_2 T$ | $n^2 T$, and $n T \log_2 T$ | $T$ steps, without a matrix | $n$ |
# | self-attention | 1 | $n^2 T$, and $n T^2$ | 1 step | $2 n T$ |
#
# (All for a layer of $n$ units, but for constant factors.)
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Leave the softmax out and let $\alpha_{ts} = q_t \cdot k_s$. Show that causal self-attention is
#    then a recurrent network, whose state is the matrix $S_t = S_{t-1} + k_t v_t^\top$.
# 2. With a gate $a$ that is the same at each step, as in S4, a linear recurrence is a convolution.
#    With which kernel?
# 3. Write a position encoding of your own: a window that sees the last three steps only. How far do
#    two layers of it reach?
# 4. Give the reader of `recent` two layers without an encoding. Does it read further?

# %% tags=["solution"]
# 1: the same numbers, with a state of 8 times 8 numbers for a text of any length.
q, k, v = np.random.default_rng(0).normal(size=(3, 20, 8))
at_once = np.tril(q @ k.T) @ v  # (20, 8)
S, one_after_another = np.zeros((8, 8)), []
for t in range(20):
    S = S + np.outer(k[t], v[t])
    one_after_another.append(q[t] @ S)
assert np.allclose(at_once, one_after_another, atol=1e-5)

# %% tags=["solution"]
# 2: with 1, a, a^2, ...
b = np.random.default_rng(0).normal(size=(50, 1))
by_scan = scan(np.full((50, 1), 0.9), b)[0][:, 0]
assert np.allclose(by_scan, np.convolve(b[:, 0], 0.9 ** np.arange(50))[:50], atol=1e-5)


# %% tags=["solution"]
# 3: two steps back with a layer, four with two.
class Window(ks.layers.PositionEncoding):
    def add_to_scores(self, scores, query_positions, key_positions):
        distance = query_positions[:, None, :, None] - key_positions[:, None, None, :]
        return keras.ops.where(distance > 2, scores - 1e9, scores)


stack = ks.layers.SelfAttentionEncoder(
    16, 2, positions=Window(), causal=True, return_sequences=True
)
network = keras.Sequential([stack])
network(same)
arrives = ks.analysis.connectivity(network, same[0], output=0)["input"].values
print(int((arrives > 0).sum()), "steps, the last one among them")
assert (arrives > 0).sum() == 5

# %% tags=["solution"]
# 4: much further: what the causal mask tells the first layer of a place, the second one can use.
options = {"positions": "none", "causal": True, "return_sequences": True}
deep = [ks.layers.SelfAttentionEncoder(32, 2, **options), keras.layers.Dense(4)]
training = ks.datasets.associative_recall(64 * BATCHES, 16, 0)
tests = {T: ks.datasets.associative_recall(200, T, 1) for T in (16, 64)}
maker = {"two layers": lambda: [keras.layers.Embedding(17, 32), *deep]}
print(ks.experiments.over_seeds(maker, training, tests, 1, 1, 5e-3, batch_size=64))

# %% [markdown]
# ## To read
#
# - A. Vaswani and others, 2017, [Attention is all you need](https://arxiv.org/abs/1706.03762).
# - J. Alammar, [The illustrated Transformer](http://jalammar.github.io/illustrated-transformer/).
# - J. Su and others, 2021, [RoFormer](https://arxiv.org/abs/2104.09864): rotary positions.
# - O. Press, N. Smith and M. Lewis, 2022, [Train short, test long: attention with linear biases
#   enables input length extrapolation](https://arxiv.org/abs/2108.12409).
# - A. Kazemnejad and others, 2023, [The impact of positional encoding on length generalization in
#   Transformers](https://arxiv.org/abs/2305.19466): reading on without any.
# - L. Feng and others, 2024, [Were RNNs all we needed?](https://arxiv.org/abs/2410.01201): MinGRU.
# - A. Gu and T. Dao, 2023, [Mamba: linear-time sequence modeling with selective state
#   spaces](https://arxiv.org/abs/2312.00752).
# - A. Katharopoulos and others, 2020, [Transformers are RNNs](https://arxiv.org/abs/2006.16236):
#   the first exercise.
