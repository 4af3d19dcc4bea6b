"""Prints the list of KMS operations as the installed botocore knows them: one name a line, behind a remark."""

import botocore
import botocore.session

model = botocore.session.get_session().get_service_model("kms")
print(
    f"# The operations of the KMS API, as botocore {botocore.__version__} lists them "
    f"(data/kms, API version {model.api_version}); one name a line."
)
for name in sorted(model.operation_names):
    print(name)
