//! A large chart on two threads: each renders some of the templates, as long as none of them changes what others see.
//!
//! Templates are executed one after the other, and what one changes of the values shows in those after it. So each thread
//! has values of its own. As soon as a template changes what outlives it, draws a random number, asks the caller or fails,
//! what was rendered is forgotten, and the caller renders all of them in order.

use std::collections::BTreeMap;

use jiff::Zoned;
use sluice_budget::Budget;
use sluice_gotmpl::{Functions, MissingKey, Templates};

use super::second::Early;
use super::{Parsed, ReleaseOptions, RenderCache, Renderable, Scene, Second};
use crate::capabilities::Capabilities;
use crate::family::Family;
use crate::manifest::Ahead;
use crate::values::graph::Table;

/// Files by path, and those whose documents are read already.
pub(crate) type Halves = (BTreeMap<String, String>, Vec<Ahead>);

/// What is rendered on the first thread.
pub(crate) struct Given<'a, 'c> {
    pub family: &'a Family<'c>,
    pub values: &'a Table,
    pub release: &'a ReleaseOptions,
    pub capabilities: &'a Capabilities,
    pub now: &'a Zoned,
    pub budget: &'a Budget,
}

/// Renders on this thread and on the second, which has its task already. Nothing is rendered where that has to be done in
/// order; the cache then holds the parsed templates.
pub(crate) fn in_halves(given: &Given<'_, '_>, second: &Second, cache: &mut RenderCache) -> Option<Halves> {
    let before = (given.budget.fuel_used(), given.budget.bytes_used());
    let own = given.budget.clone();
    let scene = Scene::new(given.family, given.values, given.release, given.capabilities);
    scene.make_lasting();
    let mut early = Vec::new();
    while second.work().parse(&mut early).is_some() {}
    early.extend(second.parsed()?);
    let (templates, is_unsteady) = assembled(&scene.renderables, early)?;
    let render = || {
        if is_unsteady {
            return None;
        }
        second.render(templates.clone())?;
        let mut done = second.work().render(&scene, &templates, given.now, &own)?;
        let (others, others_budget) = second.rendered()?;
        done.extend(others);
        let used = [&own, &others_budget];
        let fuel = used.iter().map(|used| used.fuel_used() - before.0).sum();
        let bytes = used.iter().map(|used| used.bytes_used() - before.1).sum();
        // A limit is told by the template that reaches it.
        let trial = given.budget.clone();
        trial.charge(fuel).and_then(|()| trial.charge_bytes(bytes)).ok()?;
        given.budget.charge(fuel).and_then(|()| given.budget.charge_bytes(bytes)).ok()?;
        Some(done)
    };
    let Some(done) = render() else {
        cache.known.push(Parsed::of(&scene.renderables, false, templates));
        return None;
    };
    let mut ahead = Vec::with_capacity(done.len());
    let files = done.into_iter().map(|(name, text, read)| {
        ahead.extend(read);
        (name, text)
    });
    Some((files.collect(), ahead))
}

