//! From a submitted job to a canonical one: defaults, validation, conversion.

pub use crate::problems::{Problems, Warnings};

use crate::job::{self, Canonical};
use crate::{convert, validate};
use drover_model::Job;

/// A job that is valid by itself; only the cluster can still refuse it.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// In canonical form.
    pub job: Job,
    /// What is odd about it.
    pub warnings: Warnings,
}

/// Fills in the defaults of a submitted job, validates and converts it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn admit(mut submitted: job::Job) -> Result<Admitted, Problems> {
    submitted.canonicalize();
    convert::expand(&mut submitted);
    validate::job(&submitted).into_result()?;
    let warnings = validate::warnings(&submitted);
    let job = convert::to_model(&submitted)?;
    Ok(Admitted { job, warnings })
}
