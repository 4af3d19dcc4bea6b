"""Checks answers against the API model that botocore ships: bodies, error bodies, headers.

botocore itself forgives much (unknown members are dropped, missing ones left out); this does not.
Rules: the model's output shapes; `ALWAYS` for members that the model calls optional but the API always sends, from
the response descriptions of the AWS KMS API reference.
"""

import base64
import binascii
import json
import re
import uuid

CONTENT_TYPE = "application/x-amz-json-1.1"

_KEY_METADATA = {
    "AWSAccountId", "Arn", "CreationDate", "Description", "Enabled", "KeyId", "KeyManager",
    "KeySpec", "KeyState", "KeyUsage", "MultiRegion", "Origin",
}  # fmt: skip

_SET = {"MultiRegionKeyType", "PrimaryKey", "ReplicaKeys"}

_GRANT = {"KeyId", "GrantId", "Name", "CreationDate", "IssuingAccount", "Operations"}

# Texts that the API sends empty although its model gives them a least length: the name of a grant without one.
MAY_BE_EMPTY = {"Grants[].Name"}

# Members that are always present, by the path to their structure; `[]` stands for each item of a list.
ALWAYS = {
    "CancelKeyDeletion": {"": {"KeyId"}},
    "CreateGrant": {"": {"GrantId", "GrantToken"}},
    "CreateKey": {"": {"KeyMetadata"}, "KeyMetadata": _KEY_METADATA},
    "Decrypt": {"": {"KeyId", "Plaintext", "EncryptionAlgorithm"}},
    "DescribeKey": {"": {"KeyMetadata"}, "KeyMetadata": _KEY_METADATA},
    "Encrypt": {"": {"CiphertextBlob", "KeyId", "EncryptionAlgorithm"}},
    "Decapsulate": {"": {"KeyId", "SharedSecret", "EncapsulationAlgorithm"}},
    "DeriveSharedSecret": {"": {"KeyId", "SharedSecret", "KeyAgreementAlgorithm", "KeyOrigin"}},
    "Encapsulate": {"": {"KeyId", "SharedSecret", "SharedSecretCiphertextBlob", "EncapsulationAlgorithm"}},
    "GenerateMac": {"": {"Mac", "MacAlgorithm", "KeyId"}},
    "GetKeyLastUsage": {"": {"KeyId", "KeyLastUsage", "KeyCreationDate", "TrackingStartDate"}},
    "GetKeyRotationStatus": {"": {"KeyId", "KeyRotationEnabled"}},
    "GetPublicKey": {"": {"KeyId", "PublicKey", "KeySpec", "KeyUsage"}},
    "ListKeyRotations": {"": {"Rotations", "Truncated"}},
    "Sign": {"": {"KeyId", "Signature", "SigningAlgorithm"}},
    "Verify": {"": {"KeyId", "SignatureValid", "SigningAlgorithm"}},
    "VerifyMac": {"": {"KeyId", "MacValid", "MacAlgorithm"}},
    "GenerateDataKey": {"": {"CiphertextBlob", "KeyId", "Plaintext", "KeyMaterialId"}},
    "GenerateDataKeyWithoutPlaintext": {"": {"CiphertextBlob", "KeyId", "KeyMaterialId"}},
    "GenerateRandom": {"": {"Plaintext"}},
    "GetKeyPolicy": {"": {"Policy", "PolicyName"}},
    "ListAliases": {"": {"Aliases", "Truncated"}, "Aliases[]": {"AliasName", "AliasArn"}},
    "ListGrants": {"": {"Grants", "Truncated"}, "Grants[]": _GRANT},
    "ListKeyPolicies": {"": {"PolicyNames", "Truncated"}},
    "ListKeys": {"": {"Keys", "Truncated"}, "Keys[]": {"KeyId", "KeyArn"}},
    "ListResourceTags": {"": {"Tags", "Truncated"}, "Tags[]": {"TagKey", "TagValue"}},
    "ListRetirableGrants": {"": {"Grants", "Truncated"}, "Grants[]": _GRANT},
    "ReEncrypt": {
        "": {
            "CiphertextBlob", "KeyId", "SourceKeyId", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm",
        }
    },
    "ReplicateKey": {
        "": {"ReplicaKeyMetadata", "ReplicaPolicy", "ReplicaTags"},
        "ReplicaKeyMetadata": _KEY_METADATA | {"MultiRegionConfiguration"},
        "ReplicaKeyMetadata.MultiRegionConfiguration": _SET,
    },
    # No DeletionDate while a primary key waits for the last of its replicas.
    "ScheduleKeyDeletion": {"": {"KeyId", "KeyState", "PendingWindowInDays"}},
}  # fmt: skip

# With a recipient these stand in an envelope, and what the model says to leave out with them is left out.
FOR_RECIPIENT = "CiphertextForRecipient"
NOT_FOR_RECIPIENT = {
    "Decrypt": {"Plaintext", "KeyMaterialId"},
    "DeriveSharedSecret": {"SharedSecret"},
    "GenerateDataKey": {"Plaintext", "KeyMaterialId"},
    "GenerateDataKeyPair": {"PrivateKeyPlaintext"},
    "GenerateRandom": {"Plaintext"},
}

MATERIAL_BY_ALGORITHM = {
    "EncryptionAlgorithm": "KeyMaterialId",
    "SourceEncryptionAlgorithm": "SourceKeyMaterialId",
    "DestinationEncryptionAlgorithm": "DestinationKeyMaterialId",
}

# Errors that any operation may answer, though the model does not list them.
COMMON_ERRORS = {
    "AccessDeniedException", "DependencyTimeoutException", "ExpiredTokenException", "IncompleteSignatureException",
    "InvalidSignatureException", "KMSInternalException", "MissingAuthenticationTokenException",
    "NotAuthorizedException", "RequestEntityTooLargeException", "SerializationException",
    "ServiceUnavailableException", "ThrottlingException", "UnknownOperationException",
    "UnrecognizedClientException", "ValidationException",
}  # fmt: skip

FAULTS = {"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"}
OTHER_STATUS = {"RequestEntityTooLargeException": {400, 413}, "ServiceUnavailableException": {503}}
# Errors that the API sends without any message member.
WITHOUT_MESSAGE = {"InvalidCiphertextException", "KMSInvalidMacException", "KMSInvalidSignatureException"}


