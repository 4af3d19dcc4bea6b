"""Stock boto3 clients over a live server; each answer is checked against the API model and noted.

Not here: what the answers should say; that is each test's.
Invariants: no client retries, follows environment settings or reaches any host but the server; every answered call is
appended to `Server.calls`.
"""

import re
import threading

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

import shapes
import shapes_xml
from kanuki import Call, Server
from sigv4 import Keys

# What botocore raises when the server is gone before it has answered.
NO_ANSWER = (ConnectionError, HTTPClientError)

_lock = threading.Lock()
_session = None


def connect(server: Server, keys: Keys, *, service="kms", region="us-west-2", validate=True, path="", trust=None):
    """A client. Without `validate`, botocore sends parameters that its own checks would refuse; `trust` is the file with
    the certificate authority of a server that speaks TLS."""
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=32,
        parameter_validation=validate,
    )
    with _lock:  # botocore's loaders are not safe to share while clients are made
        client = _boto_session().client(
            service,
            region_name=region,
            endpoint_url=server.endpoint + path,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            verify=trust and str(trust),
            config=config,
        )

    def checked(http_response, parsed, model, **_):
        failed = http_response.status_code >= 300
        server.calls.append(
            Call(
                model.name,
                parsed.get("ResponseMetadata", {}).get("RequestId", ""),
                parsed.get("Error", {}).get("Code") if failed else None,
            )
        )
        if service == "kms":
            check = shapes.problems_of_error if failed else shapes.problems_of_success
            found = check(model, http_response.status_code, http_response.headers, http_response.content)
        elif service in shapes_xml.NAMESPACES:
            check = shapes_xml.problems_of_error if failed else shapes_xml.problems_of_success
            found = check(service, model, http_response.status_code, http_response.headers, http_response.content)
        else:
            found = []
        assert not found, f"{model.name} answers against its model: " + "; ".join(found)

    client.meta.events.register(f"after-call.{service}", checked)
    return client


def refused(code: str, message, call, **parameters) -> dict:
    """Makes a call that must be refused with exactly this code and message.

    `message` is a text, a compiled expression that must match in full, or none where the API sends no message.
    Returns the parsed answer.
    """
    try:
        answer = call(**parameters)
    except ClientError as error:
        got = error.response["Error"]
        assert got["Code"] == code, f"refused with {got['Code']} ({got['Message']!r}), not {code}"
        if isinstance(message, re.Pattern):
            assert message.fullmatch(got["Message"]), f"{code}: {got['Message']!r} is not like {message.pattern!r}"
        else:
            assert got["Message"] == (message or ""), code
        return error.response
    raise AssertionError(f"allowed, but {code} was expected: {sorted(answer)}")


def request_id(answer: dict) -> str:
    """The request id of a parsed answer."""
    return answer["ResponseMetadata"]["RequestId"]


def error_of(call, **parameters) -> str | None:
    """The code with which a call is refused, or none if it is allowed."""
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def _boto_session():
    global _session
    if _session is None:
        core = botocore.session.Session()
        core.set_config_variable("config_file", "/dev/null")
        core.set_config_variable("credentials_file", "/dev/null")
        _session = boto3.session.Session(botocore_session=core)
    return _session
