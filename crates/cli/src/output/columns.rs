//! Rows under a header, with widths that are set before the first row is known and only ever grow.

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) title: String,
    pub(crate) align: Align,
    width: usize,
}

/// Cells wider than this stand out of their column once; they do not widen it for all that follow.
const WIDEST: usize = 48;

impl Column {
    /// A column at least as wide as its title and `width`.
    pub(crate) fn new(title: impl Into<String>, align: Align, width: usize) -> Self {
        let title = title.into();
        let width = width.max(title.chars().count());
        Self { title, align, width }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Columns(Vec<Column>);

impl Columns {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self(columns)
    }

    pub(crate) fn header(&self) -> String {
        self.line(self.0.iter().map(|column| column.title.as_str()))
    }

    /// One row. A cell that is wider than its column widens it from here on.
    pub(crate) fn row(&mut self, cells: &[String]) -> String {
        self.fit(cells);
        self.line(cells.iter().map(String::as_str))
    }

    /// Widens the columns so that `cells` fit.
    pub(crate) fn fit(&mut self, cells: &[String]) {
        for (column, cell) in self.0.iter_mut().zip(cells) {
            column.width = column.width.max(cell.chars().count().min(WIDEST));
        }
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>) -> String {
        let mut line = String::new();
        for (n, (column, cell)) in self.0.iter().zip(cells).enumerate() {
            if n > 0 {
                line.push_str("  ");
            }
            let blanks = column.width.saturating_sub(cell.chars().count());
            let (before, after) = match column.align {
                Align::Left => (0, blanks),
                Align::Right => (blanks, 0),
            };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', after));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn pid_and_comm() -> Columns {
        Columns::new(vec![Column::new("PID", Align::Right, 7), Column::new("COMM", Align::Left, 6)])
    }

    #[test]
    fn cells_stand_under_their_titles() {
        let mut columns = pid_and_comm();
        assert_eq!(columns.header(), "    PID  COMM");
        assert_eq!(columns.row(&cells(&["1", "init"])), "      1  init");
    }

    #[test]
    fn a_column_stays_as_wide_as_its_widest_cell() {
        let mut columns = pid_and_comm();
        assert_eq!(columns.row(&cells(&["1234567890", "x"])), "1234567890  x");
        assert_eq!(columns.row(&cells(&["1", "x"])), "         1  x");
    }

    #[test]
    fn one_huge_cell_does_not_spoil_the_rest() {
        let mut columns = pid_and_comm();
        let wide = "9".repeat(100);
        assert_eq!(columns.row(&cells(&[&wide, "x"])), format!("{wide}  x"));
        assert_eq!(columns.row(&cells(&["1", "x"])).len(), WIDEST + 3);
    }

    #[test]
    fn a_short_row_is_a_short_line() {
        assert_eq!(pid_and_comm().row(&cells(&["1"])), "      1");
    }
}
