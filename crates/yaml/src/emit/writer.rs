//! The text under construction, with what libyaml remembers about the place it is at.

const SPACES: &str = "                                ";

pub(crate) struct Writer {
    out: String,
    /// Lines that are longer are folded at the next space.
    best_width: usize,
    pub column: usize,
    pub indent: i32,
    /// The last character written was white space.
    pub whitespace: bool,
    /// Only indentation (white space and `-`, `?`, `:`) has been written on this line.
    pub indention: bool,
    pub flow_level: u32,
    /// A foot comment was written at this indent: an empty line parts it from what follows there.
    pub foot_indent: i32,
}

impl Writer {
    pub fn new(best_width: usize) -> Self {
        Writer {
            out: String::new(),
            best_width,
            column: 0,
            indent: -1,
            whitespace: true,
            indention: true,
            flow_level: 0,
            foot_indent: -1,
        }
    }

    pub fn with_capacity(best_width: usize, capacity: usize) -> Self {
        let mut writer = Writer::new(best_width);
        writer.out.reserve(capacity);
        writer
    }

    pub fn into_text(self) -> String {
        self.out
    }

    pub(super) fn is_over_width(&self) -> bool {
        self.column > self.best_width
    }

    pub(super) fn best_width(&self) -> usize {
        self.best_width
    }

    pub fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    /// A plain scalar of ASCII characters alone that needs no folding.
    pub fn plain_ascii(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = false;
        self.indention = false;
    }

    /// Text without line breaks.
    pub(super) fn put_text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    pub fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    /// A line break as the text has it.
    pub(super) fn put_break_text(&mut self, text: &str) {
        if text == "\n" {
            self.put_break();
        } else {
            self.out.push_str(text);
            self.column = 0;
            self.indention = true;
        }
    }

    /// Goes to the indent, on a new line unless this one is still free up to there.
    pub fn write_indent(&mut self) {
        let indent = self.indent.max(0) as usize;
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        if self.foot_indent == indent as i32 {
            self.put_break();
        }
        while self.column < indent {
            let count = (indent - self.column).min(SPACES.len());
            self.out.push_str(&SPACES[..count]);
            self.column += count;
        }
        self.whitespace = true;
        self.foot_indent = -1;
    }

    pub fn indicator(&mut self, text: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        self.put_text(text);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    pub(super) fn anchor(&mut self, name: &str) {
        self.put_text(name);
        self.whitespace = false;
        self.indention = false;
    }

    /// `!suffix`, `!!suffix`, or `!<suffix>` when there is no handle.
    pub(super) fn tag(&mut self, handle: &str, suffix: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.put_text(if handle.is_empty() { "!<" } else { handle });
        for byte in suffix.bytes() {
            if byte.is_ascii_alphanumeric() || b"-_;/?:@&=+$,.~*'()[]".contains(&byte) {
                self.put(byte as char);
            } else {
                self.put_text(&format!("%{byte:02X}"));
            }
        }
        if handle.is_empty() {
            self.put('>');
        }
        self.whitespace = false;
        self.indention = false;
    }

    /// A comment of one or more lines and the line break after it. Lines without `#` get one.
    pub(super) fn comment(&mut self, text: &str) {
        let mut breaks = false;
        let mut pound = false;
        for line in text.split_inclusive('\n') {
            let (content, ends) = match line.strip_suffix('\n') {
                Some(content) => (content, true),
                None => (line, false),
            };
            if !content.is_empty() {
                if breaks {
                    self.write_indent();
                }
                if !pound && !content.starts_with('#') {
                    self.put_text("# ");
                }
                self.put_text(content);
                self.indention = false;
                breaks = false;
            }
            pound = !content.is_empty();
            if ends {
                self.put_break();
                breaks = true;
                pound = false;
            }
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }
}
