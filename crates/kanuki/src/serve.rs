//! `kanuki serve`: wires the parts together, serves, and stops in order.
//!
//! Not here: any rule. The order of the start: lock the data, start the keeper, unseal, open store and trail, replay
//! what a crash left, make what is missing, listen. The stop goes the other way round.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use kanuki_server::{
    authn::{Authenticator, ProviderKeys},
    custom_key_stores::CustomKeyStores,
    decisions::{AuthorizationMessages, decision_log},
    doors::{Doors, Turns},
    durable_file,
    http::{HttpLimits, Server, SteerableClock},
    identity::{
        Identity,
        bootstrap::{ADMINISTRATOR, ADMINISTRATOR_PROFILE, Makers},
        seed::{self, Seed},
    },
    jobs::{self, AnchorStore},
    keys::Keys,
    operator::{Deliver, Operator, Socket},
    pipeline::Pipeline,
    record::Recorder,
    settings::Settings,
    tls::{Acceptor, Authority, Certificates},
    tokens::{TokenSettings, Tokens},
    xks::XksClient,
};
use kanuki_store::{SqliteEngine, Store};
use kanuki_trail::{Options, Trail};
use kanuki_types::{Clock, Random, Region};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{
    config::{Config, Pkcs11, Seal, Tls},
    data_dir::DataDirectory,
    error::CommandError,
    sealer::KeeperSealer,
    supervise::{Keeper, start_keeper},
};

/// What only the main function can give.
pub(crate) struct Environment {
    /// This very program.
    pub(crate) program: PathBuf,
    /// The time of the world.
    pub(crate) wall_clock: Arc<dyn Clock>,
    /// Ids.
    pub(crate) random: Arc<dyn Random>,
    /// Prints a line for the operator on standard output.
    pub(crate) print: fn(&str),
}

/// Serves until told to stop.
///
/// # Errors
/// If a part cannot be started, or if the keeper ends while the server runs.
pub(crate) async fn serve(config: Config, environment: Environment) -> Result<(), CommandError> {
    let Environment { program, wall_clock, random, print } = environment;
    // From here on a signal is a wish to stop in order, also while parts are still being started.
    let signals = Signals::new().map_err(CommandError::from_error)?;
    let data = DataDirectory::create(&config.data_dir)
        .map_err(|error| CommandError::from_error(error).during(config.data_dir.display()))?;
    check_test_mode(&data, &config.settings)?;
    let engine = SqliteEngine::open(data.path()).map_err(CommandError::from_error)?;
    let Keeper { client: keeper, ended } = unsealed_keeper(&program, &config, &data).await?;
    let store = Store::open(Arc::new(engine), Arc::new(KeeperSealer(keeper.clone()))).await;
    let store = store.map_err(CommandError::from_error)?;
    let steerable = config.settings.insecure_test_mode.then(|| Arc::new(SteerableClock::new(Arc::clone(&wall_clock))));
    let clock: Arc<dyn Clock> = match &steerable {
        Some(steerable) => Arc::clone(steerable) as Arc<dyn Clock>,
        None => Arc::clone(&wall_clock),
    };
    let anchors = Arc::new(AnchorStore::new(&data.trail(), keeper.clone()));
    let trail = open_trail(&data, &anchors).await?;
    let recorder = Recorder::new(trail.clone(), store.clone());
    let replayed = recorder.replay().await.map_err(CommandError::from_error)?;
    if replayed > 0 {
        tracing::warn!(records = replayed, "records of changes that a crash kept from the trail were appended to it");
    }
    recorder.last_usage().recover(&trail, clock.now()).await.map_err(CommandError::from_error)?;
    let identity = Arc::new(Identity::new(store.clone(), keeper.clone()));
    let settings = Arc::new(config.settings);
    let deliver = deliver_to(&data, settings.default_region());
    let makers = Makers { store: &store, keeper: &keeper, random: &*random, now: clock.now(), deliver: &*deliver };
    make_missing(makers, &identity, &settings, config.seed.as_deref()).await?;
    let proxy_clock = Arc::clone(&wall_clock);
    let acceptor = acceptor(config.tls, &data, &store, &*random, &wall_clock).await?;
    let authenticator = Authenticator::new(
        Arc::clone(&identity),
        Arc::clone(&settings),
        keeper.clone(),
        Arc::clone(&clock),
        wall_clock,
        ProviderKeys::new(config.identity_provider_keys, config.identity_provider_fetcher),
    );
    let tokens = Tokens::new(config.pkcs11.map(|pkcs11| {
        let Pkcs11 { module, environment, clusters } = pkcs11;
        TokenSettings { program, module, environment, clusters }
    }));
    let operator_store = store.clone();
    let proxies = XksClient::new(config.xks, keeper.clone(), proxy_clock).map_err(CommandError::from_error)?;
    let custom_key_stores = Arc::new(CustomKeyStores::new(store.clone(), keeper.clone(), proxies, tokens));
    let keys = Keys::new(store, keeper.clone(), Arc::clone(&custom_key_stores));
    let last_usage = Arc::clone(recorder.last_usage());
    let messages = AuthorizationMessages::new(keeper.clone());
    let simulations = Turns::default();
    let doors = Doors { keys, custom_key_stores, identity, last_usage, messages, settings, clock, random, simulations };
    let (decisions, decision_writer) = decision_log(operator_store.clone(), doors.settings.keeps_allowed_decisions);
    let pipeline = Arc::new(Pipeline::new(authenticator, doors, recorder, decisions));
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| CommandError::from_error(error).during(format!("cannot listen on {}", config.listen)))?;
    let address = reachable_here(listener.local_addr().map_err(CommandError::from_error)?);
    let endpoint = format!("{}://{address}", if acceptor.is_some() { "https" } else { "http" });
    let server = Server::new(Arc::clone(&pipeline), HttpLimits::default(), acceptor, steerable);
    let (stopping, stopped) = watch::channel(false);
    let operator = Operator::new(Arc::clone(&pipeline), operator_store, keeper.clone(), deliver);
    let socket =
        Socket::open(data.path()).map_err(|error| CommandError::from_error(error).during("operator socket"))?;
    let door = tokio::spawn(socket.serve(Arc::new(operator), told_to_stop(stopped.clone())));
    let decisions = tokio::spawn(decision_writer.run(stopped.clone()));
    let jobs = tokio::spawn(jobs::run(Arc::clone(&pipeline), anchors, stopped));
    greet(&endpoint, &data, &config.seal, print);
    // Last, because whoever waits for the server waits for this file.
    durable_file::replace(&data.endpoint(), endpoint.as_bytes()).map_err(CommandError::from_error)?;
    let result = until_told(&server, listener, signals, ended).await;
    let _ = stopping.send(true);
    if let Err(error) = door.await {
        tracing::error!(%error, "the operator's socket did not end in order");
    }
    if let Err(error) = decisions.await {
        tracing::error!(%error, "the last decisions were not kept");
    }
    if let Err(error) = jobs.await {
        tracing::error!(%error, "the jobs did not end in order");
    }
    if let Err(error) = trail.close() {
        tracing::error!(%error, "the trail could not be closed in order");
    }
    if let Err(error) = keeper.drain().await {
        tracing::warn!(%error, "the keeper did not drain");
    }
    result
}

