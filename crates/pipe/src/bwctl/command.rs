//! How iperf3 was called.

use std::path::Path;

use esmond_ps_results::iperf3::Settings;

/// What a command line says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandLine {
    /// Name of the tool, without its directory.
    pub tool: Option<String>,
    /// Whether it is the server's side.
    pub server: bool,
    /// Address that a client connects to (`-c`).
    pub to: Option<String>,
    /// Address that it uses itself (`-B`).
    pub own: Option<String>,
    /// Whether the server sends (`-R`).
    pub reverse: bool,
    /// How the test was asked for.
    pub settings: Settings,
}

impl CommandLine {
    /// Reads the words of a command line. What is not said has iperf3's default, except
    /// for the duration, which then may be one of bytes.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace().peekable();
        let tool = words.next().and_then(|word| Path::new(word).file_name());
        let mut parsed = Self {
            tool: tool.map(|name| name.to_string_lossy().into_owned()),
            settings: Settings {
                protocol: Some("tcp".to_owned()),
                streams: Some(1),
                omit: Some(0),
                duration: None,
            },
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let settings = &mut parsed.settings;
            let mut value = || words.next_if(|next| !next.starts_with('-'));
            match word {
                "-s" | "--server" => parsed.server = true,
                "-c" | "--client" => parsed.to = value().map(ToOwned::to_owned),
                "-B" | "--bind" => parsed.own = value().map(ToOwned::to_owned),
                "-R" | "--reverse" => parsed.reverse = true,
                "-u" | "--udp" => settings.protocol = Some("udp".to_owned()),
                "--sctp" => settings.protocol = Some("sctp".to_owned()),
                "-P" | "--parallel" => settings.streams = number(value()).or(settings.streams),
                "-O" | "--omit" => settings.omit = number(value()).or(settings.omit),
                "-t" | "--time" => settings.duration = number(value()),
                _ => {}
            }
        }
        parsed
    }

    /// Returns the addresses of sender and receiver, as far as they are said.
    #[must_use]
    pub fn ends(&self) -> (Option<&str>, Option<&str>) {
        let (to, own) = (self.to.as_deref(), self.own.as_deref());
        if self.server == self.reverse {
            (own, to)
        } else {
            (to, own)
        }
    }
}

fn number(word: Option<&str>) -> Option<i64> {
    word?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::CommandLine;

    #[test]
    fn what_was_asked_for_is_read_from_the_command_line() {
        let line = "/usr/bin/iperf3 -c 192.0.2.2 -B 192.0.2.1 -f m -J -p 5421 -i 1.000000 -V -Z \
                    --omit 3 --reverse -t 30 -P 4 -u -b 1000";
        let parsed = CommandLine::parse(line);
        assert_eq!(parsed.tool.as_deref(), Some("iperf3"));
        assert_eq!(parsed.ends(), (Some("192.0.2.2"), Some("192.0.2.1")));
        assert_eq!(parsed.settings.protocol.as_deref(), Some("udp"));
        assert_eq!(parsed.settings.streams, Some(4));
        assert_eq!(parsed.settings.omit, Some(3));
        assert_eq!(parsed.settings.duration, Some(30));
        assert!(!parsed.server);
        let server = CommandLine::parse("iperf3 -s -1 -B 192.0.2.2 -J -P");
        assert!(server.server);
        assert_eq!(server.ends(), (None, Some("192.0.2.2")));
        assert_eq!(server.settings.streams, Some(1));
        assert_eq!(CommandLine::parse("").tool, None);
    }
}
