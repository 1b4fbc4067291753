//! Saving a plan, and applying it as it was saved or not at all.

use std::path::Path;
use std::process::ExitCode;

use tokio::sync::watch;

use super::args::{ChangeArgs, DEFAULT_ENVIRONMENT, Format, StackArgs, StateArgs, StatePlace, TargetArgs};
use super::error::CommandError;
use super::run::{self, Session};
use super::{cloud, interrupt, probe, record, render, store};
use crate::apply::Interrupt;
use crate::cloud::Cloud;
use crate::cloud::services::Services;
use crate::driver::{Driver, Planned};
use crate::saved::{self, Basis, DecodeError, Moved, Now, SavedPlan, moved};
use crate::stack::{self, Graph, Origin};
use crate::state::{Journal, LogKey, SealError, State};
use crate::value::Value;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Begins the record of a stack that has none: its key is what secrets are compared with.
pub(super) async fn begin<C: Cloud>(driver: &Driver<C>, graph: &Graph) -> Result<State, CommandError> {
    let (journal, state) = driver.open(graph, record::holder_options("plan", false)).await?;
    journal.close().await?;
    Ok(state)
}

/// Saves a plan in `file`.
pub(super) async fn save<C: Cloud>(
    file: &Path,
    driver: &Driver<C>,
    planned: &Planned,
    stack: &StackArgs,
    place: &str,
    target: &TargetArgs,
) -> Result<(), CommandError> {
    let origin = planned.graph.origin();
    let given = stack.given();
    let given = given.into_iter().filter_map(|name| origin.parameters.get(name).map(|value| (name.to_owned(), value)));
    let (secret, plain): (Vec<_>, Vec<_>) = given.partition(|(_, value)| value.has_secret());
    let saved = SavedPlan {
        infra: env!("CARGO_PKG_VERSION").to_owned(),
        made: jiff::Timestamp::now(),
        folder: std::env::current_dir().unwrap_or_default(),
        state: place.to_owned(),
        stack: stack.path()?.to_owned(),
        environment: stack.options().environment,
        values: plain.into_iter().map(|(name, value)| (name, value.reveal())).collect(),
        given: secret.into_iter().map(|(name, _)| name).collect(),
        targets: target.target.clone(),
        excludes: target.exclude.clone(),
        basis: basis(driver, &planned.state, &origin).await?,
        plan: planned.plan.clone(),
    };
    let bytes = saved::encode(&saved).map_err(saved::WriteError::from)?;
    Ok(saved::write(file, &bytes)?)
}

/// What a plan follows from.
async fn basis<C: Cloud>(driver: &Driver<C>, state: &State, origin: &Origin) -> Result<Basis, CommandError> {
    let account = driver.account().await?;
    let Some(seal) = &state.seal else {
        return Err(CommandError::failed("the record has no key to compare secrets with"));
    };
    Ok(Basis::new(origin, &account, seal)?)
}

/// What an apply of a saved plan was asked.
pub(super) struct SavedChange<'a> {
    pub(super) file: &'a Path,
    pub(super) stack: &'a StackArgs,
    pub(super) state: &'a StateArgs,
    pub(super) target: &'a TargetArgs,
    pub(super) change: &'a ChangeArgs,
    pub(super) format: Format,
    pub(super) probe: Option<&'a str>,
}

/// Applies a saved plan, unless anything moved on since.
pub(super) async fn apply(asked: SavedChange<'_>) -> Result<ExitCode, CommandError> {
    let saved = read(asked.file)?;
    asked.fits(&saved)?;
    let interrupts = interrupt::listen();
    let prepare = async {
        asked.stands_still(&saved).await?;
        let session = Session::of(asked.load(&saved)?, asked.state).await?;
        let graph = session.graph().await?;
        Ok((session, graph))
    };
    let (session, graph) = run::until_interrupted(&interrupts, prepare).await?;
    let (journal, state) = run::open(&session, &graph, "apply", asked.change, &interrupts).await?;
    let result = held(&asked, &saved, &session.driver, graph, state, &journal, &interrupts).await;
    run::let_go(&journal, &interrupts, result).await
}

/// What is done while the log is held.
async fn held<C: Services>(
    asked: &SavedChange<'_>,
    saved: &SavedPlan,
    driver: &Driver<C>,
    graph: Graph,
    state: State,
    journal: &Journal,
    interrupts: &watch::Receiver<Interrupt>,
) -> Result<ExitCode, CommandError> {
    let planning = async {
        let planned = driver.plan(graph, state, &saved.options()).await?;
        let basis = basis(driver, &planned.state, &planned.graph.origin()).await?;
        Ok((planned, basis))
    };
    let (planned, basis) = run::until_interrupted(interrupts, planning).await?;
    let moved = moved(saved, Now { basis: &basis, plan: &planned.plan });
    if !moved.is_empty() {
        return Err(asked.refused(saved, &moved).await);
    }
    run::show(&planned.plan, asked.format)?;
    probe::carry_out_watched(asked.format, asked.probe, driver, planned, journal, interrupts).await
}

fn read(file: &Path) -> Result<SavedPlan, CommandError> {
    let failed = |error: std::io::Error| CommandError::usage(format!("{} can't be read: {error}", file.display()));
    if std::fs::metadata(file).map_err(failed)?.len() > MAX_FILE {
        return Err(CommandError::usage(format!("{} is larger than any saved plan", file.display())));
    }
    let bytes = std::fs::read(file).map_err(failed)?;
    saved::decode(&bytes).map_err(|error| {
        let told = CommandError::usage(format!("the saved plan {} {error}", file.display()));
        told.hint(match error {
            DecodeError::Newer { .. } => "upgrade infra, or plan again with this one",
            DecodeError::Damaged(_) => "plan again",
        })
    })
}

