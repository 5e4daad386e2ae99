//! Reading what a refused client still sends: it would otherwise see a broken connection in place of the answer.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures::StreamExt;

/// The most that is read and dropped, in bytes.
const MAX_BYTES: usize = 128 * 1024 * 1024;
/// How long it may take.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Reads a body to its end, or to the limits. Nothing is read from a client that waits for leave to send.
pub(crate) async fn drain(body: Body, headers: &HeaderMap) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let reading = async {
        let mut parts = body.into_data_stream();
        let mut count = 0;
        while let Some(Ok(part)) = parts.next().await {
            count += part.len();
            if count > MAX_BYTES {
                break;
            }
        }
    };
    let _enough = tokio::time::timeout(MAX_TIME, reading).await;
}
