"""A Postgres server in a temporary folder, filled from a DuckDB file and queried through psql."""

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import duckdb

_TYPES = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "BLOB": "text", "BOOLEAN": "boolean"}
_INDEXES = (
    "products (org, gtin14)",
    "lots (id)",
    "lots (lot_run_id)",
    "serials (org, gtin14)",
    "serials (product_id)",
    "serials (lot_id)",
    "serials (id)",
    "lifecycle_events (entity_id)",
)


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running server, reached through a Unix socket in its folder."""

    folder: Path
    programs: Path
    user: str | None

    @classmethod
    def start(cls, folder: Path, source: duckdb.DuckDBPyConnection) -> "Postgres | None":
        """Start a server with a copy of the source's tables. Without Postgres, print a line and return None."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not found or shutil.which("psql") is None:
            print("Postgres: not installed, skipped (on Debian: apt-get install postgresql)")
            return None
        # Postgres refuses to run as root.
        user = "postgres" if os.getuid() == 0 else None
        server = cls(folder / "postgres", found[-1].parent, user)
        server.folder.mkdir()
        folder.chmod(0o755)
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(server.folder, owner.pw_uid, owner.pw_gid)
        server._run("initdb", "-D", str(server.folder / "data"), "-A", "trust", "--no-sync")
        options = f"-k {server.folder} -c listen_addresses='' -c shared_buffers=1GB -c fsync=off"
        server._run(
            "pg_ctl",
            "-D",
            str(server.folder / "data"),
            "-w",
            "-l",
            str(server.folder / "log"),
            "-o",
            options,
            "start",
        )
        server._fill(source)
        return server

    def ask(self, query: str, repeats: int) -> tuple[int, float]:
        """Return the query's number, and the median seconds of a warm run."""
        flat = " ".join(query.split())
        script = self.folder.parent / "query.sql"
        script.write_text("\\timing on\n" + f"{flat};\n" * (repeats + 1))
        output = self._psql("-t", "-A", "-f", str(script))
        times = sorted(float(text) for text in re.findall(r"Time: ([0-9.]+) ms", output)[1:])
        number = re.search(r"^([0-9]+)$", output, re.MULTILINE)
        assert number is not None
        return int(number.group(1)), times[len(times) // 2] / 1000

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def _fill(self, source: duckdb.DuckDBPyConnection) -> None:
        tables = [row[0] for row in source.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for table in tables:
            described = source.execute(f"DESCRIBE {table}").fetchall()
            columns = ", ".join(f"{row[0]} {_TYPES.get(row[1], 'text')}" for row in described)
            self._psql("-c", f"CREATE TABLE {table} ({columns})")
            rows = self.folder.parent / f"{table}.csv"
            source.execute(f"COPY {table} TO '{rows}' (HEADER false)")
            self._psql("-c", f"\\copy {table} FROM '{rows}' CSV")
            rows.unlink()
        for index in _INDEXES:
            self._psql("-c", f"CREATE INDEX ON {index}")
        self._psql("-c", "VACUUM ANALYZE")

    def _psql(self, *arguments: str) -> str:
        name = self.user or pwd.getpwuid(os.getuid()).pw_name
        command = [
            "psql",
            "-X",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self.folder),
            "-U",
            name,
            "postgres",
            *arguments,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        # If the server inherited our pipes, we would wait for its end.
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=self.user
        )
