//! Scenarios: stories of storms, written by people in RON.
//!
//! A scenario says what may happen; with a seed it makes a [`crate::plan::Plan`], which says what does happen. The
//! guide for writers is `sim/scenarios/README.md`. Nothing here knows a world or the engine: all is plain numbers.
//! Read next: [`schema`], what a file may say; [`fault`], what may go wrong; [`validate`], what cannot be.

pub mod check;
pub mod error;
pub mod fault;
pub mod lint;
pub mod load;
pub mod marks;
pub mod means;
pub mod nanos;
pub mod path;
pub mod property;
pub mod range;
pub mod schema;
pub mod template;
mod text;
pub mod validate;

pub use error::ScenarioError;
pub use fault::{Cut, DiskFailure, Event, OpKind, Target, What, When};
pub use load::{Source, bundled, load};
pub use marks::Mark;
pub use means::Means;
pub use nanos::Nanos;
pub use path::{Invalid, Path};
pub use property::Property;
pub use range::Range;
pub(crate) use range::given;
pub use schema::{Clock, Disk, Engine, Expect, Fault, Kv, Limits, Load, Mix, Network, Scenario, Whose};

impl Scenario {
    /// Parses and checks the text of a scenario file; `file` is its name in errors.
    ///
    /// # Errors
    /// The first thing that is wrong, with its position.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = error::parse_ron(file, text, "a scenario")?;
        scenario.validate().map_err(|invalid| ScenarioError::locate(file, text, &invalid))?;
        Ok(scenario)
    }

    /// Checks every relation between its values.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn validate(&self) -> Result<(), Invalid> {
        validate::problems(self).first()
    }
}
