//! Registered services.

use crate::answer::Written;
use crate::error::{Result, ServerError};
use crate::server::Server;
use drover_model::{Namespace, ServiceRegistration};
use drover_state::{Command, DeleteServices};
use std::collections::BTreeMap;

impl Server {
    /// Adds or changes instances of services.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn upsert_services(&self, services: Vec<ServiceRegistration>) -> Result<Written> {
        Ok(Written { index: self.inner.propose(Command::UpsertServices(services)).await?.index })
    }

    /// Removes instances of services by their ids. Those that are gone already are no error.
    ///
    /// # Errors
    /// The log cannot take it.
    pub async fn delete_services(&self, services: Vec<(Namespace, String)>) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        let mut by_namespace: BTreeMap<Namespace, Vec<String>> = BTreeMap::new();
        for (namespace, id) in services {
            if snapshot.service(&id).is_some_and(|service| service.namespace == namespace) {
                by_namespace.entry(namespace).or_default().push(id);
            }
        }
        let mut index = snapshot.index();
        for (namespace, ids) in by_namespace {
            index = self.inner.propose(Command::DeleteServices(DeleteServices::ById(namespace, ids))).await?.index;
        }
        Ok(Written { index })
    }

    /// Removes one instance of a service.
    ///
    /// # Errors
    /// There is no such instance.
    pub async fn delete_service(&self, namespace: &Namespace, id: &str) -> Result<Written> {
        let snapshot = self.inner.store.snapshot();
        if snapshot.service(id).is_none_or(|service| service.namespace != *namespace) {
            return Err(ServerError::refused("service registration not found"));
        }
        self.delete_services(vec![(namespace.clone(), id.to_owned())]).await
    }
}
