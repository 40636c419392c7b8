# %% [markdown]
# # 7. Both directions
#
# What a word means, and what it is in its sentence, is often decided by a word that comes later.
# A network that reads from left to right has to answer before it has come there. So let a second
# one read from the right.
#
# **You will learn**
# - the bidirectional network, and what exactly the second direction adds: measured against what
#   can be known from one side;
# - to tag words: parts of speech and names;
# - what a conditional random field (CRF) does above the network, and that its search is exact;
# - what both directions cost: the end of the sentence has to be there.
#
# **Before this lesson**: [lesson 3](03_lstm_and_gru.ipynb). The English Web Treebank (15 MB) is
# downloaded once. The trained tagger is in `saved_models` of the repository: where the package was
# installed without it, `KERAS_SEQ_PRESETS` has to name that folder.

# %%
import itertools
from collections import Counter, defaultdict

import keras
import numpy as np

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS = 1 if claims.small else 3
ks.analysis.set_figure_style()

# %% [markdown]
# ## Two readers, one answer
#
# $$ h_t = \text{cell}(x_t, h_{t-1}) \qquad g_t = \text{cell}'(x_t, g_{t+1}) \qquad y_t = V\,[h_t;
# g_t] + d $$
#
# - $h_t$: the state of the forward reader, which has read $x_1 \dots x_t$;
# - $g_t$: that of the backward reader, with weights of its own, which has read $x_T \dots x_t$;
# - $[h_t; g_t]$: both, one behind the other, so twice the numbers; $y_t$: the scores of the
#   answers at step $t$.

# %%
ks.analysis.plot_cell("bidirectional")

# %% [markdown]
# ## The bank
#
# The bank of a river, a bank with money, a bank of switches: what is meant is told by another
# word, in `word_senses` by one on the left in four sentences of ten, by one on the right in the
# others.

# %%
SIDES = ("left", "right", "both")
for side in SIDES:
    task = ks.datasets.word_senses(1_000, seed=1, side=side)
    print(f"{side}: {task.texts[1]} -> {task.labels[1]}; the best possible: {task.best:.4f}")

# %% [markdown]
# A reader that has come to *bank* from the left knows the left side only. Who has a side that says
# nothing can but guess, one in three. So the best possible accuracies can be derived:
#
# $$ \text{left:}\ \tfrac{2}{5} + \tfrac{3}{5} \cdot \tfrac{1}{3} \qquad \text{right:}\ \tfrac{3}{5}
# + \tfrac{2}{5} \cdot \tfrac{1}{3} \qquad \text{both:}\ 1 $$
#
# **Predict:** how near do three LSTMs come to them?

# %%
rows, epochs = (200, 1) if claims.small else (1_500, 8)
readers, senses, bests = [], {}, {}
LAYERS = {
    "left": lambda: ks.layers.LSTM(24),
    "right": lambda: ks.layers.LSTM(24, go_backwards=True),
    "both": lambda: ks.layers.Bidirectional(ks.layers.LSTM(24)),
}


def reader(side):
    words = keras.layers.Embedding(len(task.vocabulary), 24, mask_zero=True)
    readers.append(keras.Sequential([words, LAYERS[side](), keras.layers.Dense(3)]))
    return readers[-1]


for side in SIDES:
    training = ks.datasets.word_senses(rows, seed=0, side=side)
    tests = {"": ks.datasets.word_senses(1_000, seed=1, side=side)}
    make = {side: lambda side=side: reader(side)}
    scores = ks.experiments.over_seeds(make, training, tests, SEEDS, epochs, 5e-3)
    senses[side], bests[f"best, {side}"] = scores[side][""], tests[""].best
    claims.add(
        f"{side}: less the best possible",
        senses[side] - tests[""].best,
        abs(senses[side] - tests[""].best) < 0.05,
        trained=True,
    )
ks.experiments.plot_seeds(senses, lines=bests)

# %% [markdown]
# No better network would help the one-sided readers: what they are asked is not in what they have
# read. Which words does the two-sided one go by? Leave out each word of a sentence in turn (its id
# becomes 0, padding) and see how much less sure the answer gets. Three sentences, each word
# coloured by that:
#
# **Predict:** the word, in each of them.

