//! From connection options to clients.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use esmond_ps_cli_common::report::{Output, UsageError, chain};
use pv_archiver_client::{
    AdminClient, ArchiveClient, ClusterStatus, Connection, Credentials, Uuid,
};

use crate::options::ConnectionArgs;

/// Where the password is, unless a file is named.
const PASSWORD: &str = "PV_ARCHIVER_PASSWORD";

/// The server that the password of the environment is for, where it is set.
const URL: &str = "PV_ARCHIVER_URL";

/// The two APIs, of which each run asks those that it needs.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) admin: AdminClient,
    pub(crate) archive: ArchiveClient,
    user: String,
    password: Option<String>,
    /// The server whose password the environment has, where that is another one.
    password_of: Option<String>,
}

impl Servers {
    /// Makes the clients that the options describe. Nothing is sent yet.
    pub(crate) fn new(args: &ConnectionArgs, output: &mut Output<'_>) -> anyhow::Result<Self> {
        let mut connection = Connection::default()
            .timeout(Duration::from_secs(args.timeout))
            .user_agent(concat!("pv-archiver/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &args.cacert {
            let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            connection = connection.ca_certificate(pem);
        }
        if args.insecure {
            output.note("warning: --insecure: the server's certificate is not verified");
            connection = connection.danger_accept_invalid_certs(true);
        }
        let archive_url = args.archive_url.as_deref().unwrap_or(&args.url);
        let admin = AdminClient::new(&args.url, &connection).map_err(failed)?;
        let mut password_of = None;
        let password = match &args.password_file {
            Some(path) => Some(read_password(path)?),
            None => variable(PASSWORD).filter(|_| {
                password_of = other_server(&admin, &connection);
                password_of.is_none()
            }),
        };
        Ok(Self {
            admin,
            archive: ArchiveClient::new(archive_url, &connection).map_err(failed)?,
            user: args.user.clone(),
            password,
            password_of,
        })
    }

    /// Returns the client for changes.
    pub(crate) fn changing(&self) -> anyhow::Result<AdminClient> {
        let Some(password) = &self.password else {
            let text = match &self.password_of {
                Some(other) => format!(
                    "changes need a password: {PASSWORD} is that of {other} ({URL}) and is not sent \
                     to {}\nhint: give the password of this server with --password-file",
                    origin(self.admin.address())
                ),
                None => format!("changes need a password: set {PASSWORD}, or see --password-file"),
            };
            return Err(UsageError::new(text).into());
        };
        let credentials = Credentials::new(&self.user, password).map_err(failed)?;
        Ok(self.admin.clone().with_credentials(credentials))
    }

    /// Returns the server of an ID, or of a name, which the cluster is asked for.
    pub(crate) async fn server(&self, text: &str) -> anyhow::Result<Uuid> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let cluster = self.admin.cluster_status().await.map_err(failed)?;
        let named = |server: &&_| named(server, text);
        let mut found = cluster.servers.iter().filter(named);
        match (found.next(), found.next()) {
            (Some(server), None) => Ok(server.server_id),
            (None, _) => Err(UsageError::new(format!(
                "there is no server `{text}`; {}",
                known(&cluster)
            ))
            .into()),
            _ => Err(UsageError::new(format!(
                "there are several servers `{text}`: give the ID; {}",
                known(&cluster)
            ))
            .into()),
        }
    }
}

fn named(server: &pv_archiver_client::ClusterServer, name: &str) -> bool {
    server.server_name == name
}

/// Says which servers there are.
pub(crate) fn known(cluster: &ClusterStatus) -> String {
    let mut servers: Vec<String> = cluster
        .servers
        .iter()
        .map(|server| format!("{} ({})", server.server_id, server.server_name))
        .collect();
    servers.sort();
    let text = format!("the servers of the cluster: {}", servers.join(", "));
    esmond_ps_cli_common::report::told(&text)
}

/// What was refused before it was sent was a mistake on the command line.
pub(crate) fn failed(error: pv_archiver_client::Error) -> anyhow::Error {
    if error.is_refused_before_sending() {
        return UsageError::new(chain(&error)).into();
    }
    error.into()
}

/// Returns a variable; an empty one says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Returns the server that the environment names, if it is another one than that asked:
/// the password beside it is not for everybody.
fn other_server(asked: &AdminClient, connection: &Connection) -> Option<String> {
    let named = variable(URL)?;
    match AdminClient::new(&named, connection) {
        Ok(named) if origin(named.address()) == origin(asked.address()) => None,
        Ok(named) => Some(origin(named.address()).to_owned()),
        // It is not shown: there may be a password in it.
        Err(_) => Some("an address that is none".to_owned()),
    }
}

/// Returns scheme, host and port of an address that a client gives.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..]
        .find('/')
        .map_or(address.len(), |at| host + at);
    &address[..end]
}

fn read_password(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("reading --password-file {}", path.display()))?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => anyhow::bail!(
            "--password-file {} has no password on its first line",
            path.display()
        ),
    }
}
