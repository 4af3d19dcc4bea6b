"""Starts, stops and kills real `kanuki` processes, and reads what they lay down for their users.

Not here: any knowledge of the API; `aws.py` has the clients, `trail.py` the records.
Invariants: every wait is bounded; a process that this module started never outlives the test run; the environment of
the process holds nothing of the caller's AWS settings.
"""

import configparser
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from sigv4 import Keys

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 20
COMMAND_SECONDS_MAX = 60
POLL_SECONDS = 0.01


def binary() -> pathlib.Path:
    """The server under test: `KANUKI_BIN`, else the release build of this repository."""
    return pathlib.Path(os.environ.get("KANUKI_BIN") or REPOSITORY / "target" / "release" / "kanuki")


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment without any AWS or Kanuki setting of the caller, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KANUKI_"))}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **extra}


def wait_until(condition, seconds: float, what: str):
    """Polls until `condition()` is true and returns it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(POLL_SECONDS)


class StartError(AssertionError):
    """The server ended before it was ready; the text holds what it printed."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One answered API call: what the server said its request id is."""

    operation: str
    request_id: str
    error_code: str | None


class Server:
    """One data directory and the process that serves it.

    `user` runs the process as that uid; `ignore_file_size_signal` lets a write beyond the file size limit fail with
    an error, as on a full disk, instead of ending the process; `config` is a configuration file; `regions` are served;
    `insecure_test_mode` asks for the steerable clock also without a seed; `flags` are further arguments of `serve`.
    """

    def __init__(
        self, data_dir, *, seed=None, executable=None, user=None, config=None, ignore_file_size_signal=False,
        regions=REGIONS, insecure_test_mode=False, listen="127.0.0.1:0", flags=(),
    ):  # fmt: skip
        self.data_dir = pathlib.Path(data_dir)
        self.seed = seed
        self.executable = pathlib.Path(executable or binary())
        self.user = user
        self.config = config
        self.regions = regions
        self.insecure_test_mode = insecure_test_mode
        self.listen = listen
        self.flags = flags
        self.ignore_file_size_signal = ignore_file_size_signal
        self.process: subprocess.Popen | None = None
        self.output: list[str] = []
        self.calls: list[Call] = []
        self.advanced = 0  # seconds by which the clock of this process is ahead

    def start(self) -> "Server":
        """Starts the process and waits until it has written its endpoint."""
        assert self.process is None, "already started"
        self.advanced = 0
        self.endpoint_file.unlink(missing_ok=True)
        command = [str(self.executable), "serve", "--data-dir", str(self.data_dir), "--listen", self.listen]
        for region in self.regions:
            command += ["--region", region]
        command += self.flags
        if self.config is not None:
            command += ["--config", str(self.config)]
        if self.seed is not None:
            command += ["--seed", str(self.seed)]
        if self._needs_test_mode():
            command.append("--insecure-test-mode")
        identity = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=clean_environment(),
            # Python ignores SIGXFSZ itself; restoring would give the child the default action back.
            restore_signals=not self.ignore_file_size_signal,
            **identity,
        )
        threading.Thread(target=self._drain, args=(self.process,), daemon=True).start()
        try:
            wait_until(self._ready_or_ended, START_SECONDS_MAX, "the server is ready")
        except AssertionError:
            self._end()
            raise
        return self

    def _needs_test_mode(self) -> bool:
        """A seed that fixes key material needs the test mode, and its directory keeps it."""
        seeded = self.seed is not None and "insecure_" in pathlib.Path(self.seed).read_text()
        return self.insecure_test_mode or seeded or (self.data_dir / "insecure-test-mode").exists()

    def stop(self) -> None:
        """Asks the process to end (SIGTERM) and expects it to end well."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"no end within {STOP_SECONDS_MAX} s of SIGTERM:\n{self.log()}") from None
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()}"

    def kill(self) -> None:
        """Kills the process (SIGKILL) and expects its keeper to end with it."""
        children = self.children()
        self._end()
        wait_until(lambda: not any(_runs(child) for child in children), STOP_SECONDS_MAX, "the keeper ends too")

    def close(self) -> None:
        """Ends the process if it still runs, however it takes it."""
        if self.process is not None:
            self._end()

    def restart(self) -> "Server":
        """Ends the process in good order and starts it again over the same data directory."""
        self.stop()
        return self.start()

    def advance(self, seconds: int) -> None:
        """Moves the clock of the insecure test mode ahead; what has become due is done when this returns."""
        body = json.dumps({"advance_seconds": seconds}).encode()
        with urllib.request.urlopen(f"{self.endpoint}/_insecure/clock", data=body, timeout=60) as answer:
            assert answer.status == 200, answer.read()
        self.advanced += seconds

    @property
    def endpoint_file(self) -> pathlib.Path:
        return self.data_dir / "endpoint"

    @property
    def endpoint(self) -> str:
        """The URL that the server wrote when it was ready."""
        return self.endpoint_file.read_text().strip()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the endpoint."""
        url = urllib.parse.urlsplit(self.endpoint)
        return url.hostname, url.port

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def children(self) -> list[int]:
        """The process ids of the server's children: the keeper."""
        found = []
        for listing in pathlib.Path(f"/proc/{self.pid}/task").glob("*/children"):
            try:
                found += [int(pid) for pid in listing.read_text().split()]
            except OSError:
                continue  # a thread that ended meanwhile
        return sorted(set(found))

    def rss_kib(self) -> int:
        """Resident memory of the server process in KiB."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))

    def profiles(self) -> dict[str, Keys]:
        """The access keys in the credentials file, by profile."""
        parser = configparser.RawConfigParser()
        parser.optionxform = str
        parser.read_string((self.data_dir / "credentials").read_text())
        return {
            name: Keys(parser[name]["aws_access_key_id"], parser[name]["aws_secret_access_key"])
            for name in parser.sections()
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """Runs `kanuki <arguments> --data-dir D`."""
        return subprocess.run(
            [str(self.executable), *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_SECONDS_MAX,
            env=clean_environment(),
            check=False,
        )

    def log(self) -> str:
        """The last of what the process printed."""
        return "".join(self.output[-200:])

    def _drain(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            self.output.append(line)
        process.stdout.close()

    def _ready_or_ended(self) -> bool:
        if self.process.poll() is not None:
            code = self.process.returncode
            raise StartError(f"the server ended with code {code} before it was ready:\n{self.log()}")
        return self.endpoint_file.exists() and bool(self.endpoint_file.read_text().strip())

    def _end(self) -> None:
        process, self.process = self.process, None
        process.kill()
        process.wait()


def _runs(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
