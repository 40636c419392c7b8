# %% [markdown]
# # 2. Backpropagation through time
#
# A recurrent network is trained by sending the gradient of the loss back through every step it
# has read. On that way the gradient is multiplied by nearly the same matrix again and again. This
# lesson computes it by hand, watches it vanish and explode, and tries the cures one by one.
#
# **You will learn**
# - backpropagation through time (BPTT) in a dozen lines, checked against automatic
#   differentiation;
# - why gradients vanish or explode: Jacobians, their singular values, the spectral radius;
# - what clipping by norm and by value does to a gradient, and what happens without it;
# - truncated BPTT: what it saves, and what it can never learn;
# - two cures that change the network: identity with ReLU, and a second path through time.
#
# **Before this lesson**: [lesson 1](01_sequences_and_recurrence.ipynb), and what a derivative is.

# %%
import keras
import numpy as np

import keras_seq as ks
from keras_seq.analysis import linear_recurrence, tanh_recurrence

claims = ks.experiments.Claims()  # small where CI=true: less is trained, and not asserted
ks.analysis.set_figure_style()

# %% [markdown]
# ## Two matrices
#
# Leave everything out of the network but one matrix: $h_t = W h_{t-1}$. A gradient that comes
# from the end goes back by the same matrix, turned over: $\partial L/\partial h_{t-1} = W^\top\,
# \partial L/\partial h_t$.
#
# **Predict:** the first matrix has 0.5 and 0.4 on its diagonal, the second one 1.3 and 1.1. What
# is left of a gradient $(1, 1)$ after 30 steps back through the first? What has it become after
# 10 steps through the second?

# %%
shrinking = linear_recurrence(np.diag([0.5, 0.4]), steps=30)
growing = linear_recurrence(np.diag([1.3, 1.1]), steps=10)
left, grown = shrinking["gradient_norms"][::-1], growing["gradient_norms"][::-1]  # after k steps
claims.add(
    "after 5, 10, ... steps 0.032885 is left, then", left[5::5], f"{left[5]:.6f}" == "0.032885"
)
claims.add(
    "after 2, 4, ... steps 2.08 has grown, to 14.03", grown[2::2], f"{grown[10]:.2f}" == "14.03"
)
ks.analysis.plot_recurrence({"0.5 and 0.4": shrinking, "1.3 and 1.1": growing})

# %% [markdown]
# Both go like $r^k$, where $k$ is the number of steps and $r$, the **spectral radius**, the
# largest size of an eigenvalue of $W$. Below 1 everything vanishes, above 1 it explodes, and
# there is nothing in between but 1 itself. A state forgets in the same way: this one begins at
# $(1, 0)$ and goes through $\tanh$ and a matrix twenty times.

# %%
W = np.array([[0.7, 0.2], [0.1, 0.6]])
first, second = tanh_recurrence(W, steps=20, initial=[1.0, 0.0])["states"][-1]
claims.add(
    "its spectral radius", ks.analysis.spectral_radius(W), ks.analysis.spectral_radius(W) < 1
)
end = f"{first:.8f}, {second:.8f}"
claims.add("the state after 20 steps", end, end == "0.00605599, 0.00302811")

# %% [markdown]
# ## Turn the radius yourself
#
# A random rotation of 32 dimensions, times $\rho$, with $\tanh$ and without, over 50 steps. Move
# the slider.
#
# **Predict:** at $\rho = 1.5$ without $\tanh$ the gradient explodes. With $\tanh$, whose slope is
# at most 1?

# %%
rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0]
inputs = 0.3 * np.random.default_rng(1).normal(size=(50, 32))
figures, rests = {}, {}
for rho in (0.5, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5):
    linear = linear_recurrence(rho * rotation, 50)
    bent = tanh_recurrence(rho * rotation, 50, inputs=inputs)
    figures[rho] = ks.analysis.plot_recurrence({"linear": linear, "tanh": bent}, f"rho = {rho}")
    rests[rho] = [run["gradient_norms"][0] / run["gradient_norms"][-1] for run in (linear, bent)]
powers = [np.isclose(linear, rho**50) for rho, (linear, _) in rests.items()]
claims.add("linear: 50 steps leave rho^50, for 0.9", rests[0.9][0], powers)
claims.add(
    "tanh leaves less", [x[1] for x in rests.values()], [x[1] < x[0] for x in rests.values()]
)
ks.analysis.Slides(figures, name="rho", start=0.9)

