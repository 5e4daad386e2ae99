//! Access control, as lists show it.

use drover_base::{WireTime, serde_null};
use drover_model::acl::{JobAcl, TokenRole};
use serde::{Deserialize, Serialize};

/// A policy without its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclPolicyStub {
    /// Its name.
    pub name: String,
    /// For people.
    pub description: String,
    /// The workload that it belongs to.
    #[serde(rename = "JobACL")]
    pub job_acl: Option<JobAcl>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// A token without its secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclTokenStub {
    /// Its public id.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// For people.
    pub name: String,
    /// `client` or `management`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Names of its policies.
    #[serde(with = "serde_null")]
    pub policies: Vec<String>,
    /// Its roles.
    #[serde(with = "serde_null")]
    pub roles: Vec<TokenRole>,
    /// Whether all regions know it.
    pub global: bool,
    /// When it was made.
    pub create_time: WireTime,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<WireTime>,
    /// Raft index of creation.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}
