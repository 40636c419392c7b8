# %% [markdown]
# # 4. Long-range dependencies
#
# Who speaks which language, who greets whom, whether the verb is *is* or *are*: the word that
# decides may stand far back. Eight recurrent cells take the same three tests, at short and at
# long distances.
#
# **You will learn**
# - to turn "it forgets" into a number: accuracy by distance, over three seeds;
# - which cells remember how far, and that the start of a training decides more than the name of a
#   cell;
# - that remembering two things, and which is which, is harder than remembering one;
# - what attractors do, and how a test can be solved by a rule that is wrong;
# - why attention ends the question, at a price that lesson 9 measures.
#
# **Before this lesson**: [lesson 3](03_lstm_and_gru.ipynb), for the gates and their biases.

# %%
import keras
import numpy as np

import keras_seq as ks

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
SEEDS = 1 if claims.small else 3
STEPS = 10 if claims.small else 300
ks.analysis.set_figure_style()

# %% [markdown]
# ## France and French
#
# *"I grew up in France ... I speak fluent ___."* To say *French*, a network has to carry *France*
# over everything in between. Here is the test: a country, words that say nothing, a question.
# There are ten countries, so chance is one in ten.

# %%
for length in (10, 20):
    task = ks.datasets.recall(1, length, seed=0)
    print(f"{task.texts[0]} -> {task.labels[0]}")

# %% [markdown]
# Eight networks of the same size take it at three lengths:
#
# - **vanilla**, a rotation at first, and **IRNN**, the identity with ReLU (lesson 2);
# - **LSTM** with the usual forget bias of 1, with 5, and with `chrono` biases, spread over the
#   length;
# - **GRU** and **MinGRU**, whose gate does not see the state (lesson 11);
# - **attention**: an LSTM that, when asked, looks back at all its states (lesson 9).
#
# **Predict:** order them. Which will forget first? Which will not care about the distance at all?

# %%
CELLS = {
    "vanilla": {"cells": ["vanilla"]},
    "IRNN": {"cells": ["irnn"], "learning_rate": 3e-4},
    "LSTM, bias 1": {"cells": ["lstm"]},
    "LSTM, bias 5": {"cells": ["lstm:forget=5"]},
    "LSTM, chrono": {"cells": ["lstm:chrono"]},
    "GRU": {"cells": ["gru"]},
    "MinGRU": {"cells": ["min_gru"]},
    "attention": {"cells": ["lstm"], "attention": True},
}


def accuracies(task, name, lengths, steps=STEPS):
    """`(seeds, lengths)`, and the first gradient by the last before training, `(lengths,)`."""
    runs = ks.experiments.gradient_experiment(
        task, lengths=lengths, seeds=SEEDS, steps=steps, **CELLS[name]
    )
    scores = np.reshape([run["score"] for run in runs], (len(lengths), SEEDS)).T
    return scores, [run["start_ratio"] for run in runs if run["seed"] == 0]


lengths = (10, 20) if claims.small else (10, 20, 40)
results = {name: accuracies("recall", name, lengths) for name in CELLS}
recall = {name: scores for name, (scores, _) in results.items()}
ks.analysis.plot_curves(recall, "words", "accuracy", lengths, "x", {"chance": 0.1}, (0, 1.05))

# %% [markdown]
# Each small point is one seed. And this is how much of the gradient reached the first word
# *before* training, by that at the last one:
#
# **Predict:** does that number foretell who learns?

# %%
for name in ("LSTM, bias 5", "LSTM, chrono", "attention"):
    far = recall[name][:, -1]
    claims.add(f"{name}: learns the longest", far, far > 0.9, trained=True)
for name in ("vanilla", "MinGRU"):
    far = recall[name][:, -1]
    claims.add(f"{name}: forgets the longest", far, far < 0.5, trained=True)
for name in ("LSTM, bias 1", "GRU"):
    far = recall[name][:, -1]
    claims.add(f"{name}: gates remember", far, bool(far.min() > 0.9), trained=True, surprise=True)
