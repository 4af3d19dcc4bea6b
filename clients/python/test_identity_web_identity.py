"""Roles for the bearers of an identity provider's tokens: Kubernetes service accounts, CI jobs."""

import json
import re
import subprocess
import time

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

import oidc
import policies
import trail
from aws import connect, error_of, refused, request_id
from home import Home
from kanuki import clean_environment
from policies import HOME, OTHER, allow, deny, document, identity, role, role_session
from principals import trusting
from sigv4 import Keys
from test_detective_explain import explain
from test_identity_sessions import given, may
from world import World

NAMES = {
    "cluster": "https://oidc.example.com/id/CLUSTER",
    "other": "https://ci.example.org",
    "curve": "https://curve.example.org/256",
    "curve384": "https://curve.example.org/384",
    "curve512": "https://curve.example.org/512",
    "unknown": "https://nobody.example.org",
}
SUBJECT = "system:serviceaccount:prod:app"
DENIED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
ACTIONS = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]


def provider_arn(url: str, account=HOME) -> str:
    return f"arn:aws:iam::{account}:oidc-provider/{url.removeprefix('https://')}"


def trust(url: str, actions=ACTIONS[:1], **conditions) -> str:
    """A trust policy for the bearers of one provider's tokens."""
    statement = {"Effect": "Allow", "Principal": {"Federated": provider_arn(url)}, "Action": list(actions)}
    return document({**statement, "Condition": {"StringEquals": conditions}} if conditions else statement)


CLUSTER = "oidc.example.com/id/CLUSTER"
ROLES = {
    "Pod": trust(NAMES["cluster"], **{f"{CLUSTER}:sub": SUBJECT, f"{CLUSTER}:aud": "sts.amazonaws.com"}),
    "AnyPod": trust(NAMES["cluster"]),
    "Tagged": trust(NAMES["cluster"], ACTIONS),
    "Ci": trust(NAMES["other"]),
    "Curves": document(
        *[
            {"Effect": "Allow", "Principal": {"Federated": provider_arn(NAMES[name])}, "Action": ACTIONS[:1]}
            for name in ("curve", "curve384", "curve512", "unknown")
        ]
    ),
    "ForUsers": document({"Effect": "Allow", "Principal": {"AWS": policies.root()}, "Action": "sts:AssumeRole"}),
}


@pytest.fixture(scope="module")
def issuers():
    made = {name: oidc.Issuer(url) for name, url in NAMES.items()}
    for name, algorithm in (("curve", "ES256"), ("curve384", "ES384"), ("curve512", "ES512")):
        made[name].keys = [oidc.Key(algorithm, "k1")]
    return made


@pytest.fixture(scope="module")
def place(issuers):
    """A server whose operator names files with the providers' keys."""
    from conftest import Servers

    servers = Servers()
    rights = document(identity("Allow", "kms:*"))
    lines = ["[[account]]", f'id = "{HOME}"']
    for name, text in ROLES.items():
        lines += ["[[account.role]]", f'name = "{name}"', f"trust_policy = '''{text}'''"]
        lines += [f"inline_policies = {{ use = '''{rights}''' }}"]
    lines += ["[[account]]", f'id = "{OTHER}"', "root_access_key = true"]
    seed, config = servers.folder / "web.toml", servers.folder / "kanuki.toml"
    seed.write_text("\n".join(lines))
    entries = []
    for name, issuer in issuers.items():
        file = servers.folder / f"{name}.json"
        file.write_text(issuer.key_set())
        if name != "unknown":
            entries += ["[[identity_provider_keys]]", f'issuer = "{issuer.url}"', f'jwks_file = "{file}"']
    config.write_text("\n".join(entries))
    world = World(servers.over(servers.folder / "data", seed=seed, config=config))
    world.folder = servers.folder
    for name in NAMES:
        made = world.iam().create_open_id_connect_provider(Url=NAMES[name], ClientIDList=["sts.amazonaws.com", "ci"])
        assert made["OpenIDConnectProviderArn"] == provider_arn(NAMES[name])
    yield world
    servers.close()


def unsigned(place):
    """An STS client without credentials, whose answers are noted like every other's."""
    client = connect(place.server, Keys("unused", "unused"), service="sts")
    client.meta.events.register("choose-signer.sts", lambda **_: UNSIGNED)
    return client


