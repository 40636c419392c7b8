# %% [markdown]
# # 8. Encoder and decoder
#
# So far a text came in and a class, or a tag for each word, came out. A translation is a text
# of another length. So one network reads and another one writes, and between them stands what the
# first one has understood: a vector.
#
# **You will learn**
# - the encoder and the decoder, and to run them step by step;
# - the bottleneck: what one vector holds, shown by the length of the source;
# - teacher forcing, its ratio, and what it does to a decoder that is left alone: exposure bias,
#   measured;
# - what goes wrong when attention looks at padding.
#
# **Before this lesson**: [lesson 5](05_character_language_model.ipynb), for networks that write.

# %%
import keras
import numpy as np

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS, EPOCHS = (1, 1) if claims.small else (3, 6)
ks.analysis.set_figure_style()

# %% [markdown]
# ## A language of ten words
#
# We translate numbers: digits come in, English words go out. Every digit counts, none can be
# guessed from its neighbours, and you see at once what is wrong. Training has up to 8 digits.

# %%
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def numbers(count, seed, longest=8):
    """`count` sources of 1 to `longest` digits, and their targets."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(10, size=n) for n in rng.integers(1, longest + 1, count)]
    return [" ".join(map(str, row)) for row in rows], [
        " ".join(WORDS[d] for d in row) for row in rows
    ]


training, held_out = numbers(150 if claims.small else 1_800, 0), numbers(300, 1, longest=10)
print(training[0][0], "->", training[1][0])

# %% [markdown]
# ## One reads, one writes
#
# $$ h_t = \text{cell}(e_{x_t}, h_{t-1}) \qquad c = h_T $$
#
# $$ s_0 = c \qquad s_t = \text{cell}'(e'_{y_{t-1}}, s_{t-1}) \qquad p(y_t \mid y_{<t}, x) =
# \operatorname{softmax}(V s_t + d) $$
#
# - $x_1 \dots x_T$: the source and an end token; $h_t$: the state of the **encoder**; $c$: its last
#   one, the *context*, of a fixed size whatever $T$ is;
# - $y_1 \dots y_{T'}$: the target and an end token; $y_0$: a start token; $s_t$: the state of the
#   **decoder**, which begins with the context;
# - with several layers, each layer of the decoder begins with the last state of the layer of the
#   encoder beside it.
#
# The decoder is a language model (lesson 5) that begins with something to say. How long the
# target gets is for it to decide: it ends with the end token. So a source of any length becomes a
# target of any other length, after *all* of the source was read.
#
# **Predict:** three translators, the same training. Two have a context alone, of 32 numbers and of
# 96; the third has 32, and attention: it may look back at all $h_t$ (lesson 9). Up to which length
# is each of them right?

# %%
DESIGNS = {
    "context of 32": {"attention": None, "units": 32},
    "context of 96": {"attention": None, "units": 96},
    "attention, 32": {"attention": "additive", "units": 32},
}
CONFIG = {"tokens": "word", "bidirectional": False, "dropout": 0.0, "embedding_dim": 32}
CONFIG |= {"order": "bahdanau", "tie_embeddings": False}


def translator(seed, pairs=training, **design):
    keras.utils.set_random_seed(seed)
    model = ks.models.Seq2Seq.from_texts(*pairs, **{**CONFIG, **design})
    model.compile(keras.optimizers.Adam(8e-3, global_clipnorm=1.0), label_smoothing=0.0)
    decay = [ks.callbacks.LearningRateDecay()]
    model.fit(*pairs, batch_size=32, epochs=EPOCHS, callbacks=decay, verbose=0)
    return model


models = {name: [translator(i, **design) for i in range(SEEDS)] for name, design in DESIGNS.items()}
bins = [2, 4, 6, 8]
rows = {
    name: [ks.analysis.score_by_length(model, *held_out, bins=bins) for model in group]
    for name, group in models.items()
}
exact = {
    name: np.array([[row["exact_match"] for row in found] for found in runs])
    for name, runs in rows.items()
}
small, large, attention = exact.values()  # (seeds, bins)
claims.add("context of 32: short ones right", small[:, 1], small[:, 1] > 0.8, trained=True)
claims.add("context of 32: 7 and 8 digits", small[:, 3], small[:, 3] < 0.5, trained=True)
claims.add(
    "96 hold more than 32, 5 to 8 digits",
    (large - small)[:, 2:4].mean(1),
    (large - small)[:, 2:4].mean(1) > 0,
    trained=True,
)
claims.add("attention: 7 and 8 digits", attention[:, 3], attention[:, 3] > 0.7, trained=True)
ks.analysis.plot_curves(
    exact, "digits of the source, at most", "exact match", [*bins, 10], limits=(0, 1.05)
)

# %% [markdown]
# That is the **bottleneck**: the source may have any length, the context has one size. A larger one
# puts the end off and does not do away with it, and at equal size the network that may look back
# has no such end. (Beyond 8 digits nobody was trained.) Exact match is merciless: one wrong word,
# and all is wrong. BLEU counts what is right in runs of up to four words:

# %%
ks.analysis.plot_score_by_length(
    {name: runs[0] for name, runs in rows.items()}, ("bleu", "exact_match")
)

# %% [markdown]
# ## Step by step
#
# What `generate` does, by hand: encode once, then feed each word that was written.

# %%
model, source = models["attention, 32"][0], "4 0 7 1"
tokenizer = model.target_tokenizer
inputs = model.as_batch([source], [""])[0]
state, memory = model.start(inputs["source_ids"])  # (1, 5): four digits and the end
token, written = tokenizer.start_token_id, []
while token != tokenizer.end_token_id and len(written) < 20:
    logits, state = model.step(np.array([token], "int32"), state, memory)  # (1, vocabulary)
    token = int(keras.ops.argmax(logits[0]))
    written.append(tokenizer.id_to_token(token))
print(source, "->", *written)
same = " ".join(written[:-1]) == model.generate(source)
claims.add("by hand as by generate", str(same), same or len(written) == 20)

# %% [markdown]
# ## Teacher forcing
#
# In training the decoder is fed the *right* word before each step, whatever it would have written
# itself: **teacher forcing**. All steps can be learnt at once, and each is learnt in good company.
# Left alone, it reads what it has written, and has never learnt to go on after a mistake of its
# own. That is **exposure bias**. With a ratio $r$ below 1 (scheduled sampling) a coin decides for
# each word, the right one with probability $r$, else its own.
#
# **Predict:** take the context of 32. How far do the curves of *right words fed* and *own words
# fed* lie apart, and where do they part?

# %%
bias = ks.analysis.exposure_bias(models["context of 32"][0], *held_out)
ks.analysis.plot_exposure_bias(bias)

# %% [markdown]
# **Predict:** now with ratios of 1 and of 0.5. Which has the smaller gap? Which translates better
# in the end, alone?

# %%
forced = {1.0: models["context of 32"]}
options = {**DESIGNS["context of 32"], "teacher_forcing_ratio": 0.5}
forced[0.5] = [translator(seed, **options) for seed in range(SEEDS)]
fed, alone = {}, {}
for ratio, group in forced.items():
    found = [ks.analysis.exposure_bias(model, *held_out) for model in group]
    for side, name in (("teacher_forced", "right words fed"), ("free_running", "own words fed")):
        accuracy = np.array([run[side]["token_accuracy"] for run in found])
        fed.setdefault(f"ratio {ratio}", {})[name] = accuracy
    alone[ratio] = np.array([run["free_running"]["exact_match"] for run in found])
gaps = {name: run["right words fed"] - run["own words fed"] for name, run in fed.items()}
claims.add("ratio 1: the gap", gaps["ratio 1.0"], gaps["ratio 1.0"] > 0.03, trained=True)
narrower = gaps["ratio 1.0"] - gaps["ratio 0.5"]
claims.add("ratio 0.5: narrower by", narrower, narrower > 0, trained=True)
print("exact match, own words fed:", {k: np.round(run, 3).tolist() for k, run in alone.items()})
ks.experiments.plot_seeds(fed, "token accuracy")

# %% [markdown]
# A gap can close in two ways: by being better alone, or by being worse in company. Here it was the
# second: with a ratio of 0.5 both bars are lower, and exact match alone is too. Feeding a network
# its own words from the first batch on, when they are rubbish, teaches it slowly; so ratios usually
# begin at 1 and fall (a `LearningRateSchedule` goes in the place of the number). A smaller gap is
# no aim in itself; look at what is written alone.
#
# ## Attention and padding
#
# Texts of a batch are padded to the longest one. Attention is a softmax over *all* steps of the
# source, and a softmax gives nothing 0 by itself: padding has to be masked out, its scores set to
# $-\infty$.
#
# $$ \alpha_{t,i} = \frac{m_i\, e^{a_{t,i}}}{\sum_j m_j\, e^{a_{t,j}}} $$
#
# - $a_{t,i}$: how well step $i$ of the source fits what the decoder wants at step $t$;
#   $\alpha_{t,i}$: the weight that it gets; $m_i$: 1 for a word, 0 for padding.
#
# The trained translators with attention, once as they are and once without $m$. They translate
# numbers of 4 digits, alone and in a batch with one longer source.
#
# **Predict:** does a *neighbour* change a translation?


# %%
class Unmasked(ks.models.Seq2Seq):
    def encode(self, source_ids, training=False):
        values, states, mask = super().encode(source_ids, training)
        return values, states, keras.ops.ones_like(mask)


def among(model, length):
    """Exact match of numbers of 4 digits beside one of `length`, and the attention on padding."""
    sources = [source for source in held_out[0] if len(source.split()) == 4]
    right = [" ".join(WORDS[int(digit)] for digit in source.split()) for source in sources]
    neighbour = " ".join("7" * length)
    answers = model.generate([*sources, neighbour], return_attention=True)[:-1]
    exact = [answer["text"] == target for answer, target in zip(answers, right, strict=True)]
    return np.mean(exact), np.mean([1 - answer["attention"].sum(-1).mean() for answer in answers])


neighbours = (4, 20) if claims.small else (4, 10, 20, 40, 80)
matches, lost = {}, {}
for name in ("masked", "not masked"):
    runs = []
    for model in models["attention, 32"]:
        if name == "not masked":
            blind = Unmasked.from_config(model.get_config())
            blind.set_weights(model.get_weights())
            model = blind
        runs.append([among(model, length) for length in neighbours])
    matches[name], lost[name] = np.array(runs).transpose(2, 0, 1)  # (seeds, neighbours)
changed = abs(matches["masked"] - matches["masked"][:, :1]).max()
claims.add("masked: a neighbour changes", changed, changed == 0)
claims.add(
    "masked: attention on padding", abs(lost["masked"]).max(), abs(lost["masked"]).max() < 1e-5
)
on_padding = lost["not masked"][:, -1]
claims.add("not masked: attention on padding", on_padding, on_padding > lost["not masked"][:, 0])
ks.analysis.plot_curves(
    matches, "digits of the neighbour", "exact match, 4 digits", neighbours, "x", limits=(0, 1.05)
)

# %%
ks.analysis.plot_curves(
    {"not masked": lost["not masked"]},
    "digits of the neighbour",
    "attention on padding",
    neighbours,
    "x",
    limits=(0, 1),
)

# %% [markdown]
# A third of the attention goes to nothing, and a sentence that was right alone is wrong beside a
# long one. Whoever tests with one sentence at a time never sees it. The encoder has the same duty:
# its last state is that of the last *word* (lesson 6). And the loss has it too: a mean over
# padding flatters.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. A trained translator of dates comes with the package: `Seq2Seq.from_preset("dates")`. Try it
#    on dates of your own. Does it have attention?
# 2. Turn the sources round (*4 0 7* becomes *7 0 4*) and train the context of 32 again, as
#    Sutskever and others did. Which digits does that bring nearer to their words?
# 3. How many numbers lie between encoder and decoder, for an LSTM of two layers and 32 units?
# 4. Let the teacher go slowly: `teacher_forcing_ratio` as a
#    `keras.optimizers.schedules.PolynomialDecay` from 1 to 0.

# %% tags=["solution"]
# 1: yes.
dates = ks.models.Seq2Seq.from_preset("dates")
print(dates.generate(["27 September 2016", "1. mai 1999"]), dates.has_attention)

# %% tags=["solution"]
# 2: the first ones, with which the writing begins. (The last ones are then further away.)
back = [" ".join(source.split()[::-1]) for source in training[0]]
turned = translator(0, (back, training[1]), **DESIGNS["context of 32"])
sources = [" ".join(source.split()[::-1]) for source in held_out[0]]
first = ks.analysis.exposure_bias(turned, sources, held_out[1])["free_running"]["accuracy"]
print(np.round(first[:10], 2), np.round(bias["free_running"]["accuracy"][:10], 2))

# %% tags=["solution"]
# 3: h and c of each layer: 2 * 2 * 32.
deep = ks.models.Seq2Seq.from_texts(
    *training, **CONFIG, attention=None, cell="lstm", units=32, num_layers=2
)
sizes = keras.tree.flatten(deep.encoder.state_size)
print(sizes, sum(sizes))
assert sum(sizes) == 2 * 2 * 32

# %% tags=["solution"]
# 4: a step is a batch.
steps = EPOCHS * len(training[0]) // 32
falling = keras.optimizers.schedules.PolynomialDecay(1.0, steps, 0.0)
slow = translator(0, **DESIGNS["context of 32"], teacher_forcing_ratio=falling)
print(ks.analysis.exposure_bias(slow, *held_out)["free_running"]["token_accuracy"])

# %% [markdown]
# ## To read
#
# - I. Sutskever, O. Vinyals and Q. Le, 2014, [Sequence to sequence learning with neural
#   networks](https://arxiv.org/abs/1409.3215).
# - K. Cho and others, 2014, [Learning phrase representations using RNN
#   encoder-decoder](https://arxiv.org/abs/1406.1078), and [On the properties of neural machine
#   translation](https://arxiv.org/abs/1409.1259): BLEU by length.
# - D. Bahdanau, K. Cho and Y. Bengio, 2015, [Neural machine translation by jointly learning to
#   align and translate](https://arxiv.org/abs/1409.0473).
# - R. Williams and D. Zipser, 1989, [A learning algorithm for continually running fully recurrent
#   neural networks](https://doi.org/10.1162/neco.1989.1.2.270): teacher forcing.
# - S. Bengio and others, 2015, [Scheduled sampling for sequence prediction with recurrent neural
#   networks](https://arxiv.org/abs/1506.03099).
# - M. Ranzato and others, 2016, [Sequence level training with recurrent neural
#   networks](https://arxiv.org/abs/1511.06732): exposure bias.
