//! The small tables: services, namespaces, pools, configuration, keys.

use super::{Done, Txn};
use crate::tables::NODE_IDENTITY_TTL;
use crate::{
    Applied, DeleteServices, EventPayload, PutMeta, SetAutopilotConfiguration, SetSchedulerConfiguration, StateError,
    Table,
};
use drover_model::registry::{ALL_NODE_POOL, DEFAULT_NODE_POOL, NamespaceSpec, NodePool, RootKey};
use drover_model::{JobStatus, Namespace, ServiceRegistration};
use std::sync::Arc;

impl Txn {
    pub(super) fn upsert_services(&mut self, services: &[ServiceRegistration]) -> Done {
        for service in services {
            let mut service = service.clone();
            service.create_index = self.index;
            service.modify_index = self.index;
            if let Some(stored) = self.t.services.get(&service.id) {
                service.create_index = stored.create_index;
                let same = ServiceRegistration { modify_index: stored.modify_index, ..service.clone() };
                if same == **stored {
                    continue;
                }
            }
            let service = Arc::new(service);
            self.emit(EventPayload::Service(service.clone()));
            self.t.insert_service(service);
            self.touch(Table::Services);
        }
        Ok(Applied::Done)
    }

    pub(super) fn delete_services(&mut self, which: &DeleteServices) -> Done {
        let ids: Vec<String> = match which {
            DeleteServices::ById(namespace, ids) => {
                for id in ids {
                    if self.t.services.get(id).is_none_or(|service| service.namespace != *namespace) {
                        return Err(StateError::NotFound("service registration not found".to_owned()));
                    }
                }
                ids.clone()
            }
            DeleteServices::ByAlloc(alloc) => self.t.services_by_alloc.of(alloc).cloned().collect(),
            DeleteServices::ByNode(node) => self.t.services_by_node.of(node).cloned().collect(),
        };
        for id in &ids {
            if let Some(service) = self.t.remove_service(id) {
                self.emit(EventPayload::Service(service));
                self.touch(Table::Services);
            }
        }
        Ok(Applied::Found(!ids.is_empty()))
    }

    pub(super) fn upsert_namespaces(&mut self, namespaces: &[NamespaceSpec]) -> Done {
        for namespace in namespaces {
            let mut namespace = namespace.clone();
            let stored = self.t.namespaces.get(&namespace.name);
            namespace.create_index = stored.map_or(self.index, |stored| stored.create_index);
            namespace.modify_index = self.index;
            self.t.namespaces.insert(namespace.name.clone(), Arc::new(namespace));
        }
        self.touch(Table::Namespaces);
        Ok(Applied::Done)
    }

    /// The namespaces must be empty of live jobs; the texts name the region as the wire does.
    pub(super) fn delete_namespaces(&mut self, names: &[Namespace]) -> Done {
        for name in names {
            if *name == Namespace::DEFAULT {
                return Err(StateError::Refused("default namespace can not be deleted".to_owned()));
            }
            if !self.t.namespaces.contains_key(name) {
                return Err(StateError::NotFound(format!("namespace {:?} not found", &**name)));
            }
            if self.t.jobs.values().any(|job| job.namespace == *name && job.status != JobStatus::Dead) {
                let text = format!("namespace {:?} contains at least one non-terminal job", &**name);
                return Err(StateError::Refused(text));
            }
            self.t.namespaces.remove(name);
        }
        self.touch(Table::Namespaces);
        Ok(Applied::Done)
    }

    pub(super) fn upsert_node_pools(&mut self, pools: &[NodePool]) -> Done {
        for pool in pools {
            let mut pool = pool.clone();
            let stored = self.t.node_pools.get(&pool.name);
            pool.create_index = stored.map_or(self.index, |stored| stored.create_index);
            pool.modify_index = self.index;
            if pool.node_identity_ttl.is_zero() {
                pool.node_identity_ttl = NODE_IDENTITY_TTL;
            }
            self.put_pool(pool);
        }
        Ok(Applied::Done)
    }

