//! `helm show`: a chart's own texts.

use crate::chart::Chart;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    All,
    Chart,
    Values,
    Readme,
    Crds,
}

const READMES: &[&str] = &["readme.md", "readme.txt", "readme"];

/// What is printed.
pub fn show(chart: &Chart, part: Part) -> String {
    let mut out = String::new();
    let all = part == Part::All;
    let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
    if all || part == Part::Chart {
        out.push_str(&crate::values::encode(&chart.metadata.to_value()));
        out.push('\n');
    }
    if (all || part == Part::Values) && chart.values.is_some() {
        if all {
            out.push_str("---\n");
        }
        for file in chart.raw.iter().filter(|file| file.name == "values.yaml") {
            out.push_str(&text(&file.data));
            out.push('\n');
        }
    }
    if all || part == Part::Readme {
        let is_readme = |name: &str| READMES.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let Some(readme) = chart.files.iter().find(|file| is_readme(&file.name)) {
            if all {
                out.push_str("---\n");
            }
            out.push_str(&text(&readme.data));
            out.push('\n');
        }
    }
    if all || part == Part::Crds {
        for crd in chart.crds() {
            if !crd.data.starts_with(b"---") {
                out.push_str("---\n");
            }
            out.push_str(&text(&crd.data));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{File, Limits};

    #[test]
    fn all_parts_stand_one_after_the_other() {
        let file =
            |name: &str, text: &str| File { name: name.into(), data: text.to_owned().into(), modified: None };
        let files = vec![
            file("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
            file("values.yaml", "k: v # note\n"),
            file("README.md", "hello\n"),
            file("crds/c.yaml", "kind: X\n"),
        ];
        let chart = Chart::load(files, &Limits::default()).unwrap();
        assert_eq!(
            show(&chart, Part::All),
            "apiVersion: v2\nname: a\nversion: 1.0.0\n\n---\nk: v # note\n\n---\nhello\n\n---\nkind: X\n\n"
        );
        assert_eq!(show(&chart, Part::Values), "k: v # note\n\n");
    }
}
