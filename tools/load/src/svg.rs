//! A picture of bars, as the text of an SVG.
//!
//! The bars are linear, because a logarithmic axis has no zero for them to
//! start at. Each has its value above it, so that a short one can be read, too.

use std::fmt::Write as _;

/// The width of the book's text, in pixels. Narrow pages shrink the picture.
const WIDTH: f64 = 750.0;
/// Of the longest bar. The end of its whisker needs some room.
const LONGEST: f64 = WIDTH - 2.0;
const HEAD: f64 = 78.0;
const ROW: f64 = 72.0;
const LINE: f64 = 36.0;
const BAR: f64 = 20.0;
/// Not zero, so that one can divide by it.
const LEAST: f64 = 0.001;
/// The shortest whisker that is drawn.
const WHISKER: f64 = 4.0;

/// A chat of the course, and what it is compared with. Both can be told from a
/// white and from a black page, and from whiskers of either colour.
const OURS: &str = "#c2571a";
const THEIRS: &str = "#747d88";

/// A picture is for light or for dark pages.
pub(crate) struct Form {
    /// What its file's name ends with.
    pub(crate) suffix: &'static str,
    text: &'static str,
    /// For words that matter less.
    dim: &'static str,
}

pub(crate) const FORMS: [Form; 2] = [
    Form {
        suffix: "",
        text: "#1f2328",
        dim: "#4f5862",
    },
    Form {
        suffix: "-dark",
        text: "#dce1e6",
        dim: "#a3adb8",
    },
];

/// One picture.
pub(crate) struct Figure {
    pub(crate) title: &'static str,
    /// What was run, and which way is better.
    pub(crate) about: String,
    pub(crate) groups: Vec<Group>,
    pub(crate) notes: Vec<String>,
}

/// Bars of one kind. All groups of a picture have the same scale.
pub(crate) struct Group {
    /// Empty for a picture's only one.
    pub(crate) heading: &'static str,
    pub(crate) bars: Vec<Bar>,
}

/// The median of a peer's rounds, and their range.
pub(crate) struct Bar {
    pub(crate) peer: String,
    pub(crate) least: f64,
    pub(crate) middle: f64,
    pub(crate) most: f64,
    /// How many a small value has behind the point.
    pub(crate) digits: usize,
    pub(crate) unit: &'static str,
    /// Whether it may be more: a star stands beside the value.
    pub(crate) starred: bool,
}

impl Figure {
    /// What the picture shows, for those who do not see it.
    pub(crate) fn words(&self) -> String {
        let mut words = self.title.to_owned();
        for Group { heading, bars } in &self.groups {
            let bars: Vec<String> = bars.iter().map(Bar::words).collect();
            let separator = if heading.is_empty() { "" } else { ". " };
            write!(words, "{separator}{heading}: {}", bars.join(", ")).ok();
        }
        words
    }

    /// Inside `img` the queries ask for the picture's own width: words have at
    /// least 12 pixels down to a width of 320.
    pub(crate) fn svg(&self, form: &Form) -> String {
        let title = escaped(self.title);
        let about = escaped(&self.about);
        let mut body = text(28.0, "h", &title) + &text(63.0, "d", &about);
        let bars = self.groups.iter().flat_map(|it| &it.bars);
        let longest = bars.map(|it| it.most).fold(LEAST, f64::max);
        let mut y = HEAD;
        for Group { heading, bars } in &self.groups {
            if !heading.is_empty() {
                body += &text(y + 32.0, "", &escaped(heading));
                y += 46.0;
            }
            for bar in bars {
                body += &bar.svg(y, LONGEST / longest);
                y += ROW;
            }
        }
        for note in &self.notes {
            y += LINE;
            body += &text(y, "d", &escaped(note));
        }
        let (height, words) = (y + 14.0, escaped(&self.words()));
        let Form { text: ink, dim, .. } = form;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" role="img"
width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">
<title>{title}</title>
<desc>{words}. {about}.</desc>
<style>
text {{ font: 17px system-ui, sans-serif; fill: {ink}; white-space: pre; }}
.h {{ font-size: 21px; }}
.h, .n {{ font-weight: 600; }}
.d {{ fill: {dim}; }}
path {{ stroke: {ink}; stroke-width: 2; fill: none; }}
.track {{ fill: {ink}; fill-opacity: 0.09; }}
@media (max-width: 620px) {{
text {{ font-size: 20px; }}
.h {{ font-size: 24px; }}
}}
@media (max-width: 480px) {{
text {{ font-size: 29px; }}
.h {{ font-size: 31px; }}
}}
</style>
{body}</svg>
"#
        )
    }
}

impl Bar {
    /// The median with its unit, and the range if it can be told from it.
    fn values(&self) -> (String, Option<String>) {
        // Three digits say enough.
        let digits = match self.middle {
            100.0.. => 0,
            10.0.. => self.digits.min(1),
            _ => self.digits,
        };
        let [least, middle, most] =
            [self.least, self.middle, self.most].map(|it| number(it, digits));
        let range = (least != most).then(|| format!("{least} to {most}"));
        (format!("{middle}{}", self.unit), range)
    }

    fn words(&self) -> String {
        let range = |it| format!(" ({it})");
        let (value, between) = self.values();
        let between = between.map(range).unwrap_or_default();
        let star = if self.starred { " or more" } else { "" };
        format!("{} {value}{star}{between}", self.peer)
    }

