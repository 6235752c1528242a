"""Makes training.safetensors and training.json: losses, spikes and gradients of whole networks, and 100 steps of SGD.

    python tests/golden/make_training.py          # torch 2.15 and spikingjelly 2.0.0, on the CPU

Weights, inputs and constants are multiples of 2^-6 and time constants powers of two, so that every sum of the forward
is exact in f32 in any order and every spike must be equal.
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from spikingjelly.activation_based import neuron, surrogate
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
STEPS, BATCH, INPUTS, HIDDEN, OUTPUTS = 6, 5, 7, 9, 4
SGD_STEPS = 100


def dyadic(rng, shape, reach):
    """Multiples of 2^-6 within +-reach."""
    top = int(reach * 64)
    return rng.integers(-top, top + 1, shape) / 64.0


def spiking(spec):
    """The neurons of `spec`."""
    alpha = surrogate.ATan(2.0)
    common = {
        "v_threshold": spec["v_threshold"],
        "v_reset": spec["v_reset"],
        "surrogate_function": alpha,
        "detach_reset": spec["detach_reset"],
        "step_mode": "m",
    }
    if spec["kind"] == "lif":
        return neuron.LIFNode(tau=spec["tau"], decay_input=spec["decay_input"], **common)
    if spec["kind"] == "plif":
        return neuron.ParametricLIFNode(init_tau=spec["tau"], decay_input=spec["decay_input"], **common)
    if spec["kind"] == "simple-lif":
        return neuron.SimpleLIFNode(tau=spec["tau"], decay_input=spec["decay_input"], **common)
    raise ValueError(spec["kind"])


class Network(nn.Module):
    def __init__(self, case, arrays):
        super().__init__()
        self.layers = nn.ModuleList()
        self.neurons = nn.ModuleList()
        for l, spec in enumerate(case["layers"]):
            weight = torch.tensor(arrays[f"w{l}"])
            linear = nn.Linear(weight.shape[1], weight.shape[0], bias=spec["bias"])
            with torch.no_grad():
                linear.weight.copy_(weight)
                if spec["bias"]:
                    linear.bias.copy_(torch.tensor(arrays[f"b{l}"]))
            self.layers.append(linear)
            if spec["kind"] == "non-spiking-lif":
                self.neurons.append(neuron.NonSpikingLIFNode(spec["tau"], decode=spec["decode"].replace("last-mem", "last_mem")))
            else:
                self.neurons.append(spiking(spec))

    def forward(self, x):
        spikes = []
        for linear, node in zip(self.layers, self.neurons):
            if hasattr(node, "reset"):
                node.reset()
            x = node(linear(x))
            spikes.append(x)
        return x, spikes


def loss_of(case, out, labels):
    kind = case["loss"]["kind"]
    on = case["loss"]["on"]
    values = {"rate": lambda: out.mean(0), "count": lambda: out.sum(0), "readout": lambda: out}[on]()
    if kind == "cross-entropy":
        return functional.cross_entropy(values, labels, label_smoothing=case["loss"]["label_smoothing"])
    target = functional.one_hot(labels, OUTPUTS).to(values)
    correct, incorrect = case["loss"]["correct"], case["loss"]["incorrect"]
    target = target * correct + (1 - target) * incorrect
    return functional.mse_loss(values, target * (STEPS if on == "count" else 1))


def lif(kind="lif", tau=2.0, v_threshold=1.0, v_reset=0.0, decay_input=True, detach_reset=False, bias=True):
    return dict(kind=kind, tau=tau, v_threshold=v_threshold, v_reset=v_reset, decay_input=decay_input, detach_reset=detach_reset, bias=bias)


def readout(decode, tau=2.0):
    return dict(kind="non-spiking-lif", tau=tau, decode=decode, bias=True)


def entropy(on="rate", label_smoothing=0.0):
    return dict(kind="cross-entropy", on=on, label_smoothing=label_smoothing)


def mse(on, correct=1.0, incorrect=0.0):
    return dict(kind="mse", on=on, correct=correct, incorrect=incorrect)


CASES = [
    dict(name="hard-rate", layers=[lif(), lif()], loss=entropy()),
    dict(name="soft-count", layers=[lif(v_reset=None, decay_input=False), lif(v_reset=None)], loss=entropy("count", 0.125)),
    dict(name="reset-detached", layers=[lif(v_reset=-0.25, tau=4.0, detach_reset=True), lif(v_reset=0.25)], loss=entropy()),
    dict(name="no-bias-mse", layers=[lif(bias=False, v_threshold=0.5), lif()], loss=mse("count", 0.75, 0.125)),
    dict(name="simple-lif", layers=[lif("simple-lif", v_reset=0.25), lif("simple-lif", decay_input=False)], loss=mse("rate")),
    dict(name="plif", layers=[lif("plif"), lif("plif", tau=2.0, v_reset=None)], loss=entropy()),
    dict(name="plif-no-decay", layers=[lif("plif", decay_input=False, v_reset=0.125), lif("plif", detach_reset=True)], loss=entropy()),
    dict(name="three-layers", layers=[lif(), lif(v_reset=None), lif()], loss=entropy()),
    dict(name="readout-last", layers=[lif(), readout("last-mem")], loss=entropy("readout")),
    dict(name="readout-max", layers=[lif(), readout("max-mem")], loss=entropy("readout", 0.25)),
    dict(name="readout-mean-mse", layers=[lif(v_reset=None), readout("mean-mem", 4.0)], loss=mse("readout")),
]


def trainable(net):
    """The parameters in the project's order: all weights and biases, then the w of each parametric layer."""
    params = []
    for linear in net.layers:
        params += [linear.weight] + ([linear.bias] if linear.bias is not None else [])
    return params, [n.w for n in net.neurons if isinstance(n, neuron.ParametricLIFNode)]


