"""Peak memory of drawing symbols of every kind, batch by batch; its one argument is how many. Prints bytes."""

import resource
import sys
from itertools import cycle

from _symbol_cases import BATCH, CASES, files_of, payloads

from renderers.registry import FileFormat

if __name__ == "__main__":
    left = int(sys.argv[1])
    # Every kind as SVG; the payloads of a batch are new each time, as those of an export are.
    cases = cycle(case for case in CASES if case.file_format is FileFormat.SVG)
    batches = 0
    while left:
        case = next(cases)
        count = min(BATCH, left)
        for _files in files_of(case, payloads(case.kind, count, seed=batches)):
            pass
        left -= count
        batches += 1
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(kibibytes * 1024)
