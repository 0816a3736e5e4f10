//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

/// A perfSONAR measurement archive that speaks the esmond REST API.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  esmond-ps-archive user add perfsonar      make a user, and show the key once
  esmond-ps-archive serve                   serve http://127.0.0.1:8080/esmond/perfsonar/archive/
  curl http://127.0.0.1:8080/esmond/perfsonar/archive/

Reading needs no credentials. Writing needs a key (header \"Authorization: Token KEY\") or a
registered address. For HTTPS, put a web server in front and name it with --trusted-proxy.

Environment: RUST_LOG sets what is logged to stderr (default info), such as RUST_LOG=debug.
Exit status: 0 done, 1 failed, 2 usage error."
)]
pub(crate) struct Cli {
    /// Directory that holds the archive; created if missing. Default:
    /// $XDG_DATA_HOME/esmond-ps-archive, or ~/.local/share/esmond-ps-archive
    #[arg(long, global = true, value_name = "DIR", env = "ESMOND_ARCHIVE_DATA")]
    pub(crate) data: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    /// Manage who may write; works while the archive is served
    #[command(subcommand)]
    User(User),
}

/// Serve the archive until SIGTERM or SIGINT; requests under way are finished
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080",
        env = "ESMOND_ARCHIVE_LISTEN"
    )]
    pub(crate) listen: SocketAddr,
    /// Path below which the archive is served (besides being served without
    /// it); "/" for none
    #[arg(
        long,
        value_name = "PATH",
        default_value = "esmond",
        env = "ESMOND_ARCHIVE_SCRIPT_ALIAS"
    )]
    pub(crate) script_alias: String,
    /// Network of a proxy whose X-Forwarded-For, -Host and -Proto headers
    /// count; can be given again
    #[arg(
        long = "trusted-proxy",
        value_name = "NET",
        value_parser = network,
        value_delimiter = ',',
        env = "ESMOND_ARCHIVE_TRUSTED_PROXY"
    )]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Largest request body, in MiB
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = 64,
        value_parser = clap::value_parser!(u16).range(1..),
        env = "ESMOND_ARCHIVE_BODY_LIMIT"
    )]
    pub(crate) body_limit: u16,
    /// File to write the port to once connections are taken
    #[arg(long, value_name = "FILE")]
    pub(crate) port_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make a user with a key. The key is printed to stdout, once: only a hash
    /// is stored
    Add {
        /// Name of the user
        name: String,
    },
    /// Forbid a user to authenticate
    Disable {
        /// Name of the user
        name: String,
    },
    /// Allow a user to authenticate again
    Enable {
        /// Name of the user
        name: String,
    },
    /// Let hosts write as a user by their address, without a key
    #[command(subcommand)]
    Ip(Ip),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Ip {
    /// Register networks of a user; a network has one user, the last one
    Add {
        /// Name of the user
        name: String,
        /// Addresses, or networks such as 192.0.2.0/24
        #[arg(required = true, value_name = "NET", value_parser = network)]
        networks: Vec<IpNet>,
    },
}

/// Reads a network, or an address as the network of that one address.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(|_| {
            text.parse()
                .map(|address: std::net::IpAddr| IpNet::from(address))
        })
        .map_err(|_| "expected an address or a network, such as 192.0.2.0/24".to_owned())
}
