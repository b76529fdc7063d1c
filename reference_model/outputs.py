# SPDX-License-Identifier: GPL-2.0-only
"""Files that a command writes: whole or not at all, and tried before the long work."""

from __future__ import annotations

from pathlib import Path

from .user_error import UserError


class Output:
    """A file that can be written, or else UserError; until ``write`` it stays as it was."""

    def __init__(self, path: str | Path) -> None:
        self._given = path
        try:
            self._path = Path(path).resolve()  # a symbolic link keeps its target
            if self._path.is_dir():
                raise IsADirectoryError(None, "it is a directory")
            self._is_device = self._path.exists() and not self._path.is_file()
            name = self._path.name.replace(".", "-")  # no longer a name of traces or of a record
            self._new = self._path.with_name(f".{name}-new")
            if self._is_device:
                self._path.open("a").close()
            else:
                self._new.touch()
        except (OSError, ValueError) as error:
            raise self._unwritable(error) from None

    def write(self, text: str) -> None:
        """Replace the file by one with this text; UserError if the disk is full."""
        try:
            if self._is_device:
                self._path.write_text(text, encoding="utf-8")
                return
            self._new.write_text(text, encoding="utf-8")
            if self._path.exists():
                self._new.chmod(self._path.stat().st_mode & 0o7777)
            self._new.replace(self._path)
        except OSError as error:
            raise self._unwritable(error) from None

    def close(self) -> None:
        """Leave the file as it was, unless it was written."""
        if not self._is_device:
            self._new.unlink(missing_ok=True)

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _unwritable(self, error: OSError | ValueError) -> UserError:
        reason = error.strerror if isinstance(error, OSError) else error
        return UserError(f"{self._given} cannot be written: {reason}")


def write_whole(path: str | Path, text: str) -> None:
    """Write a file, whole or not at all; UserError if it cannot be written."""
    with Output(path) as output:
        output.write(text)
