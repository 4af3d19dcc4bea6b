//! The command line.

mod explain;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use kanuki_types::{AccountId, Region};

pub(crate) use explain::{Attestation, ExplainArgs};

/// A self-hosted key management service that speaks the AWS KMS API.
///
/// Start it, then point any AWS SDK or the AWS CLI at it:
///
///     kanuki serve &
///     eval "$(kanuki env)"
///     aws kms create-key
#[derive(Debug, Parser)]
#[command(name = "kanuki", version, verbatim_doc_comment, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API; an empty data directory is initialised first.
    Serve(Box<ServeArgs>),
    /// Print shell exports that set up the AWS CLI and SDKs: eval "$(kanuki env)".
    Env(EnvArgs),
    /// Read and verify the audit trail, without a running server.
    #[command(subcommand)]
    Trail(TrailCommand),
    /// Make and list accounts, and give their roots access keys, on the running server.
    Accounts(AccountsArgs),
    /// List who may use and who may administer a key, and through what, on the running server.
    Access(AccessArgs),
    /// Look through a policy for what it should not say: of a key of the running server, or in a file.
    Lint(LintArgs),
    /// Say why a call was refused, or what would be decided on one, on the running server.
    #[command(after_help = explain::HELP)]
    Explain(Box<ExplainArgs>),
    /// The cryptographic module; the server starts it by itself.
    #[command(hide = true)]
    Keeper(KeeperArgs),
    /// Speaks to one PKCS#11 token; the server starts it by itself.
    #[command(hide = true, name = "pkcs11-helper")]
    Pkcs11Helper(Pkcs11HelperArgs),
    /// Lists the operations that are implemented, as JSON.
    #[command(hide = true)]
    Operations,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataDir {
    /// Directory of the store, the trail, the keyring and the first credentials
    /// [default: $XDG_DATA_HOME/kanuki or ~/.local/share/kanuki]
    #[arg(long, env = "KANUKI_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Options of `serve`. Each stands also in the configuration file; a flag wins over the environment, the environment
/// over the file.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) data_dir: DataDir,
    /// Configuration file (TOML); `deploy/kanuki.toml` in the sources explains every field
    #[arg(long, env = "KANUKI_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Check the configuration, say what is wrong with it, and end
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Address to listen on [default: 127.0.0.1:8777]
    #[arg(long, env = "KANUKI_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Speak TLS on a loopback address too; on others it is always spoken. Without a certificate of one's own it is one of
    /// the installation's own authority, which ca.pem in the data directory makes known
    #[arg(long, env = "KANUKI_TLS")]
    pub(crate) tls: bool,
    /// File with the certificate chain to show (PEM); it is read again when it changes
    #[arg(long, env = "KANUKI_TLS_CERTIFICATE_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub(crate) tls_certificate_file: Option<PathBuf>,
    /// File with the private key of that certificate (PEM)
    #[arg(long, env = "KANUKI_TLS_KEY_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub(crate) tls_key_file: Option<PathBuf>,
    /// Name or address of this machine that clients use, for a certificate of the installation's own authority; give it
    /// several times. localhost, its addresses and the one listened on are in it anyway
    #[arg(long = "tls-name", env = "KANUKI_TLS_NAMES", value_name = "NAME", value_delimiter = ',')]
    pub(crate) tls_names: Vec<String>,
    /// Account of the first administrator, chosen once [default: 111122223333]
    #[arg(long, env = "KANUKI_ACCOUNT", value_name = "ID")]
    pub(crate) account: Option<AccountId>,
    /// Region to serve; give it several times, the first is the default one [default: us-east-1 and us-west-2]
    #[arg(long = "region", env = "KANUKI_REGIONS", value_name = "NAME", value_delimiter = ',')]
    pub(crate) regions: Vec<Region>,
    /// File that seals the root key; made on the first start [default: seal.key in the data directory]
    #[arg(long, env = "KANUKI_SEAL_KEY_FILE", value_name = "FILE", conflicts_with = "seal_passphrase_file")]
    pub(crate) seal_key_file: Option<PathBuf>,
    /// File with the passphrase that seals the root key; /dev/tty asks for it
    #[arg(long, env = "KANUKI_SEAL_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) seal_passphrase_file: Option<PathBuf>,
    /// Declaration of accounts, users, roles and policies (TOML); what is missing is made
    #[arg(long, env = "KANUKI_SEED", value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// For tests: the time of the domain can be steered through an endpoint, and the seed may fix key material. Loopback
    /// only, with a data directory of its own
    #[arg(long, env = "KANUKI_INSECURE_TEST_MODE")]
    pub(crate) insecure_test_mode: bool,
    /// Form of the operator's log on standard error
    #[arg(long, env = "KANUKI_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

/// Forms of the operator's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

/// Options of `env`.
#[derive(Debug, Args)]
pub(crate) struct EnvArgs {
    #[command(flatten)]
    pub(crate) data_dir: DataDir,
    /// Whose credentials: a profile of the data directory's `credentials` file
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub(crate) profile: String,
}

/// Options of `accounts`.
#[derive(Debug, Args)]
pub(crate) struct AccountsArgs {
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    #[command(subcommand)]
    pub(crate) command: AccountsCommand,
}

/// How a command reaches the running server, and how it prints.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoorArgs {
    /// Directory of the running server's data
    /// [default: $XDG_DATA_HOME/kanuki or ~/.local/share/kanuki]
    #[arg(long, env = "KANUKI_DATA_DIR", value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print the server's answers as JSON, one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// Options of `access`.
#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// The key by id, alias or ARN; without an ARN it is one of the home account in the first Region
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

/// Options of `lint`.
#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    #[command(flatten)]
    pub(crate) door: DoorArgs,
    /// A file with a policy document; or a key by id, alias or ARN, whose policy is read from the running server
    #[arg(value_name = "KEY|FILE")]
    pub(crate) what: String,
    /// What the file's document is for [default: key, if it names a principal; else identity]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<DocumentKind>,
}

