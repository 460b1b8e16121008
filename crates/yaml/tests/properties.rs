//! Whatever the bytes: no panic, and what was written once is written the same again.

use proptest::prelude::*;
use sluice_yaml::json::{
    from_node, from_yaml, from_yaml_strict, node_to_yaml, split_documents, split_reader, to_yaml,
};
use sluice_yaml::{Editor, Limits, SequenceIndent, emit_documents, expand_aliases, parse_documents};

/// Pieces that mean something to YAML, put together at random.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "# c",
        "#",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ",",
        "'",
        "\"",
        "&x ",
        "*x",
        "!t ",
        "!!str ",
        "!",
        "|",
        ">",
        "|+",
        ">-",
        "|2",
        "\n---\n",
        "\n...\n",
        "? ",
        "?",
        "<<: ",
        "%YAML 1.1\n",
        "\t",
        "\\",
        "\\x41",
        "\r\n",
        "\r",
        "~",
        "1",
        "0x1",
        "1.5",
        "true",
        "yes",
        "2001-01-01",
        "é",
        "\u{85}",
        "\u{2028}",
        "\u{FEFF}",
        "😀",
        "@",
        "`",
        "=",
        "key: value\n",
        "- item\n",
        "  nested: true\n",
        "\u{7F}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn exercise(bytes: &[u8]) {
    let limits = Limits { expanded: 10_000, ..Limits::default() };
    let _ = from_yaml(bytes);
    let _ = from_yaml_strict(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = split_documents(text);
        let _ = split_reader(text);
        if let Ok(mut editor) = Editor::new(text, limits) {
            let root = editor.documents().first().map(|document| document.root.clone());
            if let Some(root) = root {
                editor.replace(&root, "new: text");
            }
            let _ = editor.finish();
        }
    }
    let Ok(documents) = parse_documents(bytes, limits) else { return };
    let _ = emit_documents(&documents, SequenceIndent::Wide);
    for document in &documents {
        let _ = from_node(&document.root);
        let _ = node_to_yaml(&document.root);
        let mut root = document.root.clone();
        let _ = expand_aliases(&mut root, limits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn no_soup_makes_it_panic(text in soup()) {
        exercise(text.as_bytes());
    }

    #[test]
    fn values_survive_the_way_through_text(text in soup()) {
        if let Ok(value) = from_yaml(&text) {
            let again = to_yaml(&value);
            // Go folds the next-line character, and writes the key `<<` without quotes; all else comes back.
            if !text.contains('\u{85}') && !text.contains("<<") {
                prop_assert_eq!(from_yaml(&again), Ok(value), "{}", again);
            }
        }
    }
}

#[test]
fn depth_is_limited_where_text_is_read() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("[{a: ", "}]")] {
        let nested = |levels: usize| format!("{}x{}", open.repeat(levels), close.repeat(levels));
        // Within the limit everything works on a test's small stack, dropping included.
        exercise(nested(120).as_bytes());
        let deep = nested(10_000);
        let error = parse_documents(&deep, Limits::default()).unwrap_err();
        assert!(error.to_string().contains("exceeded max depth of 256"), "{error}");
        assert!(from_yaml(&deep).is_err());
    }
    let mut block = String::new();
    for level in 0..250 {
        block.push_str(&format!("{}a:\n", " ".repeat(level)));
    }
    exercise(block.as_bytes());
}

#[test]
fn time_grows_with_the_text_alone() {
    // Each of these is slow where something looks back over what is behind it.
    let texts = [
        "a: b\n".repeat(200_000),
        "# c\n".repeat(200_000),
        format!("a: \"{}\"\n", "x y ".repeat(200_000)),
        format!("a: |\n{}", "  x\n".repeat(200_000)),
        format!("[{}]", "a, ".repeat(200_000)),
        format!("a: {}", "b\n\n  ".repeat(100_000)),
        "- - - a\n".repeat(100_000),
        format!("a:{}b", " ".repeat(1_000_000)),
    ];
    for text in texts {
        if let Ok(documents) = parse_documents(&text, Limits::default()) {
            emit_documents(&documents, SequenceIndent::Compact);
        }
        let _ = from_yaml(&text);
    }
}
