//! Subscriptions of one shape: the same statement with different parameters, run together.
//!
//! A cohort has groups, one for each list of parameters, and a group has members, the subscribers that asked exactly
//! the same. A single task runs the statement over the groups that are due; what comes due meanwhile waits for its next
//! turn, so that a busy table costs one run after another and never a heap of them.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbox::Sink;
use super::run::{self, Row};
use super::shape::{Progress, Shape};
use super::sources::{Changes, Sources};
use super::{Hearing, Live, Source, Trouble};

/// Statements of one cohort that run at once.
const AT_ONCE: usize = 2;
/// Pause before asking again for a commit that was not visible yet.
const NOT_YET: Duration = Duration::from_millis(2);
/// Commits to look for in one run; when there are more, the latest are looked for.
const COMMITS: usize = 64;

/// A subscription's parameters.
pub(super) type Parameters = Arc<[Option<String>]>;

pub(super) type GroupId = u64;

#[derive(Debug)]
pub(super) struct Cohort {
    pub shape: Shape,
    pub sources: Arc<Sources>,
    state: Mutex<State>,
    due: Notify,
    /// The last member has gone.
    pub over: CancellationToken,
    /// One for all, so that a subscriber that moves to another cohort is not told again what it knows.
    hasher: RandomState,
}

/// What a subscriber has had already.
#[derive(Debug, Default)]
pub(super) struct Had {
    /// Hash of the last body.
    pub last: Option<u64>,
    /// Where its stream stands.
    pub cursor: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    groups: HashMap<GroupId, Group>,
    /// Live queries with the same parameters share a group; streams have their own.
    by_parameters: HashMap<Parameters, GroupId>,
    next: GroupId,
    /// Transactions that made groups due.
    commits: Vec<u32>,
    closed: bool,
}

#[derive(Debug)]
struct Group {
    parameters: Parameters,
    members: Vec<Member>,
    due: bool,
}

#[derive(Debug)]
struct Member {
    sink: Arc<Sink>,
    /// Hash of the body it was sent last.
    last: Option<u64>,
}

/// A group to ask for.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub group: GroupId,
    pub parameters: Parameters,
}

impl Cohort {
    pub(super) fn new(shape: Shape, sources: Arc<Sources>, hasher: RandomState) -> Self {
        Self { shape, sources, state: Mutex::default(), due: Notify::new(), over: CancellationToken::new(), hasher }
    }

