//! The configuration: flags over environment over file over defaults.
//!
//! Invariants: a field that is not known is refused; every field has a usable default; secrets stand here only by the
//! name of the file that holds them.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use kanuki_server::{
    authn::Fetcher,
    limits::Limits,
    quotas::RequestQuotas,
    recipient::TrustRoot,
    settings::Settings,
    tls::HostNames,
    xks::{TIMEOUT_DEFAULT, TIMEOUT_MAX, XksSettings},
};
use kanuki_types::{AccountId, Region};
use serde::Deserialize;

use crate::{
    cli::{LogFormat, ServeArgs},
    error::CommandError,
};

/// The file, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    account: Option<AccountId>,
    regions: Option<Vec<Region>>,
    seed: Option<PathBuf>,
    log_format: Option<LogFormat>,
    #[serde(default)]
    tls: TlsFile,
    #[serde(default)]
    seal: SealFile,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    request_quotas: RequestQuotas,
    #[serde(default)]
    custom_key_stores: CustomKeyStoresFile,
    #[serde(default)]
    sessions: SessionsFile,
    #[serde(default)]
    recipient: RecipientFile,
    #[serde(default)]
    decisions: DecisionsFile,
    #[serde(default)]
    identity_provider_keys: Vec<IdentityProviderKeys>,
    #[serde(default)]
    identity_providers: IdentityProvidersFile,
    #[serde(default)]
    insecure_test_mode: bool,
}

/// Where the signing keys of an identity provider are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityProviderKeys {
    issuer: String,
    jwks_file: PathBuf,
}

/// Whether keys that stand in no file are fetched, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityProvidersFile {
    #[serde(default)]
    fetch_keys: bool,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    addresses: BTreeMap<String, SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsFile {
    roles_inherit_mfa: Option<bool>,
}

impl SessionsFile {
    fn apply(&self, mut settings: Settings) -> Settings {
        settings.roles_inherit_mfa = self.roles_inherit_mfa.unwrap_or(settings.roles_inherit_mfa);
        settings
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    #[serde(default)]
    enabled: bool,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealFile {
    key_file: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomKeyStoresFile {
    xks_ca_file: Option<PathBuf>,
    xks_timeout_ms: Option<u64>,
    #[serde(default)]
    xks_addresses: BTreeMap<String, SocketAddr>,
    #[serde(default)]
    xks_vpc_endpoint_services: BTreeMap<String, SocketAddr>,
    pkcs11: Option<Pkcs11>,
}

/// The PKCS#11 module and its tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pkcs11 {
    pub(crate) module: PathBuf,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) clusters: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecipientFile {
    trust_root: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionsFile {
    #[serde(default)]
    keep: Keep,
}

/// Whose decisions are kept with their reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Keep {
    /// Those of every authenticated call.
    All,
    /// Those of denied calls.
    #[default]
    Denied,
}

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Not at all, which loopback addresses alone may do.
    Off,
    /// With a certificate of the operator's.
    Files {
        /// The chain.
        certificate: PathBuf,
        /// The private key.
        private_key: PathBuf,
    },
    /// With a certificate of the installation's own authority, for these names.
    Own(HostNames),
}

/// What seals the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seal {
    /// A key file.
    KeyFile(PathBuf),
    /// A passphrase in a file.
    PassphraseFile(PathBuf),
}

/// Everything that `serve` was told.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Tls,
    pub(crate) settings: Settings,
    pub(crate) xks: XksSettings,
    pub(crate) pkcs11: Option<Pkcs11>,
    pub(crate) seal: Seal,
    pub(crate) seed: Option<PathBuf>,
    pub(crate) log_format: LogFormat,
    /// The files with the signing keys of identity providers, by issuer.
    pub(crate) identity_provider_keys: BTreeMap<String, PathBuf>,
    /// What fetches the keys of other issuers, if that is wanted.
    pub(crate) identity_provider_fetcher: Option<Fetcher>,
}

