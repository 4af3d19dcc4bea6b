"""Every error that the API model declares for an operation is provoked, or `vectors/declared-errors.json` says why not.

Not here: errors that any operation may answer (signatures, access, validation); the texts of the errors, which the
tests of each operation have.
"""

import json
import resource
import uuid

import pytest
from botocore.exceptions import ClientError

from imports import FOREVER, prepare
from kanuki import REPOSITORY
from policies import HOME, document
from subjects import CALLS, MESSAGE, MODEL, OPERATIONS, WITHOUT_KEY, Subjects, method, new_material, served
from world import World

TABLE = json.loads((REPOSITORY / "vectors" / "declared-errors.json").read_text())
STATES = json.loads((REPOSITORY / "vectors" / "key-state-operations.json").read_text())
KIND_OF = {row["operation"]: row["kind"] for row in STATES["rows"]}
DAY = 86_400
ALIASES_PER_KEY = 50
ROTATIONS_ON_DEMAND = 25
POLICY_BYTES_MAX = 32_768
LOWERED_LIMITS = "[limits]\ngrants_per_key_max = 2\n"
MISSING_ID = str(uuid.uuid4())
# A key of this kind is not for what the operation does.
OTHER_KIND = {"symmetric": "mac", "mac": "symmetric", "sign": "agree", "agree": "sign", "encapsulate": "sign"}


