//! The administrative API of a server.

use http::StatusCode;
use reqwest::Body;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::command::{self, CommandReport, Commands};
use crate::configuration::{ConfigurationFile, Export, ImportOptions, ImportReport};
use crate::error::Result;
use crate::transport::{Api, Change, Transport};
use crate::{
    Channel, ChannelSummary, ClusterStatus, Connection, Credentials, Error, ServerChannels,
    ServerStatus, encoding,
};

/// Reads and changes the configuration of a cluster, through any of its servers.
///
/// Reading needs no credentials. Cheap to clone.
///
/// ```no_run
/// use pv_archiver_client::{AdminClient, Connection, Credentials, Result};
///
/// # async fn example() -> Result<()> {
/// let client = AdminClient::new("myserver.example.com", &Connection::default())?
///     .with_credentials(Credentials::admin("mysecret")?);
/// for server in client.cluster_status().await?.servers {
///     println!("{} {}", server.server_id, server.server_name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AdminClient {
    transport: Transport,
    credentials: Option<Credentials>,
}

impl AdminClient {
    /// Takes a host, with the port 4812 unless another one is given, or a base URL
    /// (`https://proxy.example.org/pv/`), which has the ports that URLs have. Nothing
    /// is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] or [`Error::Setting`].
    pub fn new(address: &str, connection: &Connection) -> Result<Self> {
        Ok(Self {
            transport: Transport::new(Api::Admin, address, connection)?,
            credentials: None,
        })
    }

    /// Says who makes changes.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Returns the address of the API.
    #[must_use]
    pub fn address(&self) -> &str {
        self.transport.base()
    }

    /// Lists all channels of the cluster by name. They are held in memory at once, as
    /// the API has no pages.
    ///
    /// # Errors
    ///
    /// As for all questions: [`Error::Connect`] and the other errors of an exchange,
    /// [`Error::Status`] for what the server refuses, and [`Error::ContentType`] or
    /// [`Error::Json`] for what is no answer. [`Error::is_unavailable`] tells that the
    /// server cannot answer yet.
    pub async fn channels(&self) -> Result<Vec<ChannelSummary>> {
        #[derive(Deserialize)]
        struct Channels {
            channels: Vec<ChannelSummary>,
        }
        let answer: Channels = self.get("/channels/all/", "the channels").await?;
        Ok(answer.channels)
    }

    /// Lists the channels of one server, with their configuration and, if that server
    /// can be asked, their state.
    ///
    /// DIFFERENCE: the original client throws `statusAvailable` away.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for an unknown server, and as
    /// [`channels`](Self::channels).
    pub async fn server_channels(&self, server: Uuid) -> Result<ServerChannels> {
        let target = format!("/channels/by-server/{server}/");
        self.get(&target, &format!("server {server}")).await
    }

    /// Returns configuration and state of a channel, whatever server it is on.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for an unknown channel, [`Error::Unaskable`] for an empty
    /// name, and as [`channels`](Self::channels).
    pub async fn channel(&self, name: &str) -> Result<Channel> {
        let target = format!("/channels/all/by-name/{}/", encoding::admin_path(name)?);
        self.get(&target, &format!("channel `{name}`")).await
    }

    /// Returns configuration and state of a channel of this server.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] also when another server has the channel; else as
    /// [`channel`](Self::channel).
    pub async fn channel_of_server(&self, server: Uuid, name: &str) -> Result<Channel> {
        let path = encoding::admin_path(name)?;
        let target = format!("/channels/by-server/{server}/by-name/{path}/");
        let what = format!("channel `{name}` of server {server}");
        self.get(&target, &what).await
    }

    /// Returns the servers of the cluster.
    ///
    /// # Errors
    ///
    /// As [`channels`](Self::channels).
    pub async fn cluster_status(&self) -> Result<ClusterStatus> {
        self.get("/cluster-status/", "the status of the cluster")
            .await
    }

    /// Returns the state of the server that is asked; there is no way to ask it for
    /// that of another one.
    ///
    /// # Errors
    ///
    /// As [`channels`](Self::channels).
    pub async fn server_status(&self) -> Result<ServerStatus> {
        let what = "the status of the server";
        self.get("/server-status/this-server/", what).await
    }

