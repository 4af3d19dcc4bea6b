"""Keys of every kind in every state, with what a right call of each operation on them needs.

Not here: what the calls should answer; that is each test's.
Invariants: a state is reached as a user would reach it; what a call needs (a ciphertext, a signature, a grant, an
alias, an import token) was made while the key could be used; the calls of `CALLS` would succeed on an enabled key.
"""

import dataclasses
import itertools
import os

import botocore.session
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from imports import FOREVER, bring_in, prepare
from policies import ADMIN, ENABLE_IAM, document, user
from world import FAR_REGION, Key, World

MODEL = botocore.session.get_session().get_service_model("kms")
OPERATIONS = tuple(MODEL.operation_names)

# The parameters of CreateKey by kind.
KINDS = {
    "symmetric": {},
    "mac": {"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"},
    "sign": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
    "agree": {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
    "encapsulate": {"KeySpec": "ML_KEM_512", "KeyUsage": "ENCAPSULATE_DECAPSULATE"},
    "primary": {"MultiRegion": True},
    "replicated": {"MultiRegion": True},
}
SYMMETRIC = ("symmetric", "primary", "replicated")
MESSAGE = b"message"
CONTEXT = {"purpose": "subject"}
SUBSET = {"EncryptionContextSubset": CONTEXT}
GRANT = {"GranteePrincipal": user("Bob"), "RetiringPrincipal": user("Admin"), "Operations": ["DescribeKey"]}
POLICY = document(ADMIN, ENABLE_IAM)
_numbers = itertools.count()


@dataclasses.dataclass
class Subject:
    """A key, and what was made with it while it could be used."""

    kind: str
    origin: str
    key: Key
    ready: dict = dataclasses.field(default_factory=dict)
    material: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def arn(self) -> str:
        return self.key.arn

    @property
    def id(self) -> str:
        return self.key.id


def peer_public_key() -> bytes:
    """Another side's public key, for agreement."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


PEER = peer_public_key()


def alias_name() -> str:
    """An alias that was never used before."""
    return f"alias/subject-{next(_numbers)}"


def new_material(kind: str) -> bytes:
    """Key material that fits a kind."""
    if kind in ("sign", "agree"):
        private = ec.generate_private_key(ec.SECP256R1())
        encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
        return private.private_bytes(encoding, form, serialization.NoEncryption())
    return os.urandom(32)


class Subjects:
    """Makes subjects in the home Region as `Admin`. `policy` gives the key policy for a kind and an origin."""

    def __init__(self, world: World, policy=lambda kind, origin: POLICY, other: Key | None = None):
        self.world = world
        self.kms = world.kms()
        self.policy = policy
        # What ReEncrypt and UpdateAlias need beside the key of the test.
        self.other = other or world.make_key()
        self.other_blob = self.kms.encrypt(KeyId=self.other.id, Plaintext=MESSAGE)["CiphertextBlob"]

    def make(self, kind: str, origin="AWS_KMS", state="Enabled", multi_region=False) -> Subject:
        """A key in a state."""
        parameters = {**KINDS[kind], "Tags": [{"TagKey": "kept", "TagValue": "yes"}]}
        if multi_region or state == "PendingReplicaDeletion":
            parameters["MultiRegion"] = True
        policy = self.policy(kind, origin)
        subject = Subject(kind, origin, self._create(Origin=origin, Policy=policy, **parameters))
        if origin == "EXTERNAL":
            subject.material = new_material(kind)
            wrapped = prepare(self.kms, subject.id, subject.material)
            subject.ready["import"] = {**wrapped, "ExpirationModel": FOREVER}
            self.kms.import_key_material(**subject.ready["import"])
        self._prepare(subject)
        # A primary key with a replica does not come to PendingDeletion before its replica is gone.
        if (kind == "replicated" and state != "PendingDeletion") or state == "PendingReplicaDeletion":
            self._replicate(subject)
        self.reach(subject, state)
        assert self.state(subject) == state
        return subject

    def state(self, subject: Subject) -> str:
        """The state, as DescribeKey tells it."""
        return self.metadata(subject)["KeyState"]

    def metadata(self, subject: Subject) -> dict:
        """The answer of DescribeKey."""
        return self.kms.describe_key(KeyId=subject.id)["KeyMetadata"]

    def reach(self, subject: Subject, state: str) -> None:
        """Takes a new key to a state."""
        if state == "Disabled":
            self.kms.disable_key(KeyId=subject.id)
        elif state in ("PendingDeletion", "PendingReplicaDeletion"):
            self.kms.schedule_key_deletion(KeyId=subject.id, PendingWindowInDays=7)
        elif state == "PendingImport":
            self.kms.delete_imported_key_material(KeyId=subject.id)
        else:
            assert state == "Enabled", f"no way to reach {state}"

    def _create(self, **parameters) -> Key:
        return self.world.make_key(**parameters)

    def _replicate(self, subject: Subject) -> None:
        self.kms.replicate_key(KeyId=subject.id, ReplicaRegion=FAR_REGION, Policy=POLICY)
        if subject.material is not None:
            bring_in(self.world.kms(region=FAR_REGION), subject.id, subject.material)

    def _prepare(self, subject: Subject) -> None:
        kms, key, ready = self.kms, {"KeyId": subject.id}, subject.ready
        ready["alias"] = alias_name()
        kms.create_alias(AliasName=ready["alias"], TargetKeyId=subject.id)
        constraints = {"Constraints": SUBSET} if subject.kind in SYMMETRIC else {}
        ready["grant"] = kms.create_grant(**key, **GRANT, **constraints)
        if subject.kind == "mac":
            ready["mac"] = kms.generate_mac(**key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")["Mac"]
        elif subject.kind == "sign":
            ready["signature"] = kms.sign(**key, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")["Signature"]
        elif subject.kind == "encapsulate":
            made = kms.encapsulate(**key, EncapsulationAlgorithm="ML_KEM")
            ready["blob"] = made["SharedSecretCiphertextBlob"]
        elif subject.kind != "agree":
            made = kms.encrypt(**key, Plaintext=MESSAGE, EncryptionContext=CONTEXT)
            ready["blob"] = made["CiphertextBlob"]

    def parameters(self, operation: str, subject: Subject, part: str | None = None) -> dict:
        """The parameters of a right call on the subject. `part` says which of two keys it is."""
        return CALLS[operation](self, subject, part)


class StoredSubjects(Subjects):
    """Makes subjects in custom key stores: those that are to be unavailable in a store that is disconnected then.

    `outside` knows a server with two stores: it makes keys in them, connects and disconnects them.
    """

    def __init__(self, outside):
        super().__init__(outside.world)
        self._outside = outside
        self._store, self._closed_store = outside.two_stores()

    def make(self, kind: str, origin="EXTERNAL_KEY_STORE", state="Enabled", multi_region=False) -> Subject:
        """A key in a state; never a multi-Region key."""
        self._into = self._closed_store if state == "Unavailable" else self._store
        if state == "Unavailable":
            self._outside.open(self._closed_store)
        return super().make(kind, origin, state, multi_region)

    def reach(self, subject: Subject, state: str) -> None:
        """Takes a new key to a state."""
        if state == "Unavailable":
            self._outside.close(self._closed_store)
        else:
            super().reach(subject, state)

    def _create(self, **parameters) -> Key:
        return self._outside.make_key(self._into, **parameters)


def method(client, operation: str):
    """The method of a boto3 client for an operation, by its name in the API."""
    names = {api: python for python, api in client.meta.method_to_api_mapping.items()}
    return getattr(client, names[operation])


def served(world: World, operation: str) -> bool:
    """Whether the server knows the operation at all."""
    try:
        method(world.kms(validate=False), operation)()
    except ClientError as error:
        return error.response["Error"]["Code"] != "UnknownOperationException"
    return True


def _key(**more):
    """A call that names the key and these parameters."""
    return lambda subjects, subject, part: {"KeyId": subject.id, **more}


def _re_encrypt(subjects, subject, part) -> dict:
    if part == "destination":
        theirs = {"CiphertextBlob": subjects.other_blob, "DestinationEncryptionContext": CONTEXT}
        return {**theirs, "DestinationKeyId": subject.id}
    ours = {"CiphertextBlob": subject.ready["blob"], "SourceEncryptionContext": CONTEXT}
    return {**ours, "DestinationKeyId": subjects.other.id}


def _update_alias(subjects, subject, part) -> dict:
    if part == "current key":
        return {"AliasName": subject.ready["alias"], "TargetKeyId": subjects.other.id}
    name = alias_name()
    subjects.kms.create_alias(AliasName=name, TargetKeyId=subjects.other.id)
    return {"AliasName": name, "TargetKeyId": subject.id}


def _import(subjects, subject, part) -> dict:
    if "import" in subject.ready:
        return dict(subject.ready["import"])
    # Not a key that takes material: any token will do, since the kind of the key comes first.
    given = {"ImportToken": b"token", "EncryptedKeyMaterial": b"material", "ExpirationModel": FOREVER}
    return {"KeyId": subject.id, **given}


CALLS = {
    "CancelKeyDeletion": _key(),
    "CreateAlias": lambda subjects, subject, part: {"AliasName": alias_name(), "TargetKeyId": subject.id},
    "CreateGrant": _key(**GRANT, Constraints=SUBSET),
    "Decapsulate": lambda subjects, subject, part: {
        "KeyId": subject.id,
        "SharedSecretCiphertextBlob": subject.ready["blob"],
        "EncapsulationAlgorithm": "ML_KEM",
    },
    "Decrypt": lambda subjects, subject, part: {
        "CiphertextBlob": subject.ready["blob"],
        "EncryptionContext": CONTEXT,
    },
    "DeleteAlias": lambda subjects, subject, part: {"AliasName": subject.ready["alias"]},
    "DeleteImportedKeyMaterial": _key(),
    "DeriveSharedSecret": _key(KeyAgreementAlgorithm="ECDH", PublicKey=PEER),
    "DescribeKey": _key(),
    "DisableKey": _key(),
    "DisableKeyRotation": _key(),
    "EnableKey": _key(),
    "EnableKeyRotation": _key(),
    "Encapsulate": _key(EncapsulationAlgorithm="ML_KEM"),
    "Encrypt": _key(Plaintext=MESSAGE, EncryptionContext=CONTEXT),
    "GenerateDataKey": _key(KeySpec="AES_256", EncryptionContext=CONTEXT),
    "GenerateDataKeyPair": _key(KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT),
    "GenerateDataKeyPairWithoutPlaintext": _key(KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT),
    "GenerateDataKeyWithoutPlaintext": _key(KeySpec="AES_256", EncryptionContext=CONTEXT),
    "GenerateMac": _key(Message=MESSAGE, MacAlgorithm="HMAC_SHA_256"),
    "GetKeyLastUsage": _key(),
    "GetKeyPolicy": _key(),
    "GetKeyRotationStatus": _key(),
    "GetParametersForImport": _key(WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"),
    "GetPublicKey": _key(),
    "ImportKeyMaterial": _import,
    "ListAliases": _key(),
    "ListGrants": _key(),
    "ListKeyPolicies": _key(),
    "ListKeyRotations": _key(),
    "ListResourceTags": _key(),
    "PutKeyPolicy": lambda subjects, subject, part: {
        "KeyId": subject.id,
        "Policy": subjects.policy(subject.kind, subject.origin),
    },
    "ReEncrypt": _re_encrypt,
    "ReplicateKey": _key(ReplicaRegion=FAR_REGION),
    "RetireGrant": lambda subjects, subject, part: {"GrantToken": subject.ready["grant"]["GrantToken"]},
    "RevokeGrant": lambda subjects, subject, part: {
        "KeyId": subject.id,
        "GrantId": subject.ready["grant"]["GrantId"],
    },
    "RotateKeyOnDemand": _key(),
    "ScheduleKeyDeletion": _key(PendingWindowInDays=7),
    "Sign": _key(Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256"),
    "TagResource": _key(Tags=[{"TagKey": "new", "TagValue": "yes"}]),
    "UntagResource": _key(TagKeys=["kept"]),
    "UpdateAlias": _update_alias,
    "UpdateKeyDescription": _key(Description="new"),
    "UpdatePrimaryRegion": _key(PrimaryRegion=FAR_REGION),
    "Verify": lambda subjects, subject, part: {
        "KeyId": subject.id,
        "Message": MESSAGE,
        "Signature": subject.ready["signature"],
        "SigningAlgorithm": "ECDSA_SHA_256",
    },
    "VerifyMac": lambda subjects, subject, part: {
        "KeyId": subject.id,
        "Message": MESSAGE,
        "Mac": subject.ready["mac"],
        "MacAlgorithm": "HMAC_SHA_256",
    },
}
MISSING_STORE = {"CustomKeyStoreId": "cks-0123456789abcdef0"}
# The parameters of operations on no key; the custom key stores that they name do not exist, or cannot be reached.
WITHOUT_KEY = {
    "ConnectCustomKeyStore": MISSING_STORE,
    "CreateCustomKeyStore": {
        "CustomKeyStoreName": "out of reach",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": "https://no-such-host.invalid",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "A" * 20, "RawSecretAccessKey": "s" * 43},
    },
    "CreateKey": {},
    "DeleteCustomKeyStore": MISSING_STORE,
    "DescribeCustomKeyStores": {},
    "DisconnectCustomKeyStore": MISSING_STORE,
    "GenerateRandom": {"NumberOfBytes": 8},
    "ListAliases": {},
    "ListKeys": {},
    "ListRetirableGrants": {"RetiringPrincipal": user("Admin")},
    "UpdateCustomKeyStore": {**MISSING_STORE, "NewCustomKeyStoreName": "another"},
}
