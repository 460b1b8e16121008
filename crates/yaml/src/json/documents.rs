//! Streams of documents, parted as Kubernetes' own readers part them: by lines, before any YAML is read.

use std::borrow::Cow;

use crate::error::Error;

/// As apimachinery's YAMLReader (kubectl, Flux): a line that begins with `---` parts documents; after it only a comment
/// may stand. Line ends become `\n`.
pub fn split_reader(text: &str) -> Result<Vec<Cow<'_, str>>, Error> {
    let text: Cow<'_, str> =
        if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() };
    let mut documents = Vec::new();
    for (from, to) in ranges(&text)? {
        let document = match &text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[from..to]),
            Cow::Owned(text) => Cow::Owned(text[from..to].to_owned()),
        };
        documents.push(document);
    }
    Ok(documents)
}

fn ranges(text: &str) -> Result<Vec<(usize, usize)>, Error> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(after) = line.strip_prefix("---") {
            let after = after.trim();
            if !after.is_empty() && !after.starts_with('#') {
                return Err(Error::verbatim(format!("invalid Yaml document separator: {after}")));
            }
            if at > from {
                found.push((from, at));
                from = at + line.len();
            }
            // The first separator of all stays with the document that follows it.
        }
        at += line.len();
    }
    if text.len() > from {
        found.push((from, text.len()));
    }
    Ok(found)
}

/// As kyaml (kustomize) parts a file: at lines that begin with `---`, but not at the first line of all.
/// Line ends become `\n`; every document but the last ends with one.
pub fn split_documents(text: &str) -> Result<Vec<Cow<'_, str>>, Error> {
    if !text.contains("\n---") && !text.contains("\r\n") {
        return Ok(if text.is_empty() { Vec::new() } else { vec![text.into()] });
    }
    let text = text.replace("\r\n", "\n");
    let mut documents = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while let Some(found) = text[search..].find("\n---") {
        let at = search + found;
        // The separator's line must itself end in a line break, which the next separator does not share.
        let Some(length) = text[at + 1..].find('\n') else { break };
        let line = text[at + 4..at + 1 + length].trim();
        if !line.is_empty() && !line.starts_with('#') {
            let separator = text[at..=at + 1 + length].trim();
            return Err(Error::verbatim(format!("invalid document separator: {separator}")));
        }
        documents.push(Cow::Owned(format!("{}\n", &text[from..at])));
        from = at + 1 + length + 1;
        search = from;
    }
    documents.push(Cow::Owned(text[from..].to_owned()));
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_keeps_a_leading_separator() {
        let documents = split_reader("---\na: 1\n--- # two\r\nb: 2\n---\n---\n").unwrap();
        assert_eq!(documents, ["---\na: 1\n", "b: 2\n", "---\n"]);
        let error = split_reader("a: 1\n--- x\n").unwrap_err();
        assert_eq!(error.to_string(), "invalid Yaml document separator: x");
    }

    #[test]
    fn kyaml_needs_a_line_before() {
        let documents = split_documents("---\na: 1\n---\nb: |\n  x\n---\n").unwrap();
        assert_eq!(documents, ["---\na: 1\n", "b: |\n  x\n", ""]);
        assert!(split_documents("a\n---x\nb\n").is_err());
    }
}
