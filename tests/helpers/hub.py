"""Serves models and datasets on this machine, with as much of the Hub's HTTP API as its clients need."""

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMITS = {"main": "1" * 40, "old": "2" * 40}
NAMES = {commit: branch for branch, commit in COMMITS.items()}
API = r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+).*)?"
FILE = r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)"
TOKEN = "hf_ofsomebodywhohasaccess"
GATED = "gated"  # a file with this name in a repository's folder makes its files require TOKEN


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Yield the address of a hub that serves each repository from `folder`/owner/name/revision.

    Datasets are in `folder`/datasets. A revision's folder is named after a branch in COMMITS or a commit.
    """
    with serving(folder) as (address, _):
        yield address


@contextlib.contextmanager
def serving(
    folder: Path, broken: frozenset[str] = frozenset()
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the address of a hub and the list of its requests: method, and path with range.

    broken: files whose first response breaks off in the middle.
    """
    requests: list[tuple[str, str]] = []
    attributes = {"folder": folder, "requests": requests, "broken": set(broken)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Hub,), attributes))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()


class Hub(BaseHTTPRequestHandler):
    folder: Path
    requests: list[tuple[str, str]]
    broken: set[str]
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            repository = "/".join(filter(None, [asked.get("organization"), asked["name"]]))
            (self.folder / repository / "main").mkdir(parents=True)
            self.answer({"url": f"http://{self.headers['Host']}/{repository}"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif self.path.endswith("/preupload/main"):
            files = [{"path": file["path"], "uploadMode": "regular"} for file in json.loads(body)["files"]]
            self.answer({"files": [{**file, "shouldIgnore": False} for file in files]})
        elif match := re.fullmatch(r"/api/models/(.+/.+)/commit/main", self.path):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    path = self.folder / match[1] / "main" / line["value"]["path"]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(base64.b64decode(line["value"]["content"]))
            commit = COMMITS["main"]
            url = f"http://{self.headers['Host']}/{match[1]}/commit/{commit}"
            self.answer({"commitUrl": url, "commitOid": commit})
        else:
            self.answer({"error": self.path}, 404)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = self.path.split("?")[0]
        self.requests.append((self.command, f"{path} {self.headers.get('Range', '')}".strip()))
        if match := re.fullmatch(API, path):
            kind, name, what, revision = match.groups()
            if root := self.root(kind, name, revision or "main"):
                files = [file for file in sorted(root.rglob("*")) if file.is_file()]
                self.answer(self.tree(root, files) if what == "tree" else self.about(root, name, files))
        elif match := re.fullmatch(FILE, path):
            kind, name, revision, file = match.groups()
            if root := self.root(kind, name, revision):
                self.resolve(root, file)
        else:
            self.answer({"error": path}, 404)

    def root(self, kind: str | None, name: str, revision: str) -> Path | None:
        """Return the folder of a repository at a revision, or None after an error response."""
        repository = self.folder / ("datasets" if kind and kind.startswith("datasets") else "") / name
        root = repository / NAMES.get(revision, revision)
        if root.is_dir():
            return root
        error = "RevisionNotFound" if repository.is_dir() else "RepoNotFound"
        self.answer({"error": error}, 404, {"X-Error-Code": error})
        return None

    def about(self, root: Path, name: str, files: list[Path]) -> dict:
        siblings = [{"rfilename": file.relative_to(root).as_posix()} for file in files]
        return {"id": name, "sha": self.commit(root), "siblings": siblings, "tags": []}

    def tree(self, root: Path, files: list[Path]) -> list[dict]:
        sizes = {file.relative_to(root).as_posix(): file.stat().st_size for file in files}
        return [{"type": "file", "path": path, "size": size, "oid": "0"} for path, size in sizes.items()]

    def commit(self, root: Path) -> str:
        return COMMITS.get(root.name, root.name)

    def resolve(self, root: Path, name: str):
        file, commit = root / name, {"X-Repo-Commit": self.commit(root)}
        if (root.parent / GATED).exists() and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer({"error": "gated"}, 403, {"X-Error-Code": "GatedRepo", **commit})
        elif file.is_file():
            self.send(file.read_bytes(), 200, {"Accept-Ranges": "bytes", **commit})
        else:
            self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound", **commit})

    def answer(self, content, status=200, headers=()):
        self.send(json.dumps(content).encode(), status, dict(headers))

    def send(self, body: bytes, status: int, headers: dict[str, str]):
        headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
        begin = 0
        if status == 200 and (asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))):
            begin, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body) - begin), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if (name := self.path.rsplit("/", 1)[1]) in self.broken:
            self.broken.discard(name)
            self.wfile.write(body[begin : (begin + len(body)) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body[begin:])

    def log_message(self, *arguments):
        pass
