"""Reads a user's CSV files strictly: unique columns, complete rows, each row with its line."""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from .errors import BadInput


def csv_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV file, each with the number of its first line: column -> text.

    The first row is the header. Empty rows are skipped, as are the empty fields that spreadsheets write at
    the end of lines; a file whose name ends in .gz is decompressed. Raises BadInput that names file and line
    if a column appears twice, a row has too few or too many fields, bytes are not UTF-8, or the text is
    not CSV.
    """
    records = _records(path)
    line, header = next(records, (1, []))
    columns = [name.strip() for name in header]
    while columns and not columns[-1]:
        columns.pop()
    _check_header(path, line, columns)
    for line, fields in records:
        if len(fields) < len(columns) or any(field.strip() for field in fields[len(columns) :]):
            raise BadInput(f"{path}:{line}: {len(fields)} fields, but the header has {len(columns)} columns")
        yield line, dict(zip(columns, fields, strict=False))


def utf8_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file with their numbers; BadInput names a line that is not UTF-8."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise BadInput(
                        f"{path}:{number}: not UTF-8: {error.reason} at byte {error.start}"
                    ) from None
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder, not a file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from None


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(sys.maxsize)  # by default a field of 128 KiB is an error
    reader = csv.reader((line for _, line in utf8_lines(path)), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(f"{path}:{line}: not CSV: {error}") from None
        if any(field.strip() for field in fields):
            yield line, fields


def _check_header(path: Path, line: int, columns: list[str]) -> None:
    if not columns:
        raise BadInput(f"{path}: empty; expected a CSV file whose first line names the columns")
    for column in columns:
        if columns.count(column) > 1:
            raise BadInput(f'{path}:{line}: column "{column}" appears twice')
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        raise BadInput(f'{path}:{line}: only one column, "{columns[0][:60]}"; separate columns with commas')