    /// Adds a subscriber, whose result is then fetched; `last` is the hash of what it has already. None when the cohort
    /// is over.
    pub(super) fn join(&self, parameters: Parameters, sink: Arc<Sink>, last: Option<u64>) -> Option<GroupId> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let shared = if self.shape.is_stream() { None } else { state.by_parameters.get(&parameters).copied() };
        let id = match shared {
            Some(id) => id,
            None => {
                state.next += 1;
                let id = state.next;
                if !self.shape.is_stream() {
                    state.by_parameters.insert(parameters.clone(), id);
                }
                state.groups.insert(id, Group { parameters, members: Vec::new(), due: true });
                id
            }
        };
        if let Some(group) = state.groups.get_mut(&id) {
            group.members.push(Member { sink, last });
            group.due = true;
        }
        drop(state);
        self.due.notify_one();
        Some(id)
    }

    /// Takes a subscriber out. With the last one the cohort is over.
    pub(super) fn leave(&self, id: GroupId, sink: &Arc<Sink>) -> Had {
        let mut state = self.lock();
        let Some(group) = state.groups.get_mut(&id) else { return Had::default() };
        let at = group.members.iter().position(|member| Arc::ptr_eq(&member.sink, sink));
        let last = at.and_then(|at| group.members.swap_remove(at).last);
        let parameters = group.parameters.clone();
        if group.members.is_empty() {
            state.groups.remove(&id);
            state.by_parameters.remove(&parameters);
        }
        if state.groups.is_empty() {
            state.closed = true;
            self.over.cancel();
        }
        Had { last, cursor: self.shape.cursor(&parameters) }
    }

    /// A transaction committed.
    pub(super) fn changed(&self, changes: &Changes, commit: u32) {
        if self.sources.hears(changes) {
            self.all_due(Some(commit));
        }
    }

    /// Everything is to be asked for again.
    pub(super) fn all_due(&self, commit: Option<u32>) {
        let mut state = self.lock();
        state.groups.values_mut().for_each(|group| group.due = true);
        if let Some(commit) = commit {
            if state.commits.len() >= COMMITS {
                state.commits.remove(0);
            }
            state.commits.push(commit);
        }
        drop(state);
        self.due.notify_one();
    }

    /// Serves the cohort until its last member has gone.
    pub(super) async fn run(self: Arc<Self>, live: Arc<Live>) {
        let mut hearing = live.hearing();
        let every = if self.shape.is_stream() { live.options.stream_refetch } else { live.options.refetch };
        loop {
            let silent = self.sources.polled || *hearing.borrow_and_update() == Hearing::Nothing;
            let polled = silent && live.options.source != Source::Logical;
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.due.notified() => {}
                () = tokio::time::sleep(every), if polled => self.all_due(None),
                // What was missed between one way of hearing and the other.
                changed = hearing.changed() => match changed {
                    Ok(()) => self.all_due(None),
                    Err(_) => return,
                }
            }
            let begin = Instant::now();
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.turn(&live) => {}
            }
            // Half of the time at most is spent asking, however busy the tables are.
            tokio::time::sleep(begin.elapsed().min(every)).await;
        }
    }

    /// Asks for all groups that are due.
    async fn turn(self: &Arc<Self>, live: &Arc<Live>) {
        let (due, commits) = {
            let mut state = self.lock();
            let free = |group: &Group| !self.shape.is_stream() || group.members.iter().all(|one| one.sink.is_free());
            let due = state.groups.iter_mut().filter(|(_, group)| group.due && free(group));
            let due: Vec<Due> = due
                .map(|(id, group)| {
                    group.due = false;
                    Due { group: *id, parameters: group.parameters.clone() }
                })
                .collect();
            (due, std::mem::take(&mut state.commits))
        };
        let size = if self.shape.is_stream() { live.options.stream_batch } else { live.options.batch };
        let parts: Vec<Vec<Due>> = due.chunks(size.max(1)).map(<[Due]>::to_vec).collect();
        let ask = |part: Vec<Due>| {
            let commits = &commits;
            async move { self.ask(live, &part, commits).await }
        };
        futures::stream::iter(parts).for_each_concurrent(AT_ONCE, ask).await;
    }

    /// Asks for some groups with one statement; when one of them makes it fail, for each half.
    async fn ask(self: &Arc<Self>, live: &Arc<Live>, part: &[Due], commits: &[u32]) {
        let mut left = vec![part];
        while let Some(part) = left.pop() {
            match run::run(live, &self.shape, part).await {
                Ok(rows) => {
                    let unseen = rows.iter().any(|row| commits.iter().any(|commit| !row.sees(*commit)));
                    for row in rows {
                        self.deliver(row);
                    }
                    if unseen {
                        self.again(part, commits, NOT_YET);
                    }
                }
                Err(Trouble::Connection) => self.again(part, commits, live.options.refetch),
                Err(Trouble::Statement(_)) if part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.extend([first, second]);
                }
                Err(Trouble::Statement(failure) | Trouble::Timeout(failure)) => {
                    let body: Bytes = failure.to_body(live.dev_mode).into();
                    part.iter().for_each(|due| self.send(due.group, &body));
                }
            }
        }
    }

    /// Makes groups due once more, after a while.
    fn again(self: &Arc<Self>, part: &[Due], commits: &[u32], after: Duration) {
        let (cohort, commits) = (Arc::downgrade(self), commits.to_vec());
        let groups: Vec<GroupId> = part.iter().map(|due| due.group).collect();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let Some(cohort) = cohort.upgrade() else { return };
            let mut state = cohort.lock();
            for group in groups {
                if let Some(group) = state.groups.get_mut(&group) {
                    group.due = true;
                }
            }
            let room = COMMITS.saturating_sub(state.commits.len());
            state.commits.extend(commits.into_iter().take(room));
            drop(state);
            cohort.due.notify_one();
        });
    }

    fn deliver(self: &Arc<Self>, row: Row) {
        match row.progress {
            Progress::None => self.send(row.group, &row.body),
            Progress::Still => {}
            Progress::Moved(cursor) => self.advance(row.group, &row.body, cursor),
        }
    }

    /// Sends a body to the members that have another.
    fn send(&self, group: GroupId, body: &Bytes) {
        let hash = self.hasher.hash_one(body);
        let mut state = self.lock();
        let Some(group) = state.groups.get_mut(&group) else { return };
        for member in group.members.iter_mut().filter(|member| member.last != Some(hash)) {
            member.last = Some(hash);
            member.sink.send(body.clone());
        }
    }

    /// Sends a stream's batch and moves its cursor; what comes next is asked for once this is on its way.
    fn advance(self: &Arc<Self>, id: GroupId, body: &Bytes, cursor: String) {
        let sink = {
            let mut state = self.lock();
            let Some(group) = state.groups.get_mut(&id) else { return };
            group.parameters = self.shape.moved(&group.parameters, cursor);
            group.due = true;
            group.members.first().map(|member| member.sink.clone())
        };
        let Some(sink) = sink else { return };
        sink.send(body.clone());
        let cohort = Arc::downgrade(self);
        tokio::spawn(async move {
            sink.free().await;
            if let Some(cohort) = cohort.upgrade() {
                cohort.due.notify_one();
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
