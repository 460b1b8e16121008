//! A second thread for one render: it parses templates while the first still reads files, and renders some of them.
//!
//! It ends when its `Second` is dropped or when it has rendered what there was; nobody waits for that.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use jiff::Zoned;
use serde_json::{Map as JsonMap, Value as Json};
use sluice_budget::Budget;
use sluice_gotmpl::{
    Context, Error, Functions, Hooks, ParsedText, Shared, Templates, Value, take_lasting_change,
};
use sluice_threads::Beginning;

use super::{ReleaseOptions, Scene, printed};
use crate::build::STACK;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::family::Family;
use crate::manifest::{self, Ahead};
use crate::values::graph::from_map;

/// The handle of the first thread.
pub struct Second {
    work: Arc<Work>,
    tasks: Sender<Task>,
    parsed: Receiver<Vec<Early>>,
    templates: Sender<Templates>,
    rendered: Receiver<(Vec<Done>, Budget)>,
}

/// What is to be rendered.
pub(super) struct Task {
    pub chart: Arc<Chart>,
    pub values: JsonMap<String, Json>,
    pub release: ReleaseOptions,
    pub capabilities: Capabilities,
    pub now: Zoned,
    pub budget: Budget,
}

/// A text that was parsed before it was known to be a template of this name.
pub(super) struct Early {
    pub name: String,
    pub text: Bytes,
    pub parsed: ParsedText,
}

/// A file that is rendered, with its documents.
pub(super) type Done = (String, String, Option<Ahead>);

/// The work that both take from.
#[derive(Default)]
pub(super) struct Work {
    texts: Mutex<Texts>,
    more: Condvar,
    rendered: AtomicUsize,
    is_off: AtomicBool,
}

/// Texts that nobody has parsed yet.
#[derive(Default)]
struct Texts {
    waiting: VecDeque<(String, Bytes)>,
    /// No more come.
    is_complete: bool,
    /// Somebody sleeps until more come.
    is_awaited: bool,
}

impl Second {
    /// Begins the thread; none where the system has none to give.
    pub fn begin() -> Option<Self> {
        let work = Arc::<Work>::default();
        let (tasks, own_tasks) = channel();
        let (own_parsed, parsed) = channel();
        let (templates, own_templates) = channel();
        let (own_rendered, rendered) = channel();
        let own_work = work.clone();
        let beginning = Arc::new(Beginning::here());
        let own_beginning = beginning.clone();
        let run = move || {
            own_beginning.arrive();
            let done = help(&own_work, &own_tasks, &own_parsed, &own_templates);
            match done {
                Some(done) => drop(own_rendered.send(done)),
                None => own_work.give_up(),
            }
        };
        let has_begun = thread::Builder::new().stack_size(STACK).spawn(run).is_ok();
        beginning.wait(usize::from(has_begun));
        has_begun.then_some(Self { work, tasks, parsed, templates, rendered })
    }

    /// A text to be parsed, which is likely to be a template of this name.
    pub(crate) fn offer(&self, name: String, text: Bytes) {
        let mut texts = self.work.texts();
        texts.waiting.push_back((name, text));
        if std::mem::take(&mut texts.is_awaited) {
            self.work.more.notify_one();
        }
    }

    /// Offers the templates of a chart and of those within, by their folders' names.
    pub(super) fn offer_all(&self, chart: &Chart, path: &str) {
        for template in &chart.templates {
            self.offer(format!("{path}/{}", template.name), template.data.clone());
        }
        for inner in &chart.dependencies {
            self.offer_all(inner, &format!("{path}/charts/{}", inner.name()));
        }
    }

    /// Nothing more is offered.
    pub(crate) fn complete(&self) {
        self.work.texts().is_complete = true;
        self.work.more.notify_one();
    }

    pub(super) fn work(&self) -> &Work {
        &self.work
    }

    pub(super) fn assign(&self, task: Task) {
        // Where the other has ended, nothing comes back.
        let _ = self.tasks.send(task);
    }

    /// What the other has parsed, once all is parsed; none where it has ended.
    pub(super) fn parsed(&self) -> Option<Vec<Early>> {
        self.parsed.recv().ok()
    }

    /// Has the other begin to render.
    pub(super) fn render(&self, templates: Templates) -> Option<()> {
        self.templates.send(templates).ok()
    }

    /// What the other has rendered; none where it gave up.
    pub(super) fn rendered(&self) -> Option<(Vec<Done>, Budget)> {
        self.rendered.recv().ok()
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.work.give_up();
        self.complete();
    }
}

