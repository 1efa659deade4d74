//! What is known of each id, shared by all workers, and the thread that finds it out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::client::Client;
use super::{RegistryError, RegistrySettings, schema};
use crate::dataset::{AvroType, Reason};

/// The most ids of which something is known; beyond them the oldest are forgotten.
const MAX_IDS: usize = 4096;
/// The pause after a request that failed: first, and at most. It doubles while the registry does not answer.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often an id that the registry does not have is asked for again while events wait for it, and one that it has not for caz.
const NOT_FOUND_PAUSE: Duration = Duration::from_millis(250);
const FORBIDDEN_PAUSE: Duration = Duration::from_secs(1);
/// How often an id that was given up is asked for while events of it keep coming; and after how long without one the next waits for the answer.
pub(super) const REST: Duration = Duration::from_secs(5);
/// How long a worker waits for ids that it sees for the first time. A registry that is well answers within it, and the events go on
/// without a rewind; one that is not costs this once.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// What is known of an id.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// The writer's schema.
    Known(WriterSchema),
    /// It is being asked for: the event keeps its place until the answer is there.
    Awaited,
    /// There is no schema to be had, and why.
    Refused(Reason, String),
}

/// A writer's schema.
#[derive(Clone, Debug)]
pub struct WriterSchema(pub(crate) Arc<AvroType>);

/// A schema registry with a memory; clones share it.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    settings: RegistrySettings,
    ids: Mutex<Ids>,
    changed: Condvar,
}

#[derive(Default)]
struct Ids {
    entries: HashMap<u64, Entry>,
    /// In the order in which they were first asked for.
    order: VecDeque<u64>,
    /// Why the registry refused the user at the last request; none when it did not.
    denied: Option<String>,
    /// No request before this moment: the registry does not answer.
    pause_until: Option<Instant>,
    backoff: Duration,
}

struct Entry {
    state: State,
    /// When an event first needed it.
    needed: Instant,
    /// When it may be asked for again; none while it need not be.
    ask_at: Option<Instant>,
    given_up: Instant,
    /// When an event last came upon it.
    looked_up: Instant,
    /// Since when the registry gives no answer about it, neither a schema nor that there is none.
    silent_since: Option<Instant>,
    /// It was given up, nobody asked for it for some time, and an event waits for one more answer; lasting silence is one.
    tried_again: bool,
}

enum State {
    Known(WriterSchema),
    /// The registry has it, and it is no schema that can be used.
    Unusable(String),
    /// Not asked yet, or not answered.
    Open(Option<RegistryError>),
}

