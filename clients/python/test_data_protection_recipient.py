"""Recipients that prove what they are: the plaintext leaves only in an envelope for the attested key, and policies ask
what runs there.

Rules: "Cryptographic attestation support in AWS KMS", `RecipientInfo`, "Monitoring requests for Nitro enclaves".
"""

import base64
import datetime
import json
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

import trail
from attestation import ALGORITHM, MODULE, PCR0, PCR8, Authority, Enclave, issue
from aws import error_of, refused, request_id
from policies import allow, no_resource_policy, user
from world import World, caller

MALFORMED = "The attestation document is malformed."
NOT_GENUINE = "The attestation document could not be verified."


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def attesting(authority, tmp_path_factory):
    """A server that trusts the authority."""
    from conftest import Servers

    folder = tmp_path_factory.mktemp("recipient")
    (folder / "root.pem").write_text(authority.root.pem)
    config = folder / "kanuki.toml"
    config.write_text(f"[recipient]\ntrust_root = '{folder / 'root.pem'}'\n[request_quotas]\nburst_seconds = 3600\n")
    servers = Servers()
    yield World(servers.make("attesting", config=config))
    servers.close()


@pytest.fixture(scope="module")
def enclave(authority):
    return Enclave(authority)


def test_data_protection_decrypt_answers_only_the_enclave(attesting, enclave):
    """The envelope opens with the enclave's key to the plaintext; there is no plaintext and no material id beside it."""
    kms, key = attesting.kms(), attesting.make_key()
    for plaintext in (b"m", b"x" * 16, b"y" * 4096):
        blob = kms.encrypt(KeyId=key.id, Plaintext=plaintext)["CiphertextBlob"]
        answer = kms.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient())
        assert "Plaintext" not in answer and "KeyMaterialId" not in answer
        assert answer["KeyId"] == key.arn and answer["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
        assert enclave.open(answer["CiphertextForRecipient"]) == plaintext
    rsa_key = attesting.make_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    how = {"KeyId": rsa_key.id, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    blob = kms.encrypt(Plaintext=b"m", **how)["CiphertextBlob"]
    answer = kms.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient(), **how)
    assert enclave.open(answer["CiphertextForRecipient"]) == b"m" and "Plaintext" not in answer


def test_data_protection_data_keys_and_random_bytes_are_for_the_enclave(attesting, enclave):
    """What the envelope holds is what the ciphertext beside it holds."""
    kms, key = attesting.kms(), attesting.make_key()
    answer = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256", Recipient=enclave.recipient())
    assert "Plaintext" not in answer and "KeyMaterialId" not in answer
    data_key = enclave.open(answer["CiphertextForRecipient"])
    assert len(data_key) == 32 and kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"] == data_key
    pair = kms.generate_data_key_pair(KeyId=key.id, KeyPairSpec="ECC_NIST_P256", Recipient=enclave.recipient())
    assert "PrivateKeyPlaintext" not in pair
    private = enclave.open(pair["CiphertextForRecipient"])
    assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == private
    public = load_der_private_key(private, None).public_key()
    assert public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == pair["PublicKey"]
    answers = [kms.generate_random(NumberOfBytes=77, Recipient=enclave.recipient()) for _ in range(2)]
    opened = [enclave.open(answer["CiphertextForRecipient"]) for answer in answers]
    assert [len(bytes_) for bytes_ in opened] == [77, 77] and opened[0] != opened[1]
    assert not any("Plaintext" in answer for answer in answers)


def test_data_protection_a_shared_secret_is_for_the_enclave(attesting, enclave):
    """The same secret as without a recipient, in an envelope."""
    kms = attesting.kms()
    key = attesting.make_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    peer = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    call = {"KeyId": key.id, "KeyAgreementAlgorithm": "ECDH", "PublicKey": peer}
    answer = kms.derive_shared_secret(Recipient=enclave.recipient(), **call)
    assert "SharedSecret" not in answer
    assert enclave.open(answer["CiphertextForRecipient"]) == kms.derive_shared_secret(**call)["SharedSecret"]


def test_data_protection_openssl_opens_the_envelope(attesting, enclave, tmp_path):
    """The envelope is CMS, and other software reads it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command")
    kms, key = attesting.kms(), attesting.make_key()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"for openssl")["CiphertextBlob"]
    envelope = kms.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient())["CiphertextForRecipient"]
    private, sealed = tmp_path / "key.pem", tmp_path / "envelope.der"
    private.write_bytes(enclave.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    sealed.write_bytes(envelope)
    command = ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", str(sealed), "-inkey", str(private)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout == b"for openssl"


def test_data_protection_policies_ask_what_runs_in_the_enclave(attesting, enclave):
    """Only the right image decrypts; without an attestation the keys of the condition are absent."""
    image = {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:ImageSha384": PCR0.hex().upper()}}
    signed = {"StringEquals": {"kms:RecipientAttestation:PCR8": PCR8.hex()}}
    key = attesting.make_key(allow(user("Bob"), "kms:Decrypt", Condition={**image, **signed}))
    blob = attesting.kms().encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    bob = attesting.kms("Bob")
    right = enclave.recipient()
    assert enclave.open(bob.decrypt(CiphertextBlob=blob, Recipient=right)["CiphertextForRecipient"]) == b"m"
    denied = no_resource_policy(caller("Bob"), "kms:Decrypt", key.arn)
    wrong = [{0: bytes(48), 8: PCR8}, {0: PCR0, 8: bytes(48)}, {0: PCR0}]
    for recipient in [None, *wrong]:
        parameters = {} if recipient is None else {"Recipient": enclave.recipient(pcrs=recipient)}
        refused("AccessDeniedException", denied, bob.decrypt, CiphertextBlob=blob, KeyId=key.arn, **parameters)


def test_data_protection_an_attestation_can_be_supposed(attesting, enclave, tmp_path):
    """From a document, verified as in a call, or by its values; a forged document explains nothing."""
    image = {"StringEquals": {"kms:RecipientAttestation:ImageSha384": PCR0.hex()}}
    key = attesting.make_key(allow(user("Bob"), "kms:Decrypt", Condition=image))
    call = ["explain", "--json", "--principal", user("Bob"), "--action", "kms:Decrypt", "--resource", key.arn]
    path = tmp_path / "document"

    def supposed(*more):
        done = attesting.server.command(*call, *more)
        return json.loads(done.stdout)["allowed"] if done.returncode == 0 else done.stderr

    path.write_bytes(enclave.document())
    assert supposed("--attestation", str(path)) is True
    assert supposed("--attestation", f"ImageSha384={PCR0.hex()}") is True
    assert supposed() is False
    path.write_bytes(enclave.document(pcrs={0: bytes(48)}))
    assert supposed("--attestation", str(path)) is False
    path.write_bytes(enclave.document()[:-1] + b"x")
    assert "could not be verified" in supposed("--attestation", str(path))


def test_data_protection_registers_of_a_tpm_have_names_of_their_own(attesting, enclave):
    """A NitroTPM document supplies its own condition keys, and none of an enclave."""
    condition = {"StringEquals": {"kms:RecipientAttestation:NitroTPMPCR4": PCR0.hex()}}
    key = attesting.make_key(allow(user("Bob"), "kms:GenerateDataKey", Condition=condition))
    call = {"KeyId": key.arn, "KeySpec": "AES_256"}
    bob = attesting.kms("Bob")
    tpm = enclave.recipient(pcrs=..., nitrotpm_pcrs={4: PCR0})
    assert len(enclave.open(bob.generate_data_key(Recipient=tpm, **call)["CiphertextForRecipient"])) == 32
    assert error_of(bob.generate_data_key, Recipient=enclave.recipient(pcrs={4: PCR0}), **call) == "AccessDeniedException"


def test_data_protection_the_record_tells_of_the_enclave(attesting, enclave):
    """`additionalEventData` names module and registers, and neither document nor envelope is in the record."""
    kms, key = attesting.kms(), attesting.make_key()
    recipient = enclave.recipient()
    answer = kms.generate_data_key(KeyId=key.id, KeySpec="AES_256", Recipient=recipient)
    record = trail.record_of(attesting.server, request_id(answer))
    assert record["additionalEventData"]["recipient"] == {
        "attestationDocumentModuleId": MODULE,
        "attestationDocumentEnclaveImageDigest": base64.b64encode(PCR0).decode(),
        "attestationDocumentEnclavePCR1": base64.b64encode(bytes([1]) * 48).decode(),
        "attestationDocumentEnclavePCR8": base64.b64encode(PCR8).decode(),
    }
    assert "keyMaterialId" in record["additionalEventData"]
    assert base64.b64encode(recipient["AttestationDocument"])[:60].decode() not in str(record)
    record = trail.record_of(attesting.server, request_id(kms.generate_random(NumberOfBytes=1, Recipient=recipient)))
    assert record["additionalEventData"]["recipient"]["attestationDocumentModuleId"] == MODULE


def forgeries(authority, enclave) -> dict[str, tuple[str, bytes]]:
    """Documents that prove nothing, by what is wrong with them, with the text of the refusal."""
    other = Authority()
    days = datetime.timedelta(days=1)
    by_leaf = issue("enclave", authority.leaf, ca=False, until=days)
    too_deep = issue("deeper", authority.zone, ca=True, until=days)
    below = issue("enclave", too_deep, ca=False, until=days)
    expired = issue("enclave", authority.zone, ca=False, until=datetime.timedelta(minutes=-1))
    p256 = issue("enclave", authority.zone, ca=False, until=days, curve=ec.SECP256R1())
    good = enclave.document()
    changed = bytearray(good)
    changed[good.index(MODULE.encode())] ^= 1
    signature = bytearray(good)
    signature[-1] ^= 1
    bundle = authority.bundle
    document = enclave.document
    return {
        "another authority": (NOT_GENUINE, Enclave(other).document()),
        "a changed module id": (NOT_GENUINE, bytes(changed)),
        "a changed signature": (NOT_GENUINE, bytes(signature)),
        "another signer": (NOT_GENUINE, document(signer=other.leaf)),
        "an expired certificate": (NOT_GENUINE, document(signer=expired, certificate=expired.der)),
        "a leaf that issues": (
            NOT_GENUINE, document(signer=by_leaf, certificate=by_leaf.der, cabundle=[*bundle, authority.leaf.der])
        ),
        "a path that is too long": (
            NOT_GENUINE, document(signer=below, certificate=below.der, cabundle=[*bundle, too_deep.der])
        ),
        "an authority that signs": (NOT_GENUINE, document(signer=authority.zone, certificate=authority.zone.der)),
        "a missing intermediate": (NOT_GENUINE, document(cabundle=bundle[:2])),
        "another curve": (MALFORMED, _with_p256(enclave, p256)),
        "no certificate": (NOT_GENUINE, document(certificate=b"certificate")),
        "another algorithm": (MALFORMED, document(algorithm=-7)),
        "something behind it": (MALFORMED, good + b"\0"),
        "half of it": (MALFORMED, good[: len(good) // 2]),
        "no registers": (MALFORMED, document(pcrs={})),
        "an unknown member": (MALFORMED, document(more=1)),
        "too much": (MALFORMED, b"\0" * 262_144),
    }  # fmt: skip


def _with_p256(enclave, signer) -> bytes:
    """A document signed on P-256, whose signature is shorter."""
    from attestation import cbor
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    payload, protected = cbor(enclave.contents(certificate=signer.der)), cbor({1: -35})
    message = cbor(["Signature1", protected, b"", payload])
    r, s = decode_dss_signature(signer.key.sign(message, ec.ECDSA(hashes.SHA384())))
    return cbor([protected, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")])


def test_data_protection_forged_attestations_are_refused(attesting, authority, enclave):
    """Each is refused by name, answers nothing, and uses no key."""
    kms, key = attesting.kms(), attesting.make_key()
    before = kms.get_key_last_usage(KeyId=key.id)["KeyLastUsage"]
    for what, (message, document) in forgeries(authority, enclave).items():
        recipient = {"KeyEncryptionAlgorithm": ALGORITHM, "AttestationDocument": document}
        call = {"KeyId": key.id, "KeySpec": "AES_256", "Recipient": recipient}
        try:
            refused("ValidationException", message, kms.generate_data_key, **call)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error
    assert kms.get_key_last_usage(KeyId=key.id)["KeyLastUsage"] == before == {}


def test_data_protection_the_key_in_the_document_must_be_rsa(attesting, authority, enclave):
    """A document may be genuine and still name nothing to encrypt to."""
    kms, key = attesting.kms(), attesting.make_key()
    call = {"KeyId": key.id, "KeySpec": "AES_256"}
    without = "The attestation document does not include a public key."
    refused("ValidationException", without, kms.generate_data_key, Recipient=enclave.recipient(public_key=...), **call)
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    small = rsa.generate_private_key(65537, 1024).public_key().public_bytes(*form)
    curve = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*form)
    wrong = "The public key of the attestation document is no RSA key of 2048 to 4096 bits."
    for public_key in (small, curve, b"key", enclave.public_key + b"\0"):
        recipient = enclave.recipient(public_key=public_key)
        refused("ValidationException", wrong, kms.generate_data_key, Recipient=recipient, **call)
    large = Enclave(authority, bits=4096)
    answer = kms.generate_data_key(Recipient=large.recipient(), **call)
    assert len(large.open(answer["CiphertextForRecipient"])) == 32


def test_data_protection_recipients_have_their_form(attesting, enclave):
    """Both members are needed, and there is one algorithm."""
    kms = attesting.kms(validate=False)
    good = enclave.recipient()
    wrong = [
        {**good, "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
        {"KeyEncryptionAlgorithm": ALGORITHM},
        {"AttestationDocument": good["AttestationDocument"]},
        {**good, "AttestationDocument": b"x" * 262_145},
        {**good, "AttestationDocument": b""},
    ]
    for recipient in wrong:
        assert error_of(kms.generate_random, NumberOfBytes=1, Recipient=recipient) == "ValidationException"


def test_data_protection_certificates_expire(attesting, enclave):
    """The clock of the server decides; it comes last here, as it moves the clock."""
    kms = attesting.kms()
    recipient = enclave.recipient()
    kms.generate_random(NumberOfBytes=1, Recipient=recipient)
    attesting.server.advance(3 * 3600 + 60)
    refused("ValidationException", NOT_GENUINE, kms.generate_random, NumberOfBytes=1, Recipient=recipient)


def test_data_protection_without_a_trust_root_every_recipient_is_refused(world, enclave):
    """No document proves anything then."""
    kms, key = world.kms(), world.make_key()
    blob = kms.encrypt(KeyId=key.id, Plaintext=b"m")["CiphertextBlob"]
    message = "The Recipient parameter needs a trust root for attestation documents, and none is configured."
    recipient = {"Recipient": enclave.recipient()}
    refused("ValidationException", message, kms.decrypt, CiphertextBlob=blob, **recipient)
    refused("ValidationException", message, kms.generate_data_key, KeyId=key.id, KeySpec="AES_256", **recipient)
    refused("ValidationException", message, kms.generate_random, NumberOfBytes=1, **recipient)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"m"