impl Config {
    /// Joins flags and environment (which the command line has read) with the file.
    ///
    /// # Errors
    /// If the file cannot be read or is wrong, or if what was asked is unsafe.
    pub(crate) fn read(args: &ServeArgs, default_data_dir: Option<PathBuf>) -> Result<Self, CommandError> {
        let file = match &args.config {
            Some(path) => read_file(path)?,
            None => ConfigFile::default(),
        };
        let data_dir = args.data_dir.data_dir.clone().or(file.data_dir).or(default_data_dir);
        let data_dir = data_dir.ok_or_else(|| CommandError::new("no data directory: set --data-dir or HOME"))?;
        let listen = args.listen.or(file.listen).unwrap_or(LISTEN_DEFAULT);
        let regions = if args.regions.is_empty() { file.regions.unwrap_or_default() } else { args.regions.clone() };
        let regions = if regions.is_empty() { default_regions()? } else { regions };
        let account = match args.account.or(file.account) {
            Some(account) => account,
            None => ACCOUNT_DEFAULT.parse().map_err(CommandError::from_error)?,
        };
        let default_region = regions.first().cloned().ok_or_else(|| CommandError::new("no Region"))?;
        let test_mode = args.insecure_test_mode || file.insecure_test_mode;
        if test_mode && !listen.ip().is_loopback() {
            let why = "the insecure test mode listens on loopback addresses only";
            return Err(CommandError::new(format!("cannot listen on {listen}: {why}")));
        }
        Ok(Self {
            pkcs11: file.custom_key_stores.pkcs11.clone(),
            xks: xks(file.custom_key_stores)?,
            seal: seal(args, file.seal, &data_dir)?,
            tls: tls(args, file.tls, listen)?,
            listen,
            settings: file
                .sessions
                .apply(limited(
                    Settings::new(account, default_region, regions, test_mode),
                    file.limits,
                    file.request_quotas,
                )?)
                .with_trust_root(file.recipient.trust_root.as_deref().map(trust_root).transpose()?)
                .with_allowed_decisions_kept(file.decisions.keep == Keep::All),
            seed: args.seed.clone().or(file.seed),
            log_format: args.log_format.or(file.log_format).unwrap_or(LogFormat::Text),
            identity_provider_keys: provider_keys(file.identity_provider_keys)?,
            identity_provider_fetcher: fetcher(file.identity_providers)?,
            data_dir,
        })
    }
}

fn fetcher(file: IdentityProvidersFile) -> Result<Option<Fetcher>, CommandError> {
    if !file.fetch_keys {
        return Ok(None);
    }
    let authorities = file
        .ca_file
        .map(|path| fs::read(&path).map_err(|error| CommandError::from_error(error).during(path.display())));
    let fetcher = Fetcher::new(authorities.transpose()?.as_deref(), file.addresses);
    fetcher.map(Some).map_err(|error| CommandError::from_error(error).during("identity_providers"))
}

/// One file for each issuer.
fn provider_keys(entries: Vec<IdentityProviderKeys>) -> Result<BTreeMap<String, PathBuf>, CommandError> {
    let mut files = BTreeMap::new();
    for IdentityProviderKeys { issuer, jwks_file } in entries {
        if !issuer.starts_with("https://") {
            return Err(CommandError::new(format!("identity_provider_keys: the issuer `{issuer}` is no https:// URL")));
        }
        if files.insert(issuer.clone(), jwks_file).is_some() {
            return Err(CommandError::new(format!("identity_provider_keys: the issuer `{issuer}` stands there twice")));
        }
    }
    Ok(files)
}

/// Adds the quotas that the file chooses.
fn limited(settings: Settings, limits: Limits, request_quotas: RequestQuotas) -> Result<Settings, CommandError> {
    limits.check().and_then(|()| request_quotas.check()).map_err(CommandError::new)?;
    Ok(settings.with_quotas(limits, request_quotas))
}

/// Host names know no case; the table is looked up in the small one.
fn xks(file: CustomKeyStoresFile) -> Result<XksSettings, CommandError> {
    let authorities = match &file.xks_ca_file {
        Some(path) => Some(fs::read(path).map_err(|error| CommandError::new(format!("{}: {error}", path.display())))?),
        None => None,
    };
    let timeout = file.xks_timeout_ms.map_or(TIMEOUT_DEFAULT, Duration::from_millis);
    if timeout.is_zero() || timeout > TIMEOUT_MAX {
        let most = TIMEOUT_MAX.as_millis();
        return Err(CommandError::new(format!("custom_key_stores.xks_timeout_ms must be between 1 and {most}")));
    }
    let addresses = file.xks_addresses.into_iter().map(|(host, address)| (host.to_ascii_lowercase(), address));
    Ok(XksSettings {
        authorities,
        addresses: addresses.collect(),
        vpc_endpoint_services: file.xks_vpc_endpoint_services,
        timeout,
    })
}

/// Reads the certificates that attestations of recipients must lead to.
fn trust_root(path: &Path) -> Result<TrustRoot, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| CommandError::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    TrustRoot::from_pem(&text).map_err(|error| wrong(&error))
}

