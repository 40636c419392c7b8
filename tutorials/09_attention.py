# %% [markdown]
# # 9. Attention
#
# Lesson 8 ended at a wall: whatever a source says has to fit into one vector. Now the writer may
# look back. Before each word it asks the source a question, gets an answer made of the words that
# fit the question, and goes on. Nothing has to be kept that can be looked up.
#
# **You will learn**
# - to write the attention of Bahdanau and of Luong in a line of NumPy each;
# - what changes when a decoder attends before its step, and after it;
# - to draw which source words each target word looks at, and to *score* that;
# - what attention costs, and why a picture of it is no explanation.
#
# **Before this lesson**: [lesson 8](08_encoder_and_decoder.ipynb). The real translator is in
# `saved_models` of the repository: where the package was installed without it, `KERAS_SEQ_PRESETS`
# has to name that folder.

# %%
import time

import keras
import numpy as np
from keras.ops import convert_to_numpy

import keras_seq as ks
from keras_seq.analysis import alignment, alignment_error_rate, plot_attention, plot_curves
from keras_seq.experiments import plot_seeds
from keras_seq.layers import BahdanauAttention, LocalAttention, LuongAttention

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS, EPOCHS = (1, 1) if claims.small else (3, 7)
ks.analysis.set_figure_style()

# %% [markdown]
# ## A question, and what fits it
#
# $$ a_{t,i} = \operatorname{score}(q_t, h_i) \qquad \alpha_{t,i} = \frac{m_i\, e^{a_{t,i}}}
# {\sum_j m_j\, e^{a_{t,j}}} \qquad c_t = \sum_i \alpha_{t,i}\, h_i $$
#
# - $h_1 \dots h_T$: what the encoder says at each word of the source; $m_i$: 1 for a word, 0 for
#   padding;
# - $q_t$: the question at step $t$ of the target, a state of the decoder;
# - $\alpha_{t,i}$: the **weight** of source word $i$ at target word $t$; the weights of a step are
#   at least 0 and sum to 1;
# - $c_t$: the **context**, a mean of the $h_i$ with these weights; a new one for each target word.
#
# In lesson 8 there was one $c$ for all steps. What is left to choose is the score:
#
# | name | $\operatorname{score}(q, h)$ | weights |
# |---|---|---|
# | additive (Bahdanau) | $u \cdot \tanh(W_q q + W_h h)$ | $W_q, W_h, u$ |
# | concat (Luong) | $u \cdot \tanh(W [q; h])$ | $W, u$ |
# | general (Luong) | $q \cdot W h$ | $W$ |
# | dot (Luong) | $q \cdot h$ | none; $q$ and $h$ of one size |
#
# **Predict:** two of these four are the same function. Which?

# %%
rng = np.random.default_rng(0)
q, h = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))  # (texts, T', size), (texts, T, size)
mask = np.arange(5) < [[5], [3]]  # (texts, T): the second text has three words
# [q; h] of each step and each word: (texts, T', T, 8)
pairs = np.concatenate(np.broadcast_arrays(q[:, :, None], h[:, None]), axis=-1)
SCORES = {
    "additive": lambda W_q, W_h, u: np.tanh((q @ W_q)[:, :, None] + (h @ W_h)[:, None]) @ u[:, 0],
    "concat": lambda W_h, W_q, u: np.tanh(pairs @ np.concatenate([W_q, W_h])) @ u[:, 0],
    "general": lambda W: q @ (h @ W).swapaxes(1, 2),
    "dot": lambda: q @ h.swapaxes(1, 2),
}
layers = [BahdanauAttention(6), *(LuongAttention(name, 6) for name in list(SCORES)[1:])]
for layer, (name, score) in zip(layers, SCORES.items(), strict=True):
    context, weights = map(convert_to_numpy, layer(q, h, values_mask=mask))
    e = mask[:, None] * np.exp(score(*layer.get_weights()))  # (texts, T', T)
    alpha = e / e.sum(-1, keepdims=True)
    gap = max(abs(weights - alpha).max(), abs(context - alpha @ h).max())
    claims.add(f"{name}: our line and the layer differ by", gap, gap < 1e-5)
    claims.add(f"{name}: weight on padding", weights[1, :, 3:].sum(), not weights[1, :, 3:].any())
W_q, W_h, u = layers[0].get_weights()
claims.add(
    "additive and concat, the same weights",
    "the same scores",
    np.allclose(SCORES["additive"](W_q, W_h, u), SCORES["concat"](W_h, W_q, u), atol=1e-5),
)

