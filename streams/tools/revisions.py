"""Rule files as they were at a revision of git."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

from streams.rulefile import SUFFIXES


class NoRevision(Exception):
    """git cannot give the files; the text says why."""


def files_at(directory: Path, revision: str) -> dict[str, bytes]:
    """The rule files of a folder at a revision, by their path below it. Raises NoRevision."""
    if revision.startswith("-"):
        raise NoRevision(f"{revision!r} is no revision")
    try:
        done = subprocess.run(["git", "-C", str(directory), "archive", "--format=tar", revision], capture_output=True,
                              check=False)
    except FileNotFoundError as error:
        raise NoRevision("git is not installed") from error
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise NoRevision(f"{directory} has no revision {revision!r}: {told}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        return {entry.name: _read(archive, entry) for entry in archive if entry.isfile() and _matters(entry.name)}


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(entry)
    assert stream is not None, "it is a file"
    return stream.read()


def _matters(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in SUFFIXES and not any(part.startswith(".") for part in path.parts)