# %%
pairs, decisive = [], 0
for text, clue in (
    ("the angler liked the old bank with many details", "angler"),
    ("the neighbour often described the bank with many loans", "loans"),
    ("the pilot photographed the bank with many signs", "pilot"),
):
    words = text.split()
    row = np.array([task.vocabulary.index(word) for word in words])
    without = np.where(np.eye(len(words), dtype=bool), 0, row)  # in each row one word is masked
    logits = readers[-1].predict(np.vstack([row, without]), verbose=0)
    sure = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[:, logits[0].argmax()]
    decisive += words[int(sure[1:].argmin())] == clue
    pairs += [*zip(words, sure[0] - sure[1:], strict=True), ("\n", 0)]
claims.add("the clue is missed most", f"{decisive} of 3", decisive == 3, trained=True)
ks.analysis.highlight([word + " " for word, _ in pairs], [lost for _, lost in pairs])

# %% [markdown]
# A real tagger, trained on a quarter of a million words, on three other sentences:
#
# **Predict:** can parts of speech tell the three banks apart?

# %%
tagger = ks.models.TextTagger.from_preset("pos_en")
banks = {}
for text in (
    "She took the cheque to the bank .",
    "They slept on the bank of the stream .",
    "Pilots bank the plane before they turn .",
):
    answer = tagger.tag(text)
    banks[text] = answer["tags"][answer["tokens"].index("bank")]
    print(*(f"{word}/{tag}" for word, tag in zip(answer["tokens"], answer["tags"], strict=True)))
claims.add(
    "bank in the three", ", ".join(banks.values()), list(banks.values()) == ["NOUN", "NOUN", "VERB"]
)

# %% [markdown]
# The verb is told from the nouns, and money from mud is not: both are nouns. How fine a question
# is decides what context can answer.
#
# ## Parts of speech
#
# Now we train taggers on a small part of the treebank: one reads forward, one backward (the same
# one, given the sentences from behind), one in both directions. Rows of words go in, a tag for
# each word comes out. Beside them stands who knows no context: the most frequent tag of each word,
# and NOUN for a word that it does not know.
#
# **Predict:** forward or backward, which is better in English? What do both together add, and for
# which words?

# %%
if claims.small:  # sentences of the first section, as the preset tags them
    texts = [ks.datasets.word_senses(n, seed).texts for seed, n in enumerate((80, 40))]
    parts = [[text.split() for text in part] for part in texts]
    parts = [(part, tagger.tag(part)) for part in parts]
else:
    parts = [ks.datasets.english_ewt(part) for part in ("train", "dev")]
(texts, tags), (new, truth) = ((x[:1_200], y[:1_200]) for x, y in parts)
seen = defaultdict(Counter)
for word, tag in zip(itertools.chain(*texts), itertools.chain(*tags), strict=True):
    seen[word][tag] += 1


kinds = {  # which words of the new sentences are of which kind
    "ambiguous": np.array([len(seen.get(word, ())) > 1 for text in new for word in text]),
    "unknown": np.array([word not in seen for text in new for word in text]),
}


def by_kind(tagged):
    hits = np.array([*itertools.chain(*tagged)]) == [*itertools.chain(*truth)]
    return {"all": hits.mean(), **{k: hits[rows].mean() for k, rows in kinds.items() if any(rows)}}


def trained(texts, tags, seed, **options):
    keras.utils.set_random_seed(seed)
    config = {"units": 48, "embedding_dim": 48, "characters": None, "crf": False, "dropout": 0.3}
    model = ks.models.TextTagger.from_texts(texts, tags, **{**config, **options})
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=1.0))
    model.fit(texts, tags, batch_size=16, epochs=1 if claims.small else 4, verbose=0)
    return model


def turned(rows):
    return [row[::-1] for row in rows]


most = [[max(seen[w], key=seen[w].get) if w in seen else "NOUN" for w in text] for text in new]
runs = {"no context": [by_kind(most)], "forward": [], "backward": [], "both": []}
for seed in range(SEEDS):
    forward = trained(texts, tags, seed, bidirectional=False)
    backward = trained(turned(texts), turned(tags), seed, bidirectional=False)
    both = trained(texts, tags, seed)
    runs["forward"].append(by_kind(forward.tag(new)))
    runs["backward"].append(by_kind(turned(backward.tag(turned(new)))))
    runs["both"].append(by_kind(both.tag(new)))