arrives = {name: ratio for name, (_, ratio) in results.items()}
late = {name: ratio[-1] for name, ratio in arrives.items()}
learns = [name for name in CELLS if recall[name][:, -1].min() > 0.9]
fails = [name for name in CELLS if recall[name][:, -1].max() < 0.5]
least = (
    min([late[name] for name in learns], default=1.0),
    max([late[name] for name in fails], default=0.0),
)
claims.add("the gradient at the start tells who learns", least, least[0] > least[1], trained=True)
ks.analysis.plot_curves(arrives, "words", "first by last gradient", lengths, "xy")

# %% [markdown]
# The name of the cell decides less than its start. An LSTM whose forget bias is 1 does as badly
# as a vanilla cell at the longest distance, the same LSTM with another *first bias* does not
# notice the distance. A cell that is told at the start to keep what it has gets a gradient from
# far back, and with a gradient it learns to keep the right thing. MinGRU, whose gate sees only
# the word of the moment and lets half of it in at first, does not even learn the shortest text
# within so few batches.
#
# ## Jane and John
#
# *"Jane walked into the room. John walked in too. Jane said hi to ___."* Two names have to be
# kept, and at the end it is said who speaks: the answer is the other one. Near, nothing stands in
# between; far, a few sentences about things do.

# %%
for length in (15, 33):
    task = ks.datasets.coreference(1, length, seed=1)
    print(f"{task.texts[0]} -> {task.labels[0]}\n")

# %% [markdown]
# **Predict:** in the near text a vanilla cell is fine. In the far one it is not; but how good is
# somebody who remembers *both* names and not who is who?

# %%
lengths = (15, 27) if claims.small else (15, 45)
greets = {}
for name in ("vanilla", "LSTM, bias 5", "attention"):
    scores = accuracies("coreference", name, lengths)[0]
    greets[name] = {f"{length} words": scores[:, i] for i, length in enumerate(lengths)}
near, far = greets["vanilla"].values()
claims.add("vanilla: John is likelier near than far", near - far, near > far + 0.3, trained=True)
both = greets["LSTM, bias 5"][f"{lengths[-1]} words"]
claims.add("LSTM, far: keeps more than the vanilla", both, both > far + 0.1, trained=True)
one_of_two = {"chance": 1 / 19, "one of the two": 0.5}
ks.experiments.plot_seeds(greets, lines=one_of_two)

# %% [markdown]
# A score of one half is not chance here: there are twenty names. It is what you get by keeping
# both and not their roles. Keeping a thing and keeping what it *was* are two tasks, and the
# second one takes longer to learn.
#
# Two things in the figure nobody had foretold. Near, the LSTM that is made to keep is *worse*
# than the vanilla cell; and attention is better far than near. All had few batches; what more of
# them change is a good thing to try.
#
# ## Attractors
#
# *"The keys to the cabinet ___"*: the verb agrees with *keys*, and *cabinet*, nearer, attracts.
# In training the nouns in between are singular or plural at random. We test with attractors
# alone: every noun in between has the *other* number. A rule such as "agree with the last noun"
# is right in half of the training sentences, and always wrong with one attractor or more.

# %%
for count in (0, 1, 3):
    task = ks.datasets.agreement(1, 12, seed=0, attractors=count)
    rule = task.baselines["the last noun"]
    print(f"{count}: {task.texts[0]} -> {task.labels[0]}; the rule is right: {rule:.0%}")

# %% [markdown]
# **Predict:** a bag of words sees every noun and no order. How does it do with no attractor, and
# with three? And a recurrent network?

