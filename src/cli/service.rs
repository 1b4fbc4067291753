//! Services by the names that people give them.

use super::error::CommandError;
use crate::address::Address;
use crate::rollback::services;
use crate::state::State;

/// The services at or in `name`: an address, or the last parts of one.
pub(super) fn of_name(state: &State, name: &Address) -> Result<Vec<Address>, CommandError> {
    let all: Vec<&Address> = services(state, None).into_iter().map(|(address, _)| address).collect();
    let within: Vec<Address> = all.iter().filter(|address| address.is_within(name)).map(|one| (*one).clone()).collect();
    let found = if within.is_empty() {
        all.iter().filter(|address| ends_with(address, name)).map(|one| (*one).clone()).collect()
    } else {
        within
    };
    if found.is_empty() {
        let error = CommandError::usage(format!("no service `{name}` is on record of this stack"));
        let names: Vec<&str> = all.iter().map(|address| address.as_str()).collect();
        let error = near(&names, name.as_str())
            .into_iter()
            .fold(error, |error, near| error.hint(format!("did you mean `{near}`?")));
        return Err(error.hint(match names.is_empty() {
            true => "it has none".to_owned(),
            false => format!("there are: {}", names.join(", ")),
        }));
    }
    Ok(found)
}

/// The one service of that name.
pub(super) fn one_of_name(state: &State, name: &Address) -> Result<Address, CommandError> {
    let mut found = of_name(state, name)?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (last, _) => {
            let names: Vec<String> = found.iter().chain(&last).map(ToString::to_string).collect();
            Err(CommandError::usage(format!("`{name}` can be more than one service"))
                .hint(format!("name one: {}", names.join(", "))))
        }
    }
}

/// The one of `names` that was most likely meant by `typed`: as a whole, or by its last part.
fn near<'n>(names: &[&'n str], typed: &str) -> Option<&'n str> {
    let likeness = |name: &str| {
        let parts = name.match_indices('.').map(|(at, _)| &name[at + 1..]).chain([name]);
        let typed = typed.to_lowercase();
        parts.map(|part| strsim::jaro_winkler(&part.to_lowercase(), &typed)).fold(0.0, f64::max)
    };
    let best = names.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    (likeness(best) > 0.8).then_some(best)
}

/// Whether an address ends with the parts of another, whole parts: `Api.Service` with `Service`.
fn ends_with(address: &Address, name: &Address) -> bool {
    address.as_str().strip_suffix(name.as_str()).is_some_and(|before| before.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        let names = ["Api.Service", "Sender.Service", "Worker"];
        for (typed, meant) in [
            ("Api.Servcie", Some("Api.Service")),
            ("sender.service", Some("Sender.Service")),
            ("Wroker", Some("Worker")),
            ("Database", None),
        ] {
            assert_eq!(near(&names, typed), meant, "{typed}");
        }
    }

    #[test]
    fn the_last_parts_of_an_address_name_it() {
        let address = Address::from("Shop.Api.Service");
        for (name, is) in [("Service", true), ("Api.Service", true), ("ervice", false), ("Api", false)] {
            assert_eq!(ends_with(&address, &Address::from(name)), is, "{name}");
        }
    }
}
