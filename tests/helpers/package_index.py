"""A package index on this machine with wheels that hold any files."""

import contextlib
import functools
import hashlib
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def write_wheel(index: Path, name: str, version: str, files: Mapping[str, bytes]) -> str:
    """Put a wheel on an index, which keeps each package in `index`/simple/name, and return its SHA-256."""
    module = name.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    folder = index / "simple" / name
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{module}-{version}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: not-wanted\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{about}/METADATA", metadata)
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
        for path, content in files.items():
            archive.writestr(path, content)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@contextlib.contextmanager
def serving(index: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the address for PIP_INDEX_URL, and a list that the path of each request is put on."""
    requests: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        """Serves folders as pages of links, which is what an index consists of."""

        def log_message(self, *arguments: object) -> None:
            requests.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(index)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple", requests
    finally:
        server.shutdown()
        server.server_close()
