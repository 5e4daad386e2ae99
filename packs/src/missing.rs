//! Variables that somebody still has to give.

use drover_hcl::Type;

use crate::{Pack, Supplied};

/// A variable without a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Its name; for a dependency `alias.name`.
    pub name: String,
    /// Its type, if it has one.
    pub kind: Option<Type>,
    /// What it is for.
    pub description: String,
    /// Whether its value must not be shown.
    pub sensitive: bool,
}

impl Pack {
    /// The variables that have no default and that nothing in `supplied` names, those of dependencies after the pack's own.
    pub fn missing(&self, supplied: &Supplied) -> Vec<Missing> {
        match &self.go {
            Some(go) => {
                let mut missing = go.required_variables();
                missing.retain(|variable| !supplied.gives(&variable.name));
                missing
            }
            None => {
                let mut missing = Vec::new();
                collect(self, "", supplied, &mut missing);
                missing
            }
        }
    }
}

fn collect(pack: &Pack, prefix: &str, supplied: &Supplied, missing: &mut Vec<Missing>) {
    for variable in pack.variables.iter().filter(|variable| variable.default.is_none()) {
        if !supplied.gives(&variable.name) {
            missing.push(Missing {
                name: format!("{prefix}{}", variable.name),
                kind: variable.kind.clone(),
                description: variable.description.clone().unwrap_or_default(),
                sensitive: variable.sensitive,
            });
        }
    }
    for dependency in &pack.dependencies {
        // Whether it is used may depend on a variable; what it needs is then said when it is rendered.
        if dependency.declared.enabled.is_some() {
            continue;
        }
        let alias = &dependency.declared.alias;
        let given = crate::render::names_of_vars(&dependency.declared);
        let mut inner = Vec::new();
        collect(&dependency.pack, "", &supplied.for_dependency(alias), &mut inner);
        inner.retain(|variable| !given.contains(&variable.name));
        missing.extend(
            inner
                .into_iter()
                .map(|variable| Missing { name: format!("{prefix}{alias}.{}", variable.name), ..variable }),
        );
    }
}
