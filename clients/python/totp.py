"""One-time codes of RFC 6238, as an authenticator app computes them.

Not here: anything of the API but the calls that give a user a device.
"""

import base64
import hashlib
import hmac
import struct
import time

STEP_SECONDS = 30


def code(seed: bytes, step: int) -> str:
    """The six digits of a step."""
    tag = hmac.new(base64.b32decode(seed), struct.pack(">Q", step), hashlib.sha1).digest()
    at = tag[19] & 15
    return f"{(struct.unpack('>I', tag[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class Device:
    """An app with the seed of one device, whose clock is the server's."""

    def __init__(self, server, serial: str, seed: bytes):
        self.server, self.serial, self.seed = server, serial, seed

    def step(self) -> int:
        """The present step."""
        return int(time.time() + self.server.advanced) // STEP_SECONDS

    def at(self, steps: int) -> str:
        """The code so many steps from now."""
        return code(self.seed, self.step() + steps)

    def fresh(self) -> str:
        """A code that was never shown: of the step that begins when this returns. The clock has to be steerable."""
        self.server.advance(2 * STEP_SECONDS)
        return self.at(0)

    def wrong(self) -> str:
        """Six digits that are no code of any step around now."""
        near = {self.at(steps) for steps in range(-20, 21)}
        return next(f"{n:06}" for n in range(1_000_000) if f"{n:06}" not in near)


def make(world, name: str, iam=None, **more) -> Device:
    """A new device that is nobody's yet."""
    made = (iam or world.iam()).create_virtual_mfa_device(VirtualMFADeviceName=name, **more)["VirtualMFADevice"]
    return Device(world.server, made["SerialNumber"], made["Base32StringSeed"])


def give(world, device: Device, user: str) -> None:
    """Gives a device to a user."""
    device.server.advance(2 * STEP_SECONDS)
    world.iam().enable_mfa_device(
        UserName=user,
        SerialNumber=device.serial,
        AuthenticationCode1=device.at(-1),
        AuthenticationCode2=device.at(0),
    )
