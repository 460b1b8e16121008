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
            // Control characters and the like are escaped where Go fails; all else comes back.
            if !text.contains('\u{85}') {
                prop_assert_eq!(from_yaml(&again), Ok(value), "{}", again);
            }
        }
    }
}
