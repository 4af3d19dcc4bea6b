"""Every error that the models of IAM and STS declare for an operation is provoked, or the table says why not.

The table is `vectors/declared-errors-of-iam.json`. Not here: errors that any operation may answer (signatures, access,
validation); the texts of the errors, which the tests of each operation have.
"""

import json
import resource

import botocore.session
import pytest

import totp
from aws import error_of
from kanuki import REPOSITORY
from policies import OTHER, document, identity, role, user
from principals import fresh_name, own_policy, trusting
from subjects import method
from world import FAR_REGION, HOME_REGION, World

TABLE = json.loads((REPOSITORY / "vectors" / "declared-errors-of-iam.json").read_text())
SERVICES = {"iam": FAR_REGION, "sts": HOME_REGION}
MODELS = {name: botocore.session.Session().get_service_model(name) for name in SERVICES}
ROWS = [(service, operation) for service in SERVICES for operation in TABLE[service]]
RANDOM = document(identity("Allow", "kms:GenerateRandom"))
# Members that name what the operation is about; the first that an operation has is what can be missing.
NAMING = (
    "UserName", "GroupName", "RoleName", "PolicyArn", "InstanceProfileName", "SerialNumber",
    "OpenIDConnectProviderArn", "AccountAlias",
)  # fmt: skip
# What an operation is refused with that is not served: a signed one, and one that is not signed.
NOT_SERVED = ("InvalidAction", "MissingAuthenticationToken")
# Ways that need a server of their own.
APART = ("unwritable trail", "old report")
TAGS_MAX, CLIENTS_MAX, DEVICES_MAX, POLICIES_MAX, GROUPS_MAX, VERSIONS_MAX = 50, 100, 8, 10, 10, 5


def members(service: str, operation: str) -> dict:
    shape = MODELS[service].operation_model(operation).input_shape
    return {} if shape is None else dict(shape.members)


def device_name(serial: str) -> str:
    return serial.rpartition("/")[2]