impl SavedChange<'_> {
    /// Where the state of the stack is kept, as its file says now; where that can't be read, as it was when planned.
    fn place(&self, saved: &SavedPlan) -> Result<StatePlace, CommandError> {
        let environment = saved.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
        match stack::head(&saved.stack) {
            Ok(head) => self.state.place(&head.keeping, environment),
            Err(_) => Ok(self.state.place_or(&saved.state, environment)),
        }
    }

    fn log(saved: &SavedPlan) -> LogKey {
        LogKey::new(saved.plan.stack.as_str(), saved.plan.environment.as_str())
    }

    /// Fails where the arguments contradict the saved plan, or leave out what it needs.
    fn fits(&self, saved: &SavedPlan) -> Result<(), CommandError> {
        let file = self.file.display();
        let again = || format!("for another plan: {}", again(saved, self.file));
        let options = [
            ("-e", self.stack.options().environment.is_some()),
            ("--target", !self.target.target.is_empty()),
            ("--exclude", !self.target.exclude.is_empty()),
        ];
        if let Some((option, _)) = options.into_iter().find(|(_, given)| *given) {
            let message = format!("{option} can't be given with a saved plan: {file} says what it is for");
            return Err(CommandError::usage(message).hint(again()));
        }
        let given = self.stack.given();
        if let Some(name) = given.iter().find(|name| !saved.basis.secrets.contains_key(**name)) {
            let message =
                format!("`{name}` can't be given with a saved plan: only the values of secret parameters can");
            return Err(CommandError::usage(message).hint(again()));
        }
        if let Some(name) = saved.given.iter().find(|name| !given.contains(name.as_str())) {
            let message = format!("the secret parameter `{name}` is not saved in {file}, and has no value now");
            return Err(CommandError::usage(message).hint(format!(
                "give it the value that it was planned with: --set {name}=…, or --set-file {name}=PATH"
            )));
        }
        if !saved.stack.exists() {
            let message = format!("{}, which {file} is a plan of, is not here", saved.stack.display());
            return Err(CommandError::usage(message)
                .hint(format!("the plan was made in {}: apply it from a folder like that", saved.folder.display())));
        }
        Ok(())
    }

    /// Fails at once, without asking AWS or waiting for another run, where the record or a file moved on already.
    async fn stands_still(&self, saved: &SavedPlan) -> Result<(), CommandError> {
        let place = self.place(saved)?;
        let state = State::load(&*store::store(&place).await?, &Self::log(saved)).await;
        let state = state.map_err(|error| CommandError::from(error).at(&place))?;
        let Some(seal) = &state.seal else { return Err(self.refused(saved, &[Moved::OtherRecord]).await) };
        let mut found = saved.moved_files(seal)?;
        if state.serial != saved.plan.serial {
            found.push(Moved::Record { planned: saved.plan.serial, now: state.serial });
        }
        if seal.fingerprint("record", &Value::Null)? != saved.basis.record {
            found = vec![Moved::OtherRecord];
        }
        if found.is_empty() { Ok(()) } else { Err(self.refused(saved, &found).await) }
    }

    /// Reads the stack with the values that it was planned with.
    fn load(&self, saved: &SavedPlan) -> Result<stack::Checked, CommandError> {
        let options = stack::Options {
            environment: saved.environment.clone(),
            values: saved.values.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect(),
            ..self.stack.options()
        };
        stack::load(&saved.stack, &options, &cloud::catalog()?).map_err(CommandError::stack)
    }

    /// Why the plan is not applied.
    async fn refused(&self, saved: &SavedPlan, found: &[Moved]) -> CommandError {
        // Who it was is an extra: where the log can't tell, what happened is told without.
        let place = match self.place(saved) {
            Ok(place) => place,
            Err(error) => return error,
        };
        let by = match store::store(&place).await {
            Ok(store) => State::history(&*store, &Self::log(saved), saved.plan.serial).await.unwrap_or_default().runs,
            Err(_) => Vec::new(),
        };
        let error = CommandError::failed(render::moved(self.file, saved, &place.place, found, &by));
        let error = match found {
            [Moved::OtherRecord] => {
                error.hint(format!("the plan was made with `--state {}` in {}", saved.state, saved.folder.display()))
            }
            _ => error,
        };
        error.hint(format!("look again and save anew: {}", again(saved, self.file)))
    }
}

/// The command that makes such a plan.
fn again(saved: &SavedPlan, file: &Path) -> String {
    let environment = saved.environment.iter().map(|environment| format!(" -e {environment}"));
    let environment: String = environment.collect();
    let targets = saved.targets.iter().map(|address| format!(" --target '{address}'"));
    let excludes = saved.excludes.iter().map(|address| format!(" --exclude '{address}'"));
    let given = saved.values.keys().chain(&saved.given).map(|name| format!(" --set {name}=…"));
    let rest: String = targets.chain(excludes).chain(given).collect();
    format!("infra plan {}{environment}{rest} --out {}", saved.stack.display(), file.display())
}

impl From<saved::WriteError> for CommandError {
    fn from(error: saved::WriteError) -> Self {
        Self::failed(error.to_string())
    }
}

impl From<SealError> for CommandError {
    fn from(error: SealError) -> Self {
        Self::failed(error.to_string())
    }
}