    /// A line of words, and the bar below it.
    fn svg(&self, y: f64, per_unit: f64) -> String {
        let peer = escaped(&self.peer);
        let (value, range) = self.values();
        let range = range.unwrap_or_default();
        let star = if self.starred { " *" } else { "" };
        let words = format!(
            "<tspan class=\"n\">{peer}</tspan>  {value}{star}  \
             <tspan class=\"d\">{range}</tspan>"
        );
        let x = |value: f64| (value.max(0.0) * per_unit * 10.0).round() / 10.0;
        let (top, length) = (y + 37.0, x(self.middle));
        let is_ours = self.peer.starts_with("step-");
        let fill = if is_ours { OURS } else { THEIRS };
        let mut svg = text(y + 27.0, "", &words);
        for shape in [
            format!(r#"class="track" width="{LONGEST}""#),
            format!(r#"width="{length}" fill="{fill}""#),
        ] {
            svg += &format!("<rect y=\"{top}\" height=\"{BAR}\" {shape}/>\n");
        }
        // A shorter one would be all ends, and hide the bar.
        let (least, most) = (x(self.least), x(self.most));
        if most - least >= WHISKER {
            let (from, middle) = (top + 4.0, top + BAR / 2.0);
            svg += &format!(
                "<path d=\"M{least} {from}v12M{least} {middle}H{most}\
                 M{most} {from}v12\"/>\n"
            );
        }
        svg
    }
}

fn text(y: f64, class: &str, words: &str) -> String {
    match class {
        "" => format!("<text y=\"{y}\">{words}</text>\n"),
        class => format!("<text class=\"{class}\" y=\"{y}\">{words}</text>\n"),
    }
}

/// As the book writes numbers: 15,000.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let whole = plain.find('.').unwrap_or(plain.len());
    let mut number = String::new();
    for (at, digit) in plain.char_indices() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            number.push(',');
        }
        number.push(digit);
    }
    number
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(peer: &str, least: f64, middle: f64, most: f64) -> Bar {
        Bar {
            peer: peer.to_owned(),
            least,
            middle,
            most,
            digits: 2,
            unit: " ms",
            starred: false,
        }
    }

    fn svg(bars: Vec<Bar>) -> String {
        let heading = "";
        let figure = Figure {
            title: "Milliseconds",
            about: "less is better".to_owned(),
            groups: vec![Group { heading, bars }],
            notes: vec!["One < two & three.".to_owned()],
        };
        figure.svg(&FORMS[0])
    }

    #[test]
    fn a_bar_is_as_long_as_its_value_says() {
        let svg = svg(vec![
            bar("step-24", 200.0, 200.0, 200.0),
            bar("node", 50.0, 50.0, 50.0),
        ]);
        assert!(svg.contains(&format!(r#"width="748" fill="{OURS}""#)));
        assert!(svg.contains(&format!(r#"width="187" fill="{THEIRS}""#)));
        assert!(!svg.contains("<path"), "each has one value");
    }

    #[test]
    fn a_whisker_goes_from_the_least_to_the_most() {
        let svg = svg(vec![bar("node", 50.0, 75.0, 100.0)]);
        assert!(svg.contains(r#"width="561" fill="#), "the median");
        assert!(svg.contains(r#"d="M374 119v12M374 125H748M748 119v12""#));
    }

    #[test]
    fn a_whisker_that_is_all_ends_is_left_out() {
        let svg = svg(vec![
            bar("node", 100.0, 100.0, 100.0),
            bar("flask", 0.1, 0.2, 0.3),
        ]);
        assert!(!svg.contains("<path"));
        assert!(svg.contains("0.10 to 0.30"), "words say it");
    }

    #[test]
    fn nothing_at_all_has_no_length() {
        let svg = svg(vec![bar("node", 0.0, 0.0, 0.0)]);
        assert!(svg.contains(r#"width="0" fill="#));
    }

    #[test]
    fn a_name_is_no_markup() {
        let svg = svg(vec![bar("<b>&", 1.0, 1.0, 1.0)]);
        assert!(svg.contains("&lt;b&gt;&amp;") && !svg.contains("<b>"));
        assert!(svg.contains("One &lt; two &amp; three."));
    }

    #[test]
    fn a_value_has_three_digits_and_its_range() {
        let words = |least, middle, most| bar("", least, middle, most).words();
        assert_eq!(words(4.0, 4.114, 4.3), " 4.11 ms (4.00 to 4.30)");
        assert_eq!(words(57.2, 57.21, 57.22), " 57.2 ms");
        assert_eq!(words(900.0, 1893.4, 20440.0), " 1,893 ms (900 to 20,440)");
    }

    #[test]
    fn a_star_is_words_for_those_who_do_not_see_it() {
        let starred = Bar {
            starred: true,
            ..bar("node", 1.0, 1.0, 1.0)
        };
        assert_eq!(starred.words(), "node 1.00 ms or more");
        assert!(svg(vec![starred]).contains("</tspan>  1.00 ms *  <tspan"));
    }

    #[test]
    fn numbers_are_those_of_the_book() {
        assert_eq!(number(90.4, 0), "90");
        assert_eq!(number(999.0, 1), "999.0");
        assert_eq!(number(1_234_567.25, 2), "1,234,567.25");
    }
}
