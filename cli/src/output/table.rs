//! Columns two spaces apart, and `key = value` lists with aligned signs.

/// Rows of columns.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    blanks: bool,
}

impl Table {
    /// A table with a heading. Empty cells show as `<none>`.
    pub fn new(heading: &[&str]) -> Self {
        Self { rows: vec![heading.iter().map(ToString::to_string).collect()], blanks: false }
    }
    /// The same, with empty cells left empty.
    pub fn with_blanks(heading: &[&str]) -> Self {
        Self { blanks: true, ..Self::new(heading) }
    }
    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }
    /// Adds a row of any length.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
    /// Number of rows below the heading.
    pub fn len(&self) -> usize {
        self.rows.len() - 1
    }
    /// The text, without a newline at the end.
    pub fn render(&self) -> String {
        let shown = |cell: &str| if cell.is_empty() && !self.blanks { "<none>".to_owned() } else { cell.to_owned() };
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(shown(cell).chars().count());
            }
        }
        let lines: Vec<String> = self
            .rows
            .iter()
            .map(|row| {
                let last = row.len().saturating_sub(1);
                let cells = row.iter().enumerate().map(|(place, cell)| {
                    let cell = shown(cell);
                    if place == last { cell } else { format!("{cell:<width$}", width = widths[place]) }
                });
                cells.collect::<Vec<_>>().join("  ")
            })
            .collect();
        lines.join("\n")
    }
}

/// `key = value` lines; empty values show as `<none>`.
pub fn fields(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = pairs
        .iter()
        .map(|(key, value)| format!("{key:<width$} = {}", if value.is_empty() { "<none>" } else { value }))
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_is_not_padded() {
        let mut table = Table::new(&["ID", "Class", "Status"]);
        table.row(["9a8ecada".into(), String::new(), "ready".into()]);
        assert_eq!(table.render(), "ID        Class   Status\n9a8ecada  <none>  ready");
    }

    #[test]
    fn blank_cells_stay_blank_where_asked() {
        let mut table = Table::with_blanks(&["Disk", "Addresses"]);
        table.row(["300 MiB".into(), String::new()]);
        assert_eq!(table.render(), "Disk     Addresses\n300 MiB  ");
    }

    #[test]
    fn signs_line_up() {
        assert_eq!(fields(&[("ID", "x".into()), ("Name", String::new())]), "ID   = x\nName = <none>");
    }
}
