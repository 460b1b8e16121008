//! The words that edits are told with: images, replicas, pairs, options.

use std::collections::BTreeMap;

use crate::error::{Error, Result, fail};
use crate::file::{Image, Replica};

/// The options of `buildMetadata`.
const METADATA_OPTIONS: [&str; 3] = ["originAnnotations", "transformerAnnotations", "managedByLabel"];

const IMAGE_FORMS: &str = "invalid format of image, use one of the following options:
- <image>=<newimage>:<newtag>
- <image>=<newimage>@<digest>
- <image>=<newimage>:<newtag>@<digest>
- <image>=<newimage>
- <image>:<newtag>
- <image>:<newtag>@<digest>
- <image>@<digest>";

/// `name=new:tag@digest` each, by name.
pub fn read_images(words: &[String]) -> Result<BTreeMap<String, Image>> {
    if words.is_empty() {
        fail!("no image specified");
    }
    let mut images = BTreeMap::new();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or(("", word));
        let (name, tag, digest) = split_image(value);
        if name == word {
            return Err(Error::new(IMAGE_FORMS));
        }
        let mut image = Image { new_tag: tag.to_owned(), digest: digest.to_owned(), ..Image::default() };
        if key.is_empty() {
            name.clone_into(&mut image.name);
        } else {
            key.clone_into(&mut image.name);
            name.clone_into(&mut image.new_name);
        }
        images.insert(image.name.clone(), image);
    }
    Ok(images)
}

/// Name, tag and digest of an image.
fn split_image(text: &str) -> (&str, &str, &str) {
    let from = text.find('/').unwrap_or(0);
    let find = |byte| text[from..].find(byte).map(|at| at + from);
    match (find(':'), find('@')) {
        (None, None) => (text, "", ""),
        (Some(tag), None) => (&text[..tag], &text[tag + 1..], ""),
        (Some(tag), Some(digest)) if tag < digest => {
            (&text[..tag], &text[tag + 1..digest], &text[digest + 1..])
        }
        (_, Some(digest)) => (&text[..digest], "", &text[digest + 1..]),
    }
}

/// `name=count` each, by name.
pub fn read_replicas(words: &[String]) -> Result<BTreeMap<String, Replica>> {
    if words.is_empty() {
        fail!("no replicas specified");
    }
    let invalid = || Error::new("invalid format of replica, use the following format: <name>=<count>");
    let mut replicas = BTreeMap::new();
    for word in words {
        let (name, count) = word.split_once('=').ok_or_else(invalid)?;
        let count = count.parse().map_err(|_| invalid())?;
        replicas.insert(name.to_owned(), Replica { name: name.to_owned(), count });
    }
    Ok(replicas)
}

/// `key:value` each; the value may be quoted, or absent.
pub fn pairs<'a>(words: impl IntoIterator<Item = &'a str>, kind: &str) -> Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for word in words {
        let (key, value) = word.split_once(':').unwrap_or((word, ""));
        if key.is_empty() && word.starts_with(':') {
            fail!("invalid {kind}: '{word}' (need k:v pair where v may be quoted)");
        }
        let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        pairs.insert(key.to_owned(), bare.unwrap_or(value).to_owned());
    }
    Ok(pairs)
}

/// Options of `buildMetadata`, joined by commas in one word.
pub fn read_metadata_options(words: &[String]) -> Result<Vec<String>> {
    let [word] = words else {
        if words.is_empty() {
            fail!("must specify a buildMetadata option");
        }
        fail!(
            "too many arguments: [{}]; to provide multiple buildMetadata options, please separate options by comma",
            words.join(" ")
        );
    };
    let options: Vec<String> = word.split(',').map(str::to_owned).collect();
    match options.iter().find(|option| !METADATA_OPTIONS.contains(&option.as_str())) {
        Some(option) => fail!("invalid buildMetadata option: {option}"),
        None => Ok(options),
    }
}

/// Whether `edit set annotation` takes a key.
pub fn is_annotation_key(key: &str) -> bool {
    let (prefix, name) = match key.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let ends_well = |text: &str| {
        let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        alphanumeric(text.bytes().next()) && alphanumeric(text.bytes().last())
    };
    let made_of = |text: &str, more: &[u8]| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let prefix_fits = prefix.is_none_or(|prefix| {
        prefix.len() <= 253
            && prefix.starts_with(|first: char| first.is_ascii_alphabetic())
            && ends_well(prefix)
            && made_of(prefix, b"-.")
    });
    prefix_fits && name.len() <= 63 && ends_well(name) && made_of(name, b"-_.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_split() {
        for (word, want) in [
            ("nginx:1.2", ("nginx", "1.2", "")),
            ("host:5000/a/nginx", ("host:5000/a/nginx", "", "")),
            ("nginx@sha256:a:b", ("nginx", "", "sha256:a:b")),
            ("host:5000/nginx:1@sha256:a", ("host:5000/nginx", "1", "sha256:a")),
            ("nginx@sha256:a", ("nginx", "", "sha256:a")),
        ] {
            assert_eq!(split_image(word), want, "{word}");
        }
    }

    #[test]
    fn annotation_keys_have_a_form() {
        for (key, fits) in [
            ("a", true),
            ("example.com/a_b", true),
            ("a b", false),
            ("-a", false),
            ("a/b/c", false),
            ("/a", false),
        ] {
            assert_eq!(is_annotation_key(key), fits, "{key}");
        }
    }
}
