//! The words of a render, where all of them are common ones. Whatever is unusual or wrong is left to the parser of all
//! flags, whose tree takes longer to make than a small chart takes to render.

use std::ffi::OsString;

use super::words::{Global, TemplateArgs};
use crate::environment;

/// What the words after `helm` say, where they are a render and each is known here.
pub fn template(words: &[OsString]) -> Option<(Global, TemplateArgs)> {
    let mut words = words.iter().map(|word| word.to_str());
    if words.next()?? != "template" {
        return None;
    }
    let mut global = Global::default();
    let mut args = TemplateArgs::default();
    while let Some(word) = words.next() {
        let word = word?;
        if !word.starts_with('-') {
            args.words.push(word.to_owned());
            continue;
        }
        if let Some(switch) = switch(word, &mut global, &mut args) {
            // Twice the same is for the parser to judge.
            if std::mem::replace(switch, true) {
                return None;
            }
            continue;
        }
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, value),
            Some(_) => return None,
            None => (word, words.next()??),
        };
        if value.is_empty() {
            return None;
        }
        match flag {
            "--set" => args.render.values.set.push(value.to_owned()),
            "--set-string" => args.render.values.set_string.push(value.to_owned()),
            "--set-json" => args.render.values.set_json.push(value.to_owned()),
            "--set-file" => args.render.values.set_file.push(value.to_owned()),
            "--set-literal" => args.render.values.set_literal.push(value.to_owned()),
            "--values" | "-f" if !value.contains(',') => args.render.values.values.push(value.to_owned()),
            "--api-versions" | "-a" if !value.contains(',') => {
                args.render.api_versions.push(value.to_owned());
            }
            "--show-only" | "-s" => args.show_only.push(value.to_owned()),
            "--namespace" | "-n" if global.namespace.is_none() => global.namespace = Some(value.to_owned()),
            "--kube-version" if args.render.kube_version.is_none() => {
                args.render.kube_version = Some(value.to_owned());
            }
            _ => return None,
        }
    }
    for (name, field) in [
        ("HELM_NAMESPACE", &mut global.namespace),
        ("KUBECONFIG", &mut global.kubeconfig),
        ("HELM_KUBECONTEXT", &mut global.kube_context),
    ] {
        if field.is_none() && environment::is_set(name) {
            *field = Some(environment::non_empty(name)?);
        }
    }
    Some((global, args))
}

fn switch<'a>(word: &str, global: &'a mut Global, args: &'a mut TemplateArgs) -> Option<&'a mut bool> {
    let render = &mut args.render;
    Some(match word {
        "--debug" => &mut global.debug,
        "--include-crds" => &mut render.include_crds,
        "--is-upgrade" => &mut render.is_upgrade,
        "--skip-tests" => &mut render.skip_tests,
        "--no-hooks" => &mut render.no_hooks,
        "--skip-schema-validation" => &mut render.skip_schema_validation,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::helm::parsed_template;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect()
    }

    #[test]
    fn common_words_mean_what_they_mean_to_the_parser_of_all() {
        for line in [
            "template app ./chart",
            "template ./chart",
            "template",
            "template app ./chart -f a.yaml --values=b.yaml --set a=b,c=d --set-string=x=1 -n here --debug",
            "template a b c --set-json {} --set-literal a=-1 --set-file k=v --include-crds --skip-tests",
            "template --is-upgrade app --no-hooks ./chart -a v1 --api-versions=v2/x -s t/a.yaml --show-only b",
            "template app ./chart --kube-version 1.30 --skip-schema-validation --namespace=there --set -a",
        ] {
            let (global, args) = template(&words(line)).expect(line);
            let with_name = [words("helm"), words(line)].concat();
            let parsed = parsed_template(&with_name).expect(line);
            assert_eq!(format!("{global:?}"), format!("{:?}", parsed.global), "{line}");
            let super::super::words::TemplateCommand::Template(wanted) = parsed.command;
            let mut wanted = *wanted;
            wanted.timeout = Default::default();
            assert_eq!(format!("{args:?}"), format!("{wanted:?}"), "{line}");
        }
    }

    #[test]
    fn the_rest_is_left_to_the_parser_of_all() {
        for line in [
            "lint ./chart",
            "template app ./chart --output-dir out",
            "template app ./chart -f a,b",
            "template app ./chart -fa",
            "template app ./chart -n=here",
            "template app ./chart --set",
            "template app ./chart --set=",
            "template app ./chart --debug --debug",
            "template app ./chart --debug=false",
            "template app ./chart -n a -n b",
            "template app -- ./chart",
            "template --help",
        ] {
            assert!(template(&words(line)).is_none(), "{line}");
        }
    }
}