    fn put_pool(&mut self, pool: NodePool) {
        let pool = Arc::new(pool);
        self.emit(EventPayload::NodePool(pool.clone()));
        self.t.node_pools.insert(pool.name.clone(), pool);
        self.touch(Table::NodePools);
    }

    /// A node's pool comes into being with the node.
    pub(super) fn ensure_pool(&mut self, name: &str) {
        if !name.is_empty() && !self.t.node_pools.contains_key(name) {
            let (create_index, modify_index) = (self.index, self.index);
            self.put_pool(NodePool {
                name: name.to_owned(),
                node_identity_ttl: NODE_IDENTITY_TTL,
                create_index,
                modify_index,
                ..NodePool::default()
            });
        }
    }

    pub(super) fn delete_node_pools(&mut self, names: &[String]) -> Done {
        for name in names {
            if name == DEFAULT_NODE_POOL || name == ALL_NODE_POOL {
                return Err(StateError::Refused(format!("node pool {name:?} can not be deleted")));
            }
            let pool = self.t.node_pools.remove(name);
            let pool = pool.ok_or_else(|| StateError::NotFound(format!("node pool {name} not found")))?;
            if self.t.nodes.values().any(|node| node.node_pool == *name) {
                return Err(StateError::Refused(format!("node pool {name:?} has nodes in regions: [global]")));
            }
            if self.t.jobs.values().any(|job| job.node_pool == *name && job.status != JobStatus::Dead) {
                return Err(StateError::Refused(format!(
                    "node pool {name:?} has non-terminal jobs in regions: [global]"
                )));
            }
            self.emit(EventPayload::NodePool(pool));
            self.touch(Table::NodePools);
        }
        Ok(Applied::Done)
    }

    pub(super) fn set_scheduler_configuration(&mut self, request: &SetSchedulerConfiguration) -> Done {
        let stored = self.t.scheduler_configuration.clone();
        if let Some(wanted) = request.cas
            && wanted != stored.modify_index
        {
            return Err(StateError::SchedulerConfiguration { wanted, found: stored.modify_index });
        }
        let mut configuration = request.configuration.clone();
        configuration.create_index = if stored.create_index == 0 { self.index } else { stored.create_index };
        configuration.modify_index = self.index;
        self.t.scheduler_configuration = Arc::new(configuration);
        self.touch(Table::SchedulerConfiguration);
        Ok(Applied::Found(true))
    }

    pub(super) fn set_autopilot_configuration(&mut self, request: &SetAutopilotConfiguration) -> Done {
        let stored = self.t.autopilot_configuration.clone();
        if let Some(wanted) = request.cas
            && wanted != stored.modify_index
        {
            return Err(StateError::AutopilotConfiguration { wanted, found: stored.modify_index });
        }
        let mut configuration = request.configuration.clone();
        configuration.create_index = stored.create_index;
        configuration.modify_index = self.index;
        self.t.autopilot_configuration = Arc::new(configuration);
        Ok(Applied::Found(true))
    }

    pub(super) fn upsert_root_key(&mut self, key: &RootKey) -> Done {
        let mut key = key.clone();
        let stored = self.t.root_keys.get(&key.key_id);
        key.create_index = stored.map_or(self.index, |stored| stored.create_index);
        key.modify_index = self.index;
        self.t.root_keys.insert(key.key_id.clone(), Arc::new(key));
        self.touch(Table::RootKeys);
        Ok(Applied::Done)
    }

    pub(super) fn delete_root_key(&mut self, id: &str) -> Done {
        let found = self.t.root_keys.remove(id).is_some();
        self.touch(Table::RootKeys);
        Ok(Applied::Found(found))
    }

    pub(super) fn put_meta(&mut self, request: &PutMeta) -> Done {
        match &request.value {
            Some(value) => self.t.meta.insert(request.key.clone(), Arc::from(value.as_str())),
            None => self.t.meta.remove(&request.key),
        };
        self.touch(Table::Meta);
        Ok(Applied::Done)
    }
}
