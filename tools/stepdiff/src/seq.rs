//! Sequence diagrams: a few lines of text become an SVG drawing.

use crate::render::escape;

/// The size of the text in the drawing, in pixels.
const TEXT: f64 = 14.0;
/// From one line of text to the next.
const LINE: f64 = 17.0;
/// How long a label between neighbours gets before it is wrapped, in letters.
const WRAP: usize = 24;
/// The height of a participant's box.
const BOX: f64 = 34.0;
/// The space around the drawing.
const MARGIN: f64 = 8.0;

/// A parsed diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    title: String,
    participants: Vec<String>,
    events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Message {
        from: usize,
        to: usize,
        text: String,
        answer: bool,
    },
    Note {
        at: usize,
        text: String,
    },
}

/// Parses the inside of a `seq` fence.
///
/// # Errors
///
/// All bad lines, each with its number in the fence from 0.
pub fn parse(text: &str) -> Result<Diagram, Vec<(usize, String)>> {
    let mut diagram = Diagram {
        title: String::new(),
        participants: Vec::new(),
        events: Vec::new(),
    };
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        if let Err(problem) = parse_line(line.trim(), &mut diagram) {
            problems.push((number, problem));
        }
    }
    if problems.is_empty() {
        for (missing, what) in [
            (diagram.title.is_empty(), "title: …"),
            (diagram.participants.is_empty(), "participants: A, B"),
            (diagram.events.is_empty(), "A -> B: text"),
        ] {
            if missing {
                problems.push((0, format!("the drawing has no `{what}`")));
            }
        }
    }
    if problems.is_empty() {
        Ok(diagram)
    } else {
        Err(problems)
    }
}

fn parse_line(line: &str, diagram: &mut Diagram) -> Result<(), String> {
    let bad = || format!("not a line of a drawing: {line}");
    let (head, text) = line.split_once(": ").ok_or_else(bad)?;
    let (head, text) = (head.trim(), text.trim().to_owned());
    if text.is_empty() {
        return Err(bad());
    }
    let find = |name: &str| {
        let mut all = diagram.participants.iter();
        all.position(|p| p == name.trim()).ok_or_else(|| {
            format!("\"{}\" is not one of the participants", name.trim())
        })
    };
    if head == "title" {
        diagram.title = text;
    } else if head == "participants" {
        if !diagram.participants.is_empty() {
            return Err("a second list of participants".to_owned());
        }
        let names = text.split(',').map(|name| name.trim().to_owned());
        diagram.participants = names.collect();
    } else if let Some(name) = head.strip_prefix("note ") {
        let at = find(name)?;
        diagram.events.push(Event::Note { at, text });
    } else {
        let dashed = head.split_once("-->").map(|ends| (ends, true));
        let solid = head.split_once("->").map(|ends| (ends, false));
        let ((from, to), answer) = dashed.or(solid).ok_or_else(bad)?;
        let (from, to) = (find(from)?, find(to)?);
        diagram.events.push(Event::Message {
            from,
            to,
            text,
            answer,
        });
    }
    Ok(())
}

impl Diagram {
    /// The figure as one line of HTML; `id` is unique in the book.
    pub fn html(&self, id: &str) -> String {
        let title = escape(&self.title);
        let svg = Drawing::new(self).svg(&self.participants, id, &title);
        let items: String = self
            .events
            .iter()
            .map(|event| format!("<li>{}</li>", escape(&self.say(event))))
            .collect();
        format!(
            "<figure class=\"sq\" id=\"{id}\"><figcaption>{title}</figcaption>\
             <div class=\"sq-scroll\" tabindex=\"0\" role=\"group\" \
             aria-label=\"Drawing\">{svg}</div>\
             <ol class=\"vh\">{items}</ol></figure>"
        )
    }

    /// An event in words.
    fn say(&self, event: &Event) -> String {
        let name = |at: &usize| &self.participants[*at];
        match event {
            Event::Note { at, text } => format!("Note at {}: {text}", name(at)),
            Event::Message { from, to, text, .. } if from == to => {
                format!("{} to itself: {text}", name(from))
            }
            Event::Message {
                from,
                to,
                text,
                answer,
            } => {
                let verb = if *answer { "answers" } else { "to" };
                format!("{} {verb} {}: {text}", name(from), name(to))
            }
        }
    }
}

/// Where everything goes.
struct Drawing<'a> {
    diagram: &'a Diagram,
    /// The middle of each participant.
    x: Vec<f64>,
    width: f64,
}