class Provoker:
    """Makes calls that go wrong in one way each. A way is a method that answers the parameters of the call."""

    def __init__(self, world: World):
        self.world = world
        self.kms = world.kms()
        self.subjects = Subjects(world)
        self._kept: dict = {}

    def parameters(self, operation: str, origin="AWS_KMS", state="Enabled", kind=None) -> dict:
        """A right call on a key in that state."""
        if operation in WITHOUT_KEY:
            return dict(WITHOUT_KEY[operation])
        part = {"UpdateAlias": "new key"}.get(operation)
        subject = self.subject(kind or KIND_OF[operation], origin, state)
        return dict(CALLS[operation](self.subjects, subject, part))

    def subject(self, kind: str, origin="AWS_KMS", state="Enabled"):
        place = (kind, origin, state)
        if place not in self._kept:
            self._kept[place] = self.subjects.make(*place)
        return self._kept[place]

    def what_is_missing(self, operation: str) -> dict:
        parameters = self.parameters(operation)
        if operation in ("DeleteAlias", "UpdateAlias"):
            return {**parameters, "AliasName": "alias/missing"}
        if operation == "RetireGrant":
            return {"KeyId": self.subject("symmetric").arn, "GrantId": "0" * 64}
        return {**parameters, naming(operation): MISSING_ID}

    def malformed_arn(self, operation: str) -> dict:
        if operation == "RetireGrant":
            return {"KeyId": "arn:aws:s3:::bucket", "GrantId": "0" * 64}
        if operation == "ListRetirableGrants":
            return {"RetiringPrincipal": "arn:aws:s3:::bucket"}
        return {**self.parameters(operation), naming(operation): "arn:aws:s3:::bucket"}

    def unknown_principal(self, operation: str) -> dict:
        return {**self.parameters(operation), "GranteePrincipal": f"arn:aws:iam::{HOME}:user/Missing"}

    def dry_run(self, operation: str) -> dict:
        return {**self.parameters(operation), "DryRun": True}

    def damaged_grant_token(self, operation: str) -> dict:
        member = {"RetireGrant": {"GrantToken": "no token"}}.get(operation, {"GrantTokens": ["no token"]})
        return {**self.parameters(operation), **member}

    def malformed_grant_id(self, operation: str) -> dict:
        return {"KeyId": self.subject("symmetric").arn, "GrantId": "no-grant"}

    def damaged_marker(self, operation: str) -> dict:
        return {**self.parameters(operation), "Marker": "no marker"}

    def key_of_another_usage(self, operation: str) -> dict:
        other = self.subject(OTHER_KIND[KIND_OF[operation]])
        return {**self.parameters(operation), naming(operation): other.id}

    def algorithm_of_another_kind(self, operation: str) -> dict:
        key_id = self.subject("symmetric").id
        return {**self.parameters(operation), "KeyId": key_id, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}

    def key_of_another_kind(self, operation: str) -> dict:
        other = self.subject("symmetric" if operation == "GetPublicKey" else "sign")
        return {**self.parameters(operation), "KeyId": other.id}

    def key_of_another_origin(self, operation: str) -> dict:
        return {**self.parameters(operation), "KeyId": self.subject("symmetric", "EXTERNAL").id}

    def another_key(self, operation: str) -> dict:
        member = "KeyId" if operation == "Decrypt" else "SourceKeyId"
        return {**self.parameters(operation), member: self.world.make_key().id}

    def damaged_ciphertext(self, operation: str) -> dict:
        parameters = self.parameters(operation)
        member = "CiphertextBlob" if "CiphertextBlob" in parameters else "SharedSecretCiphertextBlob"
        blob = parameters[member]
        damaged = blob[:-1] if operation == "Decapsulate" else blob[:-1] + bytes([blob[-1] ^ 1])
        return {**parameters, member: damaged}

    def damaged_signature(self, operation: str) -> dict:
        return {**self.parameters(operation), "Message": MESSAGE + b"!"}

    damaged_mac = damaged_signature

    def damaged_material(self, operation: str) -> dict:
        return {**self.parameters(operation, "EXTERNAL"), "EncryptedKeyMaterial": b"x" * 256}

    def damaged_token(self, operation: str) -> dict:
        return {**self.parameters(operation, "EXTERNAL"), "ImportToken": b"no token"}

    def other_material(self, operation: str) -> dict:
        key_id = self.subject("symmetric", "EXTERNAL").id
        return {**prepare(self.kms, key_id, new_material("symmetric")), "ExpirationModel": FOREVER}

    def alias_that_exists(self, operation: str) -> dict:
        return {**self.parameters(operation), "AliasName": self.subject("symmetric").ready["alias"]}

    def fifty_aliases(self, operation: str) -> dict:
        key = self.world.make_key()
        for number in range(ALIASES_PER_KEY):
            self.kms.create_alias(AliasName=f"alias/{key.id}/{number}", TargetKeyId=key.id)
        return {**self.parameters(operation), "TargetKeyId": key.id}

    def replica_that_exists(self, operation: str) -> dict:
        return {**self.parameters(operation), "KeyId": self.subject("replicated").id}

    def key_of_one_region(self, operation: str) -> dict:
        return {**self.parameters(operation), "KeyId": self.subject("symmetric").id}

    def reserved_tag(self, operation: str) -> dict:
        return {**self.parameters(operation), "Tags": [{"TagKey": "aws:reserved", "TagValue": "v"}]}

    def malformed_policy(self, operation: str) -> dict:
        return {**self.parameters(operation), "Policy": "no policy"}

    def long_policy(self, operation: str) -> dict:
        return {**self.parameters(operation), "Policy": document(Id="x" * POLICY_BYTES_MAX)}

    def another_policy_name(self, operation: str) -> dict:
        return {**self.parameters(operation), "PolicyName": "another"}

    def lattice_key_to_import(self, operation: str) -> dict:
        return {"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"}

    def a_26_rotations(self, operation: str) -> dict:
        key = self.world.make_key()
        for _ in range(ROTATIONS_ON_DEMAND):
            self.kms.rotate_key_on_demand(KeyId=key.id)
        return {"KeyId": key.id}

    def provoke(self, operation: str, how: str) -> str | None:
        """The code with which the call is refused."""
        state, _, origin = how.partition(" ")
        if state in STATES["states"]:
            # A key with material can be taken to every state; what the operation needs was made before.
            parameters = self.parameters(operation, origin, state)
        else:
            way = how.replace(" ", "_").lower()
            parameters = getattr(self, f"a_{way}" if way[0].isdigit() else way)(operation)
        return code_of(method(self.kms, operation), parameters)


def naming(operation: str) -> str:
    """The member that names the key."""
    return {"CreateAlias": "TargetKeyId", "UpdateAlias": "TargetKeyId", "ReEncrypt": "DestinationKeyId"}.get(
        operation, "KeyId"
    )


def code_of(call, parameters: dict) -> str | None:
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@pytest.fixture(scope="module")
def provoker(world):
    return Provoker(world)


# Ways that need a server of their own.
APART = {"unwritable trail", "old token", "rotation that is due", "lowered limit"}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_declared_errors_are_provoked(provoker, operation):
    """R36: each error of the operation's list that a client can bring about, by a client."""
    ways = {error: how for error, how in TABLE["operations"][operation].items() if isinstance(how, str)}
    ways = {error: how for error, how in ways.items() if how not in APART and not how.startswith("store: ")}
    got = {error: provoker.provoke(operation, how) for error, how in ways.items()}
    wrong = {f"{error} by `{ways[error]}`": code for error, code in got.items() if code != error}
    assert not wrong, wrong


