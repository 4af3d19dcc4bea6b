//! AWS Key Management Service.

use crate::operations::operations;

mod members;

operations! {
    cancel_key_deletion CancelKeyDeletion,
    create_alias CreateAlias,
    create_key CreateKey,
    decrypt Decrypt,
    delete_alias DeleteAlias,
    describe_key DescribeKey,
    disable_key DisableKey,
    disable_key_rotation DisableKeyRotation,
    enable_key EnableKey,
    enable_key_rotation EnableKeyRotation,
    encrypt Encrypt,
    generate_data_key GenerateDataKey,
    generate_data_key_without_plaintext GenerateDataKeyWithoutPlaintext,
    generate_random GenerateRandom,
    get_key_policy GetKeyPolicy,
    get_key_rotation_status GetKeyRotationStatus,
    list_aliases ListAliases,
    list_key_policies ListKeyPolicies,
    list_key_rotations ListKeyRotations,
    list_keys ListKeys,
    list_resource_tags ListResourceTags,
    put_key_policy PutKeyPolicy,
    re_encrypt ReEncrypt,
    rotate_key_on_demand RotateKeyOnDemand,
    schedule_key_deletion ScheduleKeyDeletion,
    tag_resource TagResource,
    untag_resource UntagResource,
    update_alias UpdateAlias,
    update_key_description UpdateKeyDescription,
}
