//! The bundled models by name, for command lines.

use super::spelling::Spelling;
use crate::model::append_list::AppendList;
use crate::model::cas_register::CasRegister;
use crate::model::counter::Counter;
use crate::model::kv::Kv;
use crate::model::lock::Lock;
use crate::model::queue::Queue;
use crate::model::register::Register;
use crate::model::set::Set;
use bytes::Bytes;

/// The names that [`with_model`] knows.
pub const NAMES: [&str; 8] = ["register", "cas-register", "kv", "append-list", "set", "counter", "queue", "lock"];

/// What is to be done with a model whose type is only known by name.
pub trait Judge {
    /// What comes of it.
    type Out;

    /// Does it.
    fn judge<M: Spelling>(self, model: &M) -> Self::Out;
}

/// No model has this name, or it takes no initial value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownModel {
    /// No model has this name.
    #[error("found model `{0}`, expected one of: {names}", names = NAMES.join(", "))]
    Name(String),
    /// The model has no initial value.
    #[error("found an initial value for the model `{0}`, expected it only for register and cas-register")]
    Initial(String),
}

/// Calls the judge with the model of this name. Registers start with the initial value, if there is one.
///
/// # Errors
///
/// If there is no such model, or it is no register and there is an initial value.
///
/// ```
/// use squall_checkers::format::spelling::Spelling;
/// use squall_checkers::format::{Judge, with_model};
///
/// struct Operations;
/// impl Judge for Operations {
///     type Out = usize;
///     fn judge<M: Spelling>(self, _: &M) -> usize {
///         M::OPERATIONS.len()
///     }
/// }
/// assert_eq!(with_model("queue", None, Operations), Ok(2));
/// assert!(with_model("stack", None, Operations).unwrap_err().to_string().contains("append-list"));
/// ```
pub fn with_model<J: Judge>(name: &str, initial: Option<Bytes>, judge: J) -> Result<J::Out, UnknownModel> {
    match (name, initial) {
        ("register", initial) => Ok(judge.judge(&Register { initial })),
        ("cas-register", initial) => Ok(judge.judge(&CasRegister { initial })),
        (name, Some(_)) if NAMES.contains(&name) => Err(UnknownModel::Initial(name.to_owned())),
        ("kv", _) => Ok(judge.judge(&Kv)),
        ("append-list", _) => Ok(judge.judge(&AppendList)),
        ("set", _) => Ok(judge.judge(&Set)),
        ("counter", _) => Ok(judge.judge(&Counter)),
        ("queue", _) => Ok(judge.judge(&Queue)),
        ("lock", _) => Ok(judge.judge(&Lock)),
        (name, _) => Err(UnknownModel::Name(name.to_owned())),
    }
}