/// What encrypts connections, if they are. The authority's certificate is laid down for clients; a file that an earlier
/// start laid down must not outlive what it stands for.
async fn acceptor(
    tls: Tls,
    data: &DataDirectory,
    store: &Store,
    random: &dyn Random,
    wall_clock: &Arc<dyn Clock>,
) -> Result<Option<Acceptor>, CommandError> {
    let path = data.authority();
    let certificates = match tls {
        Tls::Own(names) => {
            let authority = Authority::open(store, random, wall_clock.now()).await;
            let authority =
                authority.map_err(|error| CommandError::from_error(error).during("certificate authority"))?;
            durable_file::replace(&path, authority.certificate().as_bytes()).map_err(CommandError::from_error)?;
            Certificates::from_authority(authority, names, Arc::clone(wall_clock))
        }
        Tls::Off | Tls::Files { .. } => {
            durable_file::remove(&path).map_err(CommandError::from_error)?;
            let Tls::Files { certificate, private_key } = tls else { return Ok(None) };
            Certificates::from_files(certificate, private_key, Arc::clone(wall_clock))
        }
    };
    certificates.map(|certificates| Some(Acceptor::new(certificates))).map_err(CommandError::from_error)
}

/// Where a client on this machine reaches the server: an address that stands for all of them can be listened on only.
fn reachable_here(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// Puts new credentials into the file of the data directory.
fn deliver_to(data: &DataDirectory, region: &Region) -> Deliver {
    let (data, region) = (data.clone(), region.clone());
    Box::new(move |profile, key| data.add_profile(profile, region.as_str(), key))
}

/// Resolves when the server is told to stop; a sender that is gone is the server itself.
async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// The signals that ask for an orderly stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }
}

