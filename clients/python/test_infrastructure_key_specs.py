"""Every key spec: what a key of it answers, and that others can check it. The judge is the `cryptography` package."""

import hashlib
import hmac
import re

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

import edwards
from aws import refused

HASHES = {"SHA_256": hashes.SHA256(), "SHA_384": hashes.SHA384(), "SHA_512": hashes.SHA512()}
RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES = {
    "ECC_NIST_P256": (ec.SECP256R1(), "SHA_256"),
    "ECC_NIST_P384": (ec.SECP384R1(), "SHA_384"),
    "ECC_NIST_P521": (ec.SECP521R1(), "SHA_512"),
    "ECC_SECG_P256K1": (ec.SECP256K1(), "SHA_256"),
}
RSA_ALGORITHMS = [f"RSASSA_{scheme}_{digest}" for scheme in ("PKCS1_V1_5", "PSS") for digest in HASHES]


def make(world, spec: str, usage: str) -> str:
    return world.kms().create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]


def public(world, key_id: str):
    """The public half, read by an implementation that is not ours."""
    answer = world.kms().get_public_key(KeyId=key_id)
    return serialization.load_der_public_key(answer["PublicKey"])


def digest(name: str, message: bytes) -> bytes:
    return hashlib.new(name.replace("_", "").lower(), message).digest()


def check(key, algorithm: str, message: bytes, signature: bytes) -> None:
    """Raises InvalidSignature unless the other implementation accepts the signature."""
    name = algorithm[-7:]
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(HASHES[name]))
    elif "PSS" in algorithm:
        pss = padding.PSS(padding.MGF1(HASHES[name]), padding.PSS.DIGEST_LENGTH)
        key.verify(signature, message, pss, HASHES[name])
    else:
        key.verify(signature, message, padding.PKCS1v15(), HASHES[name])


@pytest.mark.parametrize("spec", RSA)
def test_rsa_signatures_are_verified_by_others(world, spec):
    kms, key_id = world.kms(), make(world, spec, "SIGN_VERIFY")
    key = public(world, key_id)
    assert isinstance(key, rsa.RSAPublicKey) and key.key_size == RSA[spec]
    metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    assert metadata["SigningAlgorithms"] == RSA_ALGORITHMS
    assert "CurrentKeyMaterialId" not in metadata
    for algorithm in RSA_ALGORITHMS:
        signed = kms.sign(KeyId=key_id, Message=b"message", SigningAlgorithm=algorithm)["Signature"]
        check(key, algorithm, b"message", signed)
        with pytest.raises(InvalidSignature):
            check(key, algorithm, b"another", signed)
        hashed = digest(algorithm[-7:], b"message")
        by_digest = kms.sign(KeyId=key_id, Message=hashed, MessageType="DIGEST", SigningAlgorithm=algorithm)
        check(key, algorithm, b"message", by_digest["Signature"])
        verified = kms.verify(KeyId=key_id, Message=b"message", Signature=by_digest["Signature"], SigningAlgorithm=algorithm)
        assert verified["SignatureValid"] is True
        refused(
            "KMSInvalidSignatureException",
            None,
            kms.verify,
            KeyId=key_id,
            Message=b"another",
            Signature=signed,
            SigningAlgorithm=algorithm,
        )