class Subjects:
    """One of each kind of entity, and one that is in use. Errors change nothing, so that all calls share them."""

    def __init__(self, world: World):
        self.world, self.iam = world, world.iam()
        self.user, self.group, self.role, self.profile = (fresh_name(kind) for kind in ("u", "g", "r", "i"))
        self.iam.create_user(UserName=self.user)
        self.iam.create_group(GroupName=self.group)
        self.make_role(self.role)
        self.iam.create_instance_profile(InstanceProfileName=self.profile)
        self.policy = self.make_policy()
        self.device = totp.make(world, fresh_name("device"))
        self.provider = self.make_provider(["one"])
        self.key = self.iam.create_access_key(UserName=self.user)["AccessKey"]["AccessKeyId"]

    def make_role(self, name: str) -> None:
        trust = json.loads(trusting(user("Admin")))
        trust["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))

    def make_policy(self) -> str:
        return self.iam.create_policy(PolicyName=fresh_name("p"), PolicyDocument=RANDOM)["Policy"]["Arn"]

    def make_provider(self, clients: list[str]) -> str:
        url = f"https://{fresh_name('idp')}.example.com"
        made = self.iam.create_open_id_connect_provider(Url=url, ClientIDList=clients)
        return made["OpenIDConnectProviderArn"]

    def parameters(self, service: str, operation: str) -> dict:
        """What the operation requires, about the subjects; new names where it makes something."""
        known = {
            "UserName": self.user,
            "GroupName": self.group,
            "RoleName": self.role,
            "InstanceProfileName": self.profile,
            "PolicyArn": self.policy,
            "SerialNumber": self.device.serial,
            "OpenIDConnectProviderArn": self.provider,
            "AccessKeyId": self.key,
            "AccountAlias": fresh_name("alias"),
            "PolicyName": fresh_name("own"),
            "PolicyDocument": RANDOM,
            "AssumeRolePolicyDocument": trusting(user("Admin")),
            "PermissionsBoundary": self.policy,
            "VersionId": "v1",
            "Tags": [{"Key": "k", "Value": "v"}],
            "TagKeys": ["k"],
            "Description": "words",
            "Status": "Inactive",
            "Url": f"https://{fresh_name('new')}.example.com",
            "ClientID": "client",
            "ThumbprintList": ["0" * 40],
            "VirtualMFADeviceName": fresh_name("device"),
            "AuthenticationCode1": self.device.at(-1),
            "AuthenticationCode2": self.device.at(0),
            "RoleArn": role(self.role),
            "RoleSessionName": "s1",
            "Name": "name",
            "EncodedMessage": "message",
            "WebIdentityToken": "token",
        }
        shape = MODELS[service].operation_model(operation).input_shape
        given = {name: known[name] for name in (shape.required_members if shape else ())}
        if operation in ("CreateUser", "CreateGroup", "CreateRole", "CreateInstanceProfile"):
            given[naming(operation, given)] = fresh_name("new")
        return given


def naming(operation: str, given: dict) -> str:
    return next(name for name in NAMING if name in given)


class Provoker:
    """Makes calls that go wrong in one way each. A way is a method that answers the parameters of the call."""

    def __init__(self, world: World):
        self.world, self.iam, self.subjects = world, world.iam(), Subjects(world)

    def right(self, service: str, operation: str) -> dict:
        return self.subjects.parameters(service, operation)

    def as_it_is(self, service, operation):
        named = {"UserName": self.subjects.user} if "UserName" in members(service, operation) else {}
        return {**self.right(service, operation), **named}

    def what_is_missing(self, service, operation):
        given = self.right(service, operation)
        member = next(name for name in NAMING if name in given or name in members(service, operation))
        missing = {
            "PolicyArn": own_policy("missing"),
            "SerialNumber": own_policy("missing").replace(":policy/", ":mfa/"),
            "OpenIDConnectProviderArn": own_policy("missing").replace(":policy/", ":oidc-provider/"),
        }
        return {**given, member: missing.get(member, "missing")}

    def missing_boundary(self, service, operation):
        return {**self.right(service, operation), "PermissionsBoundary": own_policy("missing")}

    def malformed_arn(self, service, operation):
        given = self.right(service, operation)
        arns = ("PermissionsBoundary", "PolicyArn", "SerialNumber", "OpenIDConnectProviderArn")
        member = next(name for name in arns if name in given)
        return {**given, member: "arn:aws:iam::aws:nothing/of-this-kind"}

    def malformed_policy(self, service, operation):
        names = ("PolicyDocument", "AssumeRolePolicyDocument", "Policy")
        member = next(name for name in names if name in members(service, operation))
        return {**self.right(service, operation), member: '{"Version": "2012-10-17"}'}

    def long_policy(self, service, operation):
        given, words = self.right(service, operation), "x" * 11_000
        if operation in ("CreateRole", "UpdateAssumeRolePolicy"):
            member = "AssumeRolePolicyDocument" if operation == "CreateRole" else "PolicyDocument"
            text = trusting(user("Admin"), Condition={"StringEquals": {"aws:PrincipalArn": words}})
            return {**given, member: text}
        text = document(identity("Allow", "kms:Encrypt", Condition={"StringEquals": {"aws:PrincipalArn": words}}))
        return {**given, "PolicyDocument": text}

    def reserved_tag(self, service, operation):
        return {**self.right(service, operation), "Tags": [{"Key": "aws:reserved", "Value": "v"}]}

    def fifty_one_tags(self, service, operation):
        tags = [{"Key": f"k{number}", "Value": "v"} for number in range(TAGS_MAX + 1)]
        return {**self.right(service, operation), "Tags": tags}

    def three_keys(self, service, operation):
        name = fresh_name("keys")
        self.iam.create_user(UserName=name)
        for _ in range(2):
            self.iam.create_access_key(UserName=name)
        return {"UserName": name}

    def eleven_groups(self, service, operation):
        name = fresh_name("member")
        self.iam.create_user(UserName=name)
        for _ in range(GROUPS_MAX):
            group = fresh_name("many")
            self.iam.create_group(GroupName=group)
            self.iam.add_user_to_group(GroupName=group, UserName=name)
        return {"GroupName": self.subjects.group, "UserName": name}

    def eleven_policies(self, service, operation):
        given = self.right(service, operation)
        for _ in range(POLICIES_MAX):
            method(self.iam, operation)(**{**given, "PolicyArn": self.subjects.make_policy()})
        return given

    def six_versions(self, service, operation):
        policy = self.subjects.make_policy()
        for _ in range(VERSIONS_MAX - 1):
            self.iam.create_policy_version(PolicyArn=policy, PolicyDocument=RANDOM)
        return {"PolicyArn": policy, "PolicyDocument": RANDOM}

    def two_roles(self, service, operation):
        name = fresh_name("full")
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=self.subjects.role)
        return {"InstanceProfileName": name, "RoleName": self.subjects.role}

    def a_hundred_and_one_clients(self, service, operation):
        full = self.subjects.make_provider([f"c{number}" for number in range(CLIENTS_MAX)])
        return {"OpenIDConnectProviderArn": full, "ClientID": "one more"}

    def nine_devices(self, service, operation):
        name = fresh_name("devices")
        self.iam.create_user(UserName=name)
        for _ in range(DEVICES_MAX):
            totp.give(self.world, totp.make(self.world, fresh_name("device")), name)
        device = totp.make(self.world, fresh_name("device"))
        codes = {"AuthenticationCode1": device.at(-1), "AuthenticationCode2": device.at(0)}
        return {"UserName": name, "SerialNumber": device.serial, **codes}

    def wrong_codes(self, service, operation):
        name, device = fresh_name("wrong"), totp.make(self.world, fresh_name("device"))
        self.iam.create_user(UserName=name)
        if operation == "ResyncMFADevice":
            totp.give(self.world, device, name)
        codes = {"AuthenticationCode1": device.wrong(), "AuthenticationCode2": device.wrong()}
        return {"UserName": name, "SerialNumber": device.serial, **codes}

    def unknown_service(self, service, operation):
        return {"UserName": self.subjects.user, "ServiceName": "nothing.amazonaws.com"}

    def damaged_message(self, service, operation):
        return {"EncodedMessage": "no message"}

    def session_tags_and_policies(self, service, operation):
        tags = [{"Key": f"{number:03}" + "k" * 125, "Value": "v" * 256} for number in range(TAGS_MAX)]
        return {**self.right(service, operation), "Policy": RANDOM, "Tags": tags}

    def what_exists(self, service, operation):
        subjects, given = self.subjects, self.right(service, operation)
        if operation == "CreateAccountAlias":
            taken = fresh_name("taken")
            self.world.iam(f"{OTHER}/root").create_account_alias(AccountAlias=taken)
            return {"AccountAlias": taken}
        if operation == "EnableMFADevice":
            totp.give(self.world, subjects.device, subjects.user)
            return given
        if operation in ("UpdateUser", "UpdateGroup"):
            other = {"UpdateUser": ("NewUserName", "Alice"), "UpdateGroup": ("NewGroupName", fresh_name("taken"))}
            member, name = other[operation]
            if operation == "UpdateGroup":
                self.iam.create_group(GroupName=name)
            return {**given, member: name}
        names = {
            "CreateGroup": ("GroupName", subjects.group),
            "CreateInstanceProfile": ("InstanceProfileName", subjects.profile),
            "CreateOpenIDConnectProvider": ("Url", "https://" + subjects.provider.partition("provider/")[2]),
            "CreatePolicy": ("PolicyName", subjects.policy.rpartition("/")[2]),
            "CreateRole": ("RoleName", subjects.role),
            "CreateUser": ("UserName", subjects.user),
            "CreateVirtualMFADevice": ("VirtualMFADeviceName", device_name(subjects.device.serial)),
        }
        member, name = names[operation]
        return {**given, member: name}

    def what_is_in_use(self, service, operation):
        name, subjects = fresh_name("used"), self.subjects
        if operation == "DeleteGroup":
            self.iam.create_group(GroupName=name)
            self.iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=RANDOM)
            return {"GroupName": name}
        if operation == "DeleteInstanceProfile":
            return {"InstanceProfileName": self.two_roles(service, operation)["InstanceProfileName"]}
        if operation == "DeletePolicy":
            policy = subjects.make_policy()
            self.iam.attach_user_policy(UserName="Bob", PolicyArn=policy)
            return {"PolicyArn": policy}
        if operation == "DeletePolicyVersion":
            return {"PolicyArn": subjects.policy, "VersionId": "v1"}
        if operation == "DeleteRole":
            subjects.make_role(name)
            self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=RANDOM)
            return {"RoleName": name}
        if operation == "DeleteUser":
            return {"UserName": subjects.user}
        device = totp.make(self.world, name)
        self.iam.create_user(UserName=name)
        totp.give(self.world, device, name)
        return {"SerialNumber": device.serial}

    def provoke(self, service: str, operation: str, how: str) -> str | None:
        """The code with which the call is refused."""
        parameters = getattr(self, how.replace(" ", "_").replace("-", "_").lower())(service, operation)
        return error_of(method(self.world.client("Admin", service, SERVICES[service]), operation), **parameters)


