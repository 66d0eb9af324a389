import subprocess
import sys

from gs1.symbol_size import SymbolKind
from renderers import reference


def test_every_symbology_has_an_encoder() -> None:
    assert set(reference.ENCODERS) == set(SymbolKind)


def test_the_batch_engine_imports_none_of_the_libraries() -> None:
    code = (
        "import sys, renderers.registry\n"
        "print(*{'segno', 'barcode', 'arbez_dmtx', 'renderers.reference'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == []
