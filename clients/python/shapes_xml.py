"""Checks answers of Query services (IAM, STS) against the API model that botocore ships: structure, lists, maps, texts.

botocore itself forgives much (unknown elements are dropped, missing ones left out); this does not.
Not here: the namespace of services that the tests do not call.
"""

import base64
import binascii
import re
import uuid
import xml.etree.ElementTree as ElementTree

NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}

# Errors that any operation may answer, though the model does not list them.
COMMON_ERRORS = {
    "AccessDenied", "ConcurrentModification", "ExpiredToken", "IncompleteSignature", "InternalFailure", "InvalidAction",
    "InvalidClientTokenId", "MalformedInput", "MissingAuthenticationToken", "RequestEntityTooLarge",
    "ServiceFailure", "ServiceUnavailable", "SignatureDoesNotMatch", "Throttling", "UnsupportedOperation", "ValidationError",
}  # fmt: skip
STATUSES = {
    "AccessDenied": 403, "ConcurrentModification": 409, "DeleteConflict": 409, "EntityAlreadyExists": 409,
    "EntityTemporarilyUnmodifiable": 409, "ExpiredToken": 403, "IDPRejectedClaim": 403, "InternalFailure": 500, "InvalidAuthenticationCode": 403,
    "InvalidClientTokenId": 403, "LimitExceeded": 409, "MissingAuthenticationToken": 403, "NoSuchEntity": 404, "NotSupportedService": 404,
    "ReportExpired": 410, "ReportInProgress": 404, "ReportNotPresent": 410, "RequestEntityTooLarge": 413,
    "ServiceFailure": 500, "ServiceUnavailable": 503, "SignatureDoesNotMatch": 403,
}  # fmt: skip

# The account's root has no user name, and its id is the account's, which is shorter than the model says.
OF_ROOT = {
    "CreateAccessKey": {"AccessKey.UserName"},
    "GetUser": {"User.UserId", "User.UserName"},
}

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def problems_of_success(service: str, model, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with a successful answer; empty if nothing is."""
    found = [] if status == 200 else [f"status {status} for a success"]
    found += _problems_of_headers(headers)
    root, wrong = _parse(body, service)
    if wrong:
        return found + [wrong]
    if root.tag != f"{model.name}Response":
        found.append(f"the answer is called {root.tag}")
    children = {child.tag: child for child in root}
    expected = {"ResponseMetadata"} | ({f"{model.name}Result"} if model.output_shape is not None else set())
    if children.keys() != expected:
        return found + [f"the answer holds {sorted(children)}, not {sorted(expected)}"]
    found += _problems_of_id(children["ResponseMetadata"].findtext("RequestId"))
    if model.output_shape is not None:
        loose = OF_ROOT.get(model.name, set())
        found += _structure(children[f"{model.name}Result"], model.output_shape, "", loose)
    return found


def problems_of_error(service: str, model, status: int, headers, body: bytes) -> list[str]:
    """What is wrong with an error answer; `model` may be none if there is no operation."""
    found = _problems_of_headers(headers)
    root, wrong = _parse(body, service)
    if wrong:
        return found + [wrong]
    error = root.find("Error")
    if root.tag != "ErrorResponse" or error is None:
        return found + [f"no error in {body[:200]!r}"]
    found += _problems_of_id(root.findtext("RequestId"))
    code = error.findtext("Code")
    if status != STATUSES.get(code, 400):
        found.append(f"status {status} for {code}")
    if error.findtext("Type") != ("Receiver" if status >= 500 else "Sender"):
        found.append(f"{code} is said to be the fault of {error.findtext('Type')}")
    if model is not None:
        declared = {shape.error_code for shape in model.error_shapes}
        if code not in declared | COMMON_ERRORS:
            found.append(f"{model.name} does not declare {code}")
    return found


def _problems_of_headers(headers) -> list[str]:
    kind = headers.get("Content-Type")
    return [] if kind == "text/xml" else [f"Content-Type {kind!r}"]


def _problems_of_id(text) -> list[str]:
    try:
        uuid.UUID(text or "")
    except ValueError:
        return [f"the request id is no UUID: {text!r}"]
    return []


def _parse(body: bytes, service: str):
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None, f"the body is no XML: {body[:200]!r}"
    prefix = "{" + NAMESPACES[service] + "}"
    for element in root.iter():
        if not element.tag.startswith(prefix):
            return None, f"<{element.tag}> is not in the namespace of {service}"
        element.tag = element.tag.removeprefix(prefix)
    return root, None


def _value(element, shape, path: str, loose) -> list[str]:
    match shape.type_name:
        case "structure":
            return _structure(element, shape, path, loose)
        case "list":
            return _list(element, shape, path, loose)
        case "map":
            return _map(element, shape, path, loose)
    if len(element):
        return [f"{path}: holds elements, not a {shape.type_name}"]
    return _text(element.text or "", shape, path, path in loose)


def _structure(element, shape, path, loose) -> list[str]:
    names = [child.tag for child in element]
    found = [f"{path}.{name}: not in the model" for name in names if name not in shape.members]
    found += [f"{path}.{name}: repeated" for name in set(names) if names.count(name) > 1]
    for name in shape.required_members:
        if name not in names and f"{path}.{name}".lstrip(".") not in loose:
            found.append(f"{path}.{name}: missing")
    for child in element:
        if child.tag in shape.members:
            found += _value(child, shape.members[child.tag], f"{path}.{child.tag}".lstrip("."), loose)
    return found


def _list(element, shape, path, loose) -> list[str]:
    found = []
    for index, child in enumerate(element):
        if child.tag != "member":
            found.append(f"{path}: an item is called {child.tag}")
        found += _value(child, shape.member, f"{path}[{index}]", loose)
    return found


def _map(element, shape, path, loose) -> list[str]:
    found = []
    for child in element:
        if child.tag != "entry" or [part.tag for part in child] != ["key", "value"]:
            found.append(f"{path}: <{child.tag}> is no pair")
            continue
        found += _value(child[0], shape.key, f"{path}.key", loose)
        found += _value(child[1], shape.value, f"{path}.{child[0].text}", loose)
    return found


def _text(text: str, shape, path, any_length) -> list[str]:
    match shape.type_name:
        case "boolean":
            return [] if text in ("true", "false") else [f"{path}: {text!r} is no boolean"]
        case "integer" | "long":
            return [] if re.fullmatch(r"-?\d+", text) else [f"{path}: {text!r} is no number"]
        case "timestamp":
            return [] if TIME.fullmatch(text) else [f"{path}: {text!r} is no time"]
        case "blob":
            try:
                base64.b64decode(text, validate=True)
            except binascii.Error:
                return [f"{path}: {text!r} is no base64"]
            return []
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", len(text))
    found = [] if any_length or low <= len(text) <= high else [f"{path}: length {len(text)} is not in {low}..{high}"]
    if shape.enum and text not in shape.enum:
        found.append(f"{path}: {text!r} is not one of {shape.enum}")
    return found
