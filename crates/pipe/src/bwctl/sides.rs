//! Both sides of one test.
//!
//! DIFFERENCE: the original does not tell them apart.

use super::Found;

/// How far apart the two sides of a test may start, in seconds: bwctl wants clocks that
/// agree.
const APART: u64 = 10;

/// Lets one side of each test through: the client's, or the server's where that stands
/// alone.
#[derive(Debug, Default)]
pub struct Sides {
    /// A server's side that waits for what comes next.
    held: Option<Found>,
    /// Whom the last client's side was about.
    last: Option<Found>,
}

impl Sides {
    /// Takes the next test, as one side saw it.
    pub fn push(&mut self, test: Found) -> Vec<Found> {
        let mut through = Vec::new();
        let held = self.held.take();
        if test.command.server {
            through.extend(held);
            if !self
                .last
                .as_ref()
                .is_some_and(|client| same_test(client, &test))
            {
                self.held = Some(test);
            }
        } else {
            through.extend(held.filter(|server| !same_test(server, &test)));
            self.last = Some(Found {
                output: String::new(),
                raw: String::new(),
                ..test.clone()
            });
            through.push(test);
        }
        through
    }

    /// Ends the output.
    pub fn end(&mut self) -> Option<Found> {
        self.held.take()
    }
}

fn same_test(one: &Found, other: &Found) -> bool {
    let together = match (one.start, other.start) {
        (Some(one), Some(other)) => one.abs_diff(other) <= APART,
        _ => true,
    };
    together
        && one.session == other.session
        && one.sender == other.sender
        && one.receiver == other.receiver
}

#[cfg(test)]
mod tests {
    use super::Sides;
    use crate::bwctl::Found;

    fn side(server: bool, start: i64) -> Found {
        let mut side = Found {
            start: Some(start),
            ..Found::default()
        };
        side.command.server = server;
        side
    }

    fn through(sides: &[(bool, i64)]) -> Vec<(bool, i64)> {
        let mut pairs = Sides::default();
        let mut all: Vec<_> = sides
            .iter()
            .flat_map(|(server, start)| pairs.push(side(*server, *start)))
            .collect();
        all.extend(pairs.end());
        all.iter()
            .map(|one| (one.command.server, one.start.unwrap()))
            .collect()
    }

    #[test]
    fn of_two_sides_the_client_counts_and_a_lone_server_too() {
        // DIFFERENCE: the original does not tell them apart.
        let (client, server) = (false, true);
        assert_eq!(through(&[(server, 100), (client, 100)]), [(client, 100)]);
        assert_eq!(through(&[(client, 100), (server, 101)]), [(client, 100)]);
        assert_eq!(
            through(&[(server, 100), (server, 200)]),
            [(server, 100), (server, 200)]
        );
        assert_eq!(
            through(&[(server, 100), (client, 200)]),
            [(server, 100), (client, 200)]
        );
        assert_eq!(
            through(&[(server, 100), (client, 100), (server, 200), (client, 200)]),
            [(client, 100), (client, 200)]
        );
    }
}
