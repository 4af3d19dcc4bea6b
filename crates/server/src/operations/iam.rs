//! AWS Identity and Access Management.

use crate::operations::operations;

mod members;
mod mfa;
mod shapes;
mod tags;
mod users;

operations! {
    create_user CreateUser,
    create_virtual_mfa_device CreateVirtualMfaDevice,
    deactivate_mfa_device DeactivateMfaDevice,
    delete_user DeleteUser,
    delete_virtual_mfa_device DeleteVirtualMfaDevice,
    enable_mfa_device EnableMfaDevice,
    get_mfa_device GetMfaDevice,
    get_user GetUser,
    list_mfa_device_tags ListMfaDeviceTags,
    list_mfa_devices ListMfaDevices,
    list_users ListUsers,
    list_virtual_mfa_devices ListVirtualMfaDevices,
    resync_mfa_device ResyncMfaDevice,
    tag_mfa_device TagMfaDevice,
    untag_mfa_device UntagMfaDevice,
}
