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

/// What is wrong with a constraint that is not a job's.
pub fn constraint_problems(constraint: &drover_model::Constraint) -> Problems {
    validate::placement::constraint(&job::Constraint {
        l_target: constraint.left.clone(),
        r_target: constraint.right.clone(),
        operand: constraint.operand.clone(),
    })
}

/// What is wrong with a job, and what is odd about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why it cannot be taken.
    pub problems: Problems,
    /// Told in either case.
    pub warnings: Warnings,
}

/// Fills in the defaults of a submitted job and looks at it as [`admit`] does.
pub fn review(submitted: job::Job) -> Findings {
    findings(submitted, validate::job)
}

/// The same for any engine: what this one does not have is no fault.
pub fn review_anywhere(submitted: job::Job) -> Findings {
    findings(submitted, validate::rules)
}

fn findings(mut submitted: job::Job, validate: impl Fn(&job::Job) -> Problems) -> Findings {
    submitted.canonicalize();
    convert::expand(&mut submitted);
    let warnings = validate::warnings(&submitted);
    let mut problems = validate(&submitted);
    if problems.is_empty()
        && let Err(unfit) = convert::to_model(&submitted)
    {
        problems = unfit;
    }
    Findings { problems, warnings }
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
