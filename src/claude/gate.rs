//! temp
/// temp
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GateFailure {
    /// t
    ErrorEvent { kind: String, message: String },
    /// t
    ErrorObject { kind: String, message: String },
    /// t
    Empty,
    /// t
    Cut,
    /// t
    Html,
    /// t
    Malformed,
    /// t
    EmptyCompletion,
    /// t
    JsonInsteadOfStream,
    /// t
    NotJson,
}