def flat(tensors):
    return np.concatenate([t.detach().double().numpy().reshape(-1) for t in tensors])


def main():
    tensors, described = {}, []
    for number, case in enumerate(CASES):
        rng = np.random.default_rng(1000 + number)
        sizes = [INPUTS] + [HIDDEN] * (len(case["layers"]) - 1) + [OUTPUTS]
        arrays = {}
        for l, spec in enumerate(case["layers"]):
            arrays[f"w{l}"] = dyadic(rng, (sizes[l + 1], sizes[l]), 1.5 + l)
            if spec["bias"]:
                arrays[f"b{l}"] = dyadic(rng, (sizes[l + 1],), 0.5)
        x = dyadic(rng, (BATCH, INPUTS), 1.5)
        labels = torch.tensor(rng.integers(0, OUTPUTS, BATCH))
        spikes_of = {}
        for kind in (torch.float32, torch.float64):
            net = Network(case, arrays).to(kind)
            seq = torch.tensor(x, dtype=kind).repeat(STEPS, 1, 1)
            out, spikes = net(seq)
            loss = loss_of(case, out, labels)
            weights, ws = trainable(net)
            for p in weights + ws:
                p.grad = None
            loss.backward()
            spikes_of[kind] = [s.detach().numpy() for s, spec in zip(spikes, case["layers"]) if spec["kind"] != "non-spiking-lif"]
            grad = flat([p.grad for p in weights + ws])
            tensors[f"{case['name']}.grad.{'f32' if kind == torch.float32 else 'f64'}"] = grad
            case[f"loss_{'f32' if kind == torch.float32 else 'f64'}"] = float(loss.detach())
        for a, b in zip(spikes_of[torch.float32], spikes_of[torch.float64]):
            assert (a == b).all(), case["name"]
        bits = [s.reshape(-1).astype(np.uint8) for s in spikes_of[torch.float64]]
        tensors[f"{case['name']}.spikes"] = np.packbits(np.concatenate(bits), bitorder="little")
        rates = [float(s.mean()) for s in spikes_of[torch.float64]]
        assert all(0.01 < r < 0.9 for r in rates), (case["name"], rates)
        net = Network(case, arrays).double()
        weights, ws = trainable(net)
        tensors[f"{case['name']}.weights"] = flat(weights)
        tensors[f"{case['name']}.x"] = x.reshape(-1)
        tensors[f"{case['name']}.labels"] = labels.numpy().astype(np.uint8)
        optimizer = torch.optim.SGD(weights + ws, lr=0.05, momentum=0.5, nesterov=True)
        seq = torch.tensor(x).repeat(STEPS, 1, 1)
        losses = []
        for _ in range(SGD_STEPS):
            optimizer.zero_grad()
            loss = loss_of(case, net(seq)[0], labels)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        tensors[f"{case['name']}.after"] = flat(weights + ws)
        tensors[f"{case['name']}.losses"] = np.array(losses)
        described.append(dict(case, rates=rates))
    # A small problem for the other optimisers: parameters after 20 steps along fixed gradients.
    rng = np.random.default_rng(7)
    start, grads = rng.normal(size=8), rng.normal(size=(20, 8))
    tensors["optimizer.start"], tensors["optimizer.grads"] = start, grads.reshape(-1)
    options = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1),
        "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    }
    for name, make in options.items():
        p = torch.tensor(start, requires_grad=True)
        optimizer = make([p])
        for g in grads:
            p.grad = torch.tensor(g)
            optimizer.step()
        tensors[f"optimizer.{name}"] = p.detach().numpy()
    sizes = dict(steps=STEPS, batch=BATCH, inputs=INPUTS, hidden=HIDDEN, outputs=OUTPUTS, sgd_steps=SGD_STEPS)
    with open(HERE / "training.json", "w") as file:
        json.dump(dict(sizes=sizes, lr=0.05, momentum=0.5, cases=described), file, indent=1)
        file.write("\n")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, HERE / "training.safetensors")


main()