@pytest.fixture(scope="module")
def provoker(steered):
    return Provoker(steered)


@pytest.mark.parametrize(("service", "operation"), ROWS)
def test_declared_errors_are_provoked(provoker, service, operation):
    """R36: each error of the operation's list that a client can bring about, by a client."""
    ways = {error: how for error, how in TABLE[service][operation].items() if isinstance(how, str)}
    ways = {error: how for error, how in ways.items() if how not in APART and not how.startswith("elsewhere: ")}
    got = {error: provoker.provoke(service, operation, how) for error, how in ways.items()}
    wrong = {f"{error} by `{ways[error]}`": code for error, code in got.items() if code != error}
    assert not wrong, wrong


def test_each_operation_fails_when_its_record_cannot_be_written(servers):
    """R3: ServiceFailure, whatever is asked; nothing is done and nothing is answered."""
    world = World(servers.make("unwritable", ignore_file_size_signal=True))
    subjects = Subjects(world)
    names = [name for name, errors in TABLE["iam"].items() if "unwritable trail" in errors.values()]
    calls = {name: subjects.parameters("iam", name) for name in names}
    resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    got = {name: error_of(method(world.iam(), name), **parameters) for name, parameters in calls.items()}
    assert {name: code for name, code in got.items() if code != "ServiceFailure"} == {}
    assert len(got) > 100


