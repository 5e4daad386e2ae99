//! From a user's name to what a process needs to become that user.

use std::ffi::CString;

use nix::unistd::{Uid, User};

use crate::supervisor::spec::UserIds;

/// A user of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvedUser {
    pub(crate) name: String,
    pub(crate) home: String,
    pub(crate) ids: UserIds,
}

/// Looks a user up by name or number. The error is for people.
pub(crate) fn resolve_user(name: &str) -> Result<ResolvedUser, String> {
    let failed = |cause: &str| format!("failed to identify user {name:?}: {cause}");
    let user = match name.parse::<u32>() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)),
        Err(_) => User::from_name(name),
    };
    let user = user.map_err(|error| failed(error.desc()))?.ok_or_else(|| failed(&format!("unknown user {name}")))?;
    let c_name = CString::new(user.name.as_str()).map_err(|_| failed("invalid name"))?;
    let groups = nix::unistd::getgrouplist(&c_name, user.gid).map_err(|error| failed(error.desc()))?;
    Ok(ResolvedUser {
        home: user.dir.display().to_string(),
        ids: UserIds {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
            groups: groups.into_iter().map(nix::unistd::Gid::as_raw).collect(),
        },
        name: user.name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_number() {
        let root = resolve_user("root").unwrap();
        assert_eq!((root.ids.uid, root.home.as_str()), (0, "/root"));
        assert_eq!(resolve_user("0").unwrap(), root);
        assert_eq!(
            resolve_user("no-such-user").unwrap_err(),
            "failed to identify user \"no-such-user\": unknown user no-such-user"
        );
    }
}