# %% [markdown]
# A matrix times $[q; h]$ is its left half times $q$ and its right half times $h$. So the two are
# one, and they are only computed differently: $W_h h$ does not depend on the step, and is worth
# keeping.
#
# ## A language that turns numbers round
#
# Four and seventy: German, Danish and old English say the ones first. Pairs of digits come in,
# words go out; *and* belongs to no digit. So we know which digit each word has to look at, which
# no corpus tells.

# %%
WORDS = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORDS += ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def numbers(count, seed, longest=4):
    # `count` sources of 1 to `longest` pairs of digits, and their targets
    rng = np.random.default_rng(seed)
    rows = [rng.integers((2, 1), 10, (n, 2)) for n in rng.integers(1, longest + 1, count)]
    sources = [" ".join(map(str, row.ravel())) for row in rows]
    return sources, [" ".join(f"{WORDS[b]} and {WORDS[a + 8]}" for a, b in row) for row in rows]


def links(pairs):
    # (source position, target position) of each digit and its word
    return [link for i in range(pairs) for link in ((2 * i + 1, 3 * i), (2 * i, 3 * i + 2))]


training, held_out = numbers(150 if claims.small else 1_600, 0), numbers(200, 1, longest=5)
print(training[0][0], "->", training[1][0])

# %% [markdown]
# ## Before the step, or after it
#
# | | Bahdanau: **before** | Luong: **after** |
# |---|---|---|
# | 1 | $q_t = s_{t-1}$ | $s_t = \text{cell}(e_{y_{t-1}}, s_{t-1})$ |
# | 2 | $s_t = \text{cell}([e_{y_{t-1}}; c_t], s_{t-1})$ | $q_t = s_t$ |
# | 3 | $p(y_t) = \text{readout}(s_t, c_t, e_{y_{t-1}})$ | $p(y_t) = \text{readout}([s_t; c_t])$ |
#
# - $s_t$: the state of the decoder; $e_{y_{t-1}}$: the embedding of the word before; $[\,;\,]$: one
#   vector behind the other.
#
# *Before*: the cell reads the context, and the question is asked without knowing the word that was
# just written. *After*: the question knows it, and the cell never sees the source. Then all states
# of a training text can be computed first, and all questions asked at once, side by side.
#
# Both are **global**: they look at all of the source. **Local** attention looks at a window around
# a place $p_t$; here at $p_t = t$ and two words to each side, as if word $t$ of the target stood
# for word $t$ of the source.
#
# **Predict:** which of the four is right up to which length? Which trains fastest?

# %%
DESIGNS = {
    "no attention": {"attention": None},
    "before": {"attention": "additive"},
    "after": {"attention": "general", "order": "luong"},
    "after, local": {"attention": LocalAttention(window=2, center="monotonic"), "order": "luong"},
}
CONFIG = {"tokens": "word", "dropout": 0.0, "tie_embeddings": False, "order": "bahdanau"}
CONFIG |= {"bidirectional": False, "units": 32, "embedding_dim": 32}


def translator(seed, **design):
    keras.utils.set_random_seed(seed)
    model = ks.models.Seq2Seq.from_texts(*training, **{**CONFIG, **design})
    model.compile(keras.optimizers.Adam(8e-3, global_clipnorm=1.0), label_smoothing=0.0)
    decay = [ks.callbacks.LearningRateDecay()]
    model.fit(*training, batch_size=32, epochs=EPOCHS, callbacks=decay, verbose=0)
    return model


models, seconds, exact, bleu = {}, {}, {}, {}
for name, design in DESIGNS.items():
    began = time.process_time()
    models[name] = [translator(seed, **design) for seed in range(SEEDS)]
    seconds[name] = time.process_time() - began
    rows = [ks.analysis.score_by_length(m, *held_out, bins=[2, 4, 6, 8]) for m in models[name]]
    exact[name] = np.array([[row["exact_match"] for row in run] for run in rows])
    bleu[name] = np.array([[row["bleu"] for row in run][1:] for run in rows])
without, before, after, local = exact.values()  # (seeds, lengths)
claims.add(
    "no attention: 5 to 8 digits", without[:, 2:4].mean(1), without[:, 3] < 0.1, trained=True
)
claims.add("before: 6 digits", before[:, 2], before[:, 2] > 0.6, trained=True)
claims.add("after: 6 digits", after[:, 2], after[:, 2] > 0.8, trained=True)
claims.add("local: 6 digits", local[:, 2], local[:, 2] < after[:, 2], trained=True)
plot_curves(exact, "digits", "exact match", (2, 4, 6, 8, 10), limits=(0, 1.05))