def test_a_report_is_too_old_after_four_hours(servers):
    """ReportExpired, which comes with time alone."""
    world = World(servers.make("report"))
    world.iam().generate_credential_report()
    world.server.advance(4 * 3600)
    assert error_of(world.iam().get_credential_report) == "ReportExpired"


def test_every_declared_error_is_provoked_or_has_a_reason(steered, record_property):
    """R36: the list is the model's for whatever is served, and no reason is stale."""
    declared, answers = {}, []
    for service, model in MODELS.items():
        # Who may nothing learns by a denial that an operation is served, and changes nothing.
        client = steered.client("Bob", service, SERVICES[service], validate=False)
        for name in model.operation_names:
            if error_of(method(client, name)) not in NOT_SERVED:
                declared[service, name] = {shape.error_code for shape in model.operation_model(name).error_shapes}
        answers += [how for errors in TABLE[service].values() for how in errors.values()]
    assert {place: set(TABLE[place[0]][place[1]]) for place in ROWS} == declared
    reasons = [how["cannot"] for how in answers if isinstance(how, dict)]
    assert set(reasons) == set(TABLE["reasons"])
    for service, operation in ROWS:
        for error, how in TABLE[service][operation].items():
            if isinstance(how, str) and how.startswith("elsewhere: "):
                text = (REPOSITORY / "clients" / "python" / how.removeprefix("elsewhere: ")).read_text()
                assert error in text, f"{how} does not provoke {error} of {operation}"
    for reason in sorted(set(reasons)):
        record_property("not provoked", f"{reasons.count(reason)}: {reason}")
    print(f"provoked: {len(answers) - len(reasons)} of {len(answers)}")
