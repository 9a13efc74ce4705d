/// The result of a hook tool: its exit code and output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolResult {
    /// The exit code: 0, 1 for a failure, 2 for a command line that was refused.
    pub code: i32,
    /// Its standard output; empty if it failed.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl ToolResult {
    pub(super) fn failure(code: i32, text: &str) -> Self {
        Self { code, stdout: Vec::new(), stderr: format!("ERROR {text}\n").into_bytes() }
    }

    pub(super) fn usage(text: &str) -> Self {
        Self::failure(2, text)
    }

    pub(super) fn failed(text: &str) -> Self {
        Self::failure(1, text)
    }
}

/// The output of a tool, or its failure.
pub(super) type Printed = Result<String, ToolResult>;
