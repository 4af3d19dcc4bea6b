"""A home directory with the files of the AWS CLI: profiles and their keys; and the CLI run in it.

Invariant: no file and no setting of the caller's is read; what the CLI keeps, it keeps here.
"""

import configparser
import os
import pathlib
import pty
import re
import select
import subprocess
import time

from kanuki import clean_environment
from sigv4 import Keys
from world import HOME_REGION

COMMAND_SECONDS_MAX = 90


class Home:
    """Somebody's `~/.aws`."""

    def __init__(self, folder: pathlib.Path, aws_cli: pathlib.Path, endpoint: str):
        self.folder, self.aws_cli, self.endpoint = folder, aws_cli, endpoint
        (folder / ".aws").mkdir()

    def keep(self, profile: str, keys: Keys) -> None:
        """Writes the keys of a profile."""
        values = {"aws_access_key_id": keys.access_key_id, "aws_secret_access_key": keys.secret_access_key}
        if keys.session_token:
            values["aws_session_token"] = keys.session_token
        self._write("credentials", profile, values)

    def configure(self, profile: str, **values: str) -> None:
        """Writes the settings of a profile."""
        self._write("config", f"profile {profile}", values)

    def services(self, name: str, **endpoints: str) -> None:
        """Writes a section of endpoints by service, for profiles to name."""
        self._write("config", f"services {name}", {it: f"\nendpoint_url = {url}" for it, url in endpoints.items()})

    def _write(self, name: str, section: str, values: dict[str, str]) -> None:
        path = self.folder / ".aws" / name
        parser = configparser.RawConfigParser()
        parser.read(path)
        parser[section] = values
        with path.open("w") as file:
            parser.write(file)

    def environment(self, **more: str | None) -> dict[str, str]:
        """What a shell has: an endpoint and a Region, and what is added; `None` takes a variable away."""
        made = clean_environment()
        made.update(HOME=str(self.folder), AWS_PAGER="", AWS_DEFAULT_REGION=HOME_REGION)
        made["AWS_ENDPOINT_URL"] = self.endpoint
        made["PATH"] = f"{self.aws_cli.parent}:{made['PATH']}"
        made.update({name: value for name, value in more.items() if value is not None})
        return {name: value for name, value in made.items() if more.get(name, "") is not None}

    def aws(self, profile: str | None, *arguments: str, **environment: str | None) -> subprocess.CompletedProcess:
        """Runs `aws --profile PROFILE …`, with nobody there to be asked."""
        return subprocess.run(
            self._command(profile, arguments), env=self.environment(**environment), cwd=self.folder,
            capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def aws_at_terminal(self, profile: str, answer: str, *arguments: str) -> tuple[int, str]:
        """Runs the same at a terminal, and types an answer when it is asked for a code.

        Answers the exit code and everything that the terminal showed.
        """
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            command = self._command(profile, arguments)
            os.execve(command[0], command, self.environment())
        shown, typed = b"", False
        deadline = time.monotonic() + COMMAND_SECONDS_MAX
        try:
            while time.monotonic() < deadline:
                ready, _, _ = select.select([terminal], [], [], 1)
                if not ready:
                    continue
                try:
                    part = os.read(terminal, 4096)
                except OSError:  # the other side is closed
                    part = b""
                if not part:
                    break
                shown += part
                if not typed and re.search(rb"MFA code for \S+: $", shown):
                    os.write(terminal, answer.encode() + b"\n")
                    typed = True
            else:
                os.kill(pid, 9)
        finally:
            os.close(terminal)
            _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), shown.decode()

    def _command(self, profile: str | None, arguments: tuple[str, ...]) -> list[str]:
        return [str(self.aws_cli), *(["--profile", profile] if profile else []), *arguments]