# %% [markdown]
# With attention the end that lesson 8 ran into is gone, at the same size. The window falls behind
# as texts get longer: three words for two digits, and word $t$ is no longer near digit $t$. Nobody
# was trained on five pairs, and there all of them fail as a whole; BLEU says who is lost and who
# has missed a word (two digits are three words, too short for it):

# %%
claims.add(
    "training: before takes times after",
    seconds["before"] / seconds["after"],
    seconds["before"] > seconds["after"],
    trained=True,
)
plot_curves(bleu, "digits", "BLEU", (4, 6, 8, 10), limits=(0, 105))

# %% [markdown]
# ## Which word looks where
#
# Each row is a word that is written, and how its weights are spread over the source. The right
# digit is framed.
#
# **Predict:** where does *and* look?


# %%
example = ["4 7 2 3 8 5"], ["seven and forty three and twenty five and eighty"]
plot_attention(**models["before"][0].attention(*example)[0], title="before", gold=links(3))

# %%
plot_attention(**models["after"][0].attention(*example)[0], title="after", gold=links(3))

# %% [markdown]
# A picture convinces; a number says how often. Each word is linked to the digit with the largest
# weight. Let $A$ be the links that were drawn and $S$ the right ones. The **alignment error rate**
# is
#
# $$ \text{AER} = 1 - \frac{2\, |A \cap S|}{|A| + |S|} $$
#
# 0 is perfect, 1 means that nothing fits. The words *and* are left out.
#
# **Predict:** does *before* draw other links than *after*? And the window?

