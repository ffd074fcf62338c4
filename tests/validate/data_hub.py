"""A look-alike of the Hugging Face hub for data sets: a folder owner/name/…, read-only, on this machine."""

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0" * 40
FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
ABOUT = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?")


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Yield the address of a hub that has the data sets of a folder, each at every revision."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (DataHub,), {"folder": folder}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class DataHub(BaseHTTPRequestHandler):
    folder: Path
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        if match := FILE.fullmatch(path):
            self.file(self.folder / match[1], match[2], match[3])
        elif match := ABOUT.fullmatch(path):
            self.about(self.folder / match[1], *match.groups()[1:])
        else:
            self.refuse("RepoNotFound")

    def file(self, repository: Path, revision: str, name: str) -> None:
        path = repository / name
        if not path.is_file():
            self.refuse("EntryNotFound" if repository.is_dir() else "RepoNotFound")
            return
        body, status = path.read_bytes(), 200
        headers = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": commit(revision)}
        if part := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first, last = int(part[1]), int(part[2] or len(body) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            body, status = body[first : last + 1], 206
        self.answer(body, status, headers)

    def about(self, repository: Path, what: str | None, revision: str | None, below: str | None) -> None:
        if not repository.is_dir():
            self.refuse("RepoNotFound")
        elif what == "tree":
            recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() == "true"
            folder = repository / (below or "")
            found = sorted(folder.rglob("*") if recursive else folder.glob("*"))
            self.answer([entry(path, repository) for path in found])
        elif what == "paths-info":
            names = json.loads(self.body)["paths"]
            names = [names] if isinstance(names, str) else names
            paths = [repository / name for name in names]
            self.answer([entry(path, repository) for path in paths if path.exists()])
        else:
            files = [
                path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()
            ]
            siblings = [{"rfilename": name} for name in sorted(files)]
            self.answer({"id": f"{repository.parent.name}/{repository.name}", "private": False, "tags": [],
                         "sha": commit(revision or "main"), "siblings": siblings})  # fmt: skip

    def refuse(self, code: str) -> None:
        self.answer({"error": code}, 404, {"X-Error-Code": code})

    def answer(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def commit(revision: str) -> str:
    return revision if re.fullmatch(r"[0-9a-f]{40}", revision) else COMMIT


def entry(path: Path, repository: Path) -> dict[str, Any]:
    name = path.relative_to(repository).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": COMMIT, "size": 0}
    return {"type": "file", "path": name, "oid": hashlib.sha1(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size}  # fmt: skip
