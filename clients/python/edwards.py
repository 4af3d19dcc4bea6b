"""Ed25519ph verified by a plain reading of RFC 8032, sections 5.1 and 6.

Not for anything but tests: slow, and not in constant time. It exists because the packages that sign and verify
Ed25519 offer no prehashed form.
"""

import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
BASE_Y = 4 * pow(5, PRIME - 2, PRIME) % PRIME

PREFIX_PH = b"SigEd25519 no Ed25519 collisions" + bytes([1, 0])


def is_prehashed_signature(public, message, signature):
    """Whether 64 bytes are the Ed25519ph signature, with an empty context, of a message under a raw public key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    point, commitment = decode(public), decode(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if point is None or commitment is None or scalar >= ORDER:
        return False
    hashed = hashlib.sha512(PREFIX_PH + signature[:32] + public + hashlib.sha512(message).digest()).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    return multiply(scalar, decode(BASE_Y.to_bytes(32, "little"))) == add(commitment, multiply(challenge, point))


def add(one, other):
    """The sum of two points, in affine coordinates."""
    (x1, y1), (x2, y2) = one, other
    both = D * x1 * x2 * y1 * y2 % PRIME
    x = (x1 * y2 + x2 * y1) * pow(1 + both, PRIME - 2, PRIME) % PRIME
    y = (y1 * y2 + x1 * x2) * pow(1 - both, PRIME - 2, PRIME) % PRIME
    return x, y


def multiply(scalar, point):
    """A multiple of a point, by doubling."""
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decode(encoded):
    """The point that 32 bytes stand for; none if they stand for none (section 5.1.3)."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= PRIME:
        return None
    squared = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(squared, (PRIME + 3) // 8, PRIME)
    if (x * x - squared) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - squared) % PRIME:
        return None
    return (x if x & 1 == sign else PRIME - x), y
