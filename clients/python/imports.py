"""Imports key material as a user would: wraps it with another implementation, under the key that the server gives.

Not here: what the server should answer; that is each test's.
"""

import os

from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding

FOREVER = "KEY_MATERIAL_DOES_NOT_EXPIRE"
EXPIRES = "KEY_MATERIAL_EXPIRES"
DIRECT = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
TWO_STEPS = ("RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256")


def wrap(public_key: bytes, algorithm: str, material: bytes) -> bytes:
    """Wraps material under a public key (SubjectPublicKeyInfo in DER)."""
    key = serialization.load_der_public_key(public_key)
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(mgf=padding.MGF1(digest), algorithm=digest, label=None)
    if algorithm in DIRECT:
        return key.encrypt(material, oaep)
    aes_key = os.urandom(32)
    return key.encrypt(aes_key, oaep) + keywrap.aes_key_wrap_with_padding(aes_key, material)


def prepare(kms, key_id: str, material: bytes, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048") -> dict:
    """Asks for a token and wraps material: the parameters of ImportKeyMaterial but for the expiration."""
    answer = kms.get_parameters_for_import(KeyId=key_id, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
    wrapped = wrap(answer["PublicKey"], algorithm, material)
    return {"KeyId": key_id, "ImportToken": answer["ImportToken"], "EncryptedKeyMaterial": wrapped}


def bring_in(kms, key_id: str, material: bytes, algorithm="RSAES_OAEP_SHA_256", spec="RSA_2048", **more) -> dict:
    """Imports material that does not expire, unless `ValidTo` is given."""
    if "ValidTo" not in more:
        more.setdefault("ExpirationModel", FOREVER)
    return kms.import_key_material(**prepare(kms, key_id, material, algorithm, spec), **more)