accuracy = {
    name: {k: np.array([run[k] for run in found]) for k in found[0]} for name, found in runs.items()
}
all_of = {name: found["all"] for name, found in accuracy.items()}
one_side = np.maximum(all_of["forward"], all_of["backward"])
claims.add(
    "both less the better side", all_of["both"] - one_side, all_of["both"] > one_side, trained=True
)
claims.add(
    "unknown words: both less no context",
    np.subtract(accuracy["both"].get("unknown", 0), accuracy["no context"].get("unknown", 0)),
    np.greater(accuracy["both"].get("unknown", 0), accuracy["no context"].get("unknown", 0)),
    trained=True,
)
ks.experiments.plot_seeds(accuracy)

# %% [markdown]
# Over all words context gains little, because most words have one tag wherever they stand. The
# ambiguous ones show what it is for: each side helps, the right one more than the left, and both
# more than either. Of a word that it has never seen the network knows nothing but its neighbours;
# with both sides it guesses better than with none by more than a tenth. (The letters of the word
# would help too; here they are left out. The preset reads them.)
#
# ## What it costs
#
# The backward reader begins at the end, so there has to be one: nothing can be said while somebody
# is still typing. **Predict:** change the *last* word of a sentence. Which of the two taggers may
# change what it says of the first one?

# %%
sentence = next(text for text in new if len(text) >= 8)[:8]
changed = [*sentence[:-1], texts[0][0]]
moved = {}
for name, model in (("forward", forward), ("both", both)):
    before, after = model.predict([sentence, changed], verbose=0)
    moved[name] = abs(before - after).max(axis=-1)  # (words,)
claims.add("forward: first words", moved["forward"][:-1].max(), moved["forward"][:-1].max() < 1e-6)
claims.add("both: first words", moved["both"][:-1].max(), moved["both"][:-1].max() > 1e-6)
ks.analysis.plot_curves(moved, "word", "change of the probabilities", range(1, 9))

# %% [markdown]
# Tagging, names, translation, answering questions about a text: there the text is complete, and
# both directions are free but for the time. Language models and live subtitles have one direction.
#
# Watch the forward reader answer while it reads. In Jupyter the next cell is a page to type in: it
# names each word as it comes, and goes back to what it knew a few words ago. (That takes `pip
# install 'keras_seq[onnx,widget]'` and `make explorer`. Where they are missing it draws the tags,
# and how probable each of them is.)
#
# **Predict:** of which word is it least sure?

# %%
ks.analysis.explore(forward, "They slept on the bank of the stream .")

# %% [markdown]
# ## Names, and tags that know each other
#
# A name may have several words, so the tags say where it begins (B), goes on (I) and is not (O):
# *I met **Anna/B Miller/I** in **Rome/B***. Our names are the runs of proper nouns of the treebank.
# A tagger that decides for each word by itself can write *O I*, the middle of a name that never
# began. A **CRF** scores the whole row of tags:
#
# $$ s(x, y) = a_{y_1} + \sum_{t=1}^{T} e_t[y_t] + \sum_{t=2}^{T} A[y_{t-1}, y_t] + c_{y_T}
# \qquad p(y \mid x) = \frac{e^{s(x, y)}}{\sum_{y'} e^{s(x, y')}} $$
#
# - $e_t$: the scores of the tags at word $t$, from the network; $A$: how well one tag follows
#   another, learnt; $a$, $c$: how well a tag begins and ends a sentence, learnt;
# - the sum below goes over all rows of tags, $3^T$ of them, and is computed in $O(T)$ steps.
#
# Three taggers: word by word; word by word, but only rows that are valid; with a CRF.
#
# **Predict:** how many of the names that the first one writes have no beginning? Does the CRF gain
# more than that?


# %%
def as_names(tags):
    """B, I and O for runs of proper nouns."""
    proper = [tag == "PROPN" for tag in tags]
    pairs = zip([False, *proper], proper, strict=False)
    return ["O" if not now else "I-NAME" if last else "B-NAME" for last, now in pairs]


names, true_names = ([as_names(row) for row in rows] for rows in (tags, truth))
WAYS = {"word by word": {}, "valid rows": {"scheme": "BIO"}, "CRF": {"scheme": "BIO", "crf": True}}
f1, broken = {}, {}
for (name, options), seed in itertools.product(WAYS.items(), range(SEEDS)):
    model = trained(texts, names, seed, **options)
    written = model.tag(new)
    scores = ks.analysis.tag_scores(written, true_names, "BIO")
    f1.setdefault(name, []).append(scores["f1"])
    rows = [["O", *row] for row in written]
    bad = [pair == ("O", "I-NAME") for row in rows for pair in itertools.pairwise(row)]
    broken.setdefault(name, []).append(sum(bad))