# %%
sources, targets = numbers(150, 2, longest=3)
right = [links((len(source) + 1) // 4) for source in sources]


def drawn(model):
    return [alignment(row["attention"][:-1, :-1]) for row in model.attention(sources, targets)]


rates = {}
for name in list(models)[1:]:
    rows = [[[x for x in row if x[1] % 3 != 1] for row in drawn(model)] for model in models[name]]
    rates[name] = np.array([alignment_error_rate(x, right)["alignment_error_rate"] for x in rows])
claims.add("before: error rate", rates["before"], rates["before"] < 0.1, trained=True)
claims.add("after: error rate", rates["after"], rates["after"] < 0.1, trained=True)
claims.add(
    "local: error rate",
    rates["after, local"],
    rates["after, local"] > rates["after"],
    trained=True,
)
plot_seeds(rates, "alignment error rate")

# %% [markdown]
# Nobody has told them which digit belongs to which word. They have found it out, because there
# was no other way to be right.
#
# ## A picture is no explanation
#
# *And* looks somewhere, too, and often with a large weight. Does that mean that it was written
# *because* of the digit that it looks at? Ask the model: replace the digit with the largest weight
# by another one, and translate again.
#
# **Predict:** how often does the word change, if it is a number? If it is *and*?

# %%
changes = {"a number": [], "and": []}
for model in models["after"]:
    old, rows = [text.split() for text in model.generate(sources)], drawn(model)
    for k, runs in enumerate(changes.values()):
        cases = [(i, *x) for i, row in enumerate(rows) for x in row if (x[1] % 3 == 1) == k]
        texts = [sources[i].split() for i, *_ in cases]
        for text, (_, s, _) in zip(texts, cases, strict=True):
            text[s] = str(int(text[s]) % 8 + 2)  # another digit
        new = [text.split() for text in model.generate([" ".join(text) for text in texts])]
        same = [new[k][t:][:1] == old[i][t:][:1] for k, (i, _, t) in enumerate(cases)]
        runs.append(1 - np.mean(same))
claims.add(
    "its digit replaced: a number changes",
    changes["a number"],
    np.greater(changes["a number"], 0.9),
    trained=True,
)
claims.add("and changes", changes["and"], np.less(changes["and"], 0.05), trained=True)
plot_seeds(changes, "share of words that change", lines={"all": 1.0})

# %% [markdown]
# The weights sum to 1. Who needs nothing has to look somewhere all the same. So a large weight
# says *where* something was fetched, and not that it was used. And what lies there, $h_i$, is no
# word: it is a state, which has read the words before it. Take such pictures for what they are,
# and test what you read out of them: replace the word and see.
#
# ## A real translator
#
# The translator of everyday sentences in the repository (general score, *after*) gets
# sentences whose links were set by hand. Move the slider.
#
# **Predict:** in which of the sentences do links cross?

# %%
BY_HAND = """
I have never read this book.|Ich habe dieses Buch nie gelesen.|0-0 1-1 4-2 5-3 2-4 3-5 6-6
My father bought a house.|Mein Vater hat ein Haus gekauft.|0-0 1-1 2-2p 3-3 4-4 2-5 5-6
I like to drink a cup of coffee.|Ich trinke gern eine Tasse Kaffee.|0-0 3-1 1-2 4-3 5-4 7-5 8-6
Do you want to play with us?|Willst du mit uns spielen?|2-0 2-1 1-2 5-3 6-4 4-5 7-6
Yesterday I saw your sister.|Gestern sah ich deine Schwester.|0-0 2-1 1-2 3-3 4-4 5-5
"""
english, german, lines = zip(*(x.split("|") for x in BY_HAND.strip().split("\n")), strict=True)
sure, possible = ks.analysis.read_alignments(lines)
tatoeba = ks.models.Seq2Seq.from_preset("tatoeba_en_de")
rows = tatoeba.attention(english, german)
in_order = [[(t, t) for t in range(len(row["target_tokens"]) - 1)] for row in rows]
looked = [alignment(row["attention"][:-1, :-1]) for row in rows]
scores = [alignment_error_rate(drawn_, sure, possible) for drawn_ in (in_order, looked)]
in_order, rate = (score["alignment_error_rate"] for score in scores)
claims.add("by hand: in order, and looked at", [in_order, rate], rate < in_order / 2)
figures = [plot_attention(**row, gold=gold) for row, gold in zip(rows, possible, strict=True)]
ks.analysis.Slides(dict(zip(english, figures, strict=True)), name="sentence")

# %% [markdown]
# Nobody told it that *read* goes to the end in German. What it gets wrong: the full stop looks at
# the end of the sentence, and *Willst* at *you*, which decides between *will*, *willst* and
# *wollen*, and not at *want*.
#
# Now a sentence of your own. In Jupyter the next cell is a page to type in: point at a word to see
# where the translator looked, and decide a word yourself to see how the rest follows. (That takes
# `pip install 'keras_seq[onnx,widget]'` and `make explorer`. Where they are missing it draws one
# more figure.)
#
# **Predict:** where does *nicht* look?

# %%
ks.analysis.explore(tatoeba, "We do not want to go home.")

# %% [markdown]
# Add up the weights of a source word over all steps: how much of the translation came from it?
#
# **Predict:** which words of the sentence about coffee get next to nothing?

# %%
words, weights = rows[2]["source_tokens"][:-1], rows[2]["attention"][:, :-1].sum(0)
share = dict(zip((word.strip("▁") for word in words), weights, strict=True))
claims.add(
    "drink, cup, coffee; to, of",
    [share[word] for word in ("drink", "cup", "coffee", "to", "of")],
    min(share["drink"], share["cup"], share["coffee"]) > 2 * max(share["to"], share["of"]),
)
plot_seeds(share, "weight, all steps")

# %% [markdown]
# That is one more reason why a single vector, the same for all steps, was a poor answer: some
# words say more than others, and each step wants another one. Where many vectors are at hand and a
# text is to be written about them, it is the same: the words of a caption look at the parts of an
# image.
#
# ## What it costs
#
# A question for each step of the target, an answer from each word of the source:
#
# $$ T' \cdot T \text{ scores} $$
#
# **Predict:** twice the length, how many times the work? For an LSTM? For a window of ten to each
# side?

# %%
LENGTHS = (16, 32, 64) if claims.small else (256, 512, 1024, 2048)
layers = {"LSTM": ks.layers.LSTM(32, return_sequences=True, return_state=True)}
layers |= {"dot": LuongAttention("dot"), "additive": BahdanauAttention(16)}
layers["dot, window"] = LocalAttention("dot", window=10, center="monotonic")
times = {name: [] for name in layers}
for n in LENGTHS:
    x = rng.normal(size=(1, n, 32)).astype("float32")
    for name, layer in layers.items():
        inputs = [x] if name == "LSTM" else [x, x]  # the questions, and what is asked
        layer(*inputs)  # compiles, where that is done
        runs = []
        for _ in range(5):
            began = time.process_time()
            convert_to_numpy(layer(*inputs)[0])  # the output, or the contexts
            runs.append((time.process_time() - began) * 1000)
        times[name].append(min(runs))
claims.add(
    "n questions, n words: weights",
    [n, np.prod(layer(x, x)[1].shape)],
    layer(x, x)[1].shape == (1, n, n),
)
growth = {name: row[-1] / row[-2] for name, row in times.items()}
claims.add("LSTM, twice the length: times", growth["LSTM"], growth["LSTM"] < 2.8, trained=True)
claims.add("dot: more times", growth["dot"], growth["dot"] > growth["LSTM"], trained=True)
claims.add("additive: more times", growth["additive"], growth["additive"] > 2.8, trained=True)
claims.add(
    "a window costs less than all",
    times["dot, window"][-1] / times["dot"][-1],
    times["dot, window"][-1] < times["dot"][-1],
    trained=True,
    surprise=True,
)
plot_curves(times, "words, T = T'", "milliseconds of computing", LENGTHS, "xy")

# %% [markdown]
# An LSTM has work for every word, attention for every *pair* of words. For a sentence that is
# nothing. For a book it is everything, which is where lesson 11 begins. And a window of 21 words
# saves nothing here: the layer computes all scores and puts those outside to 0. To be fast, they
# must never be computed.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Draw $q$ and $h$ at random, of 4 and of 256 numbers. How large is the largest of 10 weights
#    with the dot score? And divided by the root of the size, as Transformers do?
# 2. How many weights does each of the four scores have, for $q$, $h$ and $u$ of 32 numbers?
# 3. The translator of dates asks *before* its step. Where does the month of an ISO date look?
# 4. Give *before* an encoder that reads both ways: the states know the words behind them, too. Do
#    the links get worse?
# 5. Write a score of your own: minus the squared distance of $q$ and $h$. Does it learn?

# %% tags=["solution"]
# 1: large numbers make a softmax hard: one weight gets all. The root keeps them of one size.
for size in (4, 256):
    q, h = rng.normal(size=(1, 500, size)), rng.normal(size=(1, 10, size))
    for layer in (LuongAttention("dot"), ks.layers.ScaledDotAttention()):
        print(size, layer.name, convert_to_numpy(layer(q, h)[1]).max(-1).mean())

# %% tags=["solution"]
# 2: 32 * 32 for each matrix, and 32 for u.
for layer in (
    BahdanauAttention(32),
    *(LuongAttention(n, 32) for n in ("concat", "general", "dot")),
):
    layer(np.ones((1, 2, 32)), np.ones((1, 3, 32)))
    print(layer.name, layer.count_params())

# %% tags=["solution"]
# 3: at the letters that tell months apart.
dates = ks.models.Seq2Seq.from_preset("dates")
plot_attention(**dates.attention(["27 September 2016"], ["2016-09-27"])[0])

# %% tags=["solution"]
# 4: they could, and here they do not.
both = translator(0, **{**DESIGNS["before"], "bidirectional": True})
rows = [[x for x in row if x[1] % 3 != 1] for row in drawn(both)]
print(alignment_error_rate(rows, right), rates["before"][0])


# %% tags=["solution"]
# 5: yes.
@keras.saving.register_keras_serializable("lesson")
class Distance(ks.layers.AttentionMechanism):
    def score(self, query, keys):
        return -keras.ops.sum((query[:, :, None] - keys[:, None]) ** 2, axis=-1)


near = translator(0, attention=Distance(), order="luong")
print(ks.analysis.score_by_length(near, *held_out, bins=[2, 4, 6, 8])[2]["exact_match"])

# %% [markdown]
# ## To read
#
# - D. Bahdanau, K. Cho and Y. Bengio, 2015, [Neural machine translation by jointly learning to
#   align and translate](https://arxiv.org/abs/1409.0473).
# - M.-T. Luong, H. Pham and C. Manning, 2015, [Effective approaches to attention-based neural
#   machine translation](https://arxiv.org/abs/1508.04025): the other scores, the other order,
#   windows.
# - F. Och and H. Ney, 2003, [A systematic comparison of various statistical alignment
#   models](https://doi.org/10.1162/089120103321337421): the error rate.
# - H. Ghader and C. Monz, 2017, [What does attention in neural machine translation pay attention
#   to?](https://arxiv.org/abs/1710.03348).
# - S. Jain and B. Wallace, 2019, [Attention is not explanation](https://arxiv.org/abs/1902.10186),
#   and S. Wiegreffe and Y. Pinter, 2019, [Attention is not not
#   explanation](https://arxiv.org/abs/1908.04626).
# - K. Xu and others, 2015, [Show, attend and tell](https://arxiv.org/abs/1502.03044): captions.