/// Flags name a certificate as a whole, as with the seal. Off loopback there is always TLS.
fn tls(args: &ServeArgs, file: TlsFile, listen: SocketAddr) -> Result<Tls, CommandError> {
    let (certificate, private_key) = match (&args.tls_certificate_file, &args.tls_key_file) {
        (None, None) => (file.certificate_file, file.key_file),
        (certificate, private_key) => (certificate.clone(), private_key.clone()),
    };
    match (certificate, private_key) {
        (Some(certificate), Some(private_key)) => return Ok(Tls::Files { certificate, private_key }),
        (None, None) => {}
        _ => return Err(CommandError::new("a TLS certificate needs its key file, and a key file its certificate")),
    }
    if !(args.tls || file.enabled) && listen.ip().is_loopback() {
        return Ok(Tls::Off);
    }
    let mut names = if args.tls_names.is_empty() { file.names } else { args.tls_names.clone() };
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    HostNames::new(&names).map(Tls::Own).map_err(CommandError::from_error)
}

/// Flags name a seal as a whole: a flag for one kind leaves the file's other kind aside.
fn seal(args: &ServeArgs, file: SealFile, data_dir: &Path) -> Result<Seal, CommandError> {
    let (key_file, passphrase_file) = match (&args.seal_key_file, &args.seal_passphrase_file) {
        (None, None) => (file.key_file, file.passphrase_file),
        (key_file, passphrase_file) => (key_file.clone(), passphrase_file.clone()),
    };
    match (key_file, passphrase_file) {
        (Some(_), Some(_)) => Err(CommandError::new("the seal is a key file or a passphrase, not both")),
        (None, Some(passphrase_file)) => Ok(Seal::PassphraseFile(passphrase_file)),
        (Some(key_file), None) => Ok(Seal::KeyFile(key_file)),
        (None, None) => Ok(Seal::KeyFile(data_dir.join("seal.key"))),
    }
}

fn read_file(path: &Path) -> Result<ConfigFile, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| CommandError::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    toml::from_str(&text).map_err(|error| wrong(&error))
}

fn default_regions() -> Result<Vec<Region>, CommandError> {
    REGIONS_DEFAULT.iter().map(|name| name.parse().map_err(CommandError::from_error)).collect()
}