# %% [markdown]
# The spectral radius is about the long run only. A matrix that is not normal can make a gradient
# grow for a while before it shrinks, although its radius is below 1:

# %%
sheared = linear_recurrence([[0.9, 4.0], [0.0, 0.9]], steps=60, gradient=[1.0, 0.0])
peak = sheared["gradient_norms"].max()
claims.add("a radius below 1 only shrinks; it grew to", peak, bool(peak <= 1), surprise=True)
ks.analysis.plot_recurrence(sheared)

# %% [markdown]
# ## By hand
#
# Now the whole network, $h_t = \tanh(W x_t + U h_{t-1} + b)$, and a loss $L$ of the last state
# $h_T$. Write $\delta_t = \partial L / \partial h_t$. The chain rule gives, from the last step to
# the first,
#
# $$ \delta_{t-1} = U^\top\, \operatorname{diag}(1 - h_t^2)\, \delta_t $$
#
# $$ \frac{\partial L}{\partial U} = \sum_{t=1}^{T} ((1 - h_t^2) \odot \delta_t)\, h_{t-1}^\top $$
#
# - $1 - h_t^2$ is the slope of $\tanh$; $U^\top \operatorname{diag}(1 - h_t^2)$ is the transposed
#   **Jacobian** $J_t$ of step $t$, of the shape $n \times n$;
# - $\odot$ multiplies element by element;
# - the sum is there because *every* step used the same $U$.
#
# In Keras rows are multiplied from the left, so that $U$ stands the other way round below.

# %%
model = keras.Sequential([ks.layers.VanillaRNN(8, name="rnn")])
x = np.random.default_rng(0).normal(size=(1, 20, 3)).astype("float32")
model(x)
W, U, b = (weight.astype("float64") for weight in model.get_weights())


def forward(U):
    states = [np.zeros(8)]
    for x_t in x[0]:
        states.append(np.tanh(x_t @ W + states[-1] @ U + b))
    return np.array(states)  # h_0 ... h_T: (T + 1, n)


def backward(h, delta):  # delta_T = dL/dh_T
    norms, d_U = [], np.zeros_like(U)
    for t in range(len(h) - 1, 0, -1):
        norms.append(np.linalg.norm(delta))
        sloped = (1 - h[t] ** 2) * delta  # (n,)
        d_U += np.outer(h[t - 1], sloped)  # (n, n)
        delta = sloped @ U.T  # (n,)
    return np.array(norms[::-1]), d_U


h = forward(U)
norms, d_U = backward(h, 2 * h[-1] / 8)  # L is the mean of h_T^2
automatic = ks.analysis.gradient_flow(model, x, np.zeros((1, 8)), loss="mse")["rnn"]
claims.add(
    "by hand by automatic: 1 to",
    abs(norms / automatic - 1).max(),
    np.isclose(norms, automatic, 1e-3),
)
nudge = 1e-6 * np.outer(np.eye(8)[2], np.eye(8)[5])  # of one weight
numeric = (np.mean(forward(U + nudge)[-1] ** 2) - np.mean(forward(U - nudge)[-1] ** 2)) / 2e-6
claims.add("dL/dU, and by nudging it", [d_U[2, 5], numeric], np.isclose(d_U[2, 5], numeric, 1e-4))
ks.analysis.plot_gradient_flow({"by hand": norms, "ks.analysis.gradient_flow": automatic})

# %% [markdown]
# ## The Jacobians
#
# Going back $k$ steps multiplies $k$ Jacobians. Their product stretches a gradient by something
# between its smallest and its largest **singular value**. Here are those of a trained-size layer,
# over 1, 5 and 20 steps: the line is the median, the band goes from the smallest to the largest.
#
# **Predict:** what does the band do as $k$ grows?

# %%
layer = ks.layers.VanillaRNN(32)
series = np.random.default_rng(0).normal(size=(40, 32)).astype("float32")
layer(series[None])
spectra = {f"{k} steps": ks.analysis.jacobian_spectrum(layer, series, k)[-20:] for k in (1, 5, 20)}
medians = [np.median(values) for values in spectra.values()]
claims.add("the median falls with the steps", medians, medians[0] > medians[1] > medians[2])
ks.analysis.plot_jacobian_spectrum(spectra)

