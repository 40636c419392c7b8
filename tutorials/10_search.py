# %% [markdown]
# # 10. Searching for the best output
#
# A translator gives every text a probability. Which text should it write? "The most probable one"
# is easily said; there are more texts than atoms. This lesson looks for it in four ways, counts
# how often each of them misses it, and then asks whether it was worth looking for.
#
# **You will learn**
# - what "best" means, and to find it by looking at everything;
# - ancestral sampling, with temperature, top-k and top-p; greedy search; beam search in fifteen
#   lines of your own;
# - to draw the tree of a beam, and to count search errors against the exact answer;
# - why the exact answer is often a worse text, and what a length penalty does about it.
#
# **Before this lesson**: [lesson 8](08_encoder_and_decoder.ipynb), "Step by step", and
# [lesson 9](09_attention.ipynb), whose translator is in `saved_models` of the repository: where
# the package was installed without it, `KERAS_SEQ_PRESETS` has to name that folder.

# %%
import itertools
import time

import numpy as np
from keras.ops import convert_to_numpy, log_softmax, take

import keras_seq as ks
from keras_seq.analysis import plot_curves, plot_search_tree, text_scores
from keras_seq.experiments import plot_seeds
from keras_seq.samplers import Beam, Exhaustive, Greedy, Random

claims = ks.experiments.Claims(data=ks.datasets.tatoeba)  # small where CI=true, or without data
ks.analysis.set_figure_style()

# %% [markdown]
# ## A language of two words
#
# $$ y^* = \arg\max_y P(y \mid x) \qquad P(y \mid x) = \prod_{t=1}^{T} p(y_t \mid y_1 \dots
# y_{t-1}, x) $$
#
# - $x$: the source; $y = y_1 \dots y_T$: a text, its last token the end token; $p$: what the
#   decoder says at each step; $y^*$: the best text.
#
# With $V$ words there are $V^{T-1}$ texts of $T$ tokens. With two words and up to 8 tokens one can
# look at all of them: **exhaustive search**. Our decoder is a table: what comes after which word.
#
# **Predict:** from the table alone, which text is the most probable? Which one do you get if you
# take the most probable word each time?

# %%
END, START, RAIN, SNOW = 1, 2, 3, 4  # 0 is the padding
LIMIT, NAMES = 8, {END: "", RAIN: "rain", SNOW: "snow"}
TABLE = np.full((5, 5), 1e-9)
TABLE[START, [END, RAIN, SNOW]] = 0.1, 0.5, 0.4
TABLE[RAIN, [END, RAIN, SNOW]] = 0.3, 0.3, 0.4
TABLE[SNOW, [END, RAIN, SNOW]] = 0.9, 0.05, 0.05


def step(token_ids, state, memory):
    # What every sampler of the library asks a model for: logits of the next word.
    return take(np.log(TABLE).astype("float32"), token_ids, axis=0), state


def written(sampler, rows=1):
    starts, limits = np.full(rows, START), np.full(rows, LIMIT)
    result = sampler.search(step, [], [], starts, END, LIMIT, limits)
    ids = convert_to_numpy(result["token_ids"])
    return [" ".join(NAMES[i] for i in row if i > END) for row in ids[:, 0]]


everything = {}
for n in range(LIMIT):
    for words in itertools.product((RAIN, SNOW), repeat=n):
        chain = itertools.pairwise([START, *words, END])
        everything[" ".join(NAMES[i] for i in words)] = np.prod([TABLE[pair] for pair in chain])
best = max(everything, key=everything.get)
print(f"{len(everything)} texts, together {sum(everything.values()):.4f}; the best: {best}")
(greedy,), (exact,) = written(Greedy()), written(Exhaustive())
(two,) = written(Beam(2, length_penalty=0.0))
claims.add("exhaustive search: the best of all", exact, exact == best)
claims.add(
    "greedy: its probability, and the best",
    [everything[greedy], everything[best]],
    everything[greedy] < everything[best],
)
claims.add("two beams are enough here", two, two == best)

