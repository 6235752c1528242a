"""Makes the networks of tests/tests/import.rs with SpikingJelly 2.0.0 and snnTorch 1.0.0.

    python import.py FOLDER

needs torch, numpy, safetensors, spikingjelly == 2.0.0 and snntorch == 1.0.0, and writes for each NAME

    NAME.safetensors      the state dict, weights and biases multiples of 2^-8, so that every sum in f32 is exact
    NAME-run.safetensors  "input", and what the framework computes of it: "spikes" and "membranes" of the last layer,
                          "layer1.spikes", and "output" where the last layer is read out

The files NAME.toml beside them are written by hand. Everything runs on one thread of the CPU, from fixed seeds.
"""

import importlib.metadata
import pathlib
import sys

import snntorch
import torch
from safetensors.torch import save_file
from spikingjelly.activation_based import functional, neuron
from torch import nn

for package, version in [("spikingjelly", "2.0.0"), ("snntorch", "1.0.0")]:
    assert importlib.metadata.version(package) == version, package
torch.set_num_threads(1)
folder = pathlib.Path(sys.argv[1])
T, B, N_IN, N_HIDDEN, N_OUT = 16, 4, 64, 32, 10


def dyadic(model, *gains):
    """Weights and biases that are multiples of 2^-8, of the magnitude `gains` in each layer."""
    linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for linear, gain in zip(linears, gains, strict=True):
            for p in linear.parameters():
                p.copy_(torch.round((2 * torch.rand_like(p) - 1) * gain * 256) / 256)


def save(name, model, tensors):
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / f"{name}.safetensors")
    save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, folder / f"{name}-run.safetensors")
    spikes = tensors["layer1.spikes"].mean().item(), tensors.get("spikes", torch.zeros(1)).mean().item()
    print(name, "share of spikes: layer 1 %.3f, last %.3f" % spikes)


def spikingjelly_values():
    """Values into LIF with a hard and a soft reset."""
    torch.manual_seed(1)
    lif = [
        neuron.LIFNode(tau=1.7, step_mode="m", store_v_seq=True),
        neuron.LIFNode(tau=3.0, decay_input=False, v_threshold=0.75, v_reset=None, step_mode="m", store_v_seq=True),
    ]
    model = nn.Sequential(nn.Linear(N_IN, N_HIDDEN), lif[0], nn.Linear(N_HIDDEN, N_OUT), lif[1])
    dyadic(model, 0.75, 1.0)
    x = torch.randint(0, 17, (B, N_IN)).float()
    with torch.no_grad():
        hidden = model[1](model[0]((x / 16).repeat(T, 1, 1)))
        spikes = model[3](model[2](hidden))
    save("spikingjelly", model, {"input": x, "layer1.spikes": hidden, "spikes": spikes, "membranes": lif[1].v_seq})


def spikingjelly_spikes():
    """Spikes into SimpleLIF, then ParametricLIF, then membranes that are read out; no bias in the last layer."""
    torch.manual_seed(2)
    model = nn.Sequential(
        nn.Linear(N_IN, N_HIDDEN),
        neuron.SimpleLIFNode(tau=4.0, decay_input=False, v_reset=-0.25, step_mode="m"),
        nn.Linear(N_HIDDEN, N_HIDDEN),
        neuron.ParametricLIFNode(init_tau=2.0, v_reset=0.0, step_mode="m"),
        nn.Linear(N_HIDDEN, N_OUT, bias=False),
    )
    readout = neuron.NonSpikingLIFNode(tau=2.5, decode=None)
    dyadic(model, 0.5, 1.5, 1.0)
    x = (torch.rand(T, B, N_IN) < 0.2).float()
    with torch.no_grad():
        hidden = model[1](model[0](x))
        second = model[3](model[2](hidden))
        membranes = torch.stack(list(readout(model[4](second))))
    functional.reset_net(model)
    tensors = {"input": x, "layer1.spikes": hidden, "layer2.spikes": second, "membranes": membranes}
    save("spikingjelly-readout", model, tensors | {"output": membranes[-1]})


class Leaky(nn.Module):
    """snnTorch's usual network: a Linear and a Leaky, again and again."""

    def __init__(self, sizes, neurons):
        super().__init__()
        self.layers = []
        for i, (n_in, n_out, kwargs) in enumerate(zip(sizes, sizes[1:], neurons), 1):
            linear, leaky = nn.Linear(n_in, n_out), snntorch.Leaky(**kwargs)
            setattr(self, f"fc{i}", linear)
            setattr(self, f"lif{i}", leaky)
            self.layers.append((linear, leaky))

    def run(self, x):
        mems = [None for _ in self.layers]
        steps = []
        for t in range(T):
            cur, row = x[t], []
            for i, (linear, leaky) in enumerate(self.layers):
                cur, mems[i] = leaky(linear(cur), mems[i])
                row.append((cur, mems[i]))
            steps.append(row)
        return [[torch.stack([row[l][k] for row in steps]) for k in range(2)] for l in range(len(self.layers))]


def snntorch_networks():
    zero = {"reset_mechanism": "zero"}
    subtract = {"reset_mechanism": "subtract", "reset_delay": False}
    torch.manual_seed(3)
    # beta = 1 - 2^-n: 1 - 1/tau is exact, and so are the membranes.
    model = Leaky([N_IN, N_HIDDEN, N_OUT], [dict(beta=0.75, **zero), dict(beta=0.5, threshold=1.5, **subtract)])
    dyadic(model, 0.375, 0.5)
    x = (torch.rand(T, B, N_IN) < 0.3).float()
    with torch.no_grad():
        (hidden, _), (spikes, membranes) = model.run(x)
    # Where a membrane is above the threshold after a reset too, snnTorch's soft reset is another.
    assert (membranes <= 1.5).all() and spikes.any()
    save("snntorch", model, {"input": x, "layer1.spikes": hidden, "spikes": spikes})

    torch.manual_seed(4)
    none = {"reset_mechanism": "none"}
    beta = torch.rand(N_HIDDEN) * 0.5 + 0.25
    model = Leaky([N_IN, N_HIDDEN, N_OUT], [dict(beta=beta, **zero, reset_delay=False), dict(beta=0.875, **none)])
    dyadic(model, 0.375, 1.5)
    with torch.no_grad():
        (hidden, _), (_, membranes) = model.run(x)
    tensors = {"input": x, "layer1.spikes": hidden, "membranes": membranes, "output": membranes[-1]}
    save("snntorch-readout", model, tensors)

    # The default: a reset that comes late.
    torch.manual_seed(5)
    model = Leaky([N_IN, N_HIDDEN, N_OUT], [dict(beta=0.75), dict(beta=0.75)])
    dyadic(model, 0.375, 1.5)
    with torch.no_grad():
        (hidden, _), (spikes, _) = model.run(x)
    save("snntorch-late", model, {"input": x, "layer1.spikes": hidden, "spikes": spikes})


folder.mkdir(parents=True, exist_ok=True)
spikingjelly_values()
spikingjelly_spikes()
snntorch_networks()
