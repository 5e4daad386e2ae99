//! What goes over the websocket of a command: JSON documents, one per message.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use drover_drivers::TerminalSize;
use serde::{Deserialize, Deserializer, Serialize};

/// From the caller. Anything else, such as `{}`, is a sign of life.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    pub stdin: Option<StreamInput>,
    pub tty_size: Option<Size>,
}

/// Some of the standard input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamInput {
    #[serde(deserialize_with = "bytes")]
    pub data: Vec<u8>,
    pub close: bool,
}

/// The size of the caller's terminal.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Size {
    pub height: u16,
    pub width: u16,
}

impl From<Size> for TerminalSize {
    fn from(size: Size) -> Self {
        Self { height: size.height, width: size.width }
    }
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

/// To the caller.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Output {
    Stdout(StreamOutput),
    Stderr(StreamOutput),
}

/// Some of an output, or its end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StreamOutput {
    Data(String),
    Close(bool),
}

impl StreamOutput {
    pub(super) fn of(data: &[u8]) -> Self {
        Self::Data(STANDARD.encode(data))
    }
}

/// The end of the command.
#[derive(Debug, Serialize)]
pub(super) struct Exited {
    exited: bool,
    result: ExitedResult,
}

#[derive(Debug, Serialize)]
struct ExitedResult {
    #[serde(skip_serializing_if = "is_zero")]
    exit_code: i32,
}

fn is_zero(code: &i32) -> bool {
    *code == 0
}

impl Exited {
    pub(super) const fn with(exit_code: i32) -> Self {
        Self { exited: true, result: ExitedResult { exit_code } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_read() {
        let input: Input = serde_json::from_str(r#"{"stdin":{"data":"aGk=","close":true}}"#).unwrap();
        let stdin = input.stdin.unwrap();
        assert_eq!((stdin.data.as_slice(), stdin.close), (b"hi".as_slice(), true));
        let size: Input = serde_json::from_str(r#"{"tty_size":{"height":33,"width":99}}"#).unwrap();
        assert_eq!(size.tty_size.map(|size| (size.height, size.width)), Some((33, 99)));
        assert!(serde_json::from_str::<Input>("{}").unwrap().stdin.is_none(), "a sign of life");
        assert!(serde_json::from_str::<Input>(r#"{"stdin":{"data":"?"}}"#).is_err());
    }

    #[test]
    fn output_is_written() {
        let json = |value: &dyn erased::Json| value.json();
        assert_eq!(json(&Output::Stdout(StreamOutput::of(b"hi"))), r#"{"stdout":{"data":"aGk="}}"#);
        assert_eq!(json(&Output::Stderr(StreamOutput::Close(true))), r#"{"stderr":{"close":true}}"#);
        assert_eq!(json(&Exited::with(7)), r#"{"exited":true,"result":{"exit_code":7}}"#);
        assert_eq!(json(&Exited::with(0)), r#"{"exited":true,"result":{}}"#);
    }

    mod erased {
        pub(super) trait Json {
            fn json(&self) -> String;
        }
        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                serde_json::to_string(self).unwrap()
            }
        }
    }
}
