"""The lives of keys, written once as steps, and all that can be seen of them between two steps.

Not here: what runs them, and whether the server is killed between two steps.
Invariants: a life makes changes only between two `yield`s; looking at it changes nothing; what `observe` tells is the
same for two runs of a life but for names that the server chooses, which `shape_of` takes out.
"""

import datetime
import os
import re

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from imports import bring_in
from policies import ADMIN, ENABLE_IAM, allow, document, user
from subjects import served
from world import FAR_REGION, HOME_REGION, World

CONTEXT = {"life": "long"}
KNOWN_PLAINTEXTS = (b"plaintext ", b"secret")
MATERIAL = [os.urandom(32) for _ in range(2)]


class Life:
    """What one life has made so far, in a server that may be another process at each step."""

    def __init__(self, world: World):
        self.world = world
        self.keys: list[tuple[str, str]] = []
        # Calls whose answers are part of what is seen: name, caller, Region, method, parameters.
        self.checks: list[tuple] = []

    def kms(self, who: str = "Admin", region: str = HOME_REGION):
        return self.world.kms(who, region)

    def make(self, **parameters) -> str:
        """A new key that is looked at from now on."""
        arn = self.kms().create_key(**parameters)["KeyMetadata"]["Arn"]
        self.keys.append((HOME_REGION, arn))
        return arn

    def check(self, name: str, method: str, who="Admin", region=HOME_REGION, **parameters) -> None:
        """A call that is repeated at every look."""
        self.checks.append((name, who, region, method, parameters))

    def encrypted(self, key: str, number: int, who="Admin", region=HOME_REGION) -> None:
        """A ciphertext, which is opened at every look."""
        text = f"plaintext {number}".encode()
        blob = self.kms(who, region).encrypt(KeyId=key, Plaintext=text, EncryptionContext=CONTEXT)["CiphertextBlob"]
        self.check(f"ciphertext {number}", "decrypt", region=region, CiphertextBlob=blob, EncryptionContext=CONTEXT)

    def observe(self) -> dict:
        """Everything that can be seen."""
        seen = {}
        for region, arn in self.keys:
            kms = self.kms(region=region)
            for method in OBSERVED:
                seen[f"{region} {arn} {method}"] = _answer(getattr(kms, method), {"KeyId": arn})
        for name, who, region, method, parameters in self.checks:
            seen[name] = _answer(getattr(self.kms(who, region), method), parameters)
        return seen


OBSERVED = (
    "describe_key", "get_key_policy", "list_key_policies", "list_resource_tags", "list_grants", "list_aliases",
    "get_key_rotation_status", "list_key_rotations", "get_public_key",
)  # fmt: skip


