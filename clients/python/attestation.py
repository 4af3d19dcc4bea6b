"""Attestation documents of an enclave that is none: a certificate authority of our own, CBOR and COSE by hand, and the
reader of the envelope that comes back.

Rules: "Nitro Enclaves Attestation Process"; RFC 8949 (CBOR), RFC 9052 (COSE), RFC 5652 (CMS). The reader takes exactly
the form that the Nitro Enclaves SDK takes.
"""

import dataclasses
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ALGORITHM = "RSAES_OAEP_SHA_256"
PCR0, PCR8 = bytes(range(48)), bytes([8]) * 48
MODULE = "i-1234567890abcdef0-enc0123456789abcdef"


def cbor(value) -> bytes:
    """The canonical encoding of ints, bytes, texts, lists, dicts and none."""
    match value:
        case None:
            return b"\xf6"
        case int() if value < 0:
            return _head(1, -1 - value)
        case int():
            return _head(0, value)
        case bytes():
            return _head(2, len(value)) + value
        case str():
            return _head(3, len(value.encode())) + value.encode()
        case list():
            return _head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return _head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())
    raise TypeError(type(value))


def _head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([kind << 5 | 24 + (1, 2, 4, 8).index(size)]) + number.to_bytes(size, "big")


@dataclasses.dataclass
class Certificate:
    """A certificate with its private key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def issue(name: str, issuer: Certificate | None, *, ca: bool, curve=None, until: datetime.timedelta, path_length=None):
    """A certificate, valid from an hour ago; of its own making without an issuer."""
    key = ec.generate_private_key(curve or ec.SECP384R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = {
        "digital_signature": not ca, "key_cert_sign": ca, "crl_sign": ca, "content_commitment": False,
        "key_encipherment": False, "data_encipherment": False, "key_agreement": False, "encipher_only": False,
        "decipher_only": False,
    }  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    return Certificate(key, builder.sign(issuer.key if issuer else key, hashes.SHA384()))


class Authority:
    """A root, two intermediates, and the certificate of a host, as enclaves have them."""

    def __init__(self, leaf_hours: float = 3, leaf_curve=None):
        years = datetime.timedelta(days=3650)
        self.root = issue("test.nitro-enclaves", None, ca=True, until=years)
        self.region = issue("region", self.root, ca=True, until=years)
        self.zone = issue("zone", self.region, ca=True, until=years, path_length=0)
        hours = datetime.timedelta(hours=leaf_hours)
        self.leaf = issue("enclave", self.zone, ca=False, until=hours, curve=leaf_curve)

    @property
    def bundle(self) -> list[bytes]:
        return [self.root.der, self.region.der, self.zone.der]


class Enclave:
    """Something with an RSA key whose attestation an authority signs."""

    def __init__(self, authority: Authority, bits: int = 2048):
        self.authority = authority
        self.key = rsa.generate_private_key(65537, bits)

    @property
    def public_key(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form)

    def contents(self, **changes) -> dict:
        """What the document says; a member that is changed to `...` is left out."""
        contents = {
            "module_id": MODULE,
            "digest": "SHA384",
            "timestamp": int(datetime.datetime.now().timestamp() * 1000),
            "pcrs": {0: PCR0, 1: bytes([1]) * 48, 8: PCR8},
            "certificate": self.authority.leaf.der,
            "cabundle": self.authority.bundle,
            "public_key": self.public_key,
            "user_data": None,
            "nonce": None,
            **changes,
        }
        return {name: value for name, value in contents.items() if value is not ...}

    def document(self, signer: Certificate | None = None, algorithm: int = -35, **changes) -> bytes:
        """A signed document."""
        payload, protected = cbor(self.contents(**changes)), cbor({1: algorithm})
        return cbor([protected, {}, payload, self._sign(signer or self.authority.leaf, protected, payload)])

    @staticmethod
    def _sign(signer: Certificate, protected: bytes, payload: bytes) -> bytes:
        message = cbor(["Signature1", protected, b"", payload])
        r, s = decode_dss_signature(signer.key.sign(message, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")

    def recipient(self, **changes) -> dict:
        """The member `Recipient` of a request."""
        return {"KeyEncryptionAlgorithm": ALGORITHM, "AttestationDocument": self.document(**changes)}

    def open(self, envelope: bytes) -> bytes:
        """Decrypts what was made for this enclave."""
        encrypted_key, vector, content = read_envelope(envelope)
        oaep = rsa_padding.OAEP(rsa_padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        decryptor = Cipher(algorithms.AES256(self.key.decrypt(encrypted_key, oaep)), modes.CBC(vector)).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(decryptor.update(content) + decryptor.finalize()) + unpadder.finalize()


class Reader:
    """Reads BER elements one after the other."""

    def __init__(self, data: bytes):
        self.data = data

    def open(self, tag: int) -> None:
        """Enters an element of indefinite length."""
        assert self.data[:2] == bytes([tag, 0x80]), self.data[:2].hex()
        self.data = self.data[2:]

    def close(self) -> None:
        """Leaves an element of indefinite length."""
        assert self.data[:2] == b"\0\0", self.data[:2].hex()
        self.data = self.data[2:]

    def element(self, tag: int) -> bytes:
        """The contents of an element of definite length."""
        assert self.data[0] == tag, f"{self.data[0]:02x}, not {tag:02x}"
        length, start = self.data[1], 2
        if length >= 0x80:
            start += length - 0x80
            length = int.from_bytes(self.data[2:start], "big")
        contents, self.data = self.data[start : start + length], self.data[start + length :]
        assert len(contents) == length
        return contents


OID_DATA, OID_ENVELOPED = bytes.fromhex("2a864886f70d010701"), bytes.fromhex("2a864886f70d010703")
OID_OAEP, OID_AES_256_CBC = bytes.fromhex("2a864886f70d010107"), bytes.fromhex("60864801650304012a")


def read_envelope(envelope: bytes) -> tuple[bytes, bytes, bytes]:
    """Encrypted key, initialisation vector and content of an envelope; nothing may stand behind it."""
    reader = Reader(envelope)
    reader.open(0x30)
    assert reader.element(0x06) == OID_ENVELOPED
    reader.open(0xA0)
    reader.open(0x30)
    assert reader.element(0x02) == b"\x02"
    info = Reader(Reader(reader.element(0x31)).element(0x30))
    assert info.element(0x02) == b"\x02"
    assert info.element(0x80)
    assert Reader(info.element(0x30)).element(0x06) == OID_OAEP
    encrypted_key = info.element(0x04)
    assert not info.data
    reader.open(0x30)
    assert reader.element(0x06) == OID_DATA
    algorithm = Reader(reader.element(0x30))
    assert algorithm.element(0x06) == OID_AES_256_CBC
    vector = algorithm.element(0x04)
    reader.open(0xA0)
    content = reader.element(0x04)
    for _ in range(5):
        reader.close()
    assert not reader.data
    return encrypted_key, vector, content