/// The set of all templates, added in their order, and whether any calls what is not its arguments' alone. What was not
/// parsed early is parsed here; none where that fails.
fn assembled(renderables: &[Renderable<'_>], early: Vec<Early>) -> Option<(Templates, bool)> {
    let mut early: BTreeMap<String, Early> =
        early.into_iter().map(|early| (early.name.clone(), early)).collect();
    let mut all = Templates::new(Functions::Helm, MissingKey::Zero);
    let mut is_unsteady = false;
    for renderable in renderables {
        let known = early.remove(&renderable.name);
        let is_same = |known: &Early| {
            known.text.as_ptr() == renderable.text.as_ptr() && known.text.len() == renderable.text.len()
        };
        let parsed = match known.filter(is_same) {
            Some(known) => known.parsed,
            None => renderable.parse().ok()?,
        };
        is_unsteady |= parsed.is_unsteady();
        all.add(parsed);
    }
    Some((all, is_unsteady))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::Arc;

    use bytes::Bytes;
    use serde_json::Map as JsonMap;
    use sluice_gotmpl::NoHooks;

    use super::*;
    use crate::build::{self, BuildOptions, build_cached};
    use crate::chart::{Chart, File, Limits, folder};
    use crate::render::RenderCache;

    fn chart(templates: &[(&str, &str)]) -> Arc<Chart> {
        Arc::new(Chart::load(files(templates), &Limits::default()).unwrap())
    }

    fn files(templates: &[(&str, &str)]) -> Vec<File> {
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
        files
    }

    /// What is printed, on two threads and on one, and how often the caller was asked for random numbers.
    fn built(chart: &Arc<Chart>, in_halves: bool) -> (Result<String, String>, u32, u64) {
        let cache = if in_halves { RenderCache::on_two_threads(chart, None) } else { RenderCache::once() };
        built_with(chart, cache)
    }

    fn built_with(chart: &Chart, mut cache: RenderCache) -> (Result<String, String>, u32, u64) {
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
        let built = build_cached(chart, &JsonMap::new(), &options, None, &mut cache);
        (
            built.map(|built| built.manifest).map_err(|error| error.to_string()),
            drawn.get(),
            budget.fuel_used(),
        )
    }

    #[test]
    fn templates_are_parsed_while_files_are_read() {
        for templates in [
            &[("templates/a.yaml", "a: {{ include \"inner\" . }}\n")][..],
            &[("templates/a.yaml", "a: {{ randAlpha 3 }}\n")],
            &[("templates/a.yaml", "a: {{ if }}\n")],
        ] {
            let mut tree = sluice_tree::Memory::default();
            let inner = [
                // The folder has another name than the chart, so that what it holds is parsed again.
                ("charts/folder/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 1.0.0\n"),
                ("charts/folder/templates/_name.tpl", "{{ define \"inner\" }}{{ .Template.Name }}{{ end }}"),
                ("charts/folder/templates/b.yaml", "b: {{ include \"inner\" . }}\n"),
            ];
            let inner = inner.map(|(name, text)| (name.to_owned(), Bytes::from(text)));
            let files = files(templates).into_iter().map(|file| (file.name, file.data)).chain(inner);
            for (name, data) in files {
                tree.insert(&name, data.to_vec()).unwrap();
            }
            let mut second = None;
            let limits = Limits::default();
            let chart = folder::load_ahead(&tree, "", &limits, &|_| None, Some(&mut second)).unwrap();
            assert!(second.is_some());
            let chart = Arc::new(chart);
            let (want, drawn, fuel) = built(&chart, false);
            let got = built_with(&chart, RenderCache::on_two_threads(&chart, second));
            assert_eq!((got.0, got.2), (want, fuel), "{templates:?}");
            assert_eq!(got.1, drawn, "{templates:?}");
        }
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
    fn what_go_refuses_is_refused_in_its_words() {
        for (template, want) in [
            (
                "a: {{ \"\\u00e9\" | trunc 1 }}\n",
                "YAML parse error on app/templates/a.yaml: error converting YAML to JSON: yaml: invalid trailing UTF-8 octet",
            ),
            (
                "a: {{ merge (dict \"f\" .Files) (dict \"f\" (dict \"x\" 1)) }}\n",
                "error calling merge: reflect.Value.SetMapIndex: value of type interface {} is not assignable to type []uint8",
            ),
            (
                "a: {{ mustMerge (dict \"f\" .Capabilities) (dict \"f\" (dict)) }}\n",
                "error calling mustMerge: src and dst must be of same type",
            ),
        ] {
            let chart = chart(&[("templates/a.yaml", template)]);
            for in_halves in [false, true] {
                let error = built(&chart, in_halves).0.unwrap_err();
                assert!(error.contains(want), "{error}");
            }
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
