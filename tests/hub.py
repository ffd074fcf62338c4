"""A model hub on this machine: as much of the Hugging Face Hub's HTTP as one push and one download need."""

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
BRANCHES = {**{branch: branch for branch in COMMITS}, **{name: branch for branch, name in COMMITS.items()}}


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Yield the address of a hub that keeps each repository in `folder`/owner/name/branch."""
    handler = type("Handler", (Hub,), {"folder": folder})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Hub(BaseHTTPRequestHandler):
    folder: Path
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
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/(\w+).*)?", path):
            name, what, branch = match[1], match[2], BRANCHES[match[3] or "main"]
            root = self.folder / name / branch
            files = [file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file()]
            if not root.exists():
                self.answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            elif what == "tree":
                self.answer([{"type": "file", "path": file, "size": 1, "oid": "0"} for file in files])
            else:
                siblings = [{"rfilename": file} for file in files]
                self.answer({"id": name, "sha": COMMITS[branch], "siblings": siblings, "tags": []})
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path):
            branch = BRANCHES[match[2]]
            file, commit = self.folder / match[1] / branch / match[3], {"X-Repo-Commit": COMMITS[branch]}
            if file.is_file():
                self.send(file.read_bytes(), 200, commit)
            else:
                self.answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound", **commit})
        else:
            self.answer({"error": path}, 404)

    def answer(self, content, status=200, headers=()):
        self.send(json.dumps(content).encode(), status, dict(headers))

    def send(self, body: bytes, status: int, headers: dict[str, str]):
        self.send_response(status)
        etag = hashlib.sha256(body).hexdigest()
        for name, value in {"Content-Length": str(len(body)), "ETag": f'"{etag}"', **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass
