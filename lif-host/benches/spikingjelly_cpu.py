"""The figures of SpikingJelly beside those of `cargo bench --bench cpu`, on the same machine.

    python3 spikingjelly_cpu.py [--out DIRECTORY] [--threads 2] [--rounds 3] [--no-compile] [ROW ...]

wants the packages spikingjelly 2.0.0 and torch; torch.compile wants a C++ compiler as well. Prints one line of CSV a
row and a mode: row, mode, minimum and median in milliseconds, number of runs.
"""

import argparse
import statistics
import sys
import time

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate

RATE = 0.2


def lif():
    return neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan(), step_mode="m")


def network(sizes):
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:]):
        layers += [layer.Linear(n_in, n_out, step_mode="m"), lif()]
    return torch.nn.Sequential(*layers)


def compiled(model):
    """`model` from its initial state, compiled whole."""

    def run(x):
        functional.reset_net(model)
        return model(x)

    return torch.compile(run)


def eager(model):
    def run(x):
        functional.reset_net(model)
        return model(x)

    return run


def training(sizes, steps, batch, wrap):
    torch.manual_seed(0)
    model = network(sizes)
    run = wrap(model)
    # The faster of torch's three kinds of Adam on a CPU.
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    x = (torch.rand(steps, batch, sizes[0]) < RATE).float()
    y = torch.randint(0, sizes[-1], (batch,))

    def step():
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(run(x).mean(0), y)
        loss.backward()
        optimiser.step()

    return step


def neurons(steps, n, wrap):
    torch.manual_seed(0)
    run = wrap(lif())
    x = (torch.rand(steps, n) * 2).requires_grad_()
    grad = torch.randn(steps, n)

    def step():
        x.grad = None
        run(x).backward(grad)

    return step


def inference(sizes, steps, batch, wrap):
    torch.manual_seed(0)
    model = network(sizes).eval()
    run = wrap(model)
    x = (torch.rand(steps, batch, sizes[0]) < RATE).float()

    def step():
        with torch.no_grad():
            run(x).mean(0)

    return step


ROWS = {
    "train 64-128-10 T=16 B=64": lambda wrap: training([64, 128, 10], 16, 64, wrap),
    "train 784-256-10 T=16 B=256": lambda wrap: training([784, 256, 10], 16, 256, wrap),
    "neurons 16 x 2^20": lambda wrap: neurons(16, 1 << 20, wrap),
    "inference 784-256-10 T=16 B=1": lambda wrap: inference([784, 256, 10], 16, 1, wrap),
}


def measure(step, seconds):
    """Milliseconds of each run, after a warm-up."""
    for _ in range(3):
        step()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--csv", help="file to append the lines to")
    parser.add_argument("rows", nargs="*", help="beginnings of the names of rows; all by default")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    out = open(args.csv, "a") if args.csv else sys.stdout
    modes = {"eager": eager} if args.no_compile else {"eager": eager, "compile": compiled}
    for row, make in ROWS.items():
        if args.rows and not any(row.startswith(start) for start in args.rows):
            continue
        for mode, wrap in modes.items():
            times = measure(make(wrap), args.seconds)
            line = f"{row},{mode},{min(times):.4f},{statistics.median(times):.4f},{len(times)}"
            print(line, file=out, flush=True)


if __name__ == "__main__":
    main()
