//! Whether two answers agree: the same bytes, or the same failure.

use crate::tree::Answer;

/// What differs, in one line; nothing when they agree.
pub fn difference(want: &Answer, got: &Answer) -> Option<String> {
    match (want, got) {
        (Ok(want), Ok(got)) => (want != got).then(|| first_line(want, got)),
        (Ok(_), Err(error)) => Some(format!("only ours fails: {}", brief(error))),
        (Err(error), Ok(_)) => Some(format!("only kustomize fails: {}", brief(error))),
        (Err(want), Err(got)) => (!same_failure(want, got))
            .then(|| format!("another failure: want {} | got {}", brief(want), brief(got))),
    }
}

fn first_line(want: &str, got: &str) -> String {
    let (mut want, mut got) = (want.lines(), got.lines());
    loop {
        match (want.next(), got.next()) {
            (Some(want), Some(got)) if want == got => {}
            (want, got) => {
                return format!("want {:?} | got {:?}", want.unwrap_or("(end)"), got.unwrap_or("(end)"));
            }
        }
    }
}

fn brief(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= 240 {
        return text;
    }
    let head: String = text.chars().take(100).collect();
    let tail: Vec<char> = text.chars().rev().take(130).collect();
    format!("{head} … {}", tail.into_iter().rev().collect::<String>())
}

/// Go prints addresses of its memory in some messages, and no two runs agree on those.
fn without_addresses(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("0xc0") {
        shown.push_str(&rest[..at]);
        shown.push_str("0x");
        rest = rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    shown + rest
}

/// What cannot be written or read is told with the whole object in Go's notation in front; the last words count.
fn without_object(text: &str) -> &str {
    let at = text.find(": json: unsupported ").or_else(|| text.rfind(": yaml: line "));
    at.filter(|_| text.starts_with("map[string]interface {}")).map_or(text, |at| &text[at..])
}

/// A generator is shown with the address of its options.
fn without_generator(text: &str) -> String {
    let mut shown = text.to_owned();
    while let Some(at) = shown.find(" &{0x") {
        let Some(end) = shown[at..].find('}') else { break };
        shown.replace_range(at..=at + end, "");
    }
    shown
}

/// kustomize keeps its memory of an object among the annotations, and some messages show the object with it: as JSON,
/// or as YAML.
fn without_memory(text: &str) -> String {
    let mut shown = text.to_owned();
    while let Some(at) = shown.find("\"internal.config.kubernetes.io/") {
        let end = shown[at..].find("\":\"").and_then(|value| {
            let from = at + value + 3;
            shown[from..].find('"').map(|end| from + end + 1)
        });
        let Some(end) = end else { break };
        let end = if shown[end..].starts_with(',') { end + 1 } else { end };
        shown.replace_range(at..end, "");
    }
    let shown = shown.replace(",}", "}").replace("\"annotations\":{},", "");
    if !shown.contains(" internal.config.kubernetes.io/") {
        return shown;
    }
    let lines: Vec<&str> = shown
        .split_inclusive('\n')
        .filter(|line| !line.trim_start().starts_with("internal.config.kubernetes.io/"))
        .collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let is_bare = |at: usize| {
        lines[at].trim() == "annotations:"
            && lines.get(at + 1).is_none_or(|next| depth(next) <= depth(lines[at]))
    };
    (0..lines.len()).filter(|&at| !is_bare(at)).map(|at| lines[at]).collect()
}

/// Parts of objects are shown with their comments, which no built object has any more.
fn without_comments(text: &str) -> String {
    let mut shown = text.to_owned();
    while let Some(at) = shown.find("# behind").or_else(|| shown.find("# above")) {
        let start = shown[..at].trim_end_matches(' ').len();
        let mut end = at + if shown[at..].starts_with("# behind") { 8 } else { 7 };
        if (start == 0 || shown[..start].ends_with('\n')) && shown[end..].starts_with('\n') {
            end += 1;
        }
        shown.replace_range(start..end, "");
    }
    shown
}

/// Which of several variables is met first depends on the order of a map in Go, which is another one each time.
fn without_variable(text: &str) -> String {
    let words = "' already encountered";
    let Some(end) = text.find(words) else { return text.to_owned() };
    let Some(start) = text[..end].rfind("var '") else { return text.to_owned() };
    format!("{}{}", &text[..start], &text[end..])
}

/// Failures of components are told in quotes, those of components in components in quotes within quotes.
fn without_quotes(text: &str) -> String {
    let mut shown = text.to_owned();
    while shown.contains("\\\\") {
        shown = shown.replace("\\\\", "\\");
    }
    shown.replace("\\n", "\n").replace("\\\"", "\"")
}

fn same_failure(want: &str, got: &str) -> bool {
    // Where kustomize breaks down, any refusal is right.
    if want.starts_with("panic: ") || want == "kustomize ended" {
        return true;
    }
    // Whose reference is told first, and which names in the objects shown have been carried over by then, is chance.
    let referrals = "found multiple possible referrals: ";
    if want.contains(referrals) && got.contains(referrals) {
        return true;
    }
    let plain = |text: &str| {
        let text = without_memory(&without_generator(without_object(&without_quotes(text))));
        without_variable(&without_comments(&text))
    };
    let (want, got) = (plain(want), plain(got));
    without_addresses(&want).trim() == without_addresses(&got).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_objects_does_not_make_a_difference() {
        let own = "x:\n  metadata:\n    name: a\n";
        let shown = "x:\n  metadata:\n    annotations:\n      internal.config.kubernetes.io/suffixes: -x\n    name: a\n";
        assert_eq!(without_memory(shown), own);
        let quoted = r#"a: "b: \"[{\\\"annotations\\\":{\\\"internal.config.kubernetes.io/x\\\":\\\"y\\\"},\\\"n\\\":1}]\"""#;
        assert_eq!(without_memory(&without_quotes(quoted)), r#"a: "b: "[{"n":1}]"""#);
        assert_eq!(without_comments("a:\n- b\n  # above\n- c # behind\n"), "a:\n- b\n- c\n");
        let kept = shown.replace("      internal", "      a: b\n      internal");
        assert!(without_memory(&kept).contains("    annotations:\n      a: b\n    name"));
    }

    #[test]
    fn addresses_do_not_make_a_difference() {
        let failed = |text: &str| Err(text.to_owned());
        assert_eq!(difference(&failed("a 0xc000123abc b\n"), &failed("a 0xc0ff b")), None);
        assert!(difference(&failed("a"), &failed("b")).is_some());
        assert!(difference(&Ok("a\n".to_owned()), &Ok("b\n".to_owned())).is_some());
    }
}
