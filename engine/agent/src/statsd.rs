//! Metrics for statsd servers: datagrams of `name:value|g` lines, in the interval of the configuration.

use crate::config::Telemetry;
use drover_api::ApiState;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{MissedTickBehavior, interval};

/// The longest datagram: it fits into one packet of an ordinary network.
const MAX_DATAGRAM_BYTES: usize = 1400;
/// The shortest interval.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Sends until the task is dropped. What a server does not take is lost, as is usual here.
pub(crate) async fn run(api: ApiState, telemetry: Telemetry) {
    let socket = match UdpSocket::bind("0.0.0.0:0").await {
        Ok(socket) => socket,
        Err(error) => return tracing::warn!(%error, "no metrics are sent: there is no socket"),
    };
    let tags = if telemetry.tags.is_empty() { String::new() } else { format!("|#{}", telemetry.tags.join(",")) };
    let mut ticks = interval(telemetry.interval.as_duration().max(MIN_INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let lines: Vec<String> =
            api.gauges().await.into_iter().map(|(name, value)| format!("{name}:{value}|g{tags}\n")).collect();
        for address in &telemetry.statsd {
            for datagram in datagrams(&lines) {
                if let Err(error) = socket.send_to(datagram.as_bytes(), address).await {
                    tracing::debug!(address, %error, "metrics were not sent");
                    break;
                }
            }
        }
    }
}

fn datagrams(lines: &[String]) -> Vec<String> {
    let mut datagrams = vec![String::new()];
    for line in lines {
        match datagrams.last_mut() {
            Some(last) if last.len() + line.len() <= MAX_DATAGRAM_BYTES => last.push_str(line),
            _ => datagrams.push(line.clone()),
        }
    }
    datagrams.retain(|datagram| !datagram.is_empty());
    datagrams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_gathered_up_to_a_packet() {
        let lines = vec!["a".repeat(1000), "b".repeat(300), "c".repeat(300)];
        let lengths: Vec<usize> = datagrams(&lines).iter().map(String::len).collect();
        assert_eq!(lengths, [1300, 300]);
        assert!(datagrams(&[]).is_empty());
    }
}
