"""Makes the golden data of the neurons and surrogates from SpikingJelly 2.0.0.

    python make.py FOLDER

needs the packages torch, numpy, safetensors and spikingjelly == 2.0.0, and writes to FOLDER

    cases.json                          every case: its parameters and the names of its tensors
    neurons-lif.safetensors             LIF: charge x reset x detach_reset x tau, forward and backward
    neurons-simple-lif.safetensors      SimpleLIF: the same
    neurons-surrogates.safetensors      LIF with each surrogate, forward and backward
    neurons-smooth.safetensors          spiking = false: the primitive instead of the step, with its true gradient
    neurons-special.safetensors         infinities, NaN, zeros, subnormals, huge values; forward alone
    neurons-non-spiking-lif.safetensors NonSpikingLIF with every decode, forward and backward
    neurons-f64.safetensors             some of the above in f64
    surrogates.safetensors              gradient and primitive of each surrogate on a grid

A tensor is named CASE/TENSOR. The forward is also computed here by a plain numpy mirror of docs/dynamics.md and has to
agree in every bit; single step, multistep, and multistep without stored membranes or gradients have to agree too.
NaN counts as a class. Everything runs on one thread of the CPU, from seeds made of the cases' names.
"""

import argparse
import importlib.metadata
import json
import pathlib
import re
import zlib

import numpy as np
import torch
from safetensors.numpy import save_file
from spikingjelly.activation_based import neuron, surrogate

SPIKINGJELLY = "2.0.0"

TAUS = {"2": 2.0, "1.7": 1.7, "33.3": 100 / 3}
RESETS = {"hard": 0.0, "hard-neg": -0.1, "soft": None}
# SpikingJelly's spelling of each decode.
DECODES = {
    "none": None,
    "max-mem": "max-mem",
    "max-abs-mem": "max-abs-mem",
    "mean-mem": "mean-mem",
    "last-mem": "last_mem",
}

# SpikingJelly's class, and the parameter settings to try: the defaults first.
SURROGATES = {
    "sigmoid": ("Sigmoid", [{"alpha": 4.0}, {"alpha": 1.7}]),
    "atan": ("ATan", [{"alpha": 2.0}, {"alpha": 3.3}]),
    "piecewise-quadratic": ("PiecewiseQuadratic", [{"alpha": 1.0}, {"alpha": 1.7}]),
    "piecewise-exp": ("PiecewiseExp", [{"alpha": 1.0}, {"alpha": 2.5}]),
    "soft-sign": ("SoftSign", [{"alpha": 2.0}, {"alpha": 0.7}]),
    "super-spike": ("SuperSpike", [{"alpha": 1.0}, {"alpha": 10.0}]),
    "erf": ("Erf", [{"alpha": 2.0}, {"alpha": 1.3}]),
    "nonzero-sign-log-abs": ("NonzeroSignLogAbs", [{"alpha": 1.0}, {"alpha": 3.0}]),
    "piecewise-leaky-relu": ("PiecewiseLeakyReLU", [{"w": 1.0, "c": 0.01}, {"w": 0.7, "c": 0.1}, {"w": 2.0, "c": 0.0}]),
    "squarewave-fourier-series": ("SquarewaveFourierSeries", [{"n": 2, "T_period": 8.0}, {"n": 4, "T_period": 5.0}]),
    "s2nn": ("S2NN", [{"alpha": 4.0, "beta": 1.0}, {"alpha": 2.5, "beta": 0.6}]),
    "q-pseudo-spike": ("QPseudoSpike", [{"alpha": 2.0}, {"alpha": 3.5}, {"alpha": 1.5}]),
    "leaky-k-relu": ("LeakyKReLU", [{"leak": 0.0, "k": 1.0}, {"leak": 0.1, "k": 1.3}]),
    "fake-numerical-gradient": ("FakeNumericalGradient", [{"alpha": 0.3}, {"alpha": 2.0}]),
    "log-tailed-relu": ("LogTailedReLU", [{"alpha": 0.0}, {"alpha": 0.2}]),
    "deterministic-pass": ("DeterministicPass", [{}]),
    "rect": ("Rect", [{"alpha": 1.0}, {"alpha": 1.7}]),
    "multi-level-spike-count": (
        "MultiLevelSpikeCount",
        [
            {"max_spike_count": 4, "grad_min": 0.0, "grad_max": 4.0},
            {"max_spike_count": 2, "grad_min": -0.5, "grad_max": 2.5},
        ],
    ),
}
NO_PRIMITIVE = {"super-spike", "fake-numerical-gradient"}
# Gradients and primitives that are additions, multiplications and divisions alone: bit for bit on any machine.
PLAIN_PRIMITIVES = {
    "piecewise-quadratic",
    "soft-sign",
    "piecewise-leaky-relu",
    "leaky-k-relu",
    "deterministic-pass",
    "rect",
    "multi-level-spike-count",
}
PLAIN_GRADIENTS = PLAIN_PRIMITIVES | NO_PRIMITIVE | {"atan", "nonzero-sign-log-abs", "log-tailed-relu"}