/// What a policy document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DocumentKind {
    /// A user, group or role; a permissions boundary.
    Identity,
    /// A KMS key.
    Key,
    /// A session.
    Session,
    /// Who may assume a role.
    Trust,
}

/// What to do about accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Make an account
    Create {
        /// Its id, 12 digits; without it an unused one is chosen
        #[arg(long, value_name = "ID")]
        id: Option<AccountId>,
    },
    /// List the accounts
    List,
    /// Make an access key for the root of an account and put it into the data directory's `credentials` file
    RootCredentials {
        /// The account
        #[arg(value_name = "ID")]
        account: AccountId,
        /// End the access keys that the root has
        #[arg(long)]
        replace: bool,
    },
}

/// What to do with the trail.
#[derive(Debug, Subcommand)]
pub(crate) enum TrailCommand {
    /// Check the whole hash chain against itself and against the anchor; names the first break
    Verify {
        #[command(flatten)]
        data_dir: DataDir,
    },
    /// Print records, one JSON object a line
    Tail {
        #[command(flatten)]
        data_dir: DataDir,
        /// How many of the last records; all without it
        #[arg(short = 'n', long, value_name = "N")]
        lines: Option<u64>,
        /// Wait for more
        #[arg(short, long)]
        follow: bool,
    },
}

/// Options of the keeper process.
#[derive(Debug, Args)]
pub(crate) struct KeeperArgs {
    /// The key file
    #[arg(long, conflicts_with = "passphrase_file", required_unless_present = "passphrase_file")]
    pub(crate) key_file: Option<PathBuf>,
    /// The file with the passphrase
    #[arg(long)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Make the key file
    #[arg(long)]
    pub(crate) create_seal_key: bool,
    /// Accept given key material
    #[arg(long)]
    pub(crate) insecure_fixed_material: bool,
}

/// Options of the helper process.
#[derive(Debug, Args)]
pub(crate) struct Pkcs11HelperArgs {
    /// The vendor's module
    #[arg(long)]
    pub(crate) module: PathBuf,
    /// The label of the token
    #[arg(long)]
    pub(crate) token_label: String,
}