const ACCOUNT_DEFAULT: &str = "111122223333";
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8777);
const REGIONS_DEFAULT: [&str; 2] = ["us-east-1", "us-west-2"];

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn config(flags: &[&str], file: &str) -> Result<Config, CommandError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kanuki.toml");
        fs::write(&path, file).unwrap();
        let first = ["kanuki", "serve", "--config", path.to_str().unwrap()];
        let arguments = first.iter().chain(flags);
        let Command::Serve(args) = Cli::parse_from(arguments).command else { panic!() };
        Config::read(&args, Some("/data".into()))
    }

    #[test]
    fn defaults_are_usable() {
        let config = config(&[], "").unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8777");
        assert_eq!(config.settings.home_account.to_string(), "111122223333");
        assert_eq!(config.settings.default_region().as_str(), "us-east-1");
        assert_eq!(config.seal, Seal::KeyFile("/data/seal.key".into()));
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = "listen = '127.0.0.1:1'\nregions = ['on-prem-1']\n[seal]\npassphrase_file = '/p'";
        let from_file = config(&[], file).unwrap();
        assert_eq!(from_file.seal, Seal::PassphraseFile("/p".into()));
        assert_eq!(from_file.settings.default_region().as_str(), "on-prem-1");
        let flags = ["--listen", "[::1]:2", "--seal-key-file", "/k", "--region", "r-1,r-2"];
        let from_flags = config(&flags, file).unwrap();
        assert_eq!(from_flags.listen.to_string(), "[::1]:2");
        assert_eq!(from_flags.seal, Seal::KeyFile("/k".into()));
        assert!(from_flags.settings.region("r-2").is_some() && from_flags.settings.region("on-prem-1").is_none());
    }

    #[test]
    fn refuses_the_unknown_and_the_unsafe() {
        assert!(config(&[], "lissten = '127.0.0.1:1'").unwrap_err().to_string().contains("lissten"));
        assert!(config(&[], "[seal]\nkey_file = '/k'\npassphrase_file = '/p'").is_err());
        let both = ["--listen", "0.0.0.0:1", "--insecure-test-mode"];
        assert!(config(&both, "").unwrap_err().to_string().contains("loopback"));
        assert!(config(&[], "[tls]\nkey_file = '/k'").unwrap_err().to_string().contains("certificate"));
        assert!(config(&["--tls", "--tls-name", "a b"], "").unwrap_err().to_string().contains("a b"));
    }

    #[test]
    fn there_is_always_tls_off_loopback() {
        let names = |names: &[&str]| {
            Tls::Own(HostNames::new(&names.iter().copied().map(str::to_owned).collect::<Vec<_>>()).unwrap())
        };
        let tls = |flags: &[&str], file: &str| config(flags, file).unwrap().tls;
        assert_eq!(tls(&[], ""), Tls::Off);
        assert_eq!(tls(&["--tls"], ""), names(&[]));
        assert_eq!(tls(&["--listen", "0.0.0.0:1"], "[tls]\nnames = ['kms.lab']"), names(&["kms.lab"]));
        assert_eq!(tls(&["--listen", "192.0.2.1:1", "--tls-name", "a,b"], ""), names(&["a", "b", "192.0.2.1"]));
        let files = Tls::Files { certificate: "/c".into(), private_key: "/k".into() };
        assert_eq!(tls(&[], "[tls]\ncertificate_file = '/c'\nkey_file = '/k'"), files);
        assert_eq!(tls(&["--tls-certificate-file", "/c", "--tls-key-file", "/k"], "[tls]\nenabled = true"), files);
    }

    #[test]
    fn quotas_stay_below_their_ceilings() {
        let limit = |file: &str| config(&[], file).map(|config| config.settings.limits.grants_per_key_max);
        assert_eq!(limit("").unwrap(), 50_000);
        assert_eq!(limit("[limits]\ngrants_per_key_max = 3").unwrap(), 3);
        assert!(limit("[limits]\ngrants_per_key_max = 50001").unwrap_err().to_string().contains("50000"));
        assert!(limit("[limits]\ngrants_max = 1").unwrap_err().to_string().contains("grants_max"));
        assert!(limit("[request_quotas.per_second]\nCreateKey = 1").is_ok());
        assert!(limit("[request_quotas.per_second]\nCreateKy = 1").unwrap_err().to_string().contains("CreateKy"));
        assert!(limit("[request_quotas.accounts.444455556666]\nsymmetric = 0").is_err());
    }

    #[test]
    fn proxies_are_given_a_bounded_time_and_known_addresses() {
        let file = "[custom_key_stores]\nxks_timeout_ms = 900\n\
                    [custom_key_stores.xks_addresses]\n'XKS.example.org' = '10.0.0.1:8443'";
        let xks = config(&[], file).unwrap().xks;
        assert_eq!(xks.timeout, Duration::from_millis(900));
        assert_eq!(xks.addresses["xks.example.org"], "10.0.0.1:8443".parse().unwrap());
        assert_eq!(config(&[], "").unwrap().xks.timeout, TIMEOUT_DEFAULT);
        for wrong in
            ["xks_timeout_ms = 0", "xks_timeout_ms = 10001", "xks_ca_file = '/no/such/file'", "xks_insecure = 1"]
        {
            assert!(config(&[], &format!("[custom_key_stores]\n{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_trust_root_is_read_at_the_start_or_there_is_no_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("root.pem");
        let root = || config(&[], &format!("[recipient]\ntrust_root = '{}'", path.display()));
        assert!(root().unwrap_err().to_string().contains("root.pem"));
        fs::write(&path, "no certificate").unwrap();
        assert!(root().unwrap_err().to_string().contains("there is no certificate"));
        fs::write(&path, "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----").unwrap();
        assert!(root().unwrap().settings.trust_root.is_some());
        assert!(config(&[], "").unwrap().settings.trust_root.is_none());
    }

    #[test]
    fn decisions_of_denied_calls_are_kept_unless_all_are_wanted() {
        let kept = |file: &str| config(&[], file).map(|config| config.settings.keeps_allowed_decisions);
        assert!(!kept("").unwrap() && !kept("[decisions]\nkeep = 'denied'").unwrap());
        assert!(kept("[decisions]\nkeep = 'all'").unwrap());
        assert!(kept("[decisions]\nkeep = 'none'").is_err());
    }

    #[test]
    fn the_annotated_example_is_the_default() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/kanuki.toml");
        let example = config(&[], &fs::read_to_string(path).unwrap()).unwrap();
        let default = config(&[], "").unwrap();
        assert_eq!(example.listen, default.listen);
        assert_eq!(example.tls, default.tls);
        assert_eq!(example.settings.home_account, default.settings.home_account);
        assert_eq!(example.settings.default_region(), default.settings.default_region());
        assert_eq!(example.settings.limits, default.settings.limits);
        assert!(example.settings.request_quotas.is_default());
    }
}