@pytest.mark.parametrize("spec", CURVES)
def test_ecdsa_signatures_are_verified_by_others(world, spec):
    kms, key_id = world.kms(), make(world, spec, "SIGN_VERIFY")
    key, (curve, name) = public(world, key_id), CURVES[spec]
    assert key.curve.name == curve.name
    algorithm = f"ECDSA_{name}"
    signed = kms.sign(KeyId=key_id, Message=b"message", SigningAlgorithm=algorithm)["Signature"]
    check(key, algorithm, b"message", signed)
    hashed = digest(name, b"message")
    by_digest = kms.sign(KeyId=key_id, Message=hashed, MessageType="DIGEST", SigningAlgorithm=algorithm)["Signature"]
    key.verify(by_digest, hashed, ec.ECDSA(utils.Prehashed(HASHES[name])))
    assert kms.verify(KeyId=key_id, Message=b"message", Signature=by_digest, SigningAlgorithm=algorithm)["SignatureValid"]
    short = refused(
        "ValidationException",
        f"Digest is invalid length for algorithm {algorithm}.",
        kms.sign,
        KeyId=key_id,
        Message=hashed[1:],
        MessageType="DIGEST",
        SigningAlgorithm=algorithm,
    )
    assert short["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_ed25519_signatures_are_verified_by_others(world):
    kms, key_id = world.kms(), make(world, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    key = public(world, key_id)
    signed = kms.sign(KeyId=key_id, Message=b"message", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    key.verify(signed, b"message")
    assert signed == kms.sign(KeyId=key_id, Message=b"message", SigningAlgorithm="ED25519_SHA_512")["Signature"]


def test_ed25519ph_signs_the_digest_hashed_again(world):
    """RFC 8032, section 5.1: the signature is a pure one over a prefix and the hash, which a plain reading of it checks."""
    kms, key_id = world.kms(), make(world, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    raw = public(world, key_id).public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    hashed = hashlib.sha512(b"message").digest()
    call = {"KeyId": key_id, "MessageType": "DIGEST", "SigningAlgorithm": "ED25519_PH_SHA_512"}
    signed = kms.sign(Message=hashed, **call)["Signature"]
    assert edwards.is_prehashed_signature(raw, hashed, signed)
    assert not edwards.is_prehashed_signature(raw, hashlib.sha512(b"messagf").digest(), signed)
    assert kms.verify(Message=hashed, Signature=signed, **call)["SignatureValid"] is True
    refused("KMSInvalidSignatureException", None, kms.verify, Message=hashlib.sha512(b"x").digest(), Signature=signed, **call)
    short = "Digest is invalid length for algorithm ED25519_PH_SHA_512."
    refused("ValidationException", short, kms.sign, Message=hashed[1:], **call)
    raw_type = {**call, "MessageType": "RAW"}
    refused("ValidationException", re.compile(".*ED25519_PH_SHA_512.*"), kms.sign, Message=hashed, **raw_type)


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_a_signature_of_a_mu_is_one_of_its_message(world, spec):
    """FIPS 204, algorithms 2 and 7: µ is a hash over the public key's hash, the empty context and the message."""
    kms, key_id = world.kms(), make(world, spec, "SIGN_VERIFY")
    key = public(world, key_id)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    mu = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\0\0" + b"message").digest(64)
    call = {"KeyId": key_id, "SigningAlgorithm": "ML_DSA_SHAKE_256"}
    of_mu = kms.sign(Message=mu, MessageType="EXTERNAL_MU", **call)["Signature"]
    key.verify(of_mu, b"message")
    assert kms.verify(Message=b"message", Signature=of_mu, **call)["SignatureValid"] is True
    of_message = kms.sign(Message=b"message", **call)["Signature"]
    key.verify(of_message, b"message")
    assert kms.verify(Message=mu, MessageType="EXTERNAL_MU", Signature=of_message, **call)["SignatureValid"] is True
    other = bytes([mu[0] ^ 1]) + mu[1:]
    wrong = {"Message": other, "MessageType": "EXTERNAL_MU", "Signature": of_message, **call}
    refused("KMSInvalidSignatureException", None, kms.verify, **wrong)
    short = "Digest is invalid length for algorithm ML_DSA_SHAKE_256."
    refused("ValidationException", short, kms.sign, Message=mu[1:], MessageType="EXTERNAL_MU", **call)


@pytest.mark.parametrize("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_ml_dsa_signatures_verify_and_changed_ones_do_not(world, spec):
    kms, key_id = world.kms(), make(world, spec, "SIGN_VERIFY")
    sizes = {"ML_DSA_44": 2420, "ML_DSA_65": 3309, "ML_DSA_87": 4627}
    signed = kms.sign(KeyId=key_id, Message=b"message", SigningAlgorithm="ML_DSA_SHAKE_256")["Signature"]
    assert len(signed) == sizes[spec]
    call = {"KeyId": key_id, "SigningAlgorithm": "ML_DSA_SHAKE_256", "Signature": signed}
    assert kms.verify(Message=b"message", **call)["SignatureValid"] is True
    refused("KMSInvalidSignatureException", None, kms.verify, Message=b"messagf", **call)
    assert serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"]) is not None


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
def test_macs_have_their_length_and_verify(world, bits):
    kms, key_id = world.kms(), make(world, f"HMAC_{bits}", "GENERATE_VERIFY_MAC")
    algorithm = f"HMAC_SHA_{bits}"
    mac = kms.generate_mac(KeyId=key_id, Message=b"message", MacAlgorithm=algorithm)["Mac"]
    assert len(mac) == bits // 8
    assert kms.verify_mac(KeyId=key_id, Message=b"message", Mac=mac, MacAlgorithm=algorithm)["MacValid"] is True
    for wrong in (mac[:-1], bytes([mac[0] ^ 1]) + mac[1:]):
        refused(
            "KMSInvalidMacException", None, kms.verify_mac, KeyId=key_id, Message=b"message", Mac=wrong, MacAlgorithm=algorithm
        )
    other = "HMAC_SHA_256" if bits != 256 else "HMAC_SHA_512"
    message = f"Algorithm {other} is incompatible with key spec HMAC_{bits}."
    refused("InvalidKeyUsageException", message, kms.generate_mac, KeyId=key_id, Message=b"m", MacAlgorithm=other)
    assert not hmac.compare_digest(mac, hmac.new(b"", b"message", f"sha{bits}").digest())


@pytest.mark.parametrize("spec", RSA)
@pytest.mark.parametrize("name", ["SHA_1", "SHA_256"])
def test_what_others_encrypt_for_an_rsa_key_opens(world, spec, name):
    """R44: both directions, and the limit to the byte."""
    kms, key_id = world.kms(), make(world, spec, "ENCRYPT_DECRYPT")
    algorithm = f"RSAES_OAEP_{name}"
    function = hashes.SHA1() if name == "SHA_1" else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(function), function, None)
    ciphertext = public(world, key_id).encrypt(b"from outside", oaep)
    opened = kms.decrypt(KeyId=key_id, CiphertextBlob=ciphertext, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == b"from outside" and "KeyMaterialId" not in opened
    limit = RSA[spec] // 8 - 2 * function.digest_size - 2
    blob = kms.encrypt(KeyId=key_id, Plaintext=b"x" * limit, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    assert len(blob) == RSA[spec] // 8
    assert kms.decrypt(KeyId=key_id, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)["Plaintext"] == b"x" * limit
    message = f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {limit} bytes."
    call = {"KeyId": key_id, "EncryptionAlgorithm": algorithm}
    refused("ValidationException", message, kms.encrypt, Plaintext=b"x" * (limit + 1), **call)
    broken = blob[:-1] + bytes([blob[-1] ^ 1])
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=broken, **call)


def test_a_secret_moves_between_kinds_of_keys(world, key):
    """ReEncrypt from a symmetric key to an RSA key and back, without showing what moves."""
    kms, key_id = world.kms(), make(world, "RSA_2048", "ENCRYPT_DECRYPT")
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"moving")["CiphertextBlob"]
    there = kms.re_encrypt(
        CiphertextBlob=blob, DestinationKeyId=key_id, DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_256"
    )
    assert "DestinationKeyMaterialId" not in there and there["SourceKeyMaterialId"]
    back = kms.re_encrypt(
        CiphertextBlob=there["CiphertextBlob"],
        SourceKeyId=key_id,
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=key.id,
        DestinationEncryptionContext={"back": "1"},
    )
    opened = kms.decrypt(CiphertextBlob=back["CiphertextBlob"], EncryptionContext={"back": "1"})
    assert opened["Plaintext"] == b"moving"


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_both_sides_derive_the_same_secret(world, spec):
    kms, key_id = world.kms(), make(world, spec, "KEY_AGREEMENT")
    curve, _ = CURVES[spec]
    ours = ec.generate_private_key(curve)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(
        KeyId=key_id, KeyAgreementAlgorithm="ECDH", PublicKey=ours.public_key().public_bytes(*form)
    )
    assert answer["SharedSecret"] == ours.exchange(ec.ECDH(), public(world, key_id))
    other = ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(*form)
    for bad in (other, b"no key"):
        refused(
            "ValidationException",
            None,
            kms.derive_shared_secret,
            KeyId=key_id,
            KeyAgreementAlgorithm="ECDH",
            PublicKey=bad,
        )


@pytest.mark.parametrize("spec", ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])
def test_an_encapsulated_secret_opens(world, spec):
    kms, key_id = world.kms(), make(world, spec, "ENCAPSULATE_DECAPSULATE")
    made = kms.encapsulate(KeyId=key_id, EncapsulationAlgorithm="ML_KEM")
    blob = made["SharedSecretCiphertextBlob"]
    assert len(blob) == {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}[spec]
    opened = kms.decapsulate(KeyId=key_id, SharedSecretCiphertextBlob=blob, EncapsulationAlgorithm="ML_KEM")
    assert opened["SharedSecret"] == made["SharedSecret"] and len(made["SharedSecret"]) == 32
    call = {"KeyId": key_id, "EncapsulationAlgorithm": "ML_KEM"}
    refused("InvalidCiphertextException", None, kms.decapsulate, SharedSecretCiphertextBlob=blob[:-1], **call)


@pytest.mark.parametrize("spec", [*RSA, *CURVES, "ECC_NIST_EDWARDS25519"])
def test_both_halves_of_a_data_key_pair_belong_together(world, key, spec):
    """The private half opens only with its context; what it signs, the public half verifies."""
    kms = world.kms()
    context = {"purpose": "pair"}
    pair = kms.generate_data_key_pair(KeyId=key.id, KeyPairSpec=spec, EncryptionContext=context)
    opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    refused("InvalidCiphertextException", None, kms.decrypt, CiphertextBlob=pair["PrivateKeyCiphertextBlob"])
    private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert private.public_key().public_bytes(*form) == pair["PublicKey"]
    hidden = kms.generate_data_key_pair_without_plaintext(KeyId=key.id, KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in hidden and hidden["PublicKey"] != pair["PublicKey"]
    plaintext = kms.decrypt(CiphertextBlob=hidden["PrivateKeyCiphertextBlob"])["Plaintext"]
    assert serialization.load_der_private_key(plaintext, None).public_key().public_bytes(*form) == hidden["PublicKey"]


WRONG_USES = [
    ("RSA_2048", "SIGN_VERIFY", "encrypt", {"Plaintext": b"m"}, "Encrypt"),
    ("HMAC_256", "GENERATE_VERIFY_MAC", "sign", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}, "Sign"),
    ("ECC_NIST_P256", "KEY_AGREEMENT", "sign", {"Message": b"m", "SigningAlgorithm": "ECDSA_SHA_256"}, "Sign"),
    ("RSA_2048", "ENCRYPT_DECRYPT", "generate_mac", {"Message": b"m", "MacAlgorithm": "HMAC_SHA_256"}, "GenerateMac"),
]


@pytest.mark.parametrize("spec, usage, method, parameters, operation", WRONG_USES)
def test_a_key_does_only_what_it_is_for(world, spec, usage, method, parameters, operation):
    key_id = make(world, spec, usage)
    arn = world.kms().describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
    message = f"{arn} key usage is {usage} which is not valid for {operation}."
    refused("InvalidKeyUsageException", message, getattr(world.kms(), method), KeyId=key_id, **parameters)


@pytest.mark.parametrize(
    "parameters, message",
    [
        (
            {"KeySpec": "RSA_2048"},
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        ),
        (
            {"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"},
            "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec HMAC_256",
        ),
        ({"KeyUsage": "SIGN_VERIFY"}, "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT"),
    ],
)
def test_spec_and_usage_must_fit(world, parameters, message):
    refused("ValidationException", message, world.kms().create_key, **parameters)


def test_no_data_key_under_an_asymmetric_key(world):
    key_id = make(world, "RSA_2048", "ENCRYPT_DECRYPT")
    message = "You cannot generate a data key with an asymmetric CMK"
    refused("InvalidKeyUsageException", message, world.kms().generate_data_key, KeyId=key_id, KeySpec="AES_256")


def test_a_dry_run_does_nothing(world):
    """It says that it would have succeeded, or fails as the call would."""
    kms, key_id = world.kms(), make(world, "HMAC_256", "GENERATE_VERIFY_MAC")
    call = {"KeyId": key_id, "Message": b"m", "DryRun": True}
    message = "The request would have succeeded, but the DryRun option is set."
    refused("DryRunOperationException", message, kms.generate_mac, MacAlgorithm="HMAC_SHA_256", **call)
    incompatible = "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."
    refused("InvalidKeyUsageException", incompatible, kms.generate_mac, MacAlgorithm="HMAC_SHA_512", **call)
