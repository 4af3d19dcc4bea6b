//! AWS Identity and Access Management.

use crate::operations::operations;

mod members;
mod shapes;
mod tags;
mod users;

operations! {
    create_user CreateUser,
    delete_user DeleteUser,
    get_user GetUser,
    list_users ListUsers,
}