impl Registry {
    /// Makes a client and starts its thread; no request is made yet.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn new(settings: RegistrySettings) -> Result<Self, RegistryError> {
        let client = Client::new(&settings)?;
        let shared = Arc::new(Shared { client, settings, ids: Mutex::default(), changed: Condvar::new() });
        let weak = Arc::downgrade(&shared);
        let spawned = std::thread::Builder::new().name("caz-registry".to_owned()).spawn(move || fetch_for_ever(&weak));
        spawned.map_err(|error| RegistryError::Settings(format!("the registry's thread could not be started: {error}")))?;
        Ok(Self { shared })
    }

    /// Registers a schema under a subject, unless it is there already, and tells its id. Blocks, trying again until the registry has not
    /// answered for `unreachable_wait` or `stop` says so. Without `may_register` the schema must be there.
    ///
    /// # Errors
    /// When the registry has an incompatible schema there, or does not answer in time.
    pub fn register(&self, subject: &str, schema: &str, may_register: bool, stop: &dyn Fn() -> bool) -> Result<u64, RegistryError> {
        let started = Instant::now();
        let mut backoff = BACKOFF.0;
        loop {
            let client = &self.shared.client;
            let outcome = if may_register { client.register(subject, schema) } else { client.registered(subject, schema) };
            match outcome {
                Err(RegistryError::Unavailable(_)) if started.elapsed() < self.shared.settings.unreachable_wait && !stop() => {
                    std::thread::sleep(backoff);
                    backoff = (backoff * 2).min(BACKOFF.1);
                }
                outcome => return outcome.map(u64::from),
            }
        }
    }

    /// Asks whether the registry lets the user in. Blocks, at most for the settings' timeout.
    ///
    /// # Errors
    /// When it does not, and says so. One that does not answer is no error: it may yet.
    pub fn knock(&self) -> Result<(), RegistryError> {
        self.shared.client.knock()
    }

    /// Why the registry refused the user when it was last asked, which only a person can mend.
    pub fn refusal(&self) -> Option<String> {
        self.shared.lock().denied.clone()
    }

    /// What is known of an id; one that is not known begins to be asked for.
    pub fn lookup(&self, id: u64) -> Lookup {
        let now = Instant::now();
        let settings = &self.shared.settings;
        let mut ids = self.shared.lock();
        let is_silent = ids.is_silent(settings, now);
        let entry = ids.entry(id, now);
        let (found, ask) = entry.lookup(id, settings, now, is_silent);
        if ask {
            entry.ask_at = Some(now);
            self.shared.changed.notify_all();
        }
        found
    }

    /// Waits a moment for ids that were first looked up just now; whether any of them has an answer.
    pub fn settle(&self, wanted: &[u64]) -> bool {
        let deadline = Instant::now() + FIRST_WAIT;
        let mut ids = self.shared.lock();
        let is_new = |ids: &Ids, id: &u64| ids.pause_until.is_none() && ids.entries.get(id).is_some_and(Entry::is_new);
        let mut answered = false;
        loop {
            // One that failed is not waited for here any more: its events make room for others.
            let waiting = wanted.iter().any(|id| is_new(&ids, id));
            answered |= wanted.iter().any(|id| ids.entries.get(id).is_some_and(|entry| !matches!(entry.state, State::Open(_))));
            let left = deadline.saturating_duration_since(Instant::now());
            if !waiting || left.is_zero() {
                return answered;
            }
            ids = self.shared.changed.wait_timeout(ids, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registry").field(&self.shared.settings).finish()
    }
}

impl Ids {
    fn entry(&mut self, id: u64, now: Instant) -> &mut Entry {
        if !self.entries.contains_key(&id) {
            if self.order.len() >= MAX_IDS
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
            }
            self.order.push_back(id);
        }
        self.entries.entry(id).or_insert(Entry {
            state: State::Open(None),
            needed: now,
            ask_at: None,
            given_up: now,
            looked_up: now,
            silent_since: None,
            tried_again: false,
        })
    }

    /// Whether the registry did not answer its last request, and can hardly have answered another one since.
    fn is_silent(&self, settings: &RegistrySettings, now: Instant) -> bool {
        self.pause_until.is_some_and(|until| now.duration_since(until) < settings.request_timeout)
    }

    /// The id to ask for now, or how long there is nothing to do.
    fn due(&self, now: Instant) -> Result<u64, Duration> {
        let asked = self.order.iter().filter_map(|id| Some((self.entries.get(id)?.ask_at?, *id)));
        let Some((at, id)) = asked.min() else { return Err(REST) };
        let at = at.max(self.pause_until.unwrap_or(at));
        if at <= now { Ok(id) } else { Err(at - now) }
    }

    fn answer(&mut self, id: u64, answer: Result<AvroType, RegistryError>, settings: &RegistrySettings) {
        let now = Instant::now();
        self.denied = if let Err(RegistryError::Denied(why)) = &answer { Some(why.clone()) } else { None };
        if let Err(RegistryError::Unavailable(why) | RegistryError::Denied(why)) = &answer {
            if self.pause_until.is_none() {
                tracing::warn!("{why}; events whose schema is not known yet wait");
                self.backoff = BACKOFF.0;
            }
            self.pause_until = Some(now + self.backoff);
            self.backoff = (self.backoff * 2).min(BACKOFF.1);
        } else if let Err(RegistryError::Forbidden(why)) = &answer {
            // Of this id alone: whoever writes events must not end the process by naming one that caz may not have.
            self.pause_until = None;
            let is_told = |entry: &Entry| matches!(entry.state, State::Open(Some(RegistryError::Forbidden(_))));
            if !self.entries.get(&id).is_some_and(is_told) {
                tracing::warn!(id, "{why}; events of this id wait");
            }
        } else if self.pause_until.take().is_some() {
            tracing::info!("the schema registry answers again");
        }
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.ask_at = None;
        entry.silent_since = self.pause_until.and(entry.silent_since.or(Some(now)));
        // An event that waits for an answer does not take silence for one, unless it lasts.
        entry.tried_again &= entry.silent_since.is_some() && !entry.is_silent_for_long(settings, now);
        match answer {
            Ok(schema) => entry.state = State::Known(WriterSchema(Arc::new(schema))),
            Err(RegistryError::Unusable(why)) => entry.state = State::Unusable(why),
            Err(error) => {
                let pause = match error {
                    RegistryError::NotFound(_) => NOT_FOUND_PAUSE,
                    RegistryError::Forbidden(_) => FORBIDDEN_PAUSE,
                    _ => Duration::ZERO,
                };
                entry.state = State::Open(Some(error));
                entry.given_up = now;
                if entry.is_awaited(settings, now) {
                    entry.ask_at = Some(now + pause);
                }
            }
        }
    }
}

