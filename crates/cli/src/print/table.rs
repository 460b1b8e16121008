//! The tables of `get`, `events` and `stats`: left-aligned, each cell padded to its column and followed by a tab.
//!
//! A cell of several lines makes a row of several lines. There is no border and no wrapping.

/// Rows under a header; an empty header is left out.
#[derive(Debug, Default)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(header: Vec<String>) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// The table as text, with a line end after each line.
    pub fn render(&self) -> String {
        let header: Vec<String> = self.header.iter().map(|title| title.to_uppercase()).collect();
        let columns = self.rows.iter().map(Vec::len).chain([header.len()]).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in self.rows.iter().chain([&header]) {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.split('\n').map(display_width).chain([*width]).max().unwrap_or(0);
            }
        }
        let mut out = String::new();
        for (index, title) in header.iter().enumerate() {
            pad(&mut out, title, widths[index]);
            // The reference ends its header with a space where its rows end with a tab.
            out.push(if index + 1 == header.len() { ' ' } else { '\t' });
        }
        if !header.is_empty() {
            out.push('\n');
        }
        for row in &self.rows {
            render_row(&mut out, row, &widths);
        }
        out
    }
}

fn render_row(out: &mut String, row: &[String], widths: &[usize]) {
    let cells: Vec<Vec<&str>> = row.iter().map(|cell| cell.split('\n').collect()).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        for (index, width) in widths.iter().enumerate() {
            let text = cells.get(index).and_then(|cell| cell.get(line)).copied().unwrap_or("");
            pad(out, text, *width);
            out.push('\t');
        }
        out.push('\n');
    }
}

fn pad(out: &mut String, text: &str, width: usize) {
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(display_width(text))));
}

/// How many columns of a terminal the text takes.
fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The East Asian wide ranges and the pictographs take two columns; marks that combine take none.
fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200d | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0x33ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f900..=0x1f9ff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|&cell| cell.to_owned()).collect()
    }

    #[test]
    fn cells_are_padded_and_followed_by_a_tab() {
        let table = Table { header: row(&["Name", "Ready"]), rows: vec![row(&["app", "True"])] };
        assert_eq!(table.render(), "NAME\tREADY \napp \tTrue \t\n");
    }

    #[test]
    fn a_cell_of_two_lines_makes_two_lines() {
        let table = Table { header: Vec::new(), rows: vec![row(&["a", "x\nyy"])] };
        assert_eq!(table.render(), "a\tx \t\n \tyy\t\n");
    }
}