def assume(place, name: str, token: str, **more) -> dict:
    parameters = {"RoleArn": role(name), "RoleSessionName": "pod-1", "WebIdentityToken": token, **more}
    return unsigned(place).assume_role_with_web_identity(**parameters)


def test_a_service_account_gets_its_role(place, issuers):
    """Without any credentials of this server; the session has the role's rights."""
    answer = assume(place, "Pod", issuers["cluster"].token())
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT and answer["Audience"] == "sts.amazonaws.com"
    assert answer["Provider"] == NAMES["cluster"]
    assert answer["AssumedRoleUser"]["Arn"] == role_session("Pod", "pod-1")
    key = place.make_key(allow(policies.root(), "kms:*"))
    kms = connect(place.server, given(answer))
    assert may(kms, key)
    record = trail.record_of(place.server, request_id(kms.encrypt(KeyId=key.arn, Plaintext=b"m")))
    context = record["userIdentity"]["sessionContext"]
    assert context["webIdFederationData"]["federatedProvider"] == provider_arn(NAMES["cluster"])
    assert context["attributes"]["mfaAuthenticated"] == "false"


def test_what_a_token_says_can_be_supposed(place, issuers):
    """Whether its bearer gets the role, and what the session may: as the calls themselves have it."""
    provider = provider_arn(NAMES["cluster"])
    says = ["--web-subject", SUBJECT, "--web-audience", "sts.amazonaws.com"]
    assumes = ["--principal", provider, "--action", "sts:AssumeRoleWithWebIdentity", "--resource", role("Pod")]
    assert explain(place.server, *assumes, *says)["allowed"]
    other = explain(place.server, *assumes, "--web-subject", "nobody", "--web-audience", "sts.amazonaws.com")
    assert not other["allowed"] and other["message"] == DENIED
    condition = {"StringEquals": {f"{CLUSTER}:sub": SUBJECT, "aws:FederatedProvider": provider}}
    key = place.make_key(deny("*", "kms:Encrypt", Condition=condition), allow(policies.root(), "kms:*"))
    kms = connect(place.server, given(assume(place, "AnyPod", issuers["cluster"].token())))
    call = ["--principal", role_session("AnyPod", "pod-1"), "--action", "kms:Encrypt", "--resource", key.arn]
    told = refused_by(kms.encrypt, KeyId=key.arn, Plaintext=b"m")
    supposed = explain(place.server, *call, "--web-provider", provider, *says)
    assert (supposed["allowed"], supposed["message"]) == (False, told)
    assert explain(place.server, *call)["allowed"], "without the token nothing denies it"
    unknown = place.server.command("explain", *call, "--web-provider", f"{provider}-not", *says)
    assert unknown.returncode != 0 and "there is no principal" in unknown.stderr


