//! A large chart on two threads: each renders some of the templates, as long as none of them changes what others see.
//!
//! Templates are executed one after the other, and what one changes of the values shows in those after it. So each thread
//! has values of its own. As soon as a template changes what outlives it, draws a random number, asks the caller or fails,
//! what was rendered is forgotten, and the caller renders all of them in order.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use jiff::Zoned;
use serde_json::{Map as JsonMap, Value as Json};
use sluice_budget::Budget;
use sluice_gotmpl::{
    Context, Error, Functions, Hooks, MissingKey, ParsedText, Shared, Templates, Value, take_lasting_change,
};

use super::{ReleaseOptions, Scene, printed};
use crate::build::STACK;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::family::Family;
use crate::manifest::{self, Ahead};
use crate::values::graph::{Table, from_map};

/// Files by path, and those whose documents are read already.
pub(crate) type Halves = (BTreeMap<String, String>, Vec<Ahead>);

/// What a render is made of that threads can share.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a, 'c> {
    pub chart: &'c Chart,
    pub values: &'a JsonMap<String, Json>,
    pub release: &'a ReleaseOptions,
    pub capabilities: &'a Capabilities,
    pub now: &'a Zoned,
}

/// The work that both take from.
#[derive(Default)]
struct Work {
    parsed: AtomicUsize,
    rendered: AtomicUsize,
    is_off: AtomicBool,
}

impl Work {
    /// The next of so many; none when there is no more, or no sense in it.
    fn next(&self, counter: &AtomicUsize, count: usize) -> Option<usize> {
        let next = counter.fetch_add(1, Ordering::Relaxed);
        (next < count && !self.is_off()).then_some(next)
    }

    fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    /// What is done is of no use; says so to the other too.
    fn give_up<T>(&self) -> Option<T> {
        self.is_off.store(true, Ordering::Relaxed);
        None
    }

    /// Parses what the other does not.
    fn parse(&self, scene: &Scene<'_>) -> Option<Vec<(usize, ParsedText)>> {
        let mut parsed = Vec::new();
        while let Some(index) = self.next(&self.parsed, scene.renderables.len()) {
            match scene.renderables[index].parse() {
                Ok(text) if !text.is_unsteady() => parsed.push((index, text)),
                _ => return self.give_up(),
            }
        }
        (!self.is_off()).then_some(parsed)
    }

    /// Renders what the other does not, and reads the documents.
    fn render(
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
        while let Some(index) = self.next(&self.rendered, scene.renderables.len()) {
            let renderable = &scene.renderables[index];
            if renderable.is_partial() {
                continue;
            }
            renderable.announce();
            take_lasting_change();
            let out = renderable.print(templates, &cx, &shared);
            let is_alone = !take_lasting_change() && caller.asked.get() == 0;
            let Ok(out) = out else { return self.give_up() };
            if !is_alone {
                return self.give_up();
            }
            let (name, text) = (renderable.name.clone(), printed(out));
            let read = (!name.ends_with(manifest::NOTES)).then(|| manifest::read_ahead(&name, &text));
            done.push((name, text, read));
        }
        (!self.is_off()).then_some(done)
    }
}

/// A file that is rendered, with its documents.
type Done = (String, String, Option<Ahead>);

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