impl Work {
    fn texts(&self) -> MutexGuard<'_, Texts> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    /// What is done is of no use; says so to the other too.
    pub(super) fn give_up(&self) {
        self.is_off.store(true, Ordering::Relaxed);
    }

    /// Parses one text that waits, or the next that comes. None when there are no more, or there is no sense in it.
    pub(super) fn parse(&self, early: &mut Vec<Early>) -> Option<()> {
        let mut texts = self.texts();
        let (name, text) = loop {
            if self.is_off() {
                return None;
            }
            match texts.waiting.pop_front() {
                Some(text) => break text,
                None if texts.is_complete => return None,
                None => texts.is_awaited = true,
            }
            texts = self.more.wait(texts).unwrap_or_else(PoisonError::into_inner);
        };
        drop(texts);
        // What is wrong is told when it is parsed in its turn.
        if let Ok(parsed) = ParsedText::new(&name, text.clone(), Functions::Helm) {
            early.push(Early { name, text, parsed });
        }
        Some(())
    }

    /// Renders what the other does not, and reads the documents.
    pub(super) fn render(
        &self,
        scene: &Scene<'_>,
        templates: &Templates,
        now: &Zoned,
        budget: &Budget,
    ) -> Option<Vec<Done>> {
        let caller = Nobody::default();
        let random = |bytes: &mut [u8]| caller.fill(bytes);
        let cx = Context { budget, now: now.clone(), random: &random, hooks: &caller, lint: false };
        let shared = Shared::default();
        let mut done = Vec::new();
        while !self.is_off() {
            let next = self.rendered.fetch_add(1, Ordering::Relaxed);
            let Some(renderable) = scene.renderables.get(next) else { return Some(done) };
            if renderable.is_partial() {
                continue;
            }
            renderable.announce();
            take_lasting_change();
            let out = renderable.print(templates, &cx, &shared);
            let is_alone = !take_lasting_change() && caller.asked.get() == 0;
            let out = out.ok().filter(|_| is_alone)?;
            let name = renderable.name.clone();
            let (text, refused) = printed(&name, out);
            let read_ahead =
                || (!name.ends_with(manifest::NOTES)).then(|| manifest::read_ahead(&name, &text));
            let read = refused.or_else(read_ahead);
            done.push((name, text, read));
        }
        None
    }
}

/// What the second thread does.
fn help(
    work: &Work,
    tasks: &Receiver<Task>,
    parsed: &Sender<Vec<Early>>,
    templates: &Receiver<Templates>,
) -> Option<(Vec<Done>, Budget)> {
    let mut early = Vec::new();
    // Values are prepared as soon as there is a task, so that the first thread need not wait for that at the end.
    let task = loop {
        match tasks.try_recv() {
            Ok(task) => break task,
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        if work.parse(&mut early).is_none() {
            break tasks.recv().ok()?;
        }
    };
    let mut family = Family::new(&task.chart);
    let values = from_map(&task.values);
    family.process_dependencies(&values).ok()?;
    let coalesced = family.coalesce(&values).ok()?;
    let scene = Scene::new(&family, &coalesced, &task.release, &task.capabilities);
    scene.make_lasting();
    while work.parse(&mut early).is_some() {}
    parsed.send(early).ok()?;
    let templates = templates.recv().ok()?;
    let done = work.render(&scene, &templates, &task.now, &task.budget)?;
    let budget = task.budget.clone();
    // The process that does this ends soon, and so does this thread.
    std::mem::forget((scene, coalesced, family, templates, values));
    std::mem::forget(task);
    Some((done, budget))
}

/// Answers nothing, and remembers that something was asked.
#[derive(Default)]
struct Nobody {
    asked: Cell<u64>,
}

impl Nobody {
    fn ask(&self) -> u64 {
        self.asked.set(self.asked.get() + 1);
        self.asked.get()
    }

    /// Numbers that differ, for those who draw until they like what they get.
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.ask().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
        }
    }
}

impl Hooks for Nobody {
    fn lookup(&self, _: &str, _: &str, _: &str, _: &str) -> Result<Value, Error> {
        self.ask();
        Ok(Value::Nil)
    }

    fn host_by_name(&self, _: &str) -> String {
        self.ask();
        String::new()
    }

    fn lint(&self, _: &str) {
        self.ask();
    }

    fn zone(&self, _: &str) -> Option<jiff::tz::TimeZone> {
        self.ask();
        None
    }
}