def refused_by(call, **parameters) -> str:
    """What the client is told when a call is denied."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Message"]


def test_the_record_names_the_bearer_and_not_the_token(place, issuers):
    token = issuers["cluster"].token()
    record = trail.record_of(place.server, request_id(assume(place, "Pod", token)))
    arn = provider_arn(NAMES["cluster"])
    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": f"{arn}:sts.amazonaws.com:{SUBJECT}",
        "userName": SUBJECT,
        "identityProvider": arn,
    }
    text = json.dumps(record)
    assert token.split(".")[2] not in text and token.split(".")[1] not in text
    assert record["requestParameters"] == {"roleArn": role("Pod"), "roleSessionName": "pod-1"}


@pytest.mark.parametrize("name", ["curve", "curve384", "curve512"])
def test_elliptic_curves(place, issuers, name):
    assume(place, "Curves", issuers[name].token())


@pytest.mark.parametrize("algorithm", ["RS384", "RS512"])
def test_longer_hashes(place, issuers, algorithm):
    """A set may hold a key for each algorithm; a key is good for its own alone."""
    issuer = issuers["other"]
    key = oidc.Key(algorithm, algorithm)
    issuer.keys.append(key)
    (place.folder / "other.json").write_text(issuer.key_set())
    deadline = time.monotonic() + 20
    while error_of(assume, place=place, name="Ci", token=issuer.token(key=key)) is not None:
        assert time.monotonic() < deadline, "the new key is not read"
        time.sleep(1)
    wrong = issuer.token(key=key, header={"alg": "RS256"})
    assert error_of(assume, place=place, name="Ci", token=wrong) == "InvalidIdentityToken"


def test_conditions_on_subject_and_audience(place, issuers):
    """Another subject and another client are refused like a role that does not exist."""
    cluster = issuers["cluster"]
    for name, token in [
        ("Pod", cluster.token("system:serviceaccount:prod:other")),
        ("Pod", cluster.token(aud="ci")),
        ("Pod", issuers["other"].token()),
        ("Ci", cluster.token()),
        ("ForUsers", cluster.token()),
        ("Missing", cluster.token()),
    ]:
        refused("AccessDenied", DENIED, assume, place=place, name=name, token=token)
    assume(place, "AnyPod", cluster.token(aud="ci"))
    assume(place, "AnyPod", cluster.token(aud=["x", "ci"]))
    assume(place, "AnyPod", cluster.token(aud="x", azp="ci"))


def test_tokens_that_are_not_taken(place, issuers):
    """Wrong audience, old, from the future, of nobody, of another key, without keys, edited, forged."""
    cluster, now = issuers["cluster"], int(time.time())
    call = {"place": place, "name": "AnyPod"}
    refused("InvalidIdentityToken", "Incorrect token audience", assume, token=cluster.token(aud="x"), **call)
    refused("InvalidIdentityToken", "Incorrect token audience", assume, token=cluster.token(azp="x"), **call)
    old = cluster.token(iat=now - 700, exp=now - 1)
    refused("ExpiredTokenException", re.compile("Token expired.*"), assume, token=old, **call)
    stranger = oidc.Issuer("https://stranger.example.org")
    nobody = "No OpenIDConnect provider found in your account for https://stranger.example.org"
    refused("InvalidIdentityToken", nobody, assume, token=stranger.token(), **call)
    for claims in ({"iss": "http://oidc.example.com/id/CLUSTER"}, {"iss": NAMES["cluster"] + "/"}):
        assert error_of(assume, token=cluster.token(**claims), **call) == "InvalidIdentityToken"
    no_keys = "Couldn't retrieve verification key from your identity provider"
    curves = {"place": place, "name": "Curves"}
    refused("IDPCommunicationError", no_keys, assume, token=issuers["unknown"].token(), **curves)

    good = cluster.token()
    head, payload, signature = good.split(".")
    bad = [
        cluster.token(key=oidc.Key("RS256", "k1")),
        cluster.token(header={"kid": "k2"}),
        cluster.token(header={"kid": None}),
        cluster.token(header={"crit": ["b64"]}),
        cluster.token(nbf=now + 1000),
        cluster.token(iat=now + 1000, exp=now + 2000),
        cluster.token(exp=None),
        cluster.token(iat=None),
        cluster.token(sub=None),
        cluster.token(exp=now + 600.5),
        cluster.forged("none"),
        cluster.forged("HS256"),
        f"{head}.{oidc.b64(json.dumps({'iss': cluster.url}).encode())}.{signature}",
        f"{head}.{payload}.{signature[:-8]}",
        f"{head}.{payload}.",
        f"{head}.{payload}",
        f"{good}.{signature}",
        "....",
        "a" * 20_000,
    ]
    before = len(place.server.calls)
    for token in bad:
        assert error_of(assume, token=token, **call) == "InvalidIdentityToken", token[:60]
    assert error_of(assume, token="a" * 20_001, **call) == "ValidationError"
    trail.assert_each_call_recorded_once(place.server, place.server.calls[before:])
    assume(token=cluster.token(), **call)


def test_session_policies_tags_and_source_identity_of_a_token(place, issuers):
    """Tags come from the token, and need sts:TagSession in the trust policy; a policy is a ceiling."""
    claim = {"principal_tags": {"Team": ["blue"]}, "transitive_tag_keys": ["Team"]}
    more = {"https://aws.amazon.com/tags": claim, "https://aws.amazon.com/source_identity": "ann"}
    token = issuers["cluster"].token(**more)
    refused("AccessDenied", "Not authorized to perform sts:TagSession", assume, place=place, name="AnyPod", token=token)
    answer = assume(place, "Tagged", token)
    assert answer["SourceIdentity"] == "ann" and answer["PackedPolicySize"] > 0
    wanted = {"aws:PrincipalTag/Team": "blue", "aws:SourceIdentity": "ann", f"{CLUSTER}:sub": SUBJECT,
              "aws:FederatedProvider": provider_arn(NAMES["cluster"])}  # fmt: skip
    key = place.make_key(allow(role("Tagged"), "kms:Encrypt", Condition={"StringEquals": wanted}))
    assert may(connect(place.server, given(answer)), key)
    assert not may(connect(place.server, given(assume(place, "Tagged", issuers["cluster"].token()))), key)
    limited = assume(place, "Pod", issuers["cluster"].token(), Policy=document(identity("Allow", "kms:DescribeKey")))
    key = place.make_key(allow(policies.root(), "kms:*"))
    kms = connect(place.server, given(limited))
    assert not may(kms, key) and may(kms, key, "describe_key")
    rejected = issuers["cluster"].token(**{"https://aws.amazon.com/source_identity": "not fit"})
    assert error_of(assume, place=place, name="Tagged", token=rejected) == "IDPRejectedClaim"
    good = issuers["cluster"].token()
    code = error_of(assume, place=place, name="Pod", token=good, Policy='{"Version": "2012-10-17"}')
    assert code == "MalformedPolicyDocument"
    many = {"principal_tags": {f"k{number}": ["v" * 256] for number in range(30)}}
    tagged = issuers["cluster"].token(**{"https://aws.amazon.com/tags": many})
    assert error_of(assume, place=place, name="Tagged", token=tagged) == "PackedPolicyTooLarge"
    message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    call = {"place": place, "name": "Pod", "token": issuers["cluster"].token(), "DurationSeconds": 3601}
    refused("ValidationError", message, assume, **call)


def test_a_pods_environment_is_enough(place, issuers, tmp_path, aws_cli):
    """The CLI finds role and token by itself, as in a pod."""
    token = tmp_path / "token"
    token.write_text(issuers["cluster"].token())
    environment = clean_environment(
        HOME=str(tmp_path),  # the CLI keeps credentials there
        AWS_ROLE_ARN=role("Pod"),
        AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        AWS_ROLE_SESSION_NAME="pod-2",
        AWS_ENDPOINT_URL=place.server.endpoint,
        AWS_DEFAULT_REGION="us-west-2",
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
    )
    command = [str(aws_cli), "--output", "json", "sts", "get-caller-identity"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == role_session("Pod", "pod-2")


def test_a_profile_with_a_token_file_is_enough(place, issuers, tmp_path, aws_cli):
    """`role_arn` and `web_identity_token_file`, and a role that is taken with the session; without any key."""
    home = Home(tmp_path, aws_cli, place.server.endpoint)
    token = tmp_path / "token"
    token.write_text(issuers["cluster"].token())
    home.configure("pod", role_arn=role("Pod"), web_identity_token_file=str(token), role_session_name="pod-3")
    place.iam().create_role(RoleName="ForPods", AssumeRolePolicyDocument=trusting(role("Pod")))
    home.configure("next", role_arn=role("ForPods"), source_profile="pod", role_session_name="s1")
    for profile, expected in (("pod", role_session("Pod", "pod-3")), ("next", role_session("ForPods", "s1"))):
        done = home.aws(profile, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
        assert done.returncode == 0 and done.stdout.strip() == expected, done.stderr
    token.write_text(issuers["cluster"].token(sub="system:serviceaccount:prod:other"))
    home.configure("other", role_arn=role("Pod"), web_identity_token_file=str(token), role_session_name="pod-4")
    done = home.aws("other", "sts", "get-caller-identity")
    assert "(AccessDenied) when calling the AssumeRoleWithWebIdentity operation" in done.stderr


@pytest.fixture
def fetching(servers):
    """A server that fetches keys, and the provider that publishes them; its name leads to a port of this machine."""
    issuer = oidc.Issuer("https://oidc.example.com/id/CLUSTER")
    publisher = oidc.Publisher(servers.folder, issuer)
    seed, config = servers.folder / "fetch.toml", servers.folder / "fetching.toml"
    seed.write_text(
        f"[[account]]\nid = '{HOME}'\n[[account.role]]\nname = 'AnyPod'\n"
        f"trust_policy = '''{trust(issuer.url)}'''\n"
    )
    config.write_text(
        f"[identity_providers]\nfetch_keys = true\nca_file = '{publisher.ca_file}'\n"
        f"[identity_providers.addresses]\n'oidc.example.com' = '{publisher.address}'\n"
    )
    world = World(servers.over(servers.folder / "data", seed=seed, config=config))
    world.iam().create_open_id_connect_provider(Url=issuer.url, ClientIDList=["sts.amazonaws.com"])
    yield world, publisher
    publisher.close()


def test_keys_are_fetched_from_the_provider(fetching):
    """Once for many tokens; again for a key that is new; a broken answer does not take away what is known."""
    world, publisher = fetching
    issuer = publisher.issuer
    for _ in range(5):
        assume(world, "AnyPod", issuer.token())
    assert publisher.asked == ["/id/CLUSTER/.well-known/openid-configuration", "/keys"]
    publisher.answers["/keys"] = (500, b"")
    new = oidc.Key("ES256", "k2")
    issuer.keys.append(new)
    time.sleep(10)
    assert error_of(assume, place=world, name="AnyPod", token=issuer.token(key=new)) == "InvalidIdentityToken"
    assume(world, "AnyPod", issuer.token())
    del publisher.answers["/keys"]
    before = len(publisher.asked)
    for _ in range(20):  # however many come, it is asked at most every ten seconds
        error_of(assume, place=world, name="AnyPod", token=issuer.token(header={"kid": "made-up"}))
    assert len(publisher.asked) <= before + 2
    time.sleep(10)
    assume(world, "AnyPod", issuer.token(key=new))


@pytest.mark.parametrize("what", ["issuer", "elsewhere", "plain", "long", "redirect", "slow"])
def test_providers_that_answer_badly(fetching, what):
    """Another issuer, keys at a place that may not be asked, an endless answer, a redirect, no answer in time."""
    world, publisher = fetching
    url = publisher.issuer.url
    place = "/id/CLUSTER/.well-known/openid-configuration"

    def discovery(**claims) -> tuple[int, bytes]:
        return 200, json.dumps({"issuer": url, "jwks_uri": "https://oidc.example.com/keys", **claims}).encode()

    if what == "issuer":
        publisher.answers[place] = discovery(issuer="https://other.example.com")
    elif what == "elsewhere":
        publisher.answers[place] = discovery(jwks_uri="https://localhost/keys")
    elif what == "plain":
        publisher.answers[place] = discovery(jwks_uri="http://oidc.example.com/keys")
    elif what == "long":
        publisher.answers["/keys"] = (200, b" " * (256 * 1024) + publisher.issuer.key_set().encode())
    elif what == "redirect":
        publisher.answers[place] = (302, b"")
    else:
        publisher.answer = lambda _: time.sleep(7) or (200, b"{}")
    before = time.monotonic()
    message = "Couldn't retrieve verification key from your identity provider"
    refused("IDPCommunicationError", message, assume, place=world, name="AnyPod", token=publisher.issuer.token())
    assert time.monotonic() - before < 7
    assert world.server.alive()


def test_providers_are_made_changed_and_removed(place):
    """The life of a provider; without it, its tokens are nobody's."""
    iam = place.iam()
    url, issuer = "https://life.example.org/a", oidc.Issuer("https://life.example.org/a")
    arn = provider_arn(url)
    made = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=["a", "a", "b"], ThumbprintList=["0" * 40], Tags=[{"Key": "T", "Value": "1"}]
    )
    assert made["OpenIDConnectProviderArn"] == arn and made["Tags"] == [{"Key": "T", "Value": "1"}]
    one = {"OpenIDConnectProviderArn": arn}
    got = iam.get_open_id_connect_provider(**one)
    assert got["Url"] == "life.example.org/a" and got["ClientIDList"] == ["a", "b"]
    assert got["ThumbprintList"] == ["0" * 40] and got["CreateDate"]
    again = f"Provider with url {url} already exists."
    refused("EntityAlreadyExists", again, iam.create_open_id_connect_provider, Url=url)
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    iam.add_client_id_to_open_id_connect_provider(ClientID="c", **one)
    iam.add_client_id_to_open_id_connect_provider(ClientID="c", **one)
    iam.remove_client_id_from_open_id_connect_provider(ClientID="a", **one)
    iam.remove_client_id_from_open_id_connect_provider(ClientID="none", **one)
    iam.update_open_id_connect_provider_thumbprint(ThumbprintList=["f" * 40], **one)
    iam.tag_open_id_connect_provider(Tags=[{"Key": "t", "Value": "2"}, {"Key": "u", "Value": ""}], **one)
    iam.untag_open_id_connect_provider(TagKeys=["U"], **one)
    assert iam.list_open_id_connect_provider_tags(**one)["Tags"] == [{"Key": "t", "Value": "2"}]
    got = iam.get_open_id_connect_provider(**one)
    assert got["ClientIDList"] == ["b", "c"] and got["ThumbprintList"] == ["f" * 40]
    many = [f"client-{n}" for n in range(101)]
    assert error_of(iam.create_open_id_connect_provider, Url="https://x.example.org", ClientIDList=many) == (
        "ValidationError"
    )
    for client in many[:98]:
        iam.add_client_id_to_open_id_connect_provider(ClientID=client, **one)
    assert error_of(iam.add_client_id_to_open_id_connect_provider, ClientID="over", **one) == "LimitExceeded"
    iam.delete_open_id_connect_provider(**one)
    missing = f"OpenIDConnect Provider not found for arn {arn}"
    for call in (iam.get_open_id_connect_provider, iam.delete_open_id_connect_provider):
        refused("NoSuchEntity", missing, call, **one)
    nobody = f"No OpenIDConnect provider found in your account for {url}"
    refused("InvalidIdentityToken", nobody, assume, place=place, name="AnyPod", token=issuer.token())