/// Prepares a render, here and on a second thread, and renders on both; `finish` is given what came of it. Nothing is
/// rendered where that has to be done in order; what was prepared here can be used for that.
pub(crate) fn in_halves<'c, T, E>(
    given: Given<'_, 'c>,
    budget: &Budget,
    prepare: impl FnOnce() -> Result<(Family<'c>, Table), E>,
    finish: impl FnOnce(Family<'c>, Table, Option<Halves>) -> Result<T, E>,
) -> Result<T, E> {
    let work = Work::default();
    let before = (budget.fuel_used(), budget.bytes_used());
    let budgets = (budget.clone(), budget.clone());
    let (parsed, others_parsed) = channel();
    let (templates, all_templates) = channel();
    let (rendered, others_rendered) = channel();
    thread::scope(|scope| {
        let (work, own) = (&work, budgets.0);
        let second = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || {
            let done = second(given, work, budgets.1, &parsed, &all_templates).or_else(|| work.give_up());
            // The end of this thread is not waited for before it has to be.
            drop(rendered.send(done));
        });
        let (family, values) = prepare().inspect_err(|_| {
            work.give_up::<()>();
        })?;
        let is_begun = second.is_ok();
        let (family_here, values_here) = (&family, &values);
        // Whoever gives up lets go of the channels, so that nobody waits at them for ever.
        let first = move || {
            if !is_begun {
                return None;
            }
            let scene = Scene::new(family_here, values_here, given.release, given.capabilities);
            scene.make_lasting();
            let mut texts = work.parse(&scene)?;
            texts.extend::<Vec<_>>(others_parsed.recv().ok()?);
            texts.sort_by_key(|(index, _)| *index);
            let mut all = Templates::new(Functions::Helm, MissingKey::Zero);
            for (_, text) in texts {
                all.add(text);
            }
            templates.send(all.clone()).ok()?;
            let mut done = work.render(&scene, &all, given.now, &own)?;
            let (others, others_budget) = others_rendered.recv().ok()??;
            done.extend(others);
            let used = [&own, &others_budget];
            let fuel = used.iter().map(|used| used.fuel_used() - before.0).sum();
            let bytes = used.iter().map(|used| used.bytes_used() - before.1).sum();
            // A limit is told by the template that reaches it.
            let trial = budget.clone();
            trial.charge(fuel).and_then(|()| trial.charge_bytes(bytes)).ok()?;
            budget.charge(fuel).and_then(|()| budget.charge_bytes(bytes)).ok()?;
            Some(done)
        };
        let rendered = first();
        drop(first);
        let halves = rendered.or_else(|| work.give_up()).map(|done| {
            let mut ahead = Vec::with_capacity(done.len());
            let files = done.into_iter().map(|(name, text, read)| {
                ahead.extend(read);
                (name, text)
            });
            (files.collect(), ahead)
        });
        let finished = finish(family, values, halves);
        // What it had to say is said.
        drop(second.map(thread::ScopedJoinHandle::join));
        finished
    })
}

