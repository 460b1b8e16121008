//! Making a tree that differs small: whole files, then blocks of lines by their indentation, then single lines go,
//! as long as the answers keep differing in the same way.

use crate::tree::Tree;

/// How many smaller trees are tried at most.
const TRIES: usize = 1_500;

/// The smallest tree found on which `differs` still holds.
pub fn shrink(tree: &Tree, mut differs: impl FnMut(&Tree) -> bool) -> Tree {
    let mut best = tree.clone();
    let mut tries = 0;
    loop {
        let before = best.size();
        for candidate in without_files(&best) {
            attempt(&mut best, candidate, &mut tries, &mut differs);
        }
        let paths: Vec<String> = best.files.keys().cloned().collect();
        for path in paths {
            shrink_file(&mut best, &path, &mut tries, &mut differs);
        }
        if best.size() == before || tries >= TRIES {
            return best;
        }
    }
}

fn attempt(
    best: &mut Tree,
    candidate: Tree,
    tries: &mut usize,
    differs: &mut impl FnMut(&Tree) -> bool,
) -> bool {
    if *tries >= TRIES || candidate.size() >= best.size() {
        return false;
    }
    // Without a folder to build, all trees fail alike.
    let is_buildable = candidate.files.keys().any(|path| path.starts_with(&candidate.run));
    *tries += 1;
    let is_better = is_buildable && differs(&candidate);
    if is_better {
        *best = candidate;
    }
    is_better
}

fn without_files(tree: &Tree) -> Vec<Tree> {
    tree.files
        .keys()
        .map(|path| {
            let mut smaller = tree.clone();
            smaller.files.remove(path);
            let name = path.rsplit('/').next().unwrap_or(path);
            // Whoever names the file loses the line that does.
            for content in smaller.files.values_mut() {
                if let Ok(text) = std::str::from_utf8(content) {
                    let kept: String =
                        text.split_inclusive('\n').filter(|line| !is_item(line, name)).collect();
                    *content = kept.into_bytes();
                }
            }
            smaller
        })
        .collect()
}

fn is_item(line: &str, name: &str) -> bool {
    let line = line.trim();
    line.strip_prefix("- ").is_some_and(|rest| rest.trim_matches(['"', '\'']) == name)
}

fn shrink_file(best: &mut Tree, path: &str, tries: &mut usize, differs: &mut impl FnMut(&Tree) -> bool) {
    let mut at = 0;
    loop {
        let Some(Ok(text)) = best.files.get(path).map(|content| String::from_utf8(content.clone())) else {
            return;
        };
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        if at >= lines.len() {
            return;
        }
        let ends = [document_end(&lines, at), block_end(&lines, at), at + 1];
        let mut is_smaller = false;
        for end in ends {
            let kept: String = lines[..at].iter().chain(&lines[end..]).copied().collect();
            let mut candidate = best.clone();
            candidate.files.insert(path.to_owned(), kept.into_bytes());
            if attempt(best, candidate, tries, differs) {
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            at += 1;
        }
    }
}

/// Up to the next document's first line, when this is a document's first line.
fn document_end(lines: &[&str], at: usize) -> usize {
    let opens = at == 0 || lines[at].starts_with("---");
    if !opens {
        return at + 1;
    }
    (at + 1..lines.len()).find(|&next| lines[next].starts_with("---")).unwrap_or(lines.len())
}

/// Past the lines that lie deeper than this one; a list under a key may stand at the key's own depth.
fn block_end(lines: &[&str], at: usize) -> usize {
    let depth = indentation(lines[at]);
    let is_key = lines[at].trim_end().ends_with(':') && !lines[at].trim_start().starts_with("- ");
    let belongs = |line: &str| {
        line.trim().is_empty()
            || indentation(line) > depth
            || is_key && indentation(line) == depth && line.trim_start().starts_with("- ")
    };
    (at + 1..lines.len()).find(|&next| !belongs(lines[next])).unwrap_or(lines.len())
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Reorder;

    #[test]
    fn what_does_not_matter_goes() {
        let text = "a:\n- b\n- c:\n    d: 1\ne: 2\n";
        let mut files = std::collections::BTreeMap::new();
        files.insert("k.yaml".to_owned(), text.as_bytes().to_vec());
        files.insert("other".to_owned(), b"x\n".to_vec());
        let tree = Tree { files, run: "k".to_owned(), reorder: Reorder::None, unrestricted: false };
        let small = shrink(&tree, |tree| {
            tree.files.get("k.yaml").is_some_and(|content| String::from_utf8_lossy(content).contains("d: 1"))
        });
        assert_eq!(small.files.len(), 1);
        assert_eq!(small.files["k.yaml"], b"    d: 1\n");
    }
}