# %%
training = ks.datasets.agreement(400 if claims.small else 3_000, 14, seed=0)
tests = {count: ks.datasets.agreement(500, 14, seed=1, attractors=count) for count in range(5)}
words = len(training.vocabulary)
Embedding, Dense, Pool = (
    getattr(keras.layers, name) for name in ("Embedding", "Dense", "GlobalAveragePooling1D")
)
READERS = {
    "bag of words": lambda: [Embedding(words, 32), Pool(), Dense(32, "relu"), Dense(2)],
    "vanilla": lambda: [Embedding(words, 32), ks.layers.VanillaRNN(32), Dense(2)],
    "LSTM, bias 5": lambda: [Embedding(words, 32), ks.layers.LSTM(32, forget_bias=5.0), Dense(2)],
    "GRU": lambda: [Embedding(words, 32), ks.layers.GRU(32), Dense(2)],
}
epochs = 1 if claims.small else 8
scores = ks.experiments.over_seeds(READERS, training, tests, SEEDS, epochs, learning_rate=3e-3)
agreement = {name: np.transpose([run[count] for count in tests]) for name, run in scores.items()}
bag, lstm = agreement["bag of words"], agreement["LSTM, bias 5"]
claims.add("LSTM: right with 4 attractors", lstm[:, 4], lstm[:, 4] > 0.95, trained=True)
claims.add(
    "bag: right without, wrong with 3",
    bag[:, [0, 3]],
    [*(bag[:, 0] > 0.8), *(bag[:, 3] < 0.4)],
    trained=True,
)
last_noun = [task.baselines["the last noun"] for task in tests.values()]
ks.analysis.plot_curves(
    {**agreement, "rule: last noun": last_noun},
    "attractors",
    "accuracy",
    list(tests),
    "",
    {"chance": 0.5},
    (0, 1.05),
)

# %% [markdown]
# The bag is not at chance with attractors, it is *below*: it votes, and the attractors outvote
# the subject. An average over all sentences would have hidden that. Test what you fear, not only
# what is frequent.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. In `recall(..., distractors=True)` the filler has sentences such as *my friend lives in
#    Spain*. Why can a cell that keeps everything it reads fail there? Train `"LSTM, bias 5"` on
#    it at length 20.
# 2. The vanilla cell forgot. Give it short vectors of words (`embedding_norm=0.25`) and try again
#    at length 60.
# 3. Do twice as many batches rescue the GRU at length 20?
# 4. Which word does the answer hang on? Train an LSTM on `agreement` and draw
#    `ks.analysis.connectivity` of one sentence.

# %% tags=["solution"]
# 1: it has to keep the first country and not let in the others: to shut the input gate.


def distracting(count, length, seed):
    return ks.datasets.recall(count, length, seed, distractors=True)


print(accuracies(distracting, "LSTM, bias 5", [20])[0].ravel())

# %% tags=["solution"]
# 2: it learns: short vectors leave tanh in its middle, where its slope is 1.
CELLS["vanilla, short"] = {"cells": ["vanilla"], "embedding_norm": 0.25}
short = accuracies("recall", "vanilla, short", [40])[0]
print(short.ravel())
assert claims.small or short.max() > 0.9

# %% tags=["solution"]
# 3: see for yourself; a cell that has lost the gradient needs luck to find it again.
print(accuracies("recall", "GRU", [20], steps=2 * STEPS)[0].ravel())

# %% tags=["solution"]
# 4: a surprise: mostly on the last word, which says nothing. A gradient is what a small change
# would do, and not what the answer rests on.
keras.utils.set_random_seed(0)
reader = keras.Sequential(READERS["LSTM, bias 5"]())
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
reader.compile(keras.optimizers.Adam(3e-3), loss)
reader.fit(training.inputs, training.targets, epochs=epochs, verbose=0)
row, tokens = tests[2].inputs[0], tests[2].texts[0].split()
ks.analysis.plot_connectivity(ks.analysis.connectivity(reader, row, tokens=tokens))

# %% [markdown]
# ## To read
#
# - T. Linzen, E. Dupoux and Y. Goldberg, 2016, [Assessing the ability of LSTMs to learn
#   syntax-sensitive dependencies](https://arxiv.org/abs/1611.01368).
# - C. Tallec and Y. Ollivier, 2018, [Can recurrent neural networks warp
#   time?](https://arxiv.org/abs/1804.11188)
# - L. Feng and others, 2024, [Were RNNs all we needed?](https://arxiv.org/abs/2410.01201):
#   MinGRU.
# - D. Bahdanau, K. Cho and Y. Bengio, 2015, [Neural machine translation by jointly learning to
#   align and translate](https://arxiv.org/abs/1409.0473): attention.
# - [A list of questions and answers on recurrent networks and
#   attention](https://www.kaggle.com/code/rftexas/nlp-cheatsheet-master-nlp).