# %% [markdown]
# Greedy search falls into a trap: *rain* is the likeliest first word, but nothing good follows it.
# What is best at each step is not best in the end, and nobody who looks one word ahead can know.
#
# For a real translator, count: 5,000 pieces of words and 10 places make $5000^{10}$, a number of
# 37 digits.
#
# ## Drawing: ancestral sampling
#
# Draw $y_1$ from $p(y_1 \mid x)$, feed it, draw $y_2$, and so on, parents before children. Then
# each text comes as often as it is probable: this is how to see what a model *believes*, and not
# a way to find its best.
#
# **Predict:** of 2,000 texts drawn, how many are *snow*?

# %%
shown = sorted(everything, key=everything.get)[:-7:-1]
draws = [written(Random(seed=seed), 2_000) for seed in range(3)]
drawn = {text: [run.count(text) / 2_000 for run in draws] for text in shown}
gaps = [max(abs(drawn[text][i] - everything[text]) for text in shown) for i in range(3)]
claims.add("drawn as often as probable, apart from", gaps, np.array(gaps) < 0.04)
both = [{"probability": everything[text], "drawn": drawn[text]} for text in shown]
plot_seeds(dict(zip([text or "(nothing)" for text in shown], both, strict=True)), "share")

# %% [markdown]
# ## A real translator
#
# The translator of lesson 9, English to German, and sentences that it never saw. Drawing takes
# unlikely words too, one in a sentence is enough. Three ways to be more careful:
#
# - **temperature** $\tau < 1$ (lesson 5): $p^{1/\tau}$, normalised;
# - **top-k**: only the $k$ likeliest words;
# - **top-p**: only the likeliest words that have $p$ together; how many that are depends on how
#   sure the model is.
#
# **Predict:** order them by BLEU; is any of them better than greedy search?

# %%
model = ks.models.Seq2Seq.from_preset("tatoeba_en_de")
PAIRS = """Take your time.|Lass dir Zeit.
Where is the station?|Wo ist der Bahnhof?
Hold the line, please.|Bleiben Sie bitte am Apparat.
Keep your hands off my bike.|Lass die Finger von meinem Fahrrad."""
english, german = zip(*(line.split("|") for line in PAIRS.split("\n")), strict=True)
if not claims.small:
    parts = ks.datasets.split_by_source(*ks.datasets.tatoeba(), sizes=(0.98, 0.01, 0.01), seed=0)
    chosen = np.random.default_rng(0).permutation(len(parts[2][0]))[:100]
    english, german = ([side[i] for i in chosen] for side in parts[2])
english, german = list(english), list(german)


def quality(answers, targets):
    # BLEU, and the length in words by that of the right texts.
    words = [sum(len(text.split()) for text in texts) for texts in (answers, targets)]
    return text_scores(answers, targets)["bleu"], words[0] / words[1]


WAYS = {"all": {}, "temperature 0.5": {"temperature": 0.5}}
WAYS |= {"top-k, 5": {"top_k": 5}, "top-p, 0.7": {"top_p": 0.7}}
bleu = {}
for name, way in WAYS.items():
    runs = [model.generate(english, Random(seed=seed, **way)) for seed in range(3)]
    bleu[name] = np.array([quality(answers, german)[0] for answers in runs])
of_greedy = quality(model.generate(english, "greedy"), german)[0]
claims.add(
    "drawing from all: BLEU under greedy", bleu["all"], bleu["all"] < of_greedy - 5, trained=True
)
claims.add(
    "top-p: better than all, by",
    bleu["top-p, 0.7"] - bleu["all"],
    bleu["top-p, 0.7"] > bleu["all"],
    trained=True,
)
plot_seeds(bleu, "BLEU", lines={"greedy": of_greedy})

# %% [markdown]
# On average none of them is better than greedy search; what they buy is variety. Where one right
# text is wanted, not many, we have to search.
#
# ## Beam search
#
# Greedy search keeps one text, exhaustive search all of them. **Beam search** keeps the $W$ best
# so far: it continues each by every word, and of all these keeps the $W$ best again. A text that
# has ended waits. $W = 1$ is greedy search.
#
# The score is $\log P$, a sum over the words. It is divided by a **length penalty** (further
# below), which is 1 for $\alpha = 0$:
#
# $$ \text{score}(y) = \frac{\log P(y \mid x)}{\text{lp}(y)} \qquad \text{lp}(y) = \left(\frac{5 +
# |y|}{6}\right)^{\alpha} $$
#
# - $|y|$: the number of tokens, the end token included; $\alpha$: how much a longer text is
#   favoured.