impl<'a> Drawing<'a> {
    fn new(diagram: &'a Diagram) -> Self {
        let names = &diagram.participants;
        let boxes: Vec<f64> = names.iter().map(|n| box_width(n)).collect();
        let mut gaps: Vec<f64> = boxes
            .windows(2)
            .map(|pair| f64::max(110.0, (pair[0] + pair[1]) / 2.0 + 28.0))
            .collect();
        let (mut left, mut right) = (boxes[0], boxes[boxes.len() - 1]);
        (left, right) = (left / 2.0, right / 2.0);
        let last = names.len() - 1;
        for event in &diagram.events {
            match event {
                Event::Message { from, to, text, .. } if from == to => {
                    let need = 44.0 + widest(&wrap(text, WRAP)) + 8.0;
                    match gaps.get_mut(*from) {
                        Some(gap) => *gap = gap.max(need),
                        None => right = right.max(need),
                    }
                }
                Event::Message { from, to, text, .. } => {
                    let (low, high) = (*from.min(to), *from.max(to));
                    let lines = wrap(text, WRAP * (high - low));
                    let need = widest(&lines) + 36.0;
                    let have: f64 = gaps[low..high].iter().sum();
                    let more = (need - have).max(0.0) / (high - low) as f64;
                    gaps[low..high].iter_mut().for_each(|gap| *gap += more);
                }
                Event::Note { at, text } => {
                    let half = widest(&wrap(text, WRAP)) / 2.0 + 10.0;
                    if *at == 0 {
                        left = left.max(half);
                    }
                    if *at == last {
                        right = right.max(half);
                    }
                }
            }
        }
        let mut x = vec![MARGIN + left];
        for gap in gaps {
            x.push(x[x.len() - 1] + gap);
        }
        let width = x[last] + right + MARGIN;
        Self { diagram, x, width }
    }

    fn svg(&self, names: &[String], id: &str, title: &str) -> String {
        let mut body = String::new();
        let mut y = MARGIN + BOX + 14.0;
        for event in &self.diagram.events {
            y = self.event(event, y, &mut body);
        }
        let height = y + 4.0;
        let mut back = String::new();
        for (name, x) in names.iter().zip(&self.x) {
            let width = box_width(name);
            back += &format!(
                "<line class=\"sq-life\" x1=\"{x:.1}\" x2=\"{x:.1}\" \
                 y1=\"{:.1}\" y2=\"{height:.1}\"/>\
                 <rect class=\"sq-box\" x=\"{:.1}\" y=\"{MARGIN}\" rx=\"6\" \
                 width=\"{width:.1}\" height=\"{BOX}\"/>",
                MARGIN + BOX,
                x - width / 2.0,
            );
            let middle = MARGIN + BOX / 2.0 + 5.0;
            back += &label(
                "sq-name",
                "middle",
                *x,
                middle,
                std::slice::from_ref(name),
            );
        }
        let (width, height) = (self.width.ceil(), (height + MARGIN).ceil());
        let count = self.diagram.events.len();
        format!(
            "<svg class=\"sq-svg\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\" width=\"{width}\" \
             height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-size=\"{TEXT}\" stroke=\"currentColor\" \
             fill=\"currentColor\"><title id=\"{id}-t\">{title}</title>\
             <desc id=\"{id}-d\">A sequence of {count} events between {}; \
             the list after the drawing names them.</desc>{back}{body}</svg>",
            escape(&names.join(", ")),
        )
    }

    /// Draws an event below `y`; returns where the next one starts.
    fn event(&self, event: &Event, y: f64, out: &mut String) -> f64 {
        match event {
            Event::Note { at, text } => {
                let lines = wrap(text, WRAP);
                let width = widest(&lines) + 20.0;
                let height = LINE * lines.len() as f64 + 10.0;
                let left = self.x[*at] - width / 2.0;
                *out += &format!(
                    "<rect class=\"sq-note\" x=\"{left:.1}\" y=\"{y:.1}\" \
                     width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\"/>"
                );
                let first = y + LINE;
                *out += &label("sq-nt", "middle", self.x[*at], first, &lines);
                y + height + 14.0
            }
            Event::Message {
                from,
                to,
                text,
                answer,
            } if from == to => {
                let lines = wrap(text, WRAP);
                let (x, dash) = (self.x[*from], dash(*answer));
                let deep = f64::max(24.0, LINE * lines.len() as f64);
                let (top, end) = (y + 4.0, y + 4.0 + deep);
                *out += &format!(
                    "<path class=\"sq-line{dash}\" d=\"M{x:.1} {top:.1}h30v\
                     {deep:.1}h-28\"/>{}",
                    head(x + 1.0, end, -1.0)
                );
                let middle = top + (deep - LINE * lines.len() as f64) / 2.0;
                let first = middle + LINE * 0.75;
                *out += &label("sq-t", "start", x + 40.0, first, &lines);
                end + 18.0
            }
            Event::Message {
                from,
                to,
                text,
                answer,
            } => {
                let span = from.abs_diff(*to);
                let lines = wrap(text, WRAP * span);
                let (a, b) = (self.x[*from], self.x[*to]);
                let way = (b - a).signum();
                let at = y + LINE * lines.len() as f64 + 4.0;
                let dash = dash(*answer);
                *out += &format!(
                    "<path class=\"sq-line{dash}\" d=\"M{a:.1} {at:.1}H{:.1}\
                     \"/>{}",
                    b - way * 8.0,
                    head(b - way, at, way)
                );
                let middle = (a + b) / 2.0;
                *out += &label("sq-t", "middle", middle, y + 12.0, &lines);
                at + 16.0
            }
        }
    }
}