# %% [markdown]
# ## What that does to learning
#
# *"I grew up in France ... I speak fluent ___"*: in the task `recall` the first word is a country
# and its language is asked for at the end; what stands in between says nothing. We train vanilla
# networks whose matrix begins as a rotation, as a rotation times 0.9, and times 0.5, for texts of
# several lengths.
#
# **Predict:** up to which length does each learn it, within so few batches? And where does the
# gradient at the first word stand before training, by that at the last one?


# %%
def recall(cell, length, steps=10 if claims.small else 400, embedding_norm=0.25, **settings):
    """Train on recall: accuracies over the seeds, the first gradient by the last, broken or not."""
    settings |= {"seeds": 1 if claims.small else 3, "embedding_norm": embedding_norm}
    runs = ks.experiments.gradient_experiment("recall", [cell], [length], steps=steps, **settings)
    keys = ("score", "start_ratio", "finite")
    return [np.nan_to_num([float(run[key]) for run in runs]) for key in keys]


lengths = (5, 40) if claims.small else (5, 20, 80)
cells = {
    "times 0.5": "vanilla:radius=0.5",
    "times 0.9": "vanilla:radius=0.9",
    "rotation": "vanilla",
}
learnt = {name: [recall(cell, n) for n in lengths] for name, cell in cells.items()}
accuracy = {name: np.transpose([run[0] for run in runs]) for name, runs in learnt.items()}
half, damped, plain = accuracy.values()  # (seeds, lengths)
for name, runs in learnt.items():
    lost = [run[1][0] for run in runs]
    claims.add(
        f"{name}: first by last gradient", lost, name == "rotation" or lost[-1] < 0.1 * lost[0]
    )
claims.add("times 0.5: learns 5 words", half[:, 0], half[:, 0] > 0.9, trained=True)
claims.add("times 0.5: stays at chance at 80", half[:, -1], half[:, -1] < 0.2, trained=True)
for name, run in (("times 0.9", damped), ("rotation", plain)):
    lost = bool(run[:, -1].max() < 0.5)
    claims.add(f"{name}: cannot learn 80", run[:, -1], lost, trained=True, surprise=True)
ks.analysis.plot_curves(accuracy, "words", "accuracy", lengths, "x", {"chance": 0.1}, (0, 1.05))

# %% [markdown]
# At 0.5 it is as the books say: the gradient of the first word is lost, and so is the task. The
# other two are the surprise. A plain rotation learns 80 words without trouble; and times 0.9,
# where a ten-thousandth of the gradient arrives, most seeds learn them too. The optimiser, Adam,
# divides a gradient by its usual size: what is small but points the right way still counts, until
# it drowns in what the other words say. *Vanishing* is no yes or no. (Here the vectors of words
# begin short. With long ones $\tanh$ saturates at every word, its slope is near 0, and the
# rotation fails too: exercise 1.)

# %% [markdown]
# ## Exploding, and two ways to clip
#
# A gradient that explodes throws the weights far away in one step. **Clipping** limits it, by the
# norm of the whole gradient $g$ or number by number:
#
# $$ \text{by norm:}\quad g \leftarrow g\,\min\!\Big(1, \frac{c}{\lVert g\rVert}\Big) $$
#
# $$ \text{by value:}\quad g_i \leftarrow \min(c, \max(-c, g_i)) $$
#
# **Predict:** which of them keeps the direction of the gradient $(3, 0.1)$, for $c = 0.1$?

# %%
g = np.array([3.0, 0.1])
clipped = g * min(1, 0.1 / np.linalg.norm(g)), np.clip(g, -0.1, 0.1)
turned = [np.degrees(np.arctan2(*c[::-1]) - np.arctan2(*g[::-1])) for c in clipped]
claims.add("degrees turned by norm, by value", turned, [abs(turned[0]) < 0.01, turned[1] > 40])

# %% [markdown]
# Now a network that explodes: linear, spectral radius 1.5, texts of 50 words, plain gradient
# descent.
#
# **Predict:** which of the four learn? Which end with weights that are no numbers?

