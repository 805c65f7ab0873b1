//! The text face of a report, built line by line.

/// How a piece of text is shown; no effect without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Warning,
    Bad,
    Link,
}

/// Lines of text for a person. Widths are counted in characters.
#[derive(Debug)]
pub struct Page {
    text: String,
    colour: bool,
}

impl Page {
    pub fn new(colour: bool) -> Self {
        Self { text: String::new(), colour }
    }

    pub fn finish(self) -> String {
        self.text
    }

    /// `text` in `style`, to be used inside a line.
    pub fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_owned(),
            _ if !self.colour => return text.to_owned(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
            Style::Link => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(text.as_ref().trim_end());
        self.text.push('\n');
    }

    pub fn styled(&mut self, style: Style, text: impl AsRef<str>) {
        let painted = self.paint(style, text.as_ref());
        self.line(painted);
    }

    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    pub fn heading(&mut self, text: impl AsRef<str>) {
        if !self.text.is_empty() {
            self.blank();
        }
        self.styled(Style::Bold, text);
    }

    /// `key  value` rows with the values aligned.
    pub fn pairs<K: AsRef<str>, V: AsRef<str>>(&mut self, rows: &[(K, V)]) {
        let width = rows.iter().map(|(key, _)| key.as_ref().chars().count()).max().unwrap_or(0);
        for (key, value) in rows {
            let key = pad(key.as_ref(), width);
            let key = self.paint(Style::Dim, &key);
            self.line(format!("  {key}  {}", value.as_ref()));
        }
    }

    /// A table with a dim header; each cell is text and its style.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<(String, Style)>]) {
        let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
        for row in rows {
            for (width, (cell, _)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let head: Vec<String> = header.iter().zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
        self.styled(Style::Dim, head.join("  "));
        for row in rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|((cell, style), width)| self.paint(*style, &pad(cell, *width))).collect();
            self.line(cells.join("  "));
        }
    }

    /// The commands to try next, as every command of the main path ends.
    pub fn next<S: AsRef<str>>(&mut self, steps: &[(S, S)]) {
        self.heading("Next");
        self.pairs(steps);
    }
}

fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}