@pytest.mark.parametrize(
    "url",
    ["http://a.example.org", "https://", "https://A.example.org", "https://a.example.org:8443", "https://a/?x=1",
     "https://a/b/", "https://a/../b", "https://a b", "x" * 256],
)  # fmt: skip
def test_urls_that_no_provider_can_have(place, url):
    assert error_of(place.iam().create_open_id_connect_provider, Url=url) == "ValidationError"


def test_who_may_not_manages_no_providers(place, issuers):
    """Root of another account finds none of them; a user without rights is refused."""
    one = {"OpenIDConnectProviderArn": provider_arn(NAMES["cluster"])}
    other = place.iam(f"{OTHER}/root")
    assert error_of(other.delete_open_id_connect_provider, **one) == "NoSuchEntity"
    assert other.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    session = given(assume(place, "Pod", issuers["cluster"].token()))
    iam = connect(place.server, session, service="iam", region="us-east-1")
    tags = {"Tags": [{"Key": "a", "Value": "b"}]}
    for call, parameters in [
        (iam.create_open_id_connect_provider, {"Url": "https://new.example.org"}),
        (iam.get_open_id_connect_provider, one),
        (iam.list_open_id_connect_providers, {}),
        (iam.delete_open_id_connect_provider, one),
        (iam.add_client_id_to_open_id_connect_provider, {**one, "ClientID": "x"}),
        (iam.remove_client_id_from_open_id_connect_provider, {**one, "ClientID": "x"}),
        (iam.update_open_id_connect_provider_thumbprint, {**one, "ThumbprintList": ["0" * 40]}),
        (iam.tag_open_id_connect_provider, {**one, **tags}),
        (iam.untag_open_id_connect_provider, {**one, "TagKeys": ["a"]}),
        (iam.list_open_id_connect_provider_tags, one),
    ]:
        assert error_of(call, **parameters) == "AccessDenied", call


