"""What a newcomer does, with the stock AWS CLI in a shell, from an empty directory on."""

import random
import subprocess

import pytest

import kanuki
import policies
from policies import CIPHERTEXT, user

SECONDS_MAX = 120


class Shell:
    """A POSIX shell whose environment was set up with `kanuki env`; `aws` is the stock CLI."""

    def __init__(self, server, aws_cli, folder):
        self._server, self._aws, self.folder = server, aws_cli, folder

    def run(self, script: str, *, profile: str | None = None, **variables: str) -> subprocess.CompletedProcess:
        """Runs a script; the first command that fails ends it."""
        profile_option = f"--profile {profile}" if profile else ""
        start = f'eval "$({self._server.executable} env --data-dir {self._server.data_dir} {profile_option})"\n'
        environment = kanuki.clean_environment(
            HOME=str(self.folder), AWS_CONFIG_FILE="/dev/null", AWS_PAGER="", **variables
        )
        environment["PATH"] = f"{self._aws.parent}:{environment['PATH']}"
        return subprocess.run(
            ["bash", "-c", "set -eo pipefail\n" + start + script],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            cwd=self.folder,
            env=environment,
            check=False,
        )

    def output(self, script: str, **options) -> str:
        """What a script prints that must not fail."""
        done = self.run(script, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refused(self, script: str, operation: str, code: str, message: str, **options) -> None:
        """Runs a script that must fail with this error, as the CLI prints it."""
        done = self.run(script, **options)
        expected = f"An error occurred ({code}) when calling the {operation} operation: {message}"
        assert done.returncode != 0 and expected.strip() in done.stderr, done.stderr or done.stdout


@pytest.fixture
def shell(fresh, aws_cli, tmp_path):
    """A shell over a server of its own."""
    return Shell(fresh.server, aws_cli, tmp_path)


def test_the_newcomers_story(fresh, shell):
    """R2, R9, R69: make a key, encrypt a file, be refused with a reason, lose the server, read the file back."""
    secret = random.Random(2).randbytes(3000)
    (shell.folder / "file").write_bytes(secret)
    assert f'"Arn": "{user("Admin")}"' in shell.output("aws sts get-caller-identity")
    arn = shell.output("aws kms create-key --description first --query KeyMetadata.Arn --output text")
    shell.output(f"aws kms create-alias --alias-name alias/first --target-key-id {arn}")
    shell.output(
        "aws kms encrypt --key-id alias/first --plaintext fileb://file --encryption-context name=file "
        "--query CiphertextBlob --output text | base64 -d > sealed"
    )
    sealed = (shell.folder / "sealed").read_bytes()
    assert len(sealed) == len(secret) + 152 and secret[:32] not in sealed
    (shell.folder / "file").unlink()
    denied = policies.no_identity_policy(user("Bob"), "kms:Decrypt", CIPHERTEXT)
    decrypt = "aws kms decrypt --ciphertext-blob fileb://sealed --encryption-context name=file"
    shell.refused(decrypt, "Decrypt", "AccessDeniedException", denied, profile="Bob")
    shell.refused(
        "aws kms decrypt --ciphertext-blob fileb://sealed", "Decrypt", "InvalidCiphertextException", ""
    )
    fresh.server.kill()
    lost = shell.run("aws kms list-keys --cli-connect-timeout 2", AWS_MAX_ATTEMPTS="1")
    assert lost.returncode != 0 and "Could not connect to the endpoint URL" in lost.stderr
    fresh.server.start()
    shell.output(decrypt + " --query Plaintext --output text | base64 -d > file")
    assert (shell.folder / "file").read_bytes() == secret


def test_the_credentials_file_works_as_it_is(fresh, shell):
    """R69: the stock CLI reads it; each profile is the user it says."""
    variables = {"AWS_SHARED_CREDENTIALS_FILE": str(fresh.server.data_dir / "credentials")}
    forget = "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY\n"
    for profile, arn in (("default", user("Admin")), ("Alice", user("Alice")), ("444455556666/Bob", None)):
        script = forget + f"aws sts get-caller-identity --profile {profile} --query Arn --output text"
        assert shell.output(script, **variables) == (arn or user("Bob", policies.OTHER))


def test_waiting_periods_in_the_shell(shell):
    """R97, R98: script S6 as far as keys are concerned."""
    key = shell.output("aws kms create-key --query KeyMetadata.Arn --output text")
    message = "PendingWindowInDays must be between 7 and 30"
    for days in (6, 31):
        script = f"aws kms schedule-key-deletion --key-id {key} --pending-window-in-days {days}"
        shell.refused(script, "ScheduleKeyDeletion", "ValidationException", message)
    period = shell.output(
        f"aws kms schedule-key-deletion --key-id {key} --query PendingWindowInDays --output text"
    )
    assert period == "30"
    (shell.folder / "m").write_bytes(b"m")
    script = f"aws kms encrypt --key-id {key} --plaintext fileb://m"
    shell.refused(script, "Encrypt", "KMSInvalidStateException", f"{key} is pending deletion.")
