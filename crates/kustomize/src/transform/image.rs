//! Image names, tags and digests, in known fields and in every `containers` and `initContainers`.

use regex::Regex;
use sluice_yaml::{Kind, Node};

use crate::error::Result;
use crate::field_spec::{Create, FieldSpec};
use crate::file::Image;
use crate::nodes;
use crate::resmap::ResMap;
use crate::schema::Schemas;
use crate::selector::expression;

/// One entry of `images`, ready for use.
struct Updater<'a> {
    image: &'a Image,
    /// `None` where the name holds nothing that a regular expression gives a meaning to.
    pattern: Option<Regex>,
}

/// Changes the images of one name.
pub(crate) fn set(map: &mut ResMap, image: &Image, specs: &[FieldSpec], schemas: &Schemas) -> Result<()> {
    let plain = image
        .name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b':'));
    let pattern = if plain {
        None
    } else {
        Some(expression(&format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name))?)
    };
    let updater = Updater { image, pattern };
    for at in 0..map.len() {
        let resource = map.get_keeping_name(at);
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        let id = resource.id(schemas);
        resource.with_tree(|tree| {
            updater.walk(tree)?;
            for spec in specs {
                spec.apply(&id, tree, Create::Never, &mut |place| updater.update(place))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl Updater<'_> {
    fn walk(&self, node: &mut Node) -> Result<()> {
        match &mut node.kind {
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    self.walk(value)?;
                    if matches!(nodes::text(key), "containers" | "initContainers")
                        && let Kind::Sequence(items) = &mut value.kind
                    {
                        for item in items {
                            nodes::expect_mapping(item)?;
                            if let Some(image) = nodes::get_mut(item, "image") {
                                self.update(image)?;
                            }
                        }
                    }
                }
                Ok(())
            }
            Kind::Sequence(items) => items.iter_mut().try_for_each(|item| self.walk(item)),
            _ => Ok(()),
        }
    }

    fn update(&self, place: &mut Node) -> Result<()> {
        nodes::expect_scalar(place)?;
        let old = nodes::text(place);
        if !self.fits(old) {
            return Ok(());
        }
        let (name, mut tag, mut digest) = split(old);
        let image = self.image;
        let mut new = if image.new_name.is_empty() { name.to_owned() } else { image.new_name.clone() };
        if !image.new_tag.is_empty() && !image.digest.is_empty() {
            (tag, digest) = (image.new_tag.clone(), image.digest.clone());
        } else if !image.new_tag.is_empty() {
            (tag, digest) = (image.new_tag.clone(), String::new());
        } else if !image.digest.is_empty() {
            (tag, digest) = (String::new(), image.digest.clone());
        } else if !image.tag_suffix.is_empty() {
            (tag, digest) = (format!("{tag}{}", image.tag_suffix), String::new());
        }
        if !tag.is_empty() {
            new.push(':');
            new.push_str(&tag);
        }
        if !digest.is_empty() {
            new.push('@');
            new.push_str(&digest);
        }
        nodes::set_scalar(place, nodes::untagged(new))
    }

    fn fits(&self, text: &str) -> bool {
        if let Some(pattern) = &self.pattern {
            return pattern.is_match(text);
        }
        let Some(rest) = text.strip_prefix(self.image.name.as_str()) else { return false };
        let allowed =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.{}-".contains(&byte));
        let (tag, digest) = match rest.split_once("@sha256:") {
            Some((tag, digest)) => (tag, Some(digest)),
            None => (rest, None),
        };
        let tag_fits = tag.is_empty() || tag.strip_prefix(':').is_some_and(allowed);
        tag_fits && digest.is_none_or(allowed)
    }
}

/// Name, tag and digest of an image.
fn split(image: &str) -> (&str, String, String) {
    let from = image.find('/').filter(|at| *at > 0).unwrap_or(0);
    let at = image[from..].find('@').map(|at| at + from);
    let colon = image[from..].find(':').map(|at| at + from);
    match (at, colon) {
        (None, None) => (image, String::new(), String::new()),
        (Some(at), Some(colon)) if colon < at => {
            (&image[..colon], image[colon + 1..at].to_owned(), image[at + 1..].to_owned())
        }
        (Some(at), _) => (&image[..at], String::new(), image[at + 1..].to_owned()),
        (None, Some(colon)) => (&image[..colon], image[colon + 1..].to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_split_and_fit() {
        assert_eq!(
            split("host:5000/a/b:1@sha256:x"),
            ("host:5000/a/b", "1".to_owned(), "sha256:x".to_owned())
        );
        assert_eq!(split("nginx"), ("nginx", String::new(), String::new()));
        let image = Image { name: "nginx".to_owned(), ..Image::default() };
        let updater = Updater { image: &image, pattern: None };
        for (text, want) in [
            ("nginx", true),
            ("nginx:1.2", true),
            ("nginx@sha256:ab", true),
            ("nginx-x", false),
            ("a/nginx", false),
        ] {
            assert_eq!(updater.fits(text), want, "{text}");
        }
    }
}