# %%
CLIPPING = {
    "not at all": {"clip_norm": None},
    "norm 1": {"clip_norm": 1.0},
    "value 0.1": {"clip_value": 0.1},
    "value 0.01": {"clip_value": 0.01},
}
sgd = {"optimizer": "sgd", "learning_rate": 0.1, "embedding_norm": 4.0}
runs = {k: recall("vanilla:linear:radius=1.5", 50, **sgd, **how) for k, how in CLIPPING.items()}
whole = runs["not at all"][2] == 1
claims.add("not clipped: weights are numbers", whole * 1.0, whole, trained=True, surprise=True)
score = {k: run[0] for k, run in runs.items()}
for k in ("norm 1", "value 0.01"):
    claims.add(f"clipped, {k}: learns", score[k], score[k] > 0.9, trained=True)
loose = bool(score["value 0.1"].max() > 0.9)
claims.add("clipped, value 0.1: learns", score["value 0.1"], loose, trained=True, surprise=True)
ks.experiments.plot_seeds(score, lines={"chance": 0.1})

# %% [markdown]
# ## Truncated backpropagation
#
# A text without an end cannot be gone back through to its beginning. So the gradient is cut after
# every $k$ steps: the *state* goes on, the *gradient* does not. `truncate=k` does that in every
# layer; a language model does it from window to window.
#
# **Predict:** with `truncate=10`, are the outputs of the layer other ones?

# %%
flows, outputs = {}, []
for k in (None, 10):
    model = keras.Sequential([ks.layers.VanillaRNN(8, truncate=k, name="rnn")])
    outputs.append(keras.ops.convert_to_numpy(model(x)))
    model.set_weights([W, U, b])
    outputs[-1] = keras.ops.convert_to_numpy(model(x))
    flow = ks.analysis.gradient_flow(model, x, np.zeros((1, 8)), loss="mse")
    flows[f"truncate={k}"] = flow["rnn"]
claims.add(
    "outputs differ by", abs(outputs[0] - outputs[1]).max(), np.allclose(*outputs, atol=1e-6)
)
early, late = np.split(flows["truncate=10"], 2)
claims.add("no gradient before the window", early, [*(early == 0), *(late > 0)])
ks.analysis.plot_gradient_flow(flows)

# %% [markdown]
# **Predict:** can an LSTM (lesson 3) with `truncate=10` learn to recall a word 20 steps back? And
# the rotation from above?

# %%
score = {}
for name, cell in (("LSTM", "lstm"), ("rotation", "vanilla")):
    score[name] = {f"truncate={k}": recall(cell, 20, truncate=k)[0] for k in (None, 10)}
(whole, cut), (_, carried) = (runs.values() for runs in score.values())
claims.add("LSTM, whole: over half right at 20 words", whole, whole > 0.5, trained=True)
claims.add("LSTM, truncated: cannot", cut, cut < 0.3, trained=True)
lost = bool(carried.max() < 0.3)
claims.add("rotation, truncated: cannot", carried, lost, trained=True, surprise=True)
ks.experiments.plot_seeds(score, lines={"chance": 0.1})

# %% [markdown]
# The LSTM has to *learn* to keep a word, and the gradient that would teach it is cut. The
# rotation carries every word along without being taught, and its readout, which no truncation
# touches, finds it there. Truncation does not take away memory; it takes away the lessons about
# memory.

# %% [markdown]
# ## A matrix that keeps: identity and ReLU
#
# The slope of ReLU is 0 or 1: where it is 1, a gradient passes untouched. Let $U$ begin as the
# identity, and at first the network copies its state from step to step: the **IRNN**. Compare it
# with a ReLU network whose matrix begins as a rotation.
#
# **Predict:** which arrives at length 50? And the IRNN at a ten times larger learning rate?

# %%
CELLS = {
    "rotation, ReLU": ("vanilla:relu", 1e-4),
    "identity, ReLU": ("irnn", 1e-4),
    "identity, ReLU, fast": ("irnn", 1e-3),
}
long = {"length": 50, "embedding_norm": 4.0, "steps": 10 if claims.small else 700}
runs = {name: recall(cell, learning_rate=rate, **long) for name, (cell, rate) in CELLS.items()}
(_, turned, _), (slow, kept, _), (fast, _, _) = runs.values()
claims.add("first by last gradient", [turned[0], kept[0]], turned[0] < 1e-3 * kept[0])
claims.add("identity and ReLU learns", slow, slow > 0.9, trained=True)
claims.add("faster: the worst is no better", fast, fast.min() < slow.min() + 0.01, trained=True)
ks.experiments.plot_seeds({name: run[0] for name, run in runs.items()}, lines={"chance": 0.1})