def test_the_accounts_people_can_read_why_a_bearer_was_refused(place, issuers):
    """The bearer is nobody's; the encoded message is for the account whose provider vouches for it."""
    token = issuers["cluster"].token(sub="system:serviceaccount:test:app")
    answer = refused("AccessDenied", DENIED, assume, place=place, name="Pod", token=token)
    message = answer["ResponseMetadata"]["HTTPHeaders"]["x-kanuki-authorization-message"]
    text = place.sts().decode_authorization_message(EncodedMessage=message)["DecodedMessage"]
    decoded = json.loads(text)
    assert (decoded["allowed"], decoded["context"]["principal"]["arn"]) == (False, provider_arn(NAMES["cluster"]))
    failed = [
        (condition["key"], condition["values"], condition["request"])
        for document_ in decoded["decision"]["demands"][0]["documents"]
        for statement in document_["statements"]
        for condition in statement["conditions"]
        if not condition["holds"]
    ]
    assert failed == [(f"{CLUSTER}:sub", [SUBJECT], ["system:serviceaccount:test:app"])]
    assert token.split(".")[1] not in text
    others_root = connect(place.server, place.keys(f"{OTHER}/root"), service="sts")
    call = others_root.decode_authorization_message
    refused("InvalidAuthorizationMessageException", "Message is not valid", call, EncodedMessage=message)
