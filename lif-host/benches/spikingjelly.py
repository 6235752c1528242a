#!/usr/bin/env python3
"""SpikingJelly's side of the GPU benchmark: LIFNode, multi-step, training, ATan, hard reset.

    pip install spikingjelly==2.0.0 torch==2.11.0 triton==3.6.0
    python3 spikingjelly.py OUT.csv

Writes shape, number type and milliseconds of forward and backward, eager and replayed in a CUDA graph: medians of
device events. `cargo bench -p lif-host --bench cuda -- --spikingjelly OUT.csv` reads them.
"""

import csv
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path

# This file has the name of the package, and its folder comes first.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != Path(__file__).resolve().parent]

import torch
from spikingjelly.activation_based import functional, neuron, surrogate

SHAPES = [(4, 1 << 24), (16, 1 << 22), (64, 1 << 20), (256, 1 << 18), (1000, 1 << 16), (16, 1 << 14), (128, 1 << 12)]
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
# Longest time for one measurement.
SECONDS = 1.5


def median_ms(work, inner=1):
    """Median time of `work`, `inner` calls between two events."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    times, start = [], time.time()
    while len(times) < 5 or (time.time() - start < SECONDS and len(times) < 50):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(inner):
            work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / inner)
    return statistics.median(times)


def measure(steps, neurons, dtype):
    node = neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan(), step_mode="m")
    node.train()
    # As many inputs as it takes to be larger than the cache.
    sets = 3 if steps * neurons >= 1 << 24 else 1
    xs = [(torch.randn(steps, neurons, device="cuda") + 0.6).to(dtype).requires_grad_() for _ in range(sets)]
    grad = torch.randn(steps, neurons, device="cuda").to(dtype)
    turn = [0]

    def both():
        turn[0] = (turn[0] + 1) % sets
        x = xs[turn[0]]
        x.grad = None
        functional.reset_net(node)
        node(x).backward(grad)

    eager = median_ms(both)
    graph_ms = float("nan")
    try:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                both()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        for x in xs:
            x.grad = None
        with torch.cuda.graph(graph):
            both()
        graph_ms = median_ms(graph.replay, 1 if sets > 1 else 20)
    except RuntimeError as error:
        print(f"graph of {steps} x {neurons}: {error}", file=sys.stderr)
    return eager, graph_ms


def main():
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("spikingjelly", "torch", "triton"))
    card = torch.cuda.get_device_name()
    with open(sys.argv[1], "w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["steps", "neurons", "type", "eager_ms", "graph_ms", "card", "versions"])
        for name, dtype in TYPES.items():
            for steps, neurons in SHAPES:
                # bf16 takes what f16 takes; the sequences that it is slowest on are left out.
                if name == "bf16" and steps > 64:
                    continue
                eager, graph = measure(steps, neurons, dtype)
                rows.writerow([steps, neurons, name, f"{eager:.5f}", f"{graph:.5f}", card, versions])
                out.flush()
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