    /// Exports the configuration of a server: XML that
    /// [`import_configuration`](Self::import_configuration) takes, for this server or
    /// another one. It is read as it comes, so memory does not grow with it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for an unknown server, and as
    /// [`channels`](Self::channels).
    pub async fn export_configuration(&self, server: Uuid) -> Result<Export> {
        let target = format!("/channels/by-server/{server}/export");
        let answer = self
            .transport
            .get(&target, &format!("server {server}"))
            .await?;
        Ok(Export::new(answer.success().await?))
    }

    /// Imports a configuration into a server; `options` say what is done. The file is
    /// sent as it is read, so memory does not grow with it.
    ///
    /// That single channels failed is no error but told by the report.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredentials`] or [`Error::ConfigurationFile`] before anything is
    /// sent; [`Error::Forbidden`]; [`Error::Status`] with the server's words for a
    /// file that it does not understand; and as [`channels`](Self::channels).
    pub async fn import_configuration(
        &self,
        server: Uuid,
        file: impl Into<ConfigurationFile>,
        options: &ImportOptions,
    ) -> Result<ImportReport> {
        let credentials = self.credentials()?;
        let (body, length, failure) = file.into().into_body(options).await?;
        let target = format!("/channels/by-server/{server}/import");
        let change = Change {
            credentials,
            body,
            length,
        };
        let what = format!("server {server}");
        let answer = self.transport.post(&target, &what, change).await;
        // What became of the request does not matter when the file could not be read.
        if let Some(error) = failure.take() {
            return Err(Error::ConfigurationFile {
                action: "read",
                source: error.into(),
            });
        }
        ImportReport::read(answer?).await
    }

    /// Runs commands, all at the same time, and waits for the end of them.
    ///
    /// That single commands failed is no error but told by the report.
    ///
    /// # Errors
    ///
    /// [`Error::NoCredentials`] before anything is sent; [`Error::Forbidden`], also
    /// when the server has no database; [`Error::BatchRefused`] when it finds a
    /// command malformed; and as [`channels`](Self::channels). After an error of the
    /// exchange itself the commands may have been run.
    pub async fn run(&self, commands: &Commands) -> Result<CommandReport> {
        #[derive(Serialize)]
        struct Batch<'a> {
            commands: &'a Commands,
        }
        let credentials = self.credentials()?;
        let body = serde_json::to_vec(&Batch { commands }).map_err(|error| Error::Unaskable {
            what: "the commands".to_owned(),
            reason: error.to_string(),
        })?;
        let change = Change {
            credentials,
            body: Body::from(body),
            length: None,
        };
        let target = "/run-archive-configuration-commands";
        let answer = self.transport.post(target, "the commands", change).await?;
        let status = answer.status();
        // 500 with results only means that a command failed.
        let answer = match status {
            StatusCode::OK => answer.json_only()?,
            _ if answer.is_outcome() => answer,
            StatusCode::BAD_REQUEST => return Err(batch_refused(answer.refusal().await)),
            _ => return Err(answer.refusal().await),
        };
        let url = answer.url.clone();
        let answer: command::Answer = answer.json().await?;
        match answer.results {
            Some(results) => Ok(command::report(commands, results, answer.error_message)),
            None => Err(Error::Status {
                url,
                status,
                message: crate::message::one_line(&answer.error_message.unwrap_or_default()),
            }),
        }
    }

    // DIFFERENCE: the original client sends an empty password.
    fn credentials(&self) -> Result<&Credentials> {
        self.credentials.as_ref().ok_or(Error::NoCredentials)
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, target: &str, what: &str) -> Result<T> {
        let answer = self.transport.get(target, what).await?;
        answer.success().await?.json().await
    }
}

/// Says of a list that is refused what the server does not.
fn batch_refused(error: Error) -> Error {
    match error {
        Error::Status { url, message, .. } => Error::BatchRefused { url, message },
        error => error,
    }
}
