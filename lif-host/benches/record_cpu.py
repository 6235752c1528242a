"""Runs `cargo bench --bench cpu` and spikingjelly_cpu.py in turns, and records both.

    python3 lif-host/benches/record_cpu.py MACHINE [--rounds 3] [--seconds 2] [--threads 2]

with a Python that has spikingjelly 2.0.0 and torch, from the root of the repository. Writes
lif-host/benches/record/MACHINE/DATE-cpu.csv, a line a row, side and round, and prints a table of the medians over the
rounds of each side's median, and of the least times. On a machine that does other work too, the least times say more.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def processor():
    names = [line for line in open("/proc/cpuinfo") if line.startswith(("model name", "cpu family", "model\t", "stepping"))]
    return ", ".join(line.split(":")[1].strip() for line in sorted(set(names), key=names.index))


def bench_binary():
    """Builds the benchmark for the baseline of its architecture."""
    built = output("cargo", "bench", "-p", "lif-host", "--no-default-features", "--bench", "cpu", "--no-run",
                   "--message-format=json")
    artifacts = [json.loads(line) for line in built.splitlines() if line.startswith("{")]
    return next(a["executable"] for a in artifacts if a.get("target", {}).get("name") == "cpu" and a.get("executable"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", default="2")
    parser.add_argument("--threads", default="2")
    args = parser.parse_args()
    ours = ["env", f"RAYON_NUM_THREADS={args.threads}", bench_binary(), "--seconds", args.seconds]
    peer = [sys.executable, str(HERE / "spikingjelly_cpu.py"), "--seconds", args.seconds, "--threads", args.threads]
    lines = []
    load = os.getloadavg()
    for turn in range(args.rounds):
        for command in (ours, peer):
            lines += [f"{turn + 1},{line}" for line in output(*command).splitlines()]
    folder = HERE / "record" / args.machine
    folder.mkdir(parents=True, exist_ok=True)
    version = importlib.metadata.version
    notes = [
        f"# processor: {processor()}; {args.threads} threads; {platform.system()} {platform.release()}",
        f"# commit: {output('git', 'describe', '--always', '--dirty')}; {output('rustc', '--version')}",
        f"# python {platform.python_version()}, spikingjelly {version('spikingjelly')}, torch {version('torch')}, "
        f"{output('c++', '--version').splitlines()[0]}",
        f"# load average of the machine: {load[0]:.1f} before, {os.getloadavg()[0]:.1f} after; 2 or less of it are these",
        "# times in milliseconds; turns alternate between the sides",
        "turn,row,side,min_ms,median_ms,runs",
    ]
    path = folder / f"{datetime.date.today()}-cpu.csv"
    path.write_text("\n".join(notes + lines) + "\n")
    table(lines)


def table(lines):
    cells = {}
    for line in lines:
        _, row, side, least, median, _ = line.split(",")
        cells.setdefault(row, {}).setdefault(side, []).append((float(least), float(median)))
    print("| row | lif-host, min / median ms | eager | compile | over eager | over compile |")
    print("|---|---|---|---|---|---|")
    for row, sides in cells.items():
        times = {side: (min(t[0] for t in ts), statistics.median(t[1] for t in ts)) for side, ts in sides.items()}
        cell = lambda side: "{:.4g} / {:.4g}".format(*times[side]) if side in times else ""
        over = lambda side: " / ".join(f"{a / b:.1f}x" for a, b in zip(times[side], times["lif-host"])) if side in times else ""
        print(f"| {row} | {cell('lif-host')} | {cell('eager')} | {cell('compile')} | {over('eager')} | {over('compile')} |")


if __name__ == "__main__":
    main()