impl Entry {
    /// Whether no request for it has ended yet.
    fn is_new(&self) -> bool {
        matches!(self.state, State::Open(None))
    }

    /// Whether the registry has given no answer about it for as long as events wait.
    fn is_silent_for_long(&self, settings: &RegistrySettings, now: Instant) -> bool {
        self.silent_since.is_some_and(|since| now.duration_since(since) >= settings.unreachable_wait)
    }

    /// Whether events still wait for it.
    fn is_awaited(&self, settings: &RegistrySettings, now: Instant) -> bool {
        let wait = match &self.state {
            State::Open(Some(RegistryError::NotFound(_))) => settings.not_found_wait,
            State::Open(_) => settings.unreachable_wait,
            _ => return false,
        };
        self.tried_again || now.duration_since(self.needed) < wait
    }

    /// What is known, and whether it must be asked for; `is_silent` is of the registry.
    fn lookup(&mut self, id: u64, settings: &RegistrySettings, now: Instant, is_silent: bool) -> (Lookup, bool) {
        // Why it was given up may be long over. While events of it keep coming it is asked for beside them, or they would wait for ever; so
        // it is while the registry is known to be silent: a held partition looks up one id, and those of several would wait in turns.
        let has_rested = now.duration_since(std::mem::replace(&mut self.looked_up, now)) > REST;
        self.tried_again |= has_rested && !(is_silent && self.is_silent_for_long(settings, now));
        let error = match &self.state {
            State::Known(schema) => return (Lookup::Known(schema.clone()), false),
            State::Unusable(why) => return (Lookup::Refused(Reason::IncompatibleSchema, why.clone()), false),
            State::Open(error) => error,
        };
        if self.is_awaited(settings, now) {
            return (Lookup::Awaited, self.ask_at.is_none());
        }
        let why = match error {
            Some(RegistryError::NotFound(why)) => {
                format!("the schema registry has no schema of id {id}, or not all that it refers to: {why}")
            }
            Some(error) => format!("the schema of id {id} is not known: {error}"),
            None => format!("the schema of id {id} is not known: the registry has not answered"),
        };
        (Lookup::Refused(Reason::UnknownSchema, why), self.ask_at.is_none() && now.duration_since(self.given_up) > REST)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ids> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fetches what is asked for, one id after the other, until nobody holds the registry any more.
fn fetch_for_ever(registry: &Weak<Shared>) {
    while let Some(shared) = registry.upgrade() {
        let due = {
            let ids = shared.lock();
            match ids.due(Instant::now()) {
                Ok(id) => Some(id),
                Err(idle) => {
                    // Wakes by itself from time to time to see whether the registry was dropped.
                    let idle = idle.min(Duration::from_secs(1));
                    drop(shared.changed.wait_timeout(ids, idle).unwrap_or_else(PoisonError::into_inner));
                    None
                }
            }
        };
        if let Some(id) = due {
            let answer = schema::fetch(&shared.client, id);
            shared.lock().answer(id, answer, &shared.settings);
            shared.changed.notify_all();
        }
    }
}