def test_each_operation_fails_when_its_record_cannot_be_written(servers):
    """R3: KMSInternalException, whatever is asked; nothing is done and nothing is answered."""
    world = World(servers.make("unwritable", ignore_file_size_signal=True))
    provoker = Provoker(world)
    operations = [name for name, errors in TABLE["operations"].items() if "unwritable trail" in errors.values()]
    calls = {name: provoker.parameters(name, _origin_of(name)) for name in operations}
    resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    got = {name: code_of(method(world.kms(), name), parameters) for name, parameters in calls.items()}
    assert {name: code for name, code in got.items() if code != "KMSInternalException"} == {}
    assert len(got) > 40


def _origin_of(operation: str) -> str:
    imported = ("DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial")
    return "EXTERNAL" if operation in imported else "AWS_KMS"


def test_errors_that_come_with_time_are_provoked(steered):
    """R51, R59: a token that is older than a day; a rotation by hand when the schedule's own is due."""
    provoker = Provoker(steered)
    old = provoker.parameters("ImportKeyMaterial", "EXTERNAL")
    steered.server.advance(DAY + 60)
    assert code_of(steered.kms().import_key_material, old) == "ExpiredImportTokenException"
    key = steered.make_key()
    steered.kms().enable_key_rotation(KeyId=key.id, RotationPeriodInDays=90)
    steered.server.advance(90 * DAY - 600)
    assert code_of(steered.kms().rotate_key_on_demand, {"KeyId": key.id}) == "ConflictException"


def test_limits_that_the_operator_lowered_are_reached(servers, tmp_path):
    """R26: what by default is too much for a test."""
    config = tmp_path / "kanuki.toml"
    config.write_text(LOWERED_LIMITS)
    world = World(servers.make("lowered", config=config))
    provoker = Provoker(world)
    parameters = provoker.parameters("CreateGrant")
    codes = [code_of(world.kms().create_grant, parameters) for _ in range(3)]
    # One grant was made with the subject.
    assert codes == [None, "LimitExceededException", "LimitExceededException"]


def test_every_declared_error_is_provoked_or_has_a_reason(world, record_property):
    """R36: the list is the model's, and no reason is stale."""
    declared = {name: {shape.name for shape in MODEL.operation_model(name).error_shapes} for name in OPERATIONS}
    assert {name: set(errors) for name, errors in TABLE["operations"].items()} == declared
    answers = [how for errors in TABLE["operations"].values() for how in errors.values()]
    reasons = [how["cannot"] for how in answers if isinstance(how, dict)]
    assert set(reasons) == set(TABLE["reasons"])
    for name, errors in TABLE["operations"].items():
        if {"cannot": "not served"} in errors.values():
            assert not served(world, name), f"{name} is served by now"
    for reason in sorted(set(reasons)):
        record_property("not provoked", f"{reasons.count(reason)}: {reason}")
        print(f"not provoked: {reasons.count(reason)}: {TABLE['reasons'][reason]}")
    print(f"provoked: {len(answers) - len(reasons)} of {len(answers)}")


def test_a_broken_arn_is_answered_by_a_declared_error(world):
    """R36: InvalidArnException where the operation declares it, else NotFoundException."""
    subjects, kms = Subjects(world), world.kms()
    by_kind = {kind: subjects.make(kind) for kind in ("symmetric", "mac", "sign", "agree", "encapsulate")}
    wrong = {}
    for operation in (name for name in OPERATIONS if KIND_OF.get(name) in by_kind):
        if operation in STATES["not_served"] or operation in ("DeleteAlias", "ImportKeyMaterial", "RetireGrant"):
            continue  # they name no key, or come first to another member
        declared = {shape.name for shape in MODEL.operation_model(operation).error_shapes}
        expected = "InvalidArnException" if "InvalidArnException" in declared else "NotFoundException"
        parameters = CALLS[operation](subjects, by_kind[KIND_OF[operation]], None)
        got = code_of(method(kms, operation), {**parameters, naming(operation): "arn:aws:s3:::bucket"})
        wrong |= {operation: got} if got != expected else {}
    assert not wrong