/// What the second thread does.
fn second(
    given: Given<'_, '_>,
    work: &Work,
    budget: Budget,
    parsed: &Sender<Vec<(usize, ParsedText)>>,
    templates: &Receiver<Templates>,
) -> Option<(Vec<Done>, Budget)> {
    let mut family = Family::new(given.chart);
    let values = from_map(given.values);
    family.process_dependencies(&values).ok()?;
    let coalesced = family.coalesce(&values).ok()?;
    let scene = Scene::new(&family, &coalesced, given.release, given.capabilities);
    scene.make_lasting();
    parsed.send(work.parse(&scene)?).ok()?;
    let templates = templates.recv().ok()?;
    let done = work.render(&scene, &templates, given.now, &budget)?;
    // The process that does this ends soon, and so does this thread.
    std::mem::forget((scene, coalesced, family, templates));
    Some((done, budget))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sluice_gotmpl::NoHooks;

    use super::*;
    use crate::build::{self, BuildOptions, build_cached};
    use crate::chart::{File, Limits};
    use crate::render::RenderCache;

    fn chart(templates: &[(&str, &str)]) -> Chart {
        let file = |name: &str, text: String| File {
            name: name.to_owned(),
            data: Bytes::from(text),
            modified: None,
        };
        let mut files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n".to_owned()),
            file("values.yaml", "list: [{a: 1}]\nmap: {key: old, inner: {}}\n".to_owned()),
            file("templates/_name.tpl", "{{ define \"name\" }}{{ .Chart.Name }}{{ end }}".to_owned()),
        ];
        for number in 0..40 {
            let text = format!("a: {{{{ include \"name\" . }}}}-{number}\nb: {}\n", "x".repeat(8 << 10));
            files.push(file(&format!("templates/m{number:02}.yaml"), text));
        }
        files.extend(templates.iter().map(|(name, text)| file(name, (*text).to_owned())));
        Chart::load(files, &Limits::default()).unwrap()
    }

    /// What is printed, on two threads and on one, and how often the caller was asked for random numbers.
    fn built(chart: &Chart, in_halves: bool) -> (Result<String, String>, u32, u64) {
        let drawn = Cell::new(0);
        let random = |bytes: &mut [u8]| {
            drawn.set(drawn.get() + 1);
            bytes.fill(1);
        };
        let budget = build::budget();
        let options = BuildOptions {
            release: ReleaseOptions {
                name: "test".into(),
                namespace: "default".into(),
                revision: 1,
                is_upgrade: false,
            },
            capabilities: &Capabilities::default(),
            budget: &budget,
            now: jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC),
            random: &random,
            hooks: &NoHooks,
            skip_schema_validation: false,
            include_crds: false,
            subchart_notes: false,
            hide_secrets: false,
            strategy: build::Strategy::default(),
        };
        let mut cache = RenderCache { in_halves, ..RenderCache::once() };
        let built = build_cached(chart, &JsonMap::new(), &options, None, &mut cache);
        (
            built.map(|built| built.manifest).map_err(|error| error.to_string()),
            drawn.get(),
            budget.fuel_used(),
        )
    }

    #[test]
    fn nobody_waits_for_one_who_gave_up() {
        // The template that cannot be shared is the last that is parsed.
        let chart = chart(&[("templates/a.yaml", "a: {{ randAlpha 3 }}\n")]);
        for _ in 0..100 {
            assert!(built(&chart, true).0.is_ok());
        }
    }

    #[test]
    fn two_threads_print_what_one_prints() {
        for (templates, random) in [
            (&[][..], 0),
            (
                &[(
                    "templates/a.yaml",
                    "own: {{ $d := dict \"a\" 1 }}{{ $_ := set $d \"b\" .Values.map.key }}{{ toJson $d }}\n",
                )],
                0,
            ),
            (
                &[
                    ("templates/a.yaml", "b: {{ .Values.map.key }}\n"),
                    ("templates/z.yaml", "a: {{ $_ := set .Values.map \"key\" \"new\" }}\n"),
                ],
                0,
            ),
            (
                &[
                    ("templates/z.yaml", "a: {{ $_ := set .Values.map.inner \"key\" \"new\" }}\n"),
                    ("templates/b.yaml", "b: {{ .Values.map }}\n"),
                ],
                0,
            ),
            (
                &[
                    ("templates/z.yaml", "{{ range .Values.list }}{{ $_ := set . \"a\" 2 }}{{ end }}\n"),
                    ("templates/b.yaml", "b: {{ .Values.list }}\n"),
                ],
                0,
            ),
            (
                &[
                    ("templates/z.yaml", "{{ $_ := set .Release \"Name\" \"other\" }}\n"),
                    ("templates/b.yaml", "b: {{ .Release.Name }}\n"),
                ],
                0,
            ),
            (
                &[
                    ("templates/z.yaml", "{{ $_ := set . \"Extra\" \"other\" }}\n"),
                    ("templates/b.yaml", "b: {{ .Extra }}\n"),
                ],
                0,
            ),
            (
                &[
                    ("templates/z.yaml", "{{ $_ := unset .Values \"list\" }}\n"),
                    ("templates/b.yaml", "b: {{ .Values.list }}\n"),
                ],
                0,
            ),
            (&[("templates/z.yaml", "a: {{ randAlpha 3 }}\n")], 1),
            (&[("templates/z.yaml", "a: {{ tpl \"{{ randAlpha 3 }}\" . }}\n")], 1),
            (&[("templates/z.yaml", "a: {{ lookup \"v1\" \"Pod\" \"\" \"\" | len }}\n")], 0),
            (
                &[
                    ("templates/z.yaml", "a: {{ fail \"no\" }}\n"),
                    ("templates/b.yaml", "a: {{ fail \"later\" }}\n"),
                ],
                0,
            ),
            (&[("templates/z.yaml", "a: {{ if }}\n")], 0),
            (&[("templates/z.yaml", "a: [\n")], 0),
        ] {
            let chart = chart(templates);
            assert!(chart.is_large());
            let (want, drawn, fuel) = built(&chart, false);
            let (got, drawn_here, fuel_here) = built(&chart, true);
            assert_eq!(got, want, "{templates:?}");
            assert_eq!((drawn > 0, drawn_here), (random > 0, drawn), "{templates:?}");
            assert_eq!(fuel_here, fuel, "{templates:?}");
        }
    }
}