fn dash(answer: bool) -> &'static str {
    if answer { " sq-dash" } else { "" }
}

/// An arrow's head that points to `x`, to the right for a `way` of 1.
fn head(x: f64, y: f64, way: f64) -> String {
    let back = x - way * 10.0;
    format!(
        "<path class=\"sq-head\" d=\"M{x:.1} {y:.1}L{back:.1} {:.1}V{:.1}z\"/>",
        y - 5.0,
        y + 5.0
    )
}

fn label(
    class: &str,
    anchor: &str,
    x: f64,
    y: f64,
    lines: &[String],
) -> String {
    let spans = lines.iter().enumerate().map(|(i, line)| {
        let y = y + LINE * i as f64;
        let line = escape(line);
        format!("<tspan x=\"{x:.1}\" y=\"{y:.1}\">{line}</tspan>")
    });
    let spans: String = spans.collect();
    format!(
        "<text class=\"{class}\" stroke=\"none\" \
         text-anchor=\"{anchor}\">{spans}</text>"
    )
}

fn box_width(name: &str) -> f64 {
    f64::max(84.0, text_width(name) * 1.06 + 28.0)
}

fn widest(lines: &[String]) -> f64 {
    lines
        .iter()
        .map(|line| text_width(line))
        .fold(0.0, f64::max)
}

/// About how wide a text is in a common sans-serif, on the wide side.
fn text_width(text: &str) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.30,
        'f' | 't' | 'r' | 'I' | '(' | ')' | '[' | ']' | '/' | ' ' | '-' => 0.40,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        c if c.is_ascii_uppercase() => 0.70,
        c if c.is_ascii() => 0.60,
        _ => 1.0,
    };
    text.chars().map(em).sum::<f64>() * TEXT
}

/// Lines of at most `width` letters where words allow it, of about one length.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let letters = text.chars().count();
    let wanted = letters.div_ceil(letters.div_ceil(width).max(1)) + 3;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let long = word.chars().count();
        match lines.last_mut() {
            Some(line)
                if line.chars().count() + 1 + long <= wanted.min(width) =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "title: A message\n\nparticipants: Browser, Server\n\
        Browser -> Server: POST /api/messages\nnote Server: saved & <sent>\n\
        Server -> Server: emit\nServer --> Browser: 201\n";

    #[test]
    fn a_drawing_has_a_text_alternative() {
        let html = parse(TEXT).unwrap().html("s16-seq-1");
        assert!(!html.contains('\n'));
        for part in [
            "<title id=\"s16-seq-1-t\">A message</title>",
            "<li>Browser to Server: POST /api/messages</li>",
            "<li>Note at Server: saved &amp; &lt;sent&gt;</li>",
            "<li>Server to itself: emit</li>",
            "<li>Server answers Browser: 201</li>",
            "sq-dash",
        ] {
            assert!(html.contains(part), "{part}\n{html}");
        }
    }

    #[test]
    fn bad_lines_are_named() {
        let text =
            format!("{TEXT}Server -> Databse: insert\nwhat\nA => B: c\n");
        let problems = parse(&text).unwrap_err();
        let lines: Vec<_> = problems.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [7, 8, 9]);
        assert!(problems[0].1.contains("Databse"));
        let problems = parse("title: x\n").unwrap_err();
        assert!(problems[0].1.contains("participants"));
    }

    #[test]
    fn long_labels_wrap_and_long_words_widen() {
        assert_eq!(wrap("one two three four", 10), ["one two", "three four"]);
        assert_eq!(wrap("a-word-that-is-long", 10), ["a-word-that-is-long"]);
        let wide = TEXT.replace("POST", &"P".repeat(60));
        let width = |text: &str| Drawing::new(&parse(text).unwrap()).width;
        assert!(width(&wide) > width(TEXT) + 300.0);
    }
}