# ---------------------------------------------------------------- cases


def case(name, family, model="lif", shape=(8, 40), **changes):
    """One case: the model's parameters, which tensors come in, and what is special about its input."""
    result = {
        "name": name,
        "file": f"neurons-{family}.safetensors",
        "model": model,
        "dtype": "f32",
        "tau": 2.0,
        "decay_input": True,
        "v_threshold": 1.0,
        "v_reset": 0.0,
        "detach_reset": False,
        "surrogate": "atan",
        "surrogate_params": {"alpha": 2.0},
        "spiking": True,
        "shape": list(shape),
        "backward": True,
        "with": [],  # optional inputs: v_init, grad_v_seq, grad_v_last
    }
    return result | changes


def option_cases(model, family, resets):
    """Every combination of charge, reset, detach_reset and tau, the remaining options taking turns."""
    extras = [[], ["v_init", "grad_v_last"], ["grad_v_seq"], ["v_init"], ["v_init", "grad_v_seq", "grad_v_last"]]
    shapes = [(6, 33), (9, 40), (7, 48), (8, 64)]
    made = []
    for decay_input in (True, False):
        for reset in resets:
            for detach_reset in (False, True):
                for tau in TAUS:
                    i = len(made)
                    name = f"{model}-{charge_name(decay_input)}-{reset}{'-detach' * detach_reset}-tau-{tau}"
                    options = {
                        "tau": TAUS[tau],
                        "decay_input": decay_input,
                        "v_reset": RESETS[reset],
                        "detach_reset": detach_reset,
                        "v_threshold": (1.0, 0.7)[i // 2 % 2],
                        "with": extras[i % len(extras)],
                    }
                    made.append(case(name, family, model, shapes[i % len(shapes)], **options))
    return made


def charge_name(decay_input):
    return "decay" if decay_input else "plain"


def lif_cases():
    made = option_cases("lif", "lif", RESETS)
    made.append(case("lif-shape-3d", "lif", shape=(7, 2, 4, 6), tau=1.7, **{"with": ["v_init", "grad_v_seq"]}))
    made.append(case("lif-shape-one-neuron", "lif", shape=(9,), v_reset=None))
    made.append(case("lif-shape-one-step", "lif", shape=(1, 33), tau=1.7))
    return made


def simple_lif_cases():
    made = option_cases("simple-lif", "simple-lif", ("hard", "hard-neg"))
    # No check on tau; and a reset whose quotient by tau rounds differently in f32 and f64 (see `first_pull`).
    made.append(case("simple-lif-decay-tau-0.75", "simple-lif", "simple-lif", tau=0.75))
    for tau in ("1.7", "33.3"):
        options = {"tau": TAUS[tau], "decay_input": False, "v_reset": -0.25}
        made.append(case(f"simple-lif-plain-first-step-tau-{tau}", "simple-lif", "simple-lif", **options))
    return made


def surrogate_cases():
    made = []
    for name, (_, settings) in SURROGATES.items():
        for i, reset in enumerate(("hard", "soft")):
            options = {
                "tau": (1.7, 2.0)[i],
                "decay_input": i == 0,
                "v_reset": RESETS[reset],
                "v_threshold": (1.0, 0.7)[i],
                "surrogate": name,
                "surrogate_params": settings[i % len(settings)],
                "with": (["v_init"], ["grad_v_seq"])[i],
            }
            made.append(case(f"surrogate-{name}-{reset}", "surrogates", shape=(6, 36), **options))
    counts = {"surrogate": "multi-level-spike-count", "surrogate_params": SURROGATES["multi-level-spike-count"][1][1]}
    name = "surrogate-multi-level-spike-count-hard-neg"
    made.append(case(name, "surrogates", shape=(6, 36), v_reset=-0.1, **counts))
    return made


def smooth_cases():
    made = []
    for name, (_, settings) in SURROGATES.items():
        if name in NO_PRIMITIVE:
            continue
        for i, (model, reset) in enumerate((("lif", "hard-neg"), ("lif", "soft"), ("simple-lif", "hard"))):
            if model == "simple-lif" and name not in ("atan", "rect"):
                continue
            options = {
                "tau": (2.0, 1.7, 1.7)[i],
                "decay_input": i != 1,
                "v_reset": RESETS[reset],
                "detach_reset": name == "sigmoid" and i == 1,
                "surrogate": name,
                "surrogate_params": settings[i % len(settings)],
                "spiking": False,
                "with": (["grad_v_seq"], ["v_init", "grad_v_last"], [])[i],
            }
            made.append(case(f"smooth-{model}-{name}-{reset}", "smooth", model, (6, 33), **options))
    return made


def special_cases():
    made = []
    for model, resets in (("lif", RESETS), ("simple-lif", ("hard", "hard-neg"))):
        for decay_input in (True, False):
            for reset in resets:
                for i, tau in enumerate(TAUS):
                    for inputs in ([], ["v_init"]):
                        name = f"special-{model}-{charge_name(decay_input)}-{reset}-tau-{tau}{'-v-init' * len(inputs)}"
                        options = {
                            "tau": TAUS[tau],
                            "decay_input": decay_input,
                            "v_reset": RESETS[reset],
                            "v_threshold": (1.0, 0.7)[i % 2],
                            "with": inputs,
                            "backward": False,
                        }
                        made.append(case(name, "special", model, (6, 0), **options))
    counts = {"surrogate": "multi-level-spike-count", "surrogate_params": SURROGATES["multi-level-spike-count"][1][0]}
    name = "special-lif-multi-level-spike-count"
    made.append(case(name, "special", shape=(6, 0), v_reset=None, backward=False, **counts))
    return made


def non_spiking_case(name, decode, tau, shape, **changes):
    """A case of NonSpikingLIF, which has neither threshold nor reset nor surrogate."""
    keys = ("name", "file", "model", "dtype", "tau", "shape", "backward")
    made = case(name, "non-spiking-lif", "non-spiking-lif", shape, tau=tau)
    return {key: made[key] for key in keys} | {"decode": decode, "input": "random"} | changes


def non_spiking_cases():
    made = []
    for decode in DECODES:
        for tau in TAUS:
            # torch adds whole blocks of 32 columns step by step, and the columns left over in another order.
            made.append(non_spiking_case(f"non-spiking-lif-{decode}-tau-{tau}", decode, TAUS[tau], (9, 64)))
        made.append(non_spiking_case(f"non-spiking-lif-{decode}-ties", decode, 2.0, (4, 32), input="ties"))
        special = {"input": "special", "backward": False}
        made.append(non_spiking_case(f"non-spiking-lif-{decode}-special", decode, 1.7, (6, 0), **special))
    made.append(non_spiking_case("non-spiking-lif-mean-mem-20-steps", "mean-mem", 1.7, (20, 64)))
    made.append(non_spiking_case("non-spiking-lif-last-mem-tau-0.75", "last-mem", 0.75, (6, 32)))
    return made


def f64_cases():
    made = []
    for i, reset in enumerate(RESETS):
        options = {"tau": 100 / 3 if i else 1.7, "v_reset": RESETS[reset], "v_threshold": 0.7, "dtype": "f64"}
        for decay_input in (True, False):
            name = f"f64-lif-{charge_name(decay_input)}-{reset}"
            made.append(case(name, "f64", shape=(6, 33), decay_input=decay_input, **options, **{"with": ["v_init"]}))
    for decay_input in (True, False):
        name = f"f64-simple-lif-{charge_name(decay_input)}-hard-neg"
        options = {"decay_input": decay_input, "tau": 1.7, "v_reset": -0.1, "dtype": "f64"}
        made.append(case(name, "f64", "simple-lif", (6, 33), **options))
    made.append(case("f64-smooth-lif-atan-hard-neg", "f64", shape=(6, 33), v_reset=-0.1, spiking=False, dtype="f64"))
    changes = {"file": "neurons-f64.safetensors", "dtype": "f64"}
    made.append(non_spiking_case("f64-non-spiking-lif-mean-mem", "mean-mem", 1.7, (9, 32), **changes))
    return made


# ---------------------------------------------------------------- the mirror: the forward in numpy


def float_type(case):
    return {"f32": np.float32, "f64": np.float64}[case["dtype"]]


def charge(case, x, v):
    """h from v and x, in the model's order of operations."""
    f = float_type(case)
    tau, r = f(case["tau"]), f(case["v_reset"] or 0.0)
    if case["model"] == "lif":
        return v + (x - (v - r)) / tau if case["decay_input"] else v - (v - r) / tau + x
    return v + (r - v + x) / tau if case["decay_input"] else v + (r - v) / tau + x


def first_charge(case, x, v_init):
    """h of the first step: SimpleLIF's v is Python's 0.0, so without decay_input v_reset / tau is an f64 quotient."""
    f = float_type(case)
    if v_init is not None:
        return charge(case, x, v_init)
    if case["model"] == "simple-lif" and not case["decay_input"]:
        return f(0.0 + (case["v_reset"] - 0.0) / case["tau"]) + x
    start = 0.0 if case["model"] == "simple-lif" or case["v_reset"] is None else case["v_reset"]
    return charge(case, x, np.full(x.shape, start, f))


def fire(case, h):
    """The spikes of h: the step, a count, or the primitive."""
    f = float_type(case)
    x = h - f(case["v_threshold"])
    if not case["spiking"]:
        return primitive(case["surrogate"], case["surrogate_params"], x, f)
    if case["surrogate"] == "multi-level-spike-count":
        return np.rint(clamp(x, f(0), f(case["surrogate_params"]["max_spike_count"])))
    return (x >= 0).astype(f)


def reset(case, h, s):
    f = float_type(case)
    if case["v_reset"] is None:
        return h - s * f(case["v_threshold"])
    return s * f(case["v_reset"]) + (f(1) - s) * h


def clamp(x, low, high):
    """As torch: -0.0 is not below 0.0 and stays, a NaN stays."""
    return np.where(x < low, low, np.where(x > high, high, x))


def primitive(name, p, x, f):
    """The primitives of PLAIN_PRIMITIVES, operation by operation."""
    one, half = f(1), f(0.5)
    if name == "piecewise-quadratic":
        edge, square = f(1 / p["alpha"]), f(-(p["alpha"] ** 2) / 2)
        inside = square * (x * x) * np.where(np.isnan(x), f(0), np.sign(x)) + f(p["alpha"]) * x + half
        return (x > edge).astype(f) + (np.abs(x) <= edge).astype(f) * inside
    if name == "soft-sign":
        y = x * f(p["alpha"])
        return (y / (np.abs(y) + one) + one) / f(2)
    if name == "piecewise-leaky-relu":
        below, above = (x < f(-p["w"])).astype(f), (x > f(p["w"])).astype(f)
        middle = (one - below - above) * (x / f(2 * p["w"]) + half)
        if p["c"] == 0:
            return middle + above
        c, cw = f(p["c"]), p["c"] * p["w"]
        return below * (c * x + f(cw)) + above * (c * x + f(-cw + 1)) + middle
    if name == "leaky-k-relu":
        up = (x >= 0).astype(f)
        return (f(p["leak"]) * (one - up) + f(p["k"]) * up) * x
    if name == "rect":
        return clamp(f(p["alpha"]) * x + half, f(0), one)
    if name == "multi-level-spike-count":
        return clamp(x, f(0), f(p["max_spike_count"]))
    return {"deterministic-pass": x}[name]


def mirror(case, x_seq, v_init=None):
    """spike_seq and v_seq."""
    spikes, membranes = [], []
    for t, x in enumerate(x_seq):
        h = charge(case, x, membranes[-1]) if t else first_charge(case, x, v_init)
        spikes.append(fire(case, h))
        membranes.append(reset(case, h, spikes[-1]))
    return np.stack(spikes), np.stack(membranes)


def non_spiking_mirror(case, x_seq):
    v, membranes = np.zeros(x_seq.shape[1:], x_seq.dtype), []
    for x in x_seq:
        v = v + (x - v) / float_type(case)(case["tau"])
        membranes.append(v)
    v_seq, steps = np.stack(membranes), len(membranes)
    high, low = first_best(v_seq, np.greater), first_best(v_seq, np.less)
    decoded = {
        "none": lambda: v_seq,
        "max-mem": lambda: high,
        "max-abs-mem": lambda: high * (abs(high) > abs(low)) + low * (abs(high) <= abs(low)),
        "mean-mem": lambda: sum_in_blocks(v_seq) / x_seq.dtype.type(steps),
        "last-mem": lambda: v_seq[-1],
    }
    return decoded[case["decode"]]()


def first_best(v_seq, better):
    """The first of the largest (or smallest) values over the steps; a NaN beats everything."""
    best = v_seq[0]
    for v in v_seq[1:]:
        best = np.where(better(v, best) | (np.isnan(v) & ~np.isnan(best)), v, best)
    return best


def sum_in_blocks(v_seq):
    """torch's order: whole blocks of 16 steps are summed apart (up to 256 steps), then the rest plus their sum."""
    whole = np.zeros_like(v_seq[0])
    full = len(v_seq) // 16 * 16
    for block in range(0, full, 16):
        whole = whole + sum_in_order(v_seq[block : block + 16])
    return sum_in_order(v_seq[full:]) + whole if full else sum_in_order(v_seq)


def sum_in_order(rows):
    total = np.zeros(rows.shape[1:], rows.dtype)
    for row in rows:
        total = total + row
    return total


# ---------------------------------------------------------------- inputs


def generator(case):
    """A frozen stream of random numbers (RandomState never changes), seeded by the case's name."""
    return np.random.RandomState(zlib.crc32(case["name"].encode()))


def inputs(case):
    """The input tensors of a spiking case."""
    random, f = generator(case), float_type(case)
    special = case["file"] == "neurons-special.safetensors"
    made = special_inputs(case, random) if special else scaled_inputs(case, random)
    if case["backward"]:
        made["grad_spike_seq"] = random.standard_normal(case["shape"])
        if "grad_v_seq" in case["with"]:
            made["grad_v_seq"] = random.standard_normal(case["shape"])
        if "grad_v_last" in case["with"]:
            made["grad_v_last"] = random.standard_normal(case["shape"][1:])
    return {name: np.asarray(value, f) for name, value in made.items()}


def scaled_inputs(case, random):
    """Normal numbers, scaled until about a quarter of the steps spike; the first columns meet the threshold exactly."""
    made = {}
    if "v_init" in case["with"]:
        made["v_init"] = (random.standard_normal(case["shape"][1:]) * 0.4).astype(float_type(case))
    normal = random.standard_normal(case["shape"]) * 0.8 + 0.4
    step = case | {"spiking": True, "surrogate": "atan"}
    rates = {}
    for quarter in range(-16, 40):
        x_seq = (normal * 2 ** (quarter / 4)).astype(float_type(case))
        rates[quarter] = mirror(step, x_seq, made.get("v_init"))[0].mean()
    best = min(rates, key=lambda quarter: abs(rates[quarter] - 0.25))
    assert x_seq.size < 32 or 0.1 < rates[best] < 0.4, f"{case['name']}: {rates[best]:.0%} of the steps spike"
    made["x_seq"] = (normal * 2 ** (best / 4)).astype(float_type(case))
    if case["spiking"] and len(case["shape"]) == 2 and case["shape"][0] > 1:
        meet_threshold(case, made["x_seq"], made.get("v_init"))
    return made


def meet_threshold(case, x_seq, v_init=None):
    """Sets x_seq[0] of columns 0, 1, 2 so that h is v_threshold, the number below it and the number above it."""
    f = float_type(case)
    threshold = f(case["v_threshold"])
    targets = (threshold, np.nextafter(threshold, f(-9)), np.nextafter(threshold, f(9)))
    for column, target in enumerate(targets):
        v = None if v_init is None else v_init[column : column + 1]
        x = nearest_input(case, v, target)
        if x is not None:
            x_seq[0, column] = x


def nearest_input(case, v, target):
    """An x with which the first h is the target, or None where rounding skips it."""
    f = float_type(case)
    pull = first_charge(case, np.zeros(1, f), v)
    x = ((target - pull) * f(case["tau"] if case["decay_input"] else 1.0)).astype(f)
    for _ in range(64):
        x = np.nextafter(x, f(-1e9))
    for _ in range(129):
        if first_charge(case, x, v) == target:
            return x[0]
        x = np.nextafter(x, f(1e9))
    return None


# Each in turn is one step's input, or a column's v_init.
SPECIAL = (
    0.0, -0.0, 1e-45, -1e-45, 1e-39, -1e-39, 1.2e-38, 3.4028235e38, -3.4028235e38, 1e20, -1e20, np.inf, -np.inf, np.nan,
)  # fmt: skip


def special_columns(random, steps):
    """x for: a special number between normal ones; the same number at every step; an overflow to either side."""
    columns = []
    for value in SPECIAL:
        column = random.standard_normal(steps)
        column[1] = value
        columns += [column, np.full(steps, value)]
    columns += [np.tile((3e38, -3e38), steps)[:steps], np.tile((np.inf, -np.inf), steps)[:steps]]
    return np.stack(columns, 1)


def special_inputs(case, random):
    """Columns 0, 1, 2 meet the threshold; then special inputs; then, with v_init, special initial membranes."""
    f, steps = float_type(case), case["shape"][0]
    x_seq = np.concatenate([random.standard_normal((steps, 3)), special_columns(random, steps)], 1)
    if "v_init" not in case["with"]:
        x_seq = x_seq.astype(f)
        meet_threshold(case, x_seq)
        case["shape"] = list(x_seq.shape)
        return {"x_seq": x_seq}
    normal = random.standard_normal((steps, len(SPECIAL)))
    quiet = np.zeros((steps, len(SPECIAL)))
    v_init = np.concatenate([random.standard_normal(x_seq.shape[1]) * 0.4, SPECIAL, SPECIAL]).astype(f)
    x_seq = np.concatenate([x_seq, normal, quiet], 1).astype(f)
    meet_threshold(case, x_seq, v_init)
    case["shape"] = list(x_seq.shape)
    return {"x_seq": x_seq, "v_init": v_init}


def non_spiking_inputs(case):
    random, f = generator(case), float_type(case)
    if case["input"] == "special":
        x_seq = special_columns(random, case["shape"][0])
        x_seq = np.pad(x_seq, ((0, 0), (0, -x_seq.shape[1] % 32)))
        case["shape"] = list(x_seq.shape)
    elif case["input"] == "ties":
        x_seq = tie_columns(case["shape"][1])
    else:
        x_seq = random.standard_normal(case["shape"]) * case["tau"] ** 0.5
    made = {"x_seq": x_seq}
    if case["backward"]:
        made["grad_output"] = random.standard_normal(x_seq.shape if case["decode"] == "none" else x_seq.shape[1:])
    return {name: np.asarray(value, f) for name, value in made.items()}


def tie_columns(width):
    """With tau = 2: v = (1, -1, -1, 1), where the largest is minus the smallest; (1, 1, 1, 1); zeros; and so on."""
    columns = [(2, -3, -1, 3), (2, 1, 1, 1), (0, 0, 0, 0), (-2, -1, 1, -2), (-2, 3, 1, -3), (-0.0, 0, -0.0, 0)]
    return np.stack([np.multiply(columns[i % len(columns)], 1 + i // len(columns)) for i in range(width)], 1)


# ---------------------------------------------------------------- SpikingJelly


def surrogate_function(name, params, spiking=True):
    cls, params = getattr(surrogate, SURROGATES[name][0]), dict(params)
    if name == "multi-level-spike-count":
        params["grad_window"] = (params.pop("grad_min"), params.pop("grad_max"))
    made = cls(**params)
    made.set_spiking_mode(spiking)
    return made


def node(case, step_mode, store_v_seq=True):
    options = {
        "tau": case["tau"],
        "decay_input": case["decay_input"],
        "v_threshold": case["v_threshold"],
        "v_reset": case["v_reset"],
        "detach_reset": case["detach_reset"],
        "surrogate_function": surrogate_function(case["surrogate"], case["surrogate_params"], case["spiking"]),
        "step_mode": step_mode,
    }
    if case["model"] == "simple-lif":
        return neuron.SimpleLIFNode(**options)
    return neuron.LIFNode(**options, store_v_seq=store_v_seq)


def single_step(case, x_seq, v_init):
    """spike_seq, v_seq and v_last, one call a step."""
    made = node(case, "s")
    if v_init is not None:
        made.v = v_init
    spikes, membranes = [], []
    for x in x_seq:
        spikes.append(made(x))
        membranes.append(made.v)
    return torch.stack(spikes), torch.stack(membranes), made.v


def multi_step(case, x_seq, v_init, store_v_seq=True):
    """The same in one call; v_seq is None where the node keeps none."""
    made = node(case, "m", store_v_seq)
    if v_init is not None:
        made.v = v_init
    spike_seq = made(x_seq)
    return spike_seq, getattr(made, "v_seq", None), made.v


def forward(case, x_seq, v_init):
    """The node's forward, every way of running it compared. SimpleLIF's membranes come from single steps."""
    run = multi_step if case["model"] == "lif" else single_step
    result = run(case, x_seq, v_init)
    with torch.no_grad():
        others = [single_step(case, x_seq, v_init)]
        others += [multi_step(case, x_seq, v_init, store_v_seq) for store_v_seq in (True, False)]
    for other in others:
        for ours, theirs, what in zip(result, other, ("spike_seq", "v_seq", "v_last")):
            if theirs is not None:
                same(case, what, ours.detach().numpy(), theirs.numpy())
    return result


def same(case, what, ours, theirs):
    """Fails unless both arrays hold the same bits, any NaN being like any other."""
    bits = {4: np.uint32, 8: np.uint64}[ours.dtype.itemsize]
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, f"{case['name']}: {what} differs in type or shape"
    differ = (ours.view(bits) != theirs.view(bits)) & ~(np.isnan(ours) & np.isnan(theirs))
    assert not differ.any(), f"{case['name']}: {what} differs in {differ.sum()} of {differ.size} numbers"


def leaf(array):
    return None if array is None else torch.from_numpy(array.copy()).requires_grad_()


def run_neuron(case):
    """All tensors of a spiking case."""
    tensors = inputs(case)
    x_seq, v_init = leaf(tensors["x_seq"]), leaf(tensors.get("v_init"))
    outputs = dict(zip(("spike_seq", "v_seq", "v_last"), forward(case, x_seq, v_init)))
    if case["backward"]:
        upstream = {name: tensors["grad_" + name] for name in outputs if "grad_" + name in tensors}
        torch.autograd.backward([outputs[n] for n in upstream], [torch.from_numpy(g) for g in upstream.values()])
        tensors["grad_x_seq"] = x_seq.grad.numpy()
        if v_init is not None:
            tensors["grad_v_init"] = v_init.grad.numpy()
    tensors |= {name: value.detach().numpy().copy() for name, value in outputs.items()}
    case["exact_forward"] = case["spiking"] or case["surrogate"] in PLAIN_PRIMITIVES
    if case["exact_forward"]:
        spike_seq, v_seq = mirror(case, tensors["x_seq"], tensors.get("v_init"))
        same(case, "spike_seq", tensors["spike_seq"], spike_seq)
        same(case, "v_seq", tensors["v_seq"], v_seq)
    return tensors


def run_non_spiking(case):
    tensors = non_spiking_inputs(case)
    x_seq = leaf(tensors["x_seq"])
    output = neuron.NonSpikingLIFNode(case["tau"], DECODES[case["decode"]])(x_seq)
    output = torch.stack(output) if isinstance(output, list) else output
    tensors["output"] = output.detach().numpy().copy()
    same(case, "output", tensors["output"], non_spiking_mirror(case, tensors["x_seq"]))
    if case["backward"]:
        output.backward(torch.from_numpy(tensors["grad_output"]))
        tensors["grad_x_seq"] = x_seq.grad.numpy()
    return tensors


def run_case(case):
    tensors = run_non_spiking(case) if case["model"] == "non-spiking-lif" else run_neuron(case)
    case["tensors"] = sorted(tensors)
    for key in ("backward", "with", "input"):
        case.pop(key, None)
    return {f"{case['name']}/{name}": np.array(value, order="C") for name, value in tensors.items()}


# ---------------------------------------------------------------- surrogates on a grid


def surrogate_grid():
    """-4 .. 4 in steps of 1/40, each kink with the numbers beside it, and special numbers; f32."""
    f = np.float32
    kinks = np.array([0.5, 1.0, 2.0, 0.7, 1 / 1.7, 0.5 / 1.7, 1 / 3.3, 4.0, 2.5], f)
    kinks = np.concatenate([kinks, -kinks])
    beside = [np.nextafter(kinks, f(-9)), kinks, np.nextafter(kinks, f(9))]
    tiny = [1e-45, 1e-39, 1.2e-38, 1e-30, 1e-10, 1e-5]
    special = [0.0, -0.0, *tiny, *np.negative(tiny), 10, -10, 100, -100, 1e20, -1e20, np.inf, -np.inf, np.nan]
    return np.concatenate([np.arange(-160, 161) / 40, *beside, special]).astype(f)


def gradient(function, x):
    """The gradient of a function at each x, for an upstream gradient of one."""
    x = leaf(x)
    y = function(x)
    y.backward(torch.ones_like(y))
    return x.grad.numpy()


def surrogate_tensors(name, params, x):
    tensors = {}
    for suffix, points in (("f32", x), ("f64", x.astype(np.float64))):
        tensors[f"grad_{suffix}"] = gradient(surrogate_function(name, params), points)
        if name not in NO_PRIMITIVE:
            function = surrogate_function(name, params, spiking=False)
            tensors[f"primitive_{suffix}"] = function(torch.from_numpy(points)).numpy().copy()
    if name not in NO_PRIMITIVE:
        tensors["primitive_grad_f64"] = gradient(surrogate_function(name, params, spiking=False), x.astype(np.float64))
    if name in PLAIN_PRIMITIVES:
        with np.errstate(all="ignore"):
            same({"name": name}, "primitive", tensors["primitive_f32"], primitive(name, params, x, np.float32))
    return tensors


def run_surrogates():
    """The cases and tensors of surrogates.safetensors."""
    x = surrogate_grid()
    cases, tensors = [], {"x": x}
    for name, (_, settings) in SURROGATES.items():
        for params in settings:
            label = "-".join([name, *(f"{key}-{value}" for key, value in params.items())])
            made = surrogate_tensors(name, params, x)
            tensors |= {f"{label}/{key}": value for key, value in made.items()}
            entry = {"name": label, "file": "surrogates.safetensors", "surrogate": name, "surrogate_params": params}
            entry["exact_grad"] = name in PLAIN_GRADIENTS or (name, params) == ("q-pseudo-spike", {"alpha": 2.0})
            entry["exact_primitive"] = name in PLAIN_PRIMITIVES or (name, params) == ("q-pseudo-spike", {"alpha": 2.0})
            cases.append(entry | {"tensors": sorted(made)})
    return cases, tensors


# ---------------------------------------------------------------- files


def check_version():
    found = importlib.metadata.version("spikingjelly")
    if found != SPIKINGJELLY:
        raise SystemExit(f"spikingjelly {SPIKINGJELLY} is needed, {found} is installed")


def run_neurons():
    """The cases, and the tensors of each file."""
    cases = lif_cases() + simple_lif_cases() + surrogate_cases() + smooth_cases() + special_cases()
    cases += non_spiking_cases() + f64_cases()
    assert len({case["name"] for case in cases}) == len(cases), "two cases have one name"
    files = {}
    with np.errstate(all="ignore"):
        for case in cases:
            files.setdefault(case["file"], {}).update(run_case(case))
    return cases, files


def write(folder, cases, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        save_file(tensors, folder / name, metadata={"spikingjelly": SPIKINGJELLY})
    text = json.dumps(cases, indent=2, sort_keys=True, allow_nan=False)
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", text)
    (folder / "cases.json").write_text(text + "\n")


def main():
    parser = argparse.ArgumentParser(description="Makes the golden data from SpikingJelly " + SPIKINGJELLY)
    parser.add_argument("folder", type=pathlib.Path, help="where the files go")
    folder = parser.parse_args().folder
    check_version()
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)
    neurons, files = run_neurons()
    surrogates, files["surrogates.safetensors"] = run_surrogates()
    versions = {name: importlib.metadata.version(name) for name in ("spikingjelly", "torch", "numpy")}
    write(folder, {"made_with": versions, "neurons": neurons, "surrogates": surrogates}, files)
    exact = sum(case.get("exact_forward", True) for case in neurons)
    print(f"{len(neurons)} neuron cases, {exact} equal to the mirror in every bit; {len(surrogates)} surrogate cases")
    for path in sorted(folder.glob("*.safetensors")) + [folder / "cases.json"]:
        print(f"{path.stat().st_size:>9} {path.name}")


if __name__ == "__main__":
    main()
