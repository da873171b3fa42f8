"""A Hugging Face hub of our own on this machine: the few answers that uploads and downloads of models need."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

TOKEN = "hf_of_the_test"
LARGE = (".safetensors", ".png", ".gif")  # what the hub keeps outside of git


@dataclass
class Repository:
    """The files of each commit, and which commit each branch is at."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        """Add a commit with exactly these files."""
        facts = [len(self.commits), *((name, _sha1(data)) for name, data in sorted(files.items()))]
        sha = _sha1(repr(facts).encode())
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """What a branch holds now."""
        return self.commits[self.branches[revision]]


class FakeHub(http.server.ThreadingHTTPServer):
    """Repositories by name. `refuse` maps the beginning of "METHOD /path" to the status and words of an error."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.refuse: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.owner = "someone"
        self.full = False  # whether the store takes no more large files
        self.strict = False  # whether no card is good enough
        self.before: dict[str, Callable[[], Any]] = {}  # by a pattern of a request: what somebody else does just before

    def add(self, name: str, files: dict[str, bytes], private: bool = False) -> Repository:
        """Make a repository with one commit."""
        self.repositories[name] = Repository(private)
        self.repositories[name].commit({".gitattributes": b"", **files})
        return self.repositories[name]

    def downloads(self) -> list[str]:
        """The names of the files whose content was asked for."""
        return [
            line.split("/resolve/")[1].split("/", 1)[1]
            for line in self.asked
            if line.startswith("GET") and "/resolve/" in line
        ]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_HEAD(self) -> None:
        self._serve("HEAD")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def _serve(self, method: str) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = f"{method} {path}"
        self.server.asked.append(asked)
        for pattern in [pattern for pattern in self.server.before if re.search(pattern, asked)]:
            self.server.before.pop(pattern)()
        for start, (status, words) in self.server.refuse.items():
            if asked.startswith(start):
                return self._fail(status, words)
        for pattern, answer in ROUTES:
            if match := re.fullmatch(pattern, asked):
                return answer(self, body, *match.groups())
        self._fail(404, f"nothing at {asked}")

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _json(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _fail(self, status: int, words: str, code: str = "") -> None:
        headers = {"X-Error-Message": words, **({"X-Error-Code": code} if code else {})}
        self._send(status, json.dumps({"error": words}).encode(), headers)

    @property
    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _repository(self, name: str) -> Repository | None:
        found = self.server.repositories.get(name)
        if found is None or (found.private and not self._known):
            self._fail(404 if self._known else 401, "Repository not found", "RepoNotFound")
            return None
        return found

    def _commit_of(self, repository: Repository, revision: str) -> str | None:
        sha = repository.branches.get(revision, revision)
        if sha not in repository.commits:
            self._fail(404, "Invalid rev id", "RevisionNotFound")
            return None
        return sha

    def whoami(self, _: bytes) -> None:
        if not self._known:
            return self._fail(401, "Invalid credentials in Authorization header")
        self._json({"type": "user", "name": self.server.owner, "orgs": []})

    def validate(self, body: bytes) -> None:
        """The hub reads the head of a card before it takes it."""
        head = yaml.safe_load(json.loads(body)["content"].split("---\n")[1])
        fields = ("license", "library_name", "pipeline_tag", "tags")
        errors = [{"message": f'"{name}" is missing'} for name in fields if name not in head]
        self._json({"errors": errors, "warnings": []}, 400 if errors or self.server.strict else 200)

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization'] or self.server.owner}/{asked['name']}"
        if name.split("/")[0] != self.server.owner:
            return self._fail(403, "You don't have the rights to create a model under this namespace")
        if name in self.server.repositories:
            return self._fail(409, "You already created this model repo")
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.server.add(name, {}, private)
        self._json({"url": f"{self.server.url}/{name}", "name": name})

    def branch(self, body: bytes, name: str, branch: str) -> None:
        repository = self.server.repositories[name]
        if branch in repository.branches:
            return self._fail(409, "Reference already exists")
        repository.branches[branch] = repository.branches["main"]
        self._json({})

    def info(self, _: bytes, name: str, revision: str | None) -> None:
        repository = self._repository(name)
        sha = repository and self._commit_of(repository, revision or "main")
        if repository and sha:
            siblings = [{"rfilename": path} for path in repository.commits[sha]]
            self._json({"id": name, "sha": sha, "private": repository.private, "siblings": siblings, "tags": []})

    def tree(self, _: bytes, name: str, revision: str) -> None:
        repository = self._repository(name)
        sha = repository and self._commit_of(repository, revision)
        if repository and sha:
            files = repository.commits[sha].items()
            self._json([{"type": "file", "path": path, "size": len(data), "oid": _sha1(data)} for path, data in files])

    def preupload(self, body: bytes, name: str, revision: str) -> None:
        repository = self.server.repositories[name]
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
                "oid": _oid(file["path"], repository.files(revision).get(file["path"])),
            }
            for file in json.loads(body)["files"]
        ]
        self._json({"files": modes})

    def batch(self, body: bytes, name: str) -> None:
        objects = []
        for item in json.loads(body)["objects"]:
            upload = {"href": f"{self.server.url}/objects/{item['oid']}"}
            if self.server.full:
                objects.append({**item, "error": {"code": 507, "message": "no room"}})
                continue
            objects.append({**item, **({} if item["oid"] in self.server.objects else {"actions": {"upload": upload}})})
        self._json({"transfer": "basic", "objects": objects})

    def store(self, body: bytes, oid: str) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        self.server.objects[oid] = body
        self._send(200, b"")

    def commit(self, body: bytes, name: str, revision: str) -> None:
        repository = self.server.repositories[name]
        files = dict(repository.files(revision))
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit") not in (None, repository.branches[revision]):
                return self._fail(412, "A commit has happened since. Please refresh and try again.")
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        sha = repository.commit(files, revision)
        self._json({"commitUrl": f"{self.server.url}/{name}/commit/{sha}", "commitOid": sha})

    def resolve(self, _: bytes, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        sha = repository and self._commit_of(repository, revision)
        if not repository or not sha:
            return
        data = repository.commits[sha].get(path)
        if data is None:
            headers = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found", "X-Repo-Commit": sha}
            return self._send(404, b"", headers)
        self._send(200, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": sha})


def _oid(path: str, data: bytes | None) -> str | None:
    """What tells a client that a file is there already: its checksum as git's or, for large ones, as the store's."""
    if data is None:
        return None
    return hashlib.sha256(data).hexdigest() if path.endswith(LARGE) else _sha1(b"blob %d\0" % len(data) + data)


def _sha1(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


_NAME = r"([\w.-]+/[\w.-]+)"
ROUTES = (
    (r"POST /api/validate-yaml", _Handler.validate),
    (r"GET /api/whoami-v2", _Handler.whoami),
    (r"POST /api/repos/create", _Handler.create),
    (rf"POST /api/models/{_NAME}/branch/(.+)", _Handler.branch),
    (rf"POST /api/models/{_NAME}/preupload/(.+)", _Handler.preupload),
    (rf"POST /api/models/{_NAME}/commit/(.+)", _Handler.commit),
    (rf"GET /api/models/{_NAME}/tree/(.+)", _Handler.tree),
    (rf"GET /api/models/{_NAME}(?:/revision/(.+))?", _Handler.info),
    (rf"POST /{_NAME}\.git/info/lfs/objects/batch", _Handler.batch),
    (r"PUT /objects/(\w+)", _Handler.store),
    (rf"(?:GET|HEAD) /{_NAME}/resolve/([^/]+)/(.+)", _Handler.resolve),
)


@contextmanager
def _running(server: FakeHub) -> Iterator[FakeHub]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(name="hub")
def fake_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """An empty hub that huggingface_hub is pointed at, with a token of ours and a cache of its own."""
    from huggingface_hub import constants

    with _running(FakeHub()) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # it has servers of its own
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        yield server
