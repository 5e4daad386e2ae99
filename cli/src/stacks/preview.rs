//! A plan on the terminal.

use crate::output::{self, Colour, bold, paint};
use dialoguer::console::Term;
use drover_stack::ChangePlan;
use drover_stack::preview::{Line, PlanLine, Sign, plan_lines, plan_objects};

/// Prints the plan for a person, or for a program.
pub fn print_plan(plan: &ChangePlan, json: bool) {
    if json {
        for object in plan_objects(plan) {
            output::line(&object.to_string());
        }
        return;
    }
    let lines = plan_lines(plan);
    let last = lines.len().saturating_sub(1);
    for (place, line) in lines.iter().enumerate() {
        let text = render(line);
        output::line(&if place == last { bold(&text) } else { text });
    }
}

/// Prints one line of a difference, `indent` levels deep.
pub fn print_line(line: &Line, indent: usize) {
    let symbol = match line.sign {
        Sign::Plain => "",
        Sign::Change => "~",
        Sign::Add => "+",
        Sign::Remove => "-",
    };
    let line = PlanLine {
        indent: indent + line.indent,
        sign: line.sign,
        symbol: symbol.to_owned(),
        text: line.text.clone(),
        is_warning: false,
    };
    output::line(&render(&line));
}

/// The sign stands in a column of its own in front of the text.
fn render(line: &PlanLine) -> String {
    if line.text.is_empty() && line.symbol.is_empty() {
        return String::new();
    }
    let indent = "    ".repeat(line.indent);
    let symbol = if line.symbol.is_empty() && line.indent == 0 { String::new() } else { format!("{:<2}", line.symbol) };
    let head = format!("{indent}{symbol}{}", if line.symbol.len() > 1 { " " } else { "" });
    let text = wrapped(&head, &line.text, columns());
    let text = text.trim_end();
    match (line.is_warning, line.sign) {
        (true, _) | (_, Sign::Change) => paint(Colour::Yellow, text),
        (_, Sign::Add) => paint(Colour::Green, text),
        (_, Sign::Remove) => paint(Colour::Red, text),
        (_, Sign::Plain) => text.to_owned(),
    }
}

/// The width of the terminal; none where the output goes elsewhere, and lines stay whole.
fn columns() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(usize::from(columns)).filter(|columns| *columns >= MIN_COLUMNS)
}

/// Below so many columns lines are left to the terminal.
const MIN_COLUMNS: usize = 40;

/// The text after its head, broken between words; what follows stands below the text's beginning.
fn wrapped(head: &str, text: &str, columns: Option<usize>) -> String {
    let mut result = head.to_owned();
    let Some(columns) = columns else { return result + text };
    let begin = head.chars().count();
    let indent = " ".repeat(begin + 2);
    let mut column = begin;
    for (place, word) in text.split_inclusive([' ', '\n']).enumerate() {
        let width = word.trim_end().chars().count();
        if place > 0 && column + width > columns && column > indent.len() {
            result.truncate(result.trim_end().len());
            result.push('\n');
            result.push_str(&indent);
            column = indent.len();
        }
        result.push_str(word);
        column = if word.ends_with('\n') { 0 } else { column + word.chars().count() };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        assert_eq!(wrapped("+ ", "one two three", Some(9)), "+ one two\n    three");
        assert_eq!(wrapped("+ ", "one two three", None), "+ one two three");
        assert_eq!(wrapped("", "a\nb", Some(40)), "a\nb");
        assert_eq!(wrapped("", "unbreakable-word", Some(5)), "unbreakable-word");
    }
}
