"""The OpenSSL command line as the other side: what a key here signs, encrypts, agrees and authenticates, it accepts,
and what it makes with the same key is accepted here.

Not here: ML-DSA, ML-KEM and Ed25519ph, which OpenSSL 3.0 has not; ML-DSA and ML-KEM have Python's `cryptography` as
their other side below. The keys are made by OpenSSL and imported, so that both sides have the same private key; keys
that the service makes itself are tried by their public half.
"""

import pathlib
import shutil
import subprocess

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
from cryptography.hazmat.primitives.serialization import load_der_public_key

from aws import refused
from imports import bring_in

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl command here")
COMMAND_SECONDS_MAX = 60
MESSAGE = b"a message for both sides"
RSA_BITS = (2048, 3072, 4096)
# How OpenSSL makes a private key of each spec.
CURVES = {
    "ECC_NIST_P256": "P-256", "ECC_NIST_P384": "P-384", "ECC_NIST_P521": "P-521", "ECC_SECG_P256K1": "secp256k1",
}  # fmt: skip
HASH_OF_CURVE = {
    "ECC_NIST_P256": "256", "ECC_NIST_P384": "384", "ECC_NIST_P521": "512", "ECC_SECG_P256K1": "256",
}  # fmt: skip
LATTICE_SIGNATURES = {
    "ML_DSA_44": mldsa.MLDSA44PublicKey, "ML_DSA_65": mldsa.MLDSA65PublicKey, "ML_DSA_87": mldsa.MLDSA87PublicKey,
}  # fmt: skip
LATTICE_SECRETS = {"ML_KEM_768": mlkem.MLKEM768PublicKey, "ML_KEM_1024": mlkem.MLKEM1024PublicKey}


class Openssl:
    """Runs the command in a folder of its own."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder

    def run(self, *arguments: str) -> bytes:
        done = self._run(arguments)
        assert done.returncode == 0, f"openssl {' '.join(arguments)}: {done.stderr.decode()}"
        return done.stdout

    def accepts(self, *arguments: str) -> bool:
        return self._run(arguments).returncode == 0

    def write(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return name

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def private_key(self, *options: str) -> bytes:
        """Makes `key.pem`; answers it as PKCS#8 in DER."""
        self.run("genpkey", *options, "-out", "key.pem")
        self.run("pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER", "-out", "key.der")
        return self.read("key.der")

    def public_key(self, der: bytes) -> None:
        """Lays down `public.pem`."""
        self.run("pkey", "-pubin", "-inform", "DER", "-in", self.write("public.der", der), "-out", "public.pem")

    def _run(self, arguments) -> subprocess.CompletedProcess:
        command = ["openssl", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, timeout=COMMAND_SECONDS_MAX, check=False)


@pytest.fixture
def openssl(tmp_path):
    return Openssl(tmp_path)


def imported(world, material: bytes, spec: str, usage: str) -> str:
    """A key with that private key in it."""
    key = world.make_key(Origin="EXTERNAL", KeySpec=spec, KeyUsage=usage)
    algorithm = "RSAES_OAEP_SHA_256" if spec.startswith("HMAC") else "RSA_AES_KEY_WRAP_SHA_256"
    bring_in(world.kms(), key.id, material, algorithm=algorithm)
    return key.id


def generated(world, spec: str, usage: str) -> str:
    return world.make_key(KeySpec=spec, KeyUsage=usage).id


def options(algorithm: str) -> list[str]:
    """How OpenSSL signs by an algorithm."""
    found = [f"-sha{algorithm[-3:]}"]
    if "PSS" in algorithm:
        found += ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    return found


def both_sign(world, openssl: Openssl, key_ids: dict[str, str], algorithm: str) -> None:
    """What each side signs with the imported key the other accepts; of the generated key there is one direction."""
    kms = world.kms()
    message = openssl.write("message", MESSAGE)
    other = openssl.write("other", MESSAGE + b"!")
    for key_id in key_ids.values():
        openssl.public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
        signed = kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
        check = ["dgst", *options(algorithm), "-verify", "public.pem", "-signature", openssl.write("signature", signed)]
        assert openssl.accepts(*check, message) and not openssl.accepts(*check, other)
    theirs = openssl.run("dgst", *options(algorithm), "-sign", "key.pem", message)
    call = {"KeyId": key_ids["imported"], "Signature": theirs, "SigningAlgorithm": algorithm}
    assert kms.verify(Message=MESSAGE, **call)["SignatureValid"] is True
    refused("KMSInvalidSignatureException", None, kms.verify, Message=MESSAGE + b"!", **call)


def both(world, material: bytes, spec: str, usage: str) -> dict[str, str]:
    return {"generated": generated(world, spec, usage), "imported": imported(world, material, spec, usage)}


@pytest.mark.parametrize("bits", RSA_BITS)
def test_rsa_signatures_pass_in_both_directions(world, openssl, bits):
    """R51: every padding with every hash."""
    material = openssl.private_key("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")
    keys = both(world, material, f"RSA_{bits}", "SIGN_VERIFY")
    for scheme in ("PKCS1_V1_5", "PSS"):
        for digest in ("256", "384", "512"):
            both_sign(world, openssl, keys, f"RSASSA_{scheme}_SHA_{digest}")


