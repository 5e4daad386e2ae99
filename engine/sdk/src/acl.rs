//! Access control: the first token, policies, tokens, roles.

use crate::client::segment;
use crate::types::{AclPolicyStub, AclTokenStub};
use crate::{Answer, Client, Method, NO_BODY, Query, Result};
use drover_model::acl::{AclPolicy, AclRole, AclToken};
use serde_json::{Value, json};

impl Client {
    /// Makes the first token; with `secret` that one.
    ///
    /// # Errors
    /// Any [`crate::Error`]; so for all methods here.
    pub async fn bootstrap_acl(&self, secret: Option<&str>) -> Result<AclToken> {
        let body = secret.map(|secret| json!({"BootstrapSecret": secret}));
        self.send(Method::Put, "/v1/acl/bootstrap", &Query::new(), body.as_ref()).await
    }

    /// Policies that the caller may see.
    pub async fn acl_policies(&self, query: &Query) -> Result<Answer<Vec<AclPolicyStub>>> {
        self.get("/v1/acl/policies", query).await
    }
    /// The caller's own policies.
    pub async fn own_acl_policies(&self) -> Result<Vec<AclPolicyStub>> {
        let own: Answer<Option<Vec<AclPolicyStub>>> = self.get("/v1/acl/policy/self", &Query::new()).await?;
        Ok(own.value.unwrap_or_default())
    }
    /// One policy.
    pub async fn acl_policy(&self, name: &str) -> Result<AclPolicy> {
        Ok(self.get(&policy(name), &Query::new()).await?.value)
    }
    /// Makes or changes a policy.
    pub async fn put_acl_policy(&self, value: &AclPolicy) -> Result<()> {
        self.send::<Value, _>(Method::Put, &policy(&value.name), &Query::new(), Some(value)).await?;
        Ok(())
    }
    /// Removes a policy; one that is not there is no error.
    pub async fn delete_acl_policy(&self, name: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &policy(name), &Query::new(), NO_BODY).await?;
        Ok(())
    }

    /// Tokens, without their secrets.
    pub async fn acl_tokens(&self, query: &Query) -> Result<Answer<Vec<AclTokenStub>>> {
        self.get("/v1/acl/tokens", query).await
    }
    /// The caller's own token.
    pub async fn own_acl_token(&self) -> Result<AclToken> {
        Ok(self.get("/v1/acl/token/self", &Query::new()).await?.value)
    }
    /// One token.
    pub async fn acl_token(&self, accessor: &str) -> Result<AclToken> {
        Ok(self.get(&token(accessor), &Query::new()).await?.value)
    }
    /// Makes a token, or changes the one with its accessor. `kind` is `client` or `management`, which the engine checks.
    pub async fn put_acl_token(&self, value: &AclToken, kind: &str) -> Result<AclToken> {
        let path = if value.accessor_id.is_empty() { "/v1/acl/token".to_owned() } else { token(&value.accessor_id) };
        let mut body = serde_json::to_value(value).unwrap_or_default();
        body["Type"] = kind.into();
        self.send(Method::Put, &path, &Query::new(), Some(&body)).await
    }
    /// Removes a token.
    pub async fn delete_acl_token(&self, accessor: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &token(accessor), &Query::new(), NO_BODY).await?;
        Ok(())
    }

    /// Roles that the caller may see.
    pub async fn acl_roles(&self, query: &Query) -> Result<Answer<Vec<AclRole>>> {
        self.get("/v1/acl/roles", query).await
    }
    /// One role.
    pub async fn acl_role(&self, id: &str) -> Result<AclRole> {
        Ok(self.get(&role(id), &Query::new()).await?.value)
    }
    /// One role, by its name.
    pub async fn acl_role_named(&self, name: &str) -> Result<AclRole> {
        Ok(self.get(&format!("/v1/acl/role/name/{}", segment(name)), &Query::new()).await?.value)
    }
    /// Makes a role, or changes the one with its id.
    pub async fn put_acl_role(&self, value: &AclRole) -> Result<AclRole> {
        let path = if value.id.is_empty() { "/v1/acl/role".to_owned() } else { role(&value.id) };
        self.send(Method::Put, &path, &Query::new(), Some(value)).await
    }
    /// Removes a role.
    pub async fn delete_acl_role(&self, id: &str) -> Result<()> {
        self.send::<Value, _>(Method::Delete, &role(id), &Query::new(), NO_BODY).await?;
        Ok(())
    }
}

fn policy(name: &str) -> String {
    format!("/v1/acl/policy/{}", segment(name))
}

fn token(accessor: &str) -> String {
    format!("/v1/acl/token/{}", segment(accessor))
}

fn role(id: &str) -> String {
    format!("/v1/acl/role/{}", segment(id))
}