# %%
tokenizer = model.target_tokenizer


def beam_search(text, width, alpha):
    state, memory = model.start(model.as_batch([text], [""])[0]["source_ids"])
    beams = [((tokenizer.start_token_id,), 0.0, state)]  # tokens, log P, the decoder's state
    while any(tokens[-1] != tokenizer.end_token_id for tokens, *_ in beams):
        candidates = [beam for beam in beams if beam[0][-1] == tokenizer.end_token_id]
        for tokens, total, state in beams:
            if tokens[-1] != tokenizer.end_token_id:
                logits, after = model.step(np.array(tokens[-1:], "int32"), state, memory)
                chances = convert_to_numpy(log_softmax(logits[0]))  # (vocabulary,)
                for word in np.argsort(-chances)[:width]:  # no more of them can be kept
                    candidates.append(((*tokens, int(word)), total + chances[word], after))
        candidates.sort(key=lambda beam: -beam[1] / ((4 + len(beam[0])) / 6) ** alpha)
        beams = candidates[:width]
    return tokenizer.detokenize([np.array(beams[0][0])])[0]


tried = english[:3]
for width, alpha in ((1, 0.0), (4, 0.0), (4, 1.0)):
    ours = [beam_search(text, width, alpha) for text in tried]
    theirs = model.generate(tried, Beam(width, length_penalty=alpha))
    claims.add(f"our beams as the library's: {width}, {alpha}", ours[0], ours == theirs)

# %% [markdown]
# Now look at the tree. A column is a step, the best on top; each box is a token, and below it
# $\log P$ so far. Thick: what leads to the answer. Grey: given up.
#
# (The tokens are pieces of words; a bar begins a word.)
#
# *Take your time* means: do not hurry. **Predict:** does a wider beam find a better translation?
# Move the slider.

# %%
TIME, trees = "Take your time.", {}
for width in (1, 2, 3, 5):
    answer = model.generate(TIME, Beam(width, length_penalty=0.0), return_trace=True)
    title = f"{answer['text']}   (log P {answer['score']:.2f})"
    trees[width] = plot_search_tree(answer["trace"], title)
(found,) = model.generate([TIME], Exhaustive(), return_scores=True)
claims.add(
    "five beams find the exact answer",
    found["text"],
    found["exact"] and found["text"] == answer["text"],
)
ks.analysis.Slides(trees, name="beams")

# %% [markdown]
# Greedy search writes *Lassen Sie sich Zeit*, which is right. The search that finds more finds
# *Lass deine Zeit*: no German, and more probable. The search did its work; the model was wrong.
# Keep the two apart:
#
# - a **search error**: a more probable text exists, and was not found;
# - a **model error**: the most probable text is not the right one.
#
# ## Search errors, counted
#
# The exact answer of a real translator can be found after all: no continuation of a text is more
# probable than the text itself. So whatever has fallen below the best *whole* text known can be
# left, with all that would follow (a depth-first search with bounds; not all sentences come to
# an end within 1,000 looks, and those are left out).
#
# **Predict:** for which share of the sentences does greedy search miss the exact answer? And 20
# beams?

# %%
WIDTHS = (1, 2, 5, 20)
options = {"return_scores": True}
exact = model.generate(english, Exhaustive(max_nodes=1_000), **options)
kept = [i for i, answer in enumerate(exact) if answer["exact"]]
sources, targets = ([side[i] for i in kept] for side in (english, german))
found, seconds = {"exact": [exact[i] for i in kept]}, []
for width in WIDTHS:
    for _ in range(2):  # where a backend compiles, it does so in the first round
        began = time.process_time()
        found[width] = model.generate(sources, Beam(width, length_penalty=0.0), **options)
    seconds.append(time.process_time() - began)
scores = {name: np.array([answer["score"] for answer in row]) for name, row in found.items()}
errors = [np.mean(scores["exact"] - scores[width] > 1e-4) for width in WIDTHS]
print(f"{len(kept)} sentences, {len(english) - len(kept)} left out")
claims.add("1, 2, 5, 20 beams miss the exact answer", errors, errors == sorted(errors)[::-1])
claims.add("one beam: of five sentences one and more", errors[0], errors[0] > 0.2)
claims.add(
    "20 beams cost times one", seconds[3] / seconds[0], seconds[3] > 3 * seconds[0], trained=True
)
plot_curves({"missed": errors}, "beams", "exact answer missed", WIDTHS, "x", limits=(0, 0.6))