@pytest.mark.parametrize("spec", CURVES)
def test_ecdsa_signatures_pass_in_both_directions(world, openssl, spec):
    """R51: every curve."""
    material = openssl.private_key("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[spec]}")
    both_sign(world, openssl, both(world, material, spec, "SIGN_VERIFY"), f"ECDSA_SHA_{HASH_OF_CURVE[spec]}")


def test_ed25519_signatures_pass_in_both_directions(world, openssl):
    """R51: and are the same bytes on both sides, since nothing in them is random."""
    kms = world.kms()
    keys = both(world, openssl.private_key("-algorithm", "ED25519"), "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    message = openssl.write("message", MESSAGE)
    call = {"Message": MESSAGE, "SigningAlgorithm": "ED25519_SHA_512"}
    for key_id in keys.values():
        openssl.public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
        signature = openssl.write("signature", kms.sign(KeyId=key_id, **call)["Signature"])
        check = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin", "-sigfile", signature]
        assert openssl.accepts(*check, "-in", message)
        assert not openssl.accepts(*check, "-in", openssl.write("other", MESSAGE + b"!"))
    theirs = openssl.run("pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", message)
    assert theirs == kms.sign(KeyId=keys["imported"], **call)["Signature"]
    assert kms.verify(KeyId=keys["imported"], Signature=theirs, **call)["SignatureValid"] is True


@pytest.mark.parametrize("bits", RSA_BITS)
@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_rsa_ciphertexts_open_in_both_directions(world, openssl, bits, digest):
    """R44, R51: OAEP with either hash."""
    kms, algorithm = world.kms(), f"RSAES_OAEP_SHA_{digest[3:]}"
    material = openssl.private_key("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")
    oaep = ["rsa_padding_mode:oaep", f"rsa_oaep_md:{digest}", f"rsa_mgf1_md:{digest}"]
    padding = [word for option in oaep for word in ("-pkeyopt", option)]
    keys = both(world, material, f"RSA_{bits}", "ENCRYPT_DECRYPT")
    for key_id in keys.values():
        openssl.public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
        secret = openssl.write("message", MESSAGE)
        blob = openssl.run("pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", *padding, "-in", secret)
        opened = kms.decrypt(KeyId=key_id, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
        assert opened["Plaintext"] == MESSAGE
    call = {"KeyId": keys["imported"], "Plaintext": MESSAGE, "EncryptionAlgorithm": algorithm}
    blob = openssl.write("blob", kms.encrypt(**call)["CiphertextBlob"])
    assert openssl.run("pkeyutl", "-decrypt", "-inkey", "key.pem", *padding, "-in", blob) == MESSAGE


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_both_sides_agree_on_a_secret(world, openssl, spec):
    """R51: with keys that were generated here, and with one that was made by OpenSSL and imported."""
    kms = world.kms()
    curve = ("-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{CURVES[spec]}")
    keys = both(world, openssl.private_key(*curve), spec, "KEY_AGREEMENT")
    openssl.run("genpkey", *curve, "-out", "peer.pem")
    openssl.run("pkey", "-in", "peer.pem", "-pubout", "-outform", "DER", "-out", "peer.der")
    for key_id in keys.values():
        openssl.public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
        theirs = openssl.run("pkeyutl", "-derive", "-inkey", "peer.pem", "-peerkey", "public.pem")
        call = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": openssl.read("peer.der")}
        assert kms.derive_shared_secret(KeyId=key_id, **call)["SharedSecret"] == theirs


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_macs_are_the_same_on_both_sides(world, openssl, bits):
    """R51: proof that the imported bytes are the ones that are used."""
    kms, material = world.kms(), openssl.run("rand", str(bits // 8))
    key_id = imported(world, material, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
    macopt = ("-mac", "HMAC", "-macopt", f"hexkey:{material.hex()}", "-binary")
    theirs = openssl.run("dgst", f"-sha{bits}", *macopt, openssl.write("message", MESSAGE))
    call = {"KeyId": key_id, "Message": MESSAGE, "MacAlgorithm": f"HMAC_SHA_{bits}"}
    assert kms.generate_mac(**call)["Mac"] == theirs
    assert kms.verify_mac(Mac=theirs, **call)["MacValid"] is True


@pytest.mark.parametrize("spec", LATTICE_SIGNATURES)
def test_ml_dsa_signatures_are_verified_by_others(world, spec):
    """R51: by Python's `cryptography`; keys of this kind are not imported, so there is no other direction."""
    kms, key_id = world.kms(), generated(world, spec, "SIGN_VERIFY")
    public = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    assert isinstance(public, LATTICE_SIGNATURES[spec])
    signed = kms.sign(KeyId=key_id, Message=MESSAGE, SigningAlgorithm="ML_DSA_SHAKE_256")["Signature"]
    public.verify(signed, MESSAGE)
    with pytest.raises(InvalidSignature):
        public.verify(signed, MESSAGE + b"!")


@pytest.mark.parametrize("spec", LATTICE_SECRETS)
def test_what_others_encapsulate_opens(world, spec):
    """R51: by Python's `cryptography`, which has no ML-KEM-512."""
    kms, key_id = world.kms(), generated(world, spec, "ENCAPSULATE_DECAPSULATE")
    public = load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    assert isinstance(public, LATTICE_SECRETS[spec])
    secret, capsule = public.encapsulate()
    call = {"KeyId": key_id, "SharedSecretCiphertextBlob": capsule, "EncapsulationAlgorithm": "ML_KEM"}
    assert kms.decapsulate(**call)["SharedSecret"] == secret
