//! Volumes: made on nodes, claimed by groups and allocations, released when those are over.

use super::*;
use async_trait::async_trait;
use drover_model::csi::{CsiClaim, CsiClaimMode, CsiControllerInfo, CsiInfo, CsiNodeInfo, CsiVolume};
use drover_model::node::HostVolumeConfig;
use drover_model::node_call::{NodeCall, NodeReply};
use drover_model::volume::{HostVolume, HostVolumeState, VolumeCapability};
use drover_model::{Namespace, Node, NodeId, TextMap};
use drover_server::request::DeregisterOptions;
use drover_server::storage::NodeCalls;
use std::sync::Mutex;

/// Does what servers ask, in memory, and remembers it.
#[derive(Default)]
struct Storage(Mutex<Vec<String>>);

#[async_trait]
impl NodeCalls for Storage {
    async fn call(&self, _: &NodeId, call: NodeCall) -> Result<NodeReply, String> {
        let (done, reply) = match call {
            NodeCall::CreateHostVolume(volume) if volume.parameters.contains_key("fail") => {
                return Err("no room left".to_owned());
            }
            NodeCall::CreateHostVolume(volume) => {
                let path = format!("/volumes/{}", volume.id);
                (format!("create {}", volume.name), NodeReply::HostVolume { path, bytes: 5 })
            }
            NodeCall::DeleteHostVolume(volume) => (format!("delete {}", volume.name), NodeReply::Done),
            NodeCall::CsiAttach { volume, claim } => {
                let context = TextMap::from([("device".to_owned(), "/dev/x".to_owned())]);
                (format!("attach {} {}", volume.id, claim.external_node_id), NodeReply::Context(context))
            }
            NodeCall::CsiDetach { volume, .. } => (format!("detach {}", volume.id), NodeReply::Done),
            NodeCall::CsiUnmount { volume, .. } => (format!("unmount {}", volume.id), NodeReply::Done),
            NodeCall::CsiValidate(volume) => (format!("validate {}", volume.id), NodeReply::Done),
            other => return Err(format!("not expected: {other:?}")),
        };
        self.0.lock().unwrap().push(done);
        Ok(reply)
    }
}

fn with_plugin(name: &str) -> Node {
    let mut node = fake_node::describe(name);
    node.attributes.insert("plugins.host_volume.mkdir.version".into(), "0.0.1".into());
    node
}

async fn report(server: &Server, node: &Node, volume: &HostVolume) {
    let mut node = node.clone();
    let path = volume.host_path.clone();
    let found = HostVolumeConfig { name: volume.name.clone(), path, read_only: false, id: volume.id.clone() };
    node.host_volumes.insert(volume.name.clone(), found);
    server.register_node(node).await.unwrap();
}

fn with_volume(mut job: Value, volume: &Value) -> Value {
    job["TaskGroups"][0]["Volumes"] = json!({"data": volume});
    job
}

