//! Comments, where libyaml's emitter writes them.

use super::Emitter;

impl Emitter<'_> {
    pub(super) fn write_head(&mut self) {
        if !self.tail.is_empty() {
            self.writer.write_indent();
            let tail = std::mem::take(&mut self.tail);
            self.writer.comment(&tail);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
        if !self.head.is_empty() {
            self.writer.write_indent();
            let head = std::mem::take(&mut self.head);
            self.writer.comment(&head);
        }
    }

    pub(super) fn write_line(&mut self) {
        if !self.line.is_empty() {
            self.write_line_or_break();
        }
    }

    pub(super) fn write_line_or_break(&mut self) {
        if self.line.is_empty() {
            self.writer.put_break();
            return;
        }
        if !self.writer.whitespace {
            self.writer.put(' ');
        }
        let line = std::mem::take(&mut self.line);
        self.writer.comment(&line);
    }

    pub(super) fn write_foot(&mut self) {
        if !self.foot.is_empty() {
            self.writer.write_indent();
            let foot = std::mem::take(&mut self.foot);
            self.writer.comment(&foot);
            self.writer.foot_indent = self.writer.indent.max(0);
        }
    }
}