/// Serves until a signal comes or the keeper ends.
async fn until_told(
    server: &Arc<Server>,
    listener: TcpListener,
    mut signals: Signals,
    mut keeper_ended: tokio::sync::oneshot::Receiver<std::io::Result<std::process::ExitStatus>>,
) -> Result<(), CommandError> {
    let mut result = Ok(());
    let stop = async {
        tokio::select! {
            _ = signals.terminate.recv() => tracing::info!("told to terminate"),
            _ = signals.interrupt.recv() => tracing::info!("interrupted"),
            ended = &mut keeper_ended => {
                let how = match ended {
                    Ok(Ok(status)) => status.to_string(),
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it is not watched any more".into(),
                };
                result = Err(CommandError::new(format!("the keeper has ended ({how}): the server is sealed and stops")));
            }
        }
    };
    server.serve(listener, stop).await;
    result
}

/// Starts the keeper and opens the keyring, or makes one for an empty directory.
async fn unsealed_keeper(program: &Path, config: &Config, data: &DataDirectory) -> Result<Keeper, CommandError> {
    let path = data.keyring();
    let keyring = DataDirectory::read(&path).map_err(|error| CommandError::from_error(error).during(path.display()))?;
    if keyring.is_none() && data.trail().exists() {
        return Err(CommandError::new(format!(
            "{} is missing, but there are data that only it can open: put it back",
            path.display()
        )));
    }
    let test_mode = config.settings.insecure_test_mode;
    let keeper = start_keeper(program, &config.seal, keyring.is_none(), test_mode).await?;
    match keyring {
        Some(keyring) => keeper.client.unseal(keyring).await.map_err(|error| {
            CommandError::from_error(error)
                .during("the keyring cannot be opened: is it the right key file or passphrase?")
        })?,
        None => {
            let keyring = keeper.client.initialise().await.map_err(CommandError::from_error)?;
            durable_file::replace(&path, &keyring).map_err(CommandError::from_error)?;
        }
    }
    Ok(keeper)
}

async fn open_trail(data: &DataDirectory, anchors: &AnchorStore) -> Result<Trail, CommandError> {
    let anchor = anchors.load().await.map_err(CommandError::from_error)?;
    let opened = Trail::open(&data.trail(), Options::default(), anchor.as_ref());
    let (trail, recovery) = opened.map_err(|error| {
        CommandError::from_error(error).during("the audit trail is not what it was (`kanuki trail verify` says more)")
    })?;
    if let Some(bytes) = recovery.torn_tail_bytes {
        tracing::warn!(bytes, "an unfinished write at the end of the trail was moved aside");
    }
    Ok(trail)
}

async fn make_missing(
    makers: Makers<'_>,
    identity: &Identity,
    settings: &Settings,
    seed_file: Option<&Path>,
) -> Result<(), CommandError> {
    makers.home(settings.home_account).await.map_err(CommandError::from_error)?;
    let Some(path) = seed_file else { return Ok(()) };
    let wrong = |error: &dyn std::fmt::Display| CommandError::new(format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let seed: Seed = toml::from_str(&text).map_err(|error| wrong(&error))?;
    if seed.has_insecure_parts() && !settings.insecure_test_mode {
        return Err(CommandError::new("the seed fixes key material, which needs --insecure-test-mode"));
    }
    seed::apply(&seed, settings.home_account, makers, identity).await.map_err(CommandError::from_error)
}

/// A directory whose time was steered must never be served as if it had not been, nor the other way round.
fn check_test_mode(data: &DataDirectory, settings: &Settings) -> Result<(), CommandError> {
    let mark = data.test_mode_mark();
    match (settings.insecure_test_mode, mark.exists(), data.keyring().exists()) {
        (true, false, true) => Err(CommandError::new("the insecure test mode needs a data directory of its own")),
        (false, true, _) => Err(CommandError::new("this data directory is one of the insecure test mode")),
        (true, false, false) => durable_file::replace(&mark, b"").map_err(CommandError::from_error),
        _ => Ok(()),
    }
}

fn greet(endpoint: &str, data: &DataDirectory, seal: &Seal, print: fn(&str)) {
    let directory = data.path().display();
    let seal = match seal {
        Seal::KeyFile(path) => {
            format!("the key file {} (whoever has it and this directory has the keys)", path.display())
        }
        Seal::PassphraseFile(path) => format!("the passphrase in {}", path.display()),
    };
    print(&format!("Kanuki serves {endpoint}"));
    print(&format!("  data         {directory}"));
    if data.authority().exists() {
        print(&format!("  trust        {} (clients need it: AWS_CA_BUNDLE)", data.authority().display()));
    }
    print(&format!("  sealed by    {seal}"));
    print(&format!(
        "  credentials  {} (profile {ADMINISTRATOR_PROFILE}: {ADMINISTRATOR})",
        data.credentials().display()
    ));
    print("Try, in another shell:");
    print(&format!("  eval \"$(kanuki env --data-dir {directory})\""));
    print("  aws kms create-key --description first");
    print("  aws kms list-keys");
}