fn wanted() -> HostVolume {
    HostVolume { name: "data".into(), plugin_id: "mkdir".into(), ..HostVolume::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_volume_is_placed_reported_used_and_removed() {
    let server = server().await;
    let calls = Arc::new(Storage::default());
    server.reach_nodes(calls.clone());
    let nowhere = server.create_host_volume(wanted()).await.unwrap_err();
    assert!(nowhere.message.starts_with("could not place volume \"data\": no node meets constraints"), "{nowhere}");
    let node = with_plugin("one");
    server.register_node(node.clone()).await.unwrap();
    let faulty = HostVolume { parameters: [("fail".to_owned(), "1".to_owned())].into(), ..wanted() };
    let error = server.create_host_volume(faulty).await.unwrap_err();
    assert_eq!(error.message, "HostVolume.Create error: no room left");
    let made = server.create_host_volume(wanted()).await.unwrap().volume;
    assert_eq!((made.state, made.capacity_bytes, &made.node_id), (HostVolumeState::Pending, 5, &node.id));
    report(&server, &node, &made).await;
    let state = until(&server, "the volume", |s| s.host_volume(&made.id).map(|volume| volume.state)).await;
    assert_eq!(state, HostVolumeState::Ready);

    let ask = json!({"Name": "data", "Type": "host", "Source": "data", "Sticky": true,
        "AccessMode": "single-node-writer", "AttachmentMode": "file-system"});
    register(&server, with_volume(service("db", 1, "run"), &ask)).await;
    let claim = until(&server, "a claim", |s| s.volume_claims().next().cloned()).await;
    assert_eq!((claim.volume_id.as_str(), &*claim.job_id, claim.task_group_name.as_str()), (&*made.id, "db", "main"));
    let in_use = server.delete_host_volume(&Namespace::from("default"), &made.id, false).await.unwrap_err();
    assert!(in_use.message.contains("in use by allocations"), "{in_use}");
    let purge = DeregisterOptions { purge: true, ..DeregisterOptions::default() };
    server.deregister_job(&key("db"), purge).await.unwrap();
    until(&server, "no claim", |s| s.volume_claims().next().is_none().then_some(())).await;
    server.delete_host_volume(&Namespace::from("default"), &made.id, false).await.unwrap();
    assert!(server.state().snapshot().host_volume(&made.id).is_none());
    assert_eq!(*calls.0.lock().unwrap(), ["create data", "delete data"]);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_that_the_volume_does_not_have_find_no_node() {
    let server = server().await;
    server.reach_nodes(Arc::new(Storage::default()));
    let node = with_plugin("one");
    server.register_node(node.clone()).await.unwrap();
    let made = server.create_host_volume(wanted()).await.unwrap().volume;
    report(&server, &node, &made).await;
    for (id, mode) in [("shared", "single-node-multi-writer"), ("reads", "single-node-reader-only")] {
        let ask = json!({"Name": "data", "Type": "host", "Source": "data", "AccessMode": mode,
            "AttachmentMode": "file-system", "ReadOnly": mode.ends_with("only")});
        let done = register(&server, with_volume(service(id, 1, "run"), &ask)).await;
        let eval = until(&server, "the evaluation", |s| {
            s.eval(&done.eval_id).filter(|eval| eval.status.is_terminal()).cloned()
        })
        .await;
        let metric = &eval.failed_tg_allocs["main"];
        assert_eq!(metric.constraint_filtered["missing compatible host volumes"], 1, "{mode}");
    }
    server.shutdown().await;
}

fn csi_node(name: &str) -> Node {
    let info = CsiInfo {
        plugin_id: "disks".into(),
        healthy: true,
        provider: "org.disks".into(),
        requires_controller_plugin: true,
        ..CsiInfo::default()
    };
    let mut node = fake_node::describe(name);
    let node_info = Some(CsiNodeInfo { id: format!("ext-{name}"), ..CsiNodeInfo::default() });
    let controller_info = Some(CsiControllerInfo { supports_attach_detach: true, ..CsiControllerInfo::default() });
    node.csi_node_plugins.insert("disks".into(), CsiInfo { node_info, ..info.clone() });
    node.csi_controller_plugins.insert("disks".into(), CsiInfo { controller_info, ..info });
    node
}

fn csi_volume(id: &str) -> CsiVolume {
    CsiVolume {
        id: id.into(),
        name: id.into(),
        plugin_id: "disks".into(),
        external_id: format!("disk-{id}"),
        requested_capabilities: vec![VolumeCapability {
            access_mode: "single-node-writer".into(),
            attachment_mode: "file-system".into(),
        }],
        ..CsiVolume::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_of_csi_volumes_keep_others_out_and_are_released() {
    let server = server().await;
    let calls = Arc::new(Storage::default());
    server.reach_nodes(calls.clone());
    let error = server.register_csi_volumes(vec![csi_volume("v")]).await.unwrap_err();
    assert_eq!(error.message, "no CSI plugin named: disks could be found");
    let node = csi_node("one");
    server.register_node(node.clone()).await.unwrap();
    server.register_csi_volumes(vec![csi_volume("v")]).await.unwrap();
    let plugin = server.state().snapshot().csi_plugin("disks").unwrap();
    assert_eq!((plugin.controllers_healthy, plugin.nodes_healthy, plugin.controller_required), (1, 1, true));

    let ask = json!({"Name": "data", "Type": "csi", "Source": "v", "AccessMode": "single-node-writer",
        "AttachmentMode": "file-system"});
    register(&server, with_volume(service("db", 1, "run"), &ask)).await;
    let alloc = until(&server, "an allocation", |s| s.allocs_by_job(&key("db")).next().cloned()).await;
    let claim = CsiClaim {
        alloc_id: alloc.id.clone(),
        node_id: node.id.clone(),
        mode: CsiClaimMode::Write,
        access_mode: "single-node-writer".into(),
        attachment_mode: "file-system".into(),
        ..CsiClaim::default()
    };
    let namespace = Namespace::from("default");
    let claimed = server.claim_csi_volume(&namespace, "v", claim.clone()).await.unwrap();
    assert_eq!(claimed.publish_context["device"], "/dev/x");
    let second = CsiClaim { alloc_id: "another".into(), ..claim };
    let full = server.claim_csi_volume(&namespace, "v", second).await.unwrap_err();
    assert_eq!(full.message, "volume max claims reached");
    let done = register(&server, with_volume(service("rival", 1, "run"), &ask)).await;
    let rival =
        until(&server, "the rival", |s| s.eval(&done.eval_id).filter(|eval| eval.status.is_terminal()).cloned()).await;
    let filtered = &rival.failed_tg_allocs["main"].constraint_filtered;
    assert_eq!(filtered["CSI volume v has exhausted its available writer claims"], 1);
    let in_use = server.deregister_csi_volume(&namespace, "v", true).await.unwrap_err();
    assert_eq!(in_use.message, "volume in use: v");

    let over = Allocation { client_status: drover_model::AllocClientStatus::Complete, ..(*alloc).clone() };
    server.update_allocs(vec![over]).await.unwrap();
    until(&server, "a free volume", |s| s.csi_volume(&namespace, "v").filter(|volume| !volume.is_in_use()).cloned())
        .await;
    let done = calls.0.lock().unwrap().clone();
    assert_eq!(done, ["validate v", "attach v ext-one", "unmount v", "detach v"]);
    server.deregister_csi_volume(&namespace, "v", false).await.unwrap();
    server.shutdown().await;
}
