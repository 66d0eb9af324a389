"""Symbols per second and core, from payload to file, beside other people's libraries; and peak memory.

    python benchmarks/symbols.py [--quick]

Engines take turns in rounds, and the result is the median of their CPU time: a busy machine slows all of
them. Everybody makes whole files in memory. "segno" and "python-barcode" are those libraries with their own
writers; "…, our writer" is the reference engine, which leaves only the encoding to them. zint, in C, checks
no Application Identifiers here, as our encoders do not. libdmtx writes no files. "smallest size" is its
search over all schemes, the only way to the batch engine's sizes, timed up to the modules. "pylibdmtx" is the
common call, timed up to the pixels; its symbols are not GS1. With our writer, libdmtx uses single schemes.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _symbol_cases import BATCH, CASES, Case, Maker, engines, payloads

MOST_SYMBOLS = 5 * BATCH


def seconds(make: Maker, batch: Sequence[bytes]) -> float:
    start = time.process_time()
    if make(batch) < 100 * len(batch):
        raise RuntimeError("files are missing")
    return time.process_time() - start


def speeds(case: Case, rounds: int, seconds_each: float) -> dict[str, float]:
    """Return each engine's symbols per second of CPU time."""
    makers = engines(case)
    supply = payloads(case.kind, MOST_SYMBOLS)
    counts: dict[str, int] = {}
    for name, make in makers.items():
        first = BATCH if name == "batch engine" else 10
        make(supply[:first])  # tables and caches that a process fills once
        taken = seconds(make, supply[:first])
        counts[name] = max(first, min(MOST_SYMBOLS, int(first * seconds_each / max(taken, 1e-4))))
    taken_by: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            taken_by[name].append(seconds(make, supply[: counts[name]]) / counts[name])
    return {name: 1 / statistics.median(taken) for name, taken in taken_by.items()}


def print_speeds(case: Case, rounds: int, seconds_each: float) -> None:
    measured = speeds(case, rounds, seconds_each)
    ours = measured["batch engine"]
    print(f"\n{case.name}")
    for name, speed in measured.items():
        line = f"  {name:28}{speed:11,.0f} /s"
        if name != "batch engine":
            ratio = ours / speed
            line += f"{ratio:10,.1f} x"
            if aim := case.aims.get(name):
                line += f"   aim {aim:g} x: {'met' if ratio >= aim else 'MISSED'}"
        print(line, flush=True)


def print_memory(counts: Sequence[int]) -> None:
    """Print the peak memory of child processes that draw this many symbols in batches."""
    print(f"\npeak memory, every kind as SVG in batches of {BATCH:,}")
    script = Path(__file__).with_name("_symbol_memory.py")

    def peak(count: int) -> int:
        done = subprocess.run(
            [sys.executable, str(script), str(count)], capture_output=True, check=True, text=True
        )
        return int(done.stdout)

    with ThreadPoolExecutor(2) as pool:
        for count, size in zip(counts, pool.map(peak, counts), strict=True):
            print(f"  {count:>9,} symbols{size / 2**20:9.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round; memory up to 100,000 symbols")
    quick = parser.parse_args().quick
    for case in CASES:
        print_speeds(case, rounds=1 if quick else 5, seconds_each=0.1 if quick else 0.2)
    print_memory((10_000, 100_000) if quick else (10_000, 100_000, 1_000_000))


if __name__ == "__main__":
    main()
