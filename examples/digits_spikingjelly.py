"""Trains 64-128-10 on the digits with SpikingJelly 2.0.0, for docs/import.md; run in the folder of the project.

Writes out/digits-sj.pt (torch.save of the state dict), and the held-out samples: out/digits-sj-test.csv, and with the
spikes of the network out/digits-sj-test.safetensors.
"""

import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from spikingjelly.activation_based import functional, layer, neuron, surrogate

torch.manual_seed(0)
table = torch.from_numpy(np.loadtxt("examples/data/digits.csv", delimiter=",", dtype=np.float32))
x, y = table[:, :64], table[:, 64].long()
pathlib.Path("out").mkdir(exist_ok=True)
test = torch.arange(len(x)) % 5 == 0
T = 16

model = torch.nn.Sequential(
    layer.Linear(64, 128),
    neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan()),
    layer.Linear(128, 10),
    neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan()),
)
functional.set_step_mode(model, "m")


def spikes(x):
    functional.reset_net(model)
    return model((x / 16).repeat(T, 1, 1))  # [T, B, 10]


optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(15):
    for batch in torch.randperm(int((~test).sum())).split(32):
        loss = torch.nn.functional.cross_entropy(spikes(x[~test][batch]).mean(0), y[~test][batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    s = spikes(x[test])
print("accuracy %.2f %%" % (100 * (s.mean(0).argmax(1) == y[test]).float().mean()))
torch.save(model.state_dict(), "out/digits-sj.pt")
save_file({"input": x[test].contiguous(), "spikes": s}, "out/digits-sj-test.safetensors")
np.savetxt("out/digits-sj-test.csv", table[test], "%d", ",")
