//! `lif setup`.

pub use super::args::Setup;
use crate::cli::Failure;
use crate::say;
use crate::setup::{ALL_EMULATORS, ALL_TARGETS, Item, check, install};

/// Runs the command.
///
/// # Errors
///
/// [`Failure::Environment`] where something is missing and could not be installed.
pub fn run(args: &Setup) -> Result<(), Failure> {
    let items = check(ALL_TARGETS, ALL_EMULATORS);
    for item in &items {
        match &item.found {
            Some(found) => say!("  ok       {}: {found}", item.what),
            None => say!("  missing  {}: {}", item.what, item.by_hand()),
        }
    }
    if !args.check {
        return ensure(&items);
    }
    match items.iter().filter(|i| i.found.is_none()).count() {
        0 => Ok(()),
        n => Err(Failure::Environment(format!(
            "{n} of {} are missing; `lif setup` installs them",
            items.len()
        ))),
    }
}

/// Installs what is missing of `items`, saying what it does.
///
/// # Errors
///
/// [`Failure::Environment`], which says why not, and how to do it by hand.
pub fn ensure(items: &[Item]) -> Result<(), Failure> {
    for item in items.iter().filter(|i| i.found.is_none()) {
        if item.obstacle.is_none() {
            say!("installing {}: {}", item.what, item.by_hand());
        }
        install(item).map_err(|why| {
            Failure::Environment(format!(
                "{} is missing and could not be installed: {why}\nby hand: {}",
                item.what,
                item.by_hand()
            ))
        })?;
    }
    Ok(())
}