# %% [markdown]
# How much there is to find depends on the model. The translator of dates is sure of each letter:

# %%
dates = ks.models.Seq2Seq.from_preset("dates")
days = ks.analysis.search_errors(dates, ks.datasets.dates(20, seed=1)[0], ["greedy"])
missed = days["samplers"]["greedy"]["errors"]
claims.add("dates: greedy search misses", missed, missed == 0)

# %% [markdown]
# ## Is the exact answer the better text?
#
# **Predict:** more beams find more probable texts, and the exact search the most probable ones.
# What becomes of BLEU, and of the length?

# %%
texts = {name: [answer["text"] for answer in found[name]] for name in (*WIDTHS, "exact")}
bleu, lengths = zip(*(quality(answers, targets) for answers in texts.values()), strict=True)
claims.add("length: 1 to 20 beams, exact", lengths, lengths == tuple(sorted(lengths)[::-1]))
claims.add("BLEU: 5 beams and exact", [bleu[2], bleu[4]], bleu[4] < bleu[2], trained=True)
plot_seeds(dict(zip(texts, bleu, strict=True)), "BLEU")

# %%
plot_seeds(dict(zip(texts, lengths, strict=True)), "length", lines={"right answers": 1.0})

# %% [markdown]
# A few beams help. What more of them find is more probable, shorter, and no better: all that was
# won is lost again. The reason stands in the first formula of this lesson: $P$ is a *product*,
# every word can only make it smaller, so short texts have an advantage that has nothing to do with
# the source. The shortest is the empty one. What is its probability?
#
# **Predict:** $\log P$ of what five beams find, and of the empty text, for longer and longer
# sentences: which of the two falls?

# %%
inputs = model.as_batch(english, [""] * len(english))[0]
starts = np.full(len(english), tokenizer.start_token_id, "int32")
logits, _ = model.step(starts, *model.start(inputs["source_ids"]))
empty = convert_to_numpy(log_softmax(logits))[:, tokenizer.end_token_id]
answers = model.generate(english, Beam(5, length_penalty=0.0), **options)
answered = np.array([answer["score"] for answer in answers])
sizes = np.array([len(text.split()) for text in english])
ENDS = (4, 6, 8, 10)
bins = np.digitize(sizes, ENDS, right=True)
means = [[np.mean(row[bins == k]) for k in np.unique(bins)] for row in (answered, empty)]
claims.add(
    "the empty text is likelier than the answer",
    np.mean(empty > answered),
    (empty > answered).any(),
    trained=True,
)
claims.add("log P: falls with the length", means[0], means[0][-1] < means[0][0] - 2, trained=True)
claims.add("log P of nothing: falls less", means[1], means[1][0] - means[1][-1] < 2, trained=True)
ticks = (*ENDS, 12)[: len(means[0])]
curves = {"what five beams find": means[0], "nothing at all": means[1]}
plot_curves(curves, "words of the source, at most", "log P", ticks)

# %% [markdown]
# The answer loses with every word, the empty text does not. Behind the place where the curves meet
# a perfect search would rather write nothing than what the beams have found. (Nobody was told to
# be this unsure: in training the decoder was always fed the right text, and learnt with smoothed
# labels that nothing is impossible.)
#
# ## A penalty for being short
#
# Dividing by $\text{lp}(y)$ with $\alpha > 0$ lets long texts have a smaller $P$. **Predict:** as
# $\alpha$ grows, where are the texts as long as the right ones? Is BLEU best there?

# %%
ALPHAS = (0.0, 0.5, 1.0, 2.0, 3.0)
five = [model.generate(english, Beam(5, length_penalty=alpha)) for alpha in ALPHAS]
bleu, lengths = zip(*(quality(answers, german) for answers in five), strict=True)
claims.add("length, alpha from 0 to 3", lengths, lengths == tuple(sorted(lengths)), trained=True)
best = max(bleu)
claims.add("BLEU, alpha from 0 to 3", bleu, best > max(bleu[0], bleu[-1]), trained=True)
plot_curves({"length": lengths}, "alpha", "length", ALPHAS, lines={"right answers": 1.0})