alone, valid, crf = map(np.array, broken.values())
claims.add("word by word: names without beginning", alone, alone > 0, trained=True)
claims.add("valid rows, CRF: none", [*valid, *crf], not any([*valid, *crf]))
claims.add(
    "F1: CRF less word by word",
    np.subtract(f1["CRF"], f1["word by word"]),
    np.subtract(f1["CRF"], f1["word by word"]) > -0.05,
    trained=True,
)
ks.experiments.plot_seeds(f1, "F1 of names")

# %%
A = keras.ops.convert_to_numpy(model.chain.transitions)  # (tags, tags), from row to column
for (i, tag), (j, following) in itertools.product(enumerate(model.tag_names), repeat=2):
    print(f"{tag:>6} -> {following:<6} {A[i, j]:6.2f}")

# %% [markdown]
# ($O \to I$ is forbidden and so was never trained.) The CRF gains with every seed here, and only a
# part of it is that its rows are valid. From the first weights of another backend one seed of three
# lost a little: the claim is no more than that a CRF costs little. The network reads in both
# directions and sees for itself whether the word before is in a name. And names are found badly by
# all three, after so few sentences and without letters.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Is the search of the CRF exact? Draw random scores for 6 words and 3 tags, score all $3^6$
#    rows of tags with `crf.score`, and compare with `crf.decode`.
# 2. How many weights has a bidirectional LSTM by one in one direction? And with
#    `merge_mode="sum"`, how long is its output?
# 3. Tag a sentence of your own with `tagger`. Find one that it gets wrong.
# 4. The forward reader of *bank* was asked at the bank. Ask it at the end of the sentence: is it
#    still blind?

# %% tags=["solution"]
# 1: yes.
crf = ks.layers.CRF(3, transition_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=0))
scores = np.random.default_rng(1).normal(scale=2, size=(1, 6, 3)).astype("float32")
crf(scores)
best, score = crf.decode(scores)
rows = np.array([*itertools.product(range(3), repeat=6)])  # (729, 6)
every = keras.ops.convert_to_numpy(crf.score(np.repeat(scores, len(rows), axis=0), rows))
print(rows[every.argmax()], keras.ops.convert_to_numpy(best)[0])
assert (rows[every.argmax()] == keras.ops.convert_to_numpy(best)[0]).all()

# %% tags=["solution"]
# 2: twice as many; as long as one direction.
one = ks.layers.LSTM(5, return_sequences=True)
two = ks.layers.Bidirectional(ks.layers.LSTM(5, return_sequences=True), merge_mode="sum")
x = np.zeros((1, 4, 3), "float32")
print(tuple(one(x).shape), tuple(two(x).shape), two.count_params() / one.count_params())
assert two.count_params() == 2 * one.count_params()

# %% tags=["solution"]
# 3: "The dog barks ." has a verb that is mostly a noun.
print(tagger.tag("The dog barks .")["tags"])

# %% tags=["solution"]
# 4: no: at the end it has read both sides, if it remembers. Word senses of a whole *text* need no
# second direction; those of each *word*, said at the word, do.
whole = [ks.datasets.word_senses(n, seed) for seed, n in enumerate((len(training), 1_000))]
scores = ks.experiments.over_seeds(
    {"": lambda: reader("left")}, whole[0], {"": whole[1]}, SEEDS, epochs, 5e-3
)
print(scores[""][""])
assert claims.small or min(scores[""][""]) > 0.9

# %% [markdown]
# ## To read
#
# - M. Schuster and K. Paliwal, 1997, [Bidirectional recurrent neural
#   networks](https://doi.org/10.1109/78.650093).
# - Z. Huang, W. Xu and K. Yu, 2015, [Bidirectional LSTM-CRF models for sequence
#   tagging](https://arxiv.org/abs/1508.01991).
# - G. Lample and others, 2016, [Neural architectures for named entity
#   recognition](https://arxiv.org/abs/1603.01360).
# - J. Lafferty, A. McCallum and F. Pereira, 2001, [Conditional random
#   fields](https://repository.upenn.edu/handle/20.500.14332/6188).
# - D. Yarowsky, 1995, [Unsupervised word sense disambiguation rivaling supervised
#   methods](https://doi.org/10.3115/981658.981684): one sense per neighbour.
# - N. Silveira and others, 2014, [A gold standard dependency corpus for
#   English](https://aclanthology.org/L14-1067/): the treebank.