def _answer(call, parameters: dict) -> dict | tuple:
    """The answer without what every answer has of its own, or code and message of the refusal."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


RANDOM = ("PublicKey", "GrantToken")
_CHOSEN = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def shape_of(seen: dict) -> str:
    """What is seen, with names that the server chose numbered as they come, times and random bytes left out."""
    numbers: dict[str, int] = {}

    def plain(value):
        if isinstance(value, dict):
            return {plain(name): plain(_in_order(name, item)) for name, item in value.items() if name not in RANDOM}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, datetime.datetime):
            return "a time"
        if isinstance(value, bytes) and not value.startswith(KNOWN_PLAINTEXTS):
            return f"{len(value)} random bytes"
        if isinstance(value, str):
            return _CHOSEN.sub(lambda found: f"<{numbers.setdefault(found[0], len(numbers))}>", value)
        return value

    return "\n".join(f"{name}: {value}" for name, value in plain(seen).items())


def _in_order(name: str, items):
    """Grants are listed in the order of their ids, which are random."""
    return sorted(items, key=lambda grant: str(grant["Operations"])) if name == "Grants" else items


def symmetric(life: Life):
    """Create, use, disable, enable, rotate, schedule the deletion, cancel it, use again, delete."""
    key = life.make(Description="a life", Tags=[{"TagKey": "class", "TagValue": "one"}])
    yield "created"
    life.encrypted(key, 1)
    pair = life.kms().generate_data_key(KeyId=key, KeySpec="AES_256")
    life.check("data key", "decrypt", CiphertextBlob=pair["CiphertextBlob"])
    yield "used"
    life.kms().disable_key(KeyId=key)
    yield "disabled"
    life.kms().enable_key(KeyId=key)
    yield "enabled"
    life.kms().enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    yield "rotates by itself"
    life.kms().rotate_key_on_demand(KeyId=key)
    yield "rotated"
    life.encrypted(key, 2)
    yield "used after the rotation"
    life.kms().schedule_key_deletion(KeyId=key, PendingWindowInDays=9)
    yield "doomed"
    life.kms().cancel_key_deletion(KeyId=key)
    yield "pardoned"
    life.kms().enable_key(KeyId=key)
    life.kms().disable_key_rotation(KeyId=key)
    yield "enabled again"
    life.encrypted(key, 3)
    yield "used again"
    life.kms().schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    yield "doomed for good"


def imported(life: Life):
    """Import, lose and bring back material, and rotate to a second one."""
    key = life.make(Origin="EXTERNAL")
    yield "created"
    first = bring_in(life.kms(), key, MATERIAL[0])["KeyMaterialId"]
    yield "imported"
    life.encrypted(key, 1)
    yield "used"
    life.kms().delete_imported_key_material(KeyId=key)
    yield "lost"
    bring_in(life.kms(), key, MATERIAL[0])
    yield "brought back"
    bring_in(life.kms(), key, MATERIAL[1], ImportType="NEW_KEY_MATERIAL")
    yield "a second material waits"
    life.kms().rotate_key_on_demand(KeyId=key)
    yield "rotated"
    life.encrypted(key, 2)
    yield "used after the rotation"
    life.kms().delete_imported_key_material(KeyId=key, KeyMaterialId=first)
    yield "lost the first"
    bring_in(life.kms(), key, MATERIAL[0], KeyMaterialId=first)
    yield "whole again"
    life.kms().schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    yield "doomed"


def granted(life: Life):
    """Grants come, are used, retired and revoked."""
    key = life.make(Policy=document(ADMIN))
    life.encrypted(key, 1)
    blob = life.checks[-1][-1]
    life.check("Bob decrypts", "decrypt", "Bob", **blob)
    yield "created"
    grant = {"KeyId": key, "GranteePrincipal": user("Bob"), "RetiringPrincipal": user("Alice")}
    subset = {"EncryptionContextSubset": CONTEXT}
    one = life.kms().create_grant(**grant, Operations=["Decrypt"], Constraints=subset, Name="one")
    yield "granted"
    two = life.kms().create_grant(**grant, Operations=["Decrypt", "DescribeKey"])
    life.check("Bob describes", "describe_key", "Bob", KeyId=key)
    yield "granted more"
    life.kms("Alice").retire_grant(GrantToken=one["GrantToken"])
    yield "retired"
    life.kms().disable_key(KeyId=key)
    yield "disabled"
    life.kms().revoke_grant(KeyId=key, GrantId=two["GrantId"])
    yield "revoked"
    life.kms().enable_key(KeyId=key)
    yield "enabled"


def named(life: Life):
    """An alias is made, moved, removed and made anew."""
    alias = "alias/life"
    old, new = life.make(), life.make()
    life.kms().create_alias(AliasName=alias, TargetKeyId=old)
    life.check("what the alias names", "describe_key", KeyId=alias)
    yield "named"
    life.encrypted(alias, 1)
    yield "used by name"
    life.kms().update_alias(AliasName=alias, TargetKeyId=new)
    yield "moved"
    life.encrypted(alias, 2)
    yield "used by name again"
    life.kms().delete_alias(AliasName=alias)
    yield "nameless"
    life.kms().create_alias(AliasName=alias, TargetKeyId=old)
    yield "named anew"
    life.kms().schedule_key_deletion(KeyId=old, PendingWindowInDays=7)
    yield "doomed with its name"


def tagged(life: Life):
    """Tags, the description and the policy change, and the rights with them."""
    key = life.make(Policy=document(ADMIN))
    life.check("Bob's right", "encrypt", "Bob", KeyId=key, Plaintext=b"m", DryRun=True)
    yield "created"
    life.kms().tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    yield "tagged"
    life.kms().put_key_policy(KeyId=key, Policy=document(ADMIN, allow(user("Bob"), "kms:Encrypt")))
    yield "shared"
    life.kms().update_key_description(KeyId=key, Description="another")
    life.kms().untag_resource(KeyId=key, TagKeys=["a"])
    yield "described"
    life.kms().put_key_policy(KeyId=key, Policy=document(ADMIN, ENABLE_IAM))
    yield "no longer shared"
    life.kms().tag_resource(KeyId=key, Tags=[{"TagKey": "b", "TagValue": "3"}])
    yield "tagged anew"


def asymmetric(life: Life):
    """Signatures, a secret for an RSA key, an agreement and an encapsulation outlast everything but the deletion."""
    signs = life.make(KeySpec="ECC_NIST_P384", KeyUsage="SIGN_VERIFY")
    opens = life.make(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    yield "created"
    call = {"KeyId": signs, "Message": b"m", "SigningAlgorithm": "ECDSA_SHA_384"}
    life.check("signature", "verify", **call, Signature=life.kms().sign(**call)["Signature"])
    public = serialization.load_der_public_key(life.kms().get_public_key(KeyId=opens)["PublicKey"])
    secret = public.encrypt(b"secret", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    algorithm = {"EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    life.check("secret of another", "decrypt", KeyId=opens, CiphertextBlob=secret, **algorithm)
    yield "used"
    for key in (signs, opens):
        life.kms().disable_key(KeyId=key)
    yield "disabled"
    for key in (signs, opens):
        life.kms().enable_key(KeyId=key)
    agrees = life.make(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    peer = PEER.public_key().public_bytes(*form)
    # The secret is the key's own and of no other run: only that it stays the same is looked at.
    shared = life.kms().derive_shared_secret(KeyId=agrees, KeyAgreementAlgorithm="ECDH", PublicKey=peer)["SharedSecret"]
    key = serialization.load_der_public_key(life.kms().get_public_key(KeyId=agrees)["PublicKey"])
    assert shared == PEER.exchange(ec.ECDH(), key)
    yield "agreed"
    holds = life.make(KeySpec="ML_KEM_768", KeyUsage="ENCAPSULATE_DECAPSULATE")
    algorithm = {"EncapsulationAlgorithm": "ML_KEM"}
    made = life.kms().encapsulate(KeyId=holds, **algorithm)
    capsule = {"SharedSecretCiphertextBlob": made["SharedSecretCiphertextBlob"], "DryRun": True}
    life.check("capsule", "decapsulate", KeyId=holds, **algorithm, **capsule)
    blob = {"SharedSecretCiphertextBlob": capsule["SharedSecretCiphertextBlob"]}
    opened = life.kms().decapsulate(KeyId=holds, **algorithm, **blob)
    assert opened["SharedSecret"] == made["SharedSecret"]
    yield "encapsulated"
    life.kms().schedule_key_deletion(KeyId=signs, PendingWindowInDays=7)
    yield "doomed"


def authenticating(life: Life):
    """A MAC verifies as long as its key is there."""
    key = life.make(KeySpec="HMAC_512", KeyUsage="GENERATE_VERIFY_MAC")
    yield "created"
    call = {"KeyId": key, "Message": b"m", "MacAlgorithm": "HMAC_SHA_512"}
    life.check("MAC", "verify_mac", **call, Mac=life.kms().generate_mac(**call)["Mac"])
    yield "used"
    life.kms().disable_key(KeyId=key)
    yield "disabled"
    life.kms().enable_key(KeyId=key)
    yield "enabled"
    life.kms().schedule_key_deletion(KeyId=key, PendingWindowInDays=8)
    yield "doomed"
    life.kms().cancel_key_deletion(KeyId=key)
    yield "pardoned"


def many_regions(life: Life):
    """A multi-Region key is replicated, rotated, led from elsewhere, and its copies are deleted in their order."""
    if not served(life.world, "ReplicateKey"):
        yield "not served yet"
        return
    key = life.make(MultiRegion=True)
    life.encrypted(key, 1)
    yield "created"
    replica = life.kms().replicate_key(KeyId=key, ReplicaRegion=FAR_REGION)["ReplicaKeyMetadata"]["Arn"]
    life.keys.append((FAR_REGION, replica))
    blob = life.checks[0][-1]
    life.check("opened far away", "decrypt", region=FAR_REGION, **blob)
    yield "replicated"
    life.encrypted(replica, 2, region=FAR_REGION)
    life.check("opened at home", "decrypt", **life.checks[-1][-1])
    yield "used far away"
    life.kms().rotate_key_on_demand(KeyId=key)
    yield "rotated"
    life.encrypted(key, 3)
    life.check("opened far away after the rotation", "decrypt", region=FAR_REGION, **life.checks[-1][-1])
    yield "used after the rotation"
    life.kms().update_primary_region(KeyId=key, PrimaryRegion=FAR_REGION)
    yield "led from elsewhere"
    life.kms(region=FAR_REGION).update_primary_region(KeyId=replica, PrimaryRegion=HOME_REGION)
    yield "led from home"
    life.kms().schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    yield "the primary waits for its replica"
    life.kms(region=FAR_REGION).schedule_key_deletion(KeyId=replica, PendingWindowInDays=7)
    yield "both are doomed"


PEER = ec.generate_private_key(ec.SECP256R1())
LIVES = (symmetric, imported, granted, named, tagged, asymmetric, authenticating, many_regions)