# %%
plot_curves({"BLEU": bleu}, "alpha", "BLEU", ALPHAS)

# %% [markdown]
# Texts are as long as the right ones somewhere between 1 and 2. BLEU is best before that: what is
# added for the sake of length is not always what was missing.
#
# So nobody who uses beam search wants the most probable text. Few beams, which cannot find the
# worst of it, and a penalty, which changes the question: together they make up for a model that
# is wrong about lengths. `ks.samplers.Beam()` has 5 beams and $\alpha = 1$.
#
# | | looks at | finds $y^*$ | use it for |
# |---|---|---|---|
# | exhaustive | all that could be better | always, if it ends | asking what the *model* believes |
# | ancestral | one text, drawn | seldom | many different texts; stories, as in lesson 5 |
# | greedy | one text | where the model is sure | speed |
# | beam | $W$ texts | more often, at $W$ times the work | translation |
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Change the first row of the table so that greedy search is right.
# 2. Print the five texts of a beam with `n_best=5`, and five that were drawn. Which are more
#    different?
# 3. Ask the exact search for the best text of at least 3 tokens (`min_length`). What happens to
#    *Take your time*?
# 4. Draw ten translations and take the one that is most like the others (chrF). How does it do
#    against greedy search?
# 5. A penalty for source words that nothing looked at: `Beam(5, coverage_penalty=0.2)`. Does it
#    make texts longer?

# %% tags=["solution"]
# 1: if snow is the likelier first word, what looks best is best.
TABLE[START, [END, RAIN, SNOW]] = 0.1, 0.4, 0.5
print(written(Greedy()), written(Exhaustive()))

# %% tags=["solution"]
# 2: a beam ends in small changes of one text.
print(model.generate(TIME, Beam(5, n_best=5)))
print([model.generate(TIME, Random(seed=seed)) for seed in range(5)])

# %% tags=["solution"]
# 3: nothing: the text is long enough. With 7 it has to say more.
for least in (3, 7):
    print(model.generate(TIME, Exhaustive(min_length=least), return_scores=True))

# %% tags=["solution"]
# 4: no better than one draw: ten of them are few (minimum Bayes risk takes hundreds).
drawn = [
    model.generate(english, Random(0.7, seed=seed)) for seed in range(3 if claims.small else 10)
]
consensus = [
    max(group, key=lambda text: sum(text_scores([text], [other])["chrf"] for other in group))
    for group in zip(*drawn, strict=True)
]
print(quality(consensus, german), quality(drawn[0], german), of_greedy)

# %% tags=["solution"]
# 5: it does, and what comes back had been left out.
for penalty in (0.0, 0.2):
    print(quality(model.generate(english, Beam(5, coverage_penalty=penalty)), german))

# %% [markdown]
# ## To read
#
# - A. Graves, 2012, [Sequence transduction with recurrent neural
#   networks](https://arxiv.org/abs/1211.3711), and I. Sutskever, O. Vinyals and Q. Le, 2014,
#   [Sequence to sequence learning with neural networks](https://arxiv.org/abs/1409.3215): beams.
# - Y. Wu and others, 2016, [Google's neural machine translation
#   system](https://arxiv.org/abs/1609.08144), section 7: both penalties.
# - P. Koehn and R. Knowles, 2017, [Six challenges for neural machine
#   translation](https://arxiv.org/abs/1706.03872): wide beams are worse.
# - F. Stahlberg and B. Byrne, 2019, [On NMT search errors and model errors: cat got your
#   tongue?](https://arxiv.org/abs/1908.10090): the exact answer is often empty.
# - C. Meister, R. Cotterell and T. Vieira, 2020, [If beam search is the answer, what was the
#   question?](https://arxiv.org/abs/2010.02650)
# - B. Eikema and W. Aziz, 2020, [Is MAP decoding all you need?](https://arxiv.org/abs/2005.10283):
#   drawing, and what many texts agree on.
# - A. Holtzman and others, 2020, [The curious case of neural text
#   degeneration](https://arxiv.org/abs/1904.09751): top-p; A. Fan, M. Lewis and Y. Dauphin, 2018,
#   [Hierarchical neural story generation](https://arxiv.org/abs/1805.04833): top-k.
