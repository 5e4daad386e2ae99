//! A plan on the terminal.

use crate::output::{self, Colour, bold, paint};
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
    let text = format!("{indent}{symbol}{}{}", if line.symbol.len() > 1 { " " } else { "" }, line.text);
    let text = text.trim_end();
    match (line.is_warning, line.sign) {
        (true, _) | (_, Sign::Change) => paint(Colour::Yellow, text),
        (_, Sign::Add) => paint(Colour::Green, text),
        (_, Sign::Remove) => paint(Colour::Red, text),
        (_, Sign::Plain) => text.to_owned(),
    }
}