def problems_of_success(operation_model, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with a successful answer of a JSON operation; empty if nothing is."""
    found = _problems_of_headers(headers)
    if status != 200:
        found.append(f"status {status} for a success")
    if operation_model.output_shape is None:
        return found + ([f"a body where the API sends none: {body!r}"] if body else [])
    value, wrong = _parse(body)
    if wrong:
        return found + [wrong]
    always = {place: set(names) for place, names in ALWAYS.get(operation_model.name, {}).items()}
    for algorithm, material in MATERIAL_BY_ALGORITHM.items():
        # The id of the material is told where the algorithm is the symmetric one.
        if value.get(algorithm) == "SYMMETRIC_DEFAULT" and material in operation_model.output_shape.members:
            always.setdefault("", set()).add(material)
    if FOR_RECIPIENT in value:
        absent = NOT_FOR_RECIPIENT[operation_model.name]
        found += [f"{name} beside {FOR_RECIPIENT}" for name in sorted(absent & value.keys())]
        always[""] = always.get("", set()) - absent
    return found + _problems(value, operation_model.output_shape, "", "", always)


def problems_of_error(operation_model, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with an error answer of a JSON service; `operation_model` may be none if there is no operation."""
    found = _problems_of_headers(headers)
    value, wrong = _parse(body)
    if wrong:
        return found + [wrong]
    code = value.get("__type", "")
    code = code.rpartition("#")[2] if isinstance(code, str) else ""
    if not re.fullmatch(r"[A-Za-z]+", code):
        return found + [f"no error code in {value!r}"]
    message = "Message" if code == "AccessDeniedException" else "message"
    allowed = {"__type"} if code in WITHOUT_MESSAGE else {"__type", message}
    found += [f"member {name!r} in the body of {code}" for name in sorted(value.keys() - allowed)]
    if not isinstance(value.get(message, ""), str):
        found.append(f"the message of {code} is no string")
    statuses = {500} if code in FAULTS else OTHER_STATUS.get(code, {400})
    if status not in statuses:
        found.append(f"status {status} for {code}")
    if operation_model is not None:
        declared = {shape.name for shape in operation_model.error_shapes}
        if code not in declared | COMMON_ERRORS:
            found.append(f"{operation_model.name} does not declare {code}")
    return found


def _problems_of_headers(headers) -> list[str]:
    found = []
    try:
        uuid.UUID(headers.get("x-amzn-RequestId", ""))
    except ValueError:
        found.append(f"x-amzn-RequestId is no UUID: {headers.get('x-amzn-RequestId')!r}")
    if not headers.get("Date"):
        found.append("no Date header")
    if headers.get("Content-Type") != CONTENT_TYPE:
        found.append(f"Content-Type {headers.get('Content-Type')!r}")
    return found


def _parse(body: bytes):
    try:
        value = json.loads(body)
    except ValueError:
        return None, f"the body is no JSON: {body[:200]!r}"
    return (value, None) if isinstance(value, dict) else (None, f"the body is no JSON object: {body[:200]!r}")


def _problems(value, shape, path: str, place: str, always) -> list[str]:
    """`path` names the value for the reader; `place` is the same without indices, as in `ALWAYS`."""
    check = _CHECKS[shape.type_name]
    return check(value, shape, path, place, always)


def _structure(value, shape, path, place, always) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path or 'body'}: {value!r} is no object"]
    found = [f"{path}/{name}: not in the model" for name in sorted(value.keys() - shape.members.keys())]
    needed = set(shape.required_members) | always.get(place, set())
    found += [f"{path}/{name}: missing" for name in sorted(needed - value.keys())]
    for name, member in shape.members.items():
        if name in value:
            found += _problems(value[name], member, f"{path}/{name}", f"{place}.{name}".lstrip("."), always)
    return found


def _list(value, shape, path, place, always) -> list[str]:
    if not isinstance(value, list):
        return [f"{path}: {value!r} is no list"]
    found = []
    for index, item in enumerate(value):
        found += _problems(item, shape.member, f"{path}[{index}]", f"{place}[]", always)
    return found


def _map(value, shape, path, place, always) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no map"]
    found = []
    for name, item in value.items():
        found += _problems(item, shape.value, f"{path}.{name}", f"{place}[]", always)
    return found


def _string(value, shape, path, place, always) -> list[str]:
    if not isinstance(value, str):
        return [f"{path}: {value!r} is no string"]
    found = [] if value == "" and place in MAY_BE_EMPTY else _length(len(value), shape, path)
    if shape.enum and value not in shape.enum:
        found.append(f"{path}: {value!r} is not one of {shape.enum}")
    return found


def _blob(value, shape, path, place, always) -> list[str]:
    try:
        return _length(len(base64.b64decode(value, validate=True)), shape, path)
    except (TypeError, ValueError, binascii.Error):
        return [f"{path}: {value!r} is no base64 string"]


def _length(length: int, shape, path) -> list[str]:
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", length)
    return [] if low <= length <= high else [f"{path}: length {length} is not in {low}..{high}"]


def _boolean(value, shape, path, place, always) -> list[str]:
    return [] if isinstance(value, bool) else [f"{path}: {value!r} is no boolean"]


def _integer(value, shape, path, place, always) -> list[str]:
    return [] if isinstance(value, int) and not isinstance(value, bool) else [f"{path}: {value!r} is no integer"]


def _timestamp(value, shape, path, place, always) -> list[str]:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return [] if number and 1.6e9 < value < 1e10 else [f"{path}: {value!r} is no time in epoch seconds"]


_CHECKS = {
    "structure": _structure, "list": _list, "map": _map, "string": _string, "blob": _blob, "boolean": _boolean,
    "integer": _integer, "long": _integer, "timestamp": _timestamp,
}  # fmt: skip
