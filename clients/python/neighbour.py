"""Acts as a service beside KMS that calls it, through the door of the insecure test mode.

Not here: any way to do this to a server in another mode; there is none.
"""

import aws
from world import HOME_REGION, World

DOOR = "/_insecure/neighbour"


def principal(service: str) -> str:
    """The name of a service in policies: `s3` is `s3.amazonaws.com`; a full name stays."""
    return service if service.endswith(".amazonaws.com") else f"{service}.amazonaws.com"


def for_caller(world: World, who: str, *services: str, region: str = HOME_REGION, validate: bool = True):
    """A KMS client whose calls go through these services, in this order, for the caller that signs them."""
    chain = ",".join(principal(service) for service in services)
    return aws.connect(
        world.server, world.keys(who), region=region, validate=validate, path=f"{DOOR}/{chain}/for-caller"
    )


def for_itself(world: World, service: str, account: str, arn: str | None = None, *, region: str = HOME_REGION):
    """A KMS client whose calls are the service's own, for a resource of an account."""
    path = f"{DOOR}/{principal(service)}/for-itself"
    headers = {"x-insecure-source-account": account}
    if arn is not None:
        headers["x-insecure-source-arn"] = arn
    client = aws.connect(world.server, world.keys("Admin"), region=region, path=path)
    add_headers(client, headers)
    return client


def add_headers(client, headers: dict[str, str]) -> None:
    """Lets a client send more headers, signed."""

    def add(request, **_):
        for name, value in headers.items():
            request.headers.add_header(name, value)

    client.meta.events.register("before-sign.kms.*", add)
