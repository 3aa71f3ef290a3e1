//! Colours and shapes: the values are those of the program's other windows.

/// The colours of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) surface: &'static str,
    pub(crate) surface_raised: &'static str,
    pub(crate) line: &'static str,
    pub(crate) line_strong: &'static str,
    pub(crate) ink: &'static str,
    pub(crate) ink_soft: &'static str,
    pub(crate) accent: &'static str,
    pub(crate) accent_strong: &'static str,
    pub(crate) accent_soft: &'static str,
    pub(crate) on_accent: &'static str,
    pub(crate) warning: &'static str,
    pub(crate) warning_soft: &'static str,
    pub(crate) bad: &'static str,
    pub(crate) bad_soft: &'static str,
    pub(crate) focus: &'static str,
    pub(crate) line_width: &'static str,
}

impl Palette {
    /// Dark on light.
    pub(crate) const LIGHT: Self = Self {
        surface: "#f5f4f0",
        surface_raised: "#ffffff",
        line: "#d9d7cf",
        line_strong: "#737d80",
        ink: "#182124",
        ink_soft: "#4a5659",
        accent: "#0f6470",
        accent_strong: "#0a4c56",
        accent_soft: "#dff0f1",
        on_accent: "#ffffff",
        warning: "#7d4b00",
        warning_soft: "#fcf0d8",
        bad: "#a3241c",
        bad_soft: "#fbe7e4",
        focus: "#1249c4",
        line_width: "1px",
    };

    /// Light on dark.
    pub(crate) const DARK: Self = Self {
        surface: "#14191b",
        surface_raised: "#1e2629",
        line: "#364145",
        line_strong: "#849195",
        ink: "#eff3f3",
        ink_soft: "#b6c2c5",
        accent: "#6ccbd7",
        accent_strong: "#95dde6",
        accent_soft: "#173a40",
        on_accent: "#04262b",
        warning: "#f4c367",
        warning_soft: "#3c2f14",
        bad: "#ff9d93",
        bad_soft: "#43201d",
        focus: "#ffd75e",
        line_width: "1px",
    };

    /// Black on white.
    pub(crate) const CONTRAST_LIGHT: Self = Self {
        surface: "#ffffff",
        surface_raised: "#ffffff",
        line: "#000000",
        line_strong: "#000000",
        ink: "#000000",
        ink_soft: "#000000",
        accent: "#003e46",
        accent_strong: "#000000",
        accent_soft: "#ffffff",
        on_accent: "#ffffff",
        warning: "#5a3500",
        warning_soft: "#ffffff",
        bad: "#7d0a04",
        bad_soft: "#ffffff",
        focus: "#0030c0",
        line_width: "2px",
    };

    /// White on black.
    pub(crate) const CONTRAST_DARK: Self = Self {
        surface: "#000000",
        surface_raised: "#000000",
        line: "#ffffff",
        line_strong: "#ffffff",
        ink: "#ffffff",
        ink_soft: "#ffffff",
        accent: "#ffe45c",
        accent_strong: "#fff3b0",
        accent_soft: "#000000",
        on_accent: "#000000",
        warning: "#ffe45c",
        warning_soft: "#000000",
        bad: "#ffb9b2",
        bad_soft: "#000000",
        focus: "#00f0ff",
        line_width: "2px",
    };

    /// The rules of a window in these colours. Sizes grow with the person's text size.
    pub(crate) fn style(&self) -> String {
        let mut style = RULES.to_owned();
        for (name, value) in self.values() {
            style = style.replace(&format!("@{name};"), &format!("{value};"));
        }
        style
    }

    /// Every value by its name.
    pub(crate) const fn values(&self) -> [(&'static str, &'static str); 16] {
        [
            ("surface", self.surface),
            ("surface-raised", self.surface_raised),
            ("line", self.line),
            ("line-strong", self.line_strong),
            ("ink", self.ink),
            ("ink-soft", self.ink_soft),
            ("accent", self.accent),
            ("accent-strong", self.accent_strong),
            ("accent-soft", self.accent_soft),
            ("on-accent", self.on_accent),
            ("warning", self.warning),
            ("warning-soft", self.warning_soft),
            ("bad", self.bad),
            ("bad-soft", self.bad_soft),
            ("focus", self.focus),
            ("line-width", self.line_width),
        ]
    }
}

const RULES: &str = include_str!("window.css");

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics is a test that fails")]
mod tests {
    use super::*;

    /// The value of that name in a rule of the program's own style, for light and for dark.
    fn tokens(rule: &str, name: &str) -> Option<(String, String)> {
        let line = rule.lines().find_map(|line| line.trim().strip_prefix(&format!("--{name}: ")))?;
        let value = line.trim_end_matches(';');
        let pair = value.strip_prefix("light-dark(").and_then(|pair| pair.strip_suffix(")"));
        let (light, dark) = pair.and_then(|pair| pair.split_once(", ")).unwrap_or((value, value));
        Some((light.to_owned(), dark.to_owned()))
    }

    #[test]
    fn colours_are_those_of_the_programs_other_windows() {
        let style = include_str!("../../../../ui/src/tokens.css");
        let usual = style.split_once(":root {").unwrap().1.split_once('}').unwrap().0;
        let contrast = style.split_once("[data-theme=\"contrast\"] {").unwrap().1.split_once('}').unwrap().0;
        for (rule, light, dark) in
            [(usual, Palette::LIGHT, Palette::DARK), (contrast, Palette::CONTRAST_LIGHT, Palette::CONTRAST_DARK)]
        {
            for ((name, light), (_, dark)) in light.values().into_iter().zip(dark.values()) {
                let token = tokens(rule, name).expect(name);
                assert_eq!((light, dark), (token.0.as_str(), token.1.as_str()), "{name}");
            }
        }
    }

    #[test]
    fn every_value_of_the_rules_is_filled() {
        let names: Vec<_> = RULES.split('@').skip(2).filter_map(|rest| Some(rest.split_once(';')?.0)).collect();
        let known = Palette::LIGHT.values().map(|(name, _)| name);
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        assert!(known.iter().all(|name| names.contains(name)), "{names:?}");
    }
}