# %% [markdown]
# At the larger rate a seed may be lost: one step too far makes units negative for every input;
# there ReLU is 0, so is its slope, and such a unit never comes back. Not every seed meets it, and
# with the first weights of another backend perhaps none of three.
#
# ## A second path
#
# In a residual network a gradient has two ways back: through the layer, and past it. Over time
# that is a **skip**: the state of 10 steps before is added to the new one. The way back is then
# shorter by a factor of ten.

# %%
plain, skip = (recall(f"vanilla:radius=0.9{how}", 100, steps=1)[1][0] for how in ("", ":skip=10"))
claims.add("first by last gradient: plain, skip", [plain, skip], skip > 10 * plain)

# %% [markdown]
# Gates are a third way, and the one that won: lesson 3.
#
# ## What we claimed, what we measured

# %%
claims.check()

# %% [markdown]
# ## Exercises
#
# 1. Repeat *What that does to learning* for `"vanilla"` at length 40 with `embedding_norm=4.0`,
#    long vectors of words. What is the gradient at the first word by the last before training?
# 2. The sheared matrix has both eigenvalues at 0.9. For which step is its gradient largest?
#    Derive it: $\lVert W^{\top k} (1, 0) \rVert$ is about $4 k\, 0.9^{k-1}$.
# 3. Train a small network with `ks.callbacks.GradientNorms` and `ks.callbacks.GradientFlow` and
#    draw what they saw: when does the gradient reach the first step?
# 4. Clip $(3, 0.1)$ by value at $c = 5$. What happens, and what does that say about choosing $c$?

# %% tags=["solution"]
# 1: much smaller: tanh is saturated at every word.
saturated, fresh = (recall("vanilla", 40, steps=1, embedding_norm=n)[1][0] for n in (4.0, 0.25))
print(saturated, fresh)
assert saturated < 1e-2 * fresh

# %% tags=["solution"]
# 2: k 0.9^(k-1) is largest at k = -1 / log 0.9, about 9.5.
largest = 60 - sheared["gradient_norms"].argmax()
print(largest, -1 / np.log(0.9))
assert largest in (9, 10)

# %% tags=["solution"]
# 3
task = ks.datasets.recall(700, length=15, seed=0)
training, held_out = task.split(600)
reader = keras.Sequential(
    [
        keras.layers.Embedding(len(task.vocabulary), 32),
        ks.layers.VanillaRNN(32, name="rnn"),
        keras.layers.Dense(len(task.classes)),
    ]
)
reader.compile(
    keras.optimizers.Adam(3e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
norms = ks.callbacks.GradientNorms()
flow = ks.callbacks.GradientFlow(held_out.inputs[:32], held_out.targets[:32])
epochs = 2 if claims.small else 12
reader.fit(training.inputs, training.targets, epochs=epochs, callbacks=[norms, flow], verbose=0)
ks.analysis.plot_gradient_norms(norms)
ks.analysis.plot_gradient_heatmap(flow)

# %% tags=["solution"]
# 4: nothing: it acts only on numbers beyond c, so c belongs to the size of usual gradients.
assert (np.clip(g, -5, 5) == g).all()

# %% [markdown]
# ## To read
#
# - Y. Bengio, P. Simard and P. Frasconi, 1994, [Learning long-term dependencies with gradient
#   descent is difficult](https://doi.org/10.1109/72.279181).
# - R. Pascanu, T. Mikolov and Y. Bengio, 2013, [On the difficulty of training recurrent neural
#   networks](https://arxiv.org/abs/1211.5063): clipping by norm.
# - P. Werbos, 1990, [Backpropagation through time: what it does and how to do
#   it](https://doi.org/10.1109/5.58337).
# - R. Williams and J. Peng, 1990, [An efficient gradient-based algorithm for on-line training of
#   recurrent network trajectories](https://doi.org/10.1162/neco.1990.2.4.490): truncation.
# - Q. Le, N. Jaitly and G. Hinton, 2015, [A simple way to initialize recurrent networks of
#   rectified linear units](https://arxiv.org/abs/1504.00941).
# - Two videos on recurrent networks and where they fall short:
#   [one](https://youtu.be/xvnnA04JVQo), [two](https://youtu.be/I-8XM1SkJOI).
