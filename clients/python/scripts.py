"""Runs the scripts under `printed`, line by line, in one shell with the stock AWS CLI, and reads off each result.

Not here: what the lines should come to; each says so itself, and the test compares.
Invariants: every line and every wait is bounded; the home directory, and with it every profile and every cached
session, is the test's own.
"""

import dataclasses
import http.client
import http.server
import json
import os
import pathlib
import re
import select
import subprocess
import threading
import time

import imports
import totp
from aws import connect
from home import Home
from policies import ADMIN
from sigv4 import Keys

FOLDER = pathlib.Path(__file__).parent / "printed"
LINE_SECONDS_MAX = 120
CALL_SECONDS_MAX = 60
# `as NAME: CODE → PROFILE`, and whatever a reader should know besides.
EXPECTED = re.compile(
    r"(?:as (?P<who>\w+): )?(?P<result>ok|not walked|[A-Z]\w+)(?: → (?P<profile>\w+))?(?:[ ,:(].*)?"
)


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a script: a command with its result, or what a person does in between."""

    number: int
    text: str
    expected: str | None = None
    who: str | None = None
    profile: str | None = None


def read(name: str) -> list[Line]:
    """The lines of a script that do something."""
    found = []
    for number, text in enumerate((FOLDER / name).read_text().splitlines(), 1):
        if text.startswith("#: "):
            found.append(Line(number, text.removeprefix("#: ")))
        elif text and not text.startswith("#"):
            command, _, comment = text.rpartition(" # ")
            matched = EXPECTED.fullmatch(comment)
            assert command.strip() and matched, f"{name}:{number}: no result is said: {text}"
            found.append(Line(number, command.strip(), matched["result"], matched["who"], matched["profile"]))
    return found


class Shell:
    """One shell for a whole script: variables stay from line to line."""

    def __init__(self, folder: pathlib.Path, environment: dict[str, str]):
        self.folder = folder
        self.process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, env=environment,
        )  # fmt: skip
        self.run("set -o pipefail")

    def run(self, command: str) -> subprocess.CompletedProcess:
        """Runs a line. What it prints is kept apart from what is said to and by the shell."""
        out, err = self.folder / "stdout", self.folder / "stderr"
        text = f"{{ {command}\n}} >'{out}' 2>'{err}' </dev/null; echo \"= $?\"\n"
        os.write(self.process.stdin.fileno(), text.encode())
        said = b""
        deadline = time.monotonic() + LINE_SECONDS_MAX
        while not said.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            part = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            assert part, f"no end of: {command}"
            said += part
        assert said.startswith(b"= "), said
        return subprocess.CompletedProcess(command, int(said[2:]), out.read_text(), err.read_text())

    def close(self) -> None:
        """Ends the shell."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Gate:
    """Stands before the server and lets the next KMS request through when the session that was made last has an age.

    A command of the CLI takes about a second until it sends its request: without this, no test could tell what holds at
    299 seconds and what at 300.
    """

    def __init__(self, server):
        self.server = server
        self.age: int | None = None
        self.made_at = 0.0
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                gate.forward(self)

            def log_message(self, *_):
                pass

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.listener.daemon_threads = True
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return "http://{}:{}".format(*self.listener.server_address)

    def now(self) -> float:
        """The clock of the server, but for a constant."""
        return time.monotonic() + self.server.advanced

    def forward(self, request: http.server.BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if "X-Amz-Target" in request.headers and self.age is not None:
            self.wait()
        connection = http.client.HTTPConnection(*self.server.address, timeout=CALL_SECONDS_MAX)
        connection.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        if b"Action=GetSessionToken" in body and answer.status == 200:
            self.made_at = self.now()
        connection.close()
        request.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def wait(self) -> None:
        """Until the age is reached: whole seconds by the clock that can be steered, the rest really."""
        age, self.age = self.age, None
        missing = self.made_at + age - self.now()
        assert missing > 1, f"the session was already older than {age} s"
        self.server.advance(int(missing))
        time.sleep(max(0, self.made_at + age - self.now()))

    def close(self) -> None:
        """Stops listening."""
        self.listener.shutdown()
        self.listener.server_close()


class Stage:
    """A server, a home directory with profiles, and the files that the scripts name."""

    def __init__(self, server, folder: pathlib.Path, aws_cli: pathlib.Path):
        self.server, self.folder = server, folder
        self.gate = Gate(server)
        self.home = Home(folder, aws_cli, self.gate.endpoint)
        self.administrator = connect(server, server.profiles()["default"])
        self.materials: dict[str, bytes] = {}
        for path in FOLDER.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        for number in "123":
            (folder / f"p{number}.json").write_text(wrapped((FOLDER / f"p{number}.txt").read_text()))
        (folder / "m").write_bytes(b"the message")

    def walk(self, name: str) -> None:
        """Runs a script and asserts that each line comes to what it says."""
        shell = Shell(self.folder, self.home.environment(AWS_PROFILE="Admin"))
        try:
            who = "Admin"
            for line in read(name):
                if line.expected is None:
                    who = self.in_between(shell, line.text, who)
                    continue
                shell.run(f"export AWS_PROFILE={line.who or who}")
                self.check(f"{name}:{line.number}", line, shell.run(line.text))
        finally:
            shell.close()

    def check(self, place: str, line: Line, done: subprocess.CompletedProcess) -> None:
        """Compares a result by its error code; a line without an error must also have ended well."""
        found = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation", done.stderr)
        code = found[1] if found else None
        if line.expected == "not walked":
            assert done.returncode != 0, f"{place} is walked by now: say what it should come to"
        elif line.expected == "ok":
            assert code is None and done.returncode == 0, f"{place}: {line.text}\n{done.stdout}{done.stderr}"
        else:
            assert code == line.expected, f"{place}: {line.text}\n{done.stdout}{done.stderr}"
        if line.profile is not None:
            given = json.loads(done.stdout)
            given = given.get("Credentials") or given["AccessKey"]
            self.home.keep(line.profile, Keys(given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken")))

    def in_between(self, shell: Shell, what: str, who: str) -> str:
        """Does what a person would; answers who acts from now on."""
        word, _, rest = what.partition(" ")
        if word == "as":
            return rest
        if word == "age":
            self.gate.age = int(rest)
        elif word in ("code", "codes"):
            device = totp.Device(self.server, "", (self.folder / "seed").read_bytes())
            self.server.advance(3 * totp.STEP_SECONDS)
            codes = {"T2": device.at(0)} if word == "code" else {"T0": device.at(-1), "T1": device.at(0)}
            shell.run(" ".join(f"{name}={value}" for name, value in codes.items()))
        else:
            assert word == "bring", what
            variable = rest.removeprefix("in ")
            key = shell.run(f"echo ${variable}").stdout.strip()
            material = self.materials.setdefault(key, os.urandom(32))
            imports.bring_in(self.administrator, key, material)
        return who

    def close(self) -> None:
        """Stops listening."""
        self.gate.close()


def wrapped(fragment: str) -> str:
    """A policy of statements as they are printed: with a version, the administrator's statement, and no brace too many."""
    decoder, at, statements = json.JSONDecoder(), 0, [ADMIN]
    while at < len(fragment) and fragment[at] == "{":
        statement, end = decoder.raw_decode(fragment, at)
        statements.append(statement)
        at = end + len(re.match(r"[,\s]*", fragment[end:])[0])
    assert fragment[at:].strip() in ("", "}"), fragment[at:]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
