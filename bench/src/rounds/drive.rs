//! One round: connections that ask, one request under way on each, while clocks are read at both ends.
//!
//! Not here: which server it is. Invariants: only answers that were verified, and that came between the two readings of
//! the clocks, are counted; a round has one length whatever the server's speed.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::timeout};

use super::OTHERS_SHARE_MAX;
use crate::{
    cpu::CpuClock,
    failure::Failure,
    http_client::{Answer, Connection},
    statistics::percentile,
    workload::Workload,
};

/// What was measured in a round.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    /// Verified answers.
    pub(crate) answers: usize,
    /// Length of the round.
    pub(crate) seconds: f64,
    /// CPU seconds of each measured process.
    pub(crate) cpu_seconds: Vec<f64>,
    /// Latency that half of the answers kept.
    pub(crate) p50_micros: f64,
    /// Latency that 99 of 100 answers kept.
    pub(crate) p99_micros: f64,
    /// What other processes took of the machine.
    pub(crate) others_share: f64,
    /// How busy the generator was, as a share of one core.
    pub(crate) generator_share: f64,
}

impl Round {
    /// Verified answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// CPU time of all measured processes for one answer.
    pub(crate) fn cpu_micros_per_answer(&self) -> f64 {
        self.cpu_seconds.iter().sum::<f64>() * 1e6 / self.answers as f64
    }

    /// CPU time of one measured process for one answer; 0 if there is no such process.
    pub(crate) fn cpu_micros_of(&self, process: usize) -> f64 {
        self.cpu_seconds.get(process).copied().unwrap_or_default() * 1e6 / self.answers as f64
    }

    /// Whether others took little enough.
    pub(crate) fn is_quiet(&self) -> bool {
        self.others_share <= OTHERS_SHARE_MAX
    }
}

/// What the connections share.
#[derive(Debug)]
pub(super) struct Load {
    workload: Arc<Workload>,
    requests: Vec<Vec<u8>>,
    /// The one right answer, if there is one.
    fixed: Option<Arc<[u8]>>,
    stage: AtomicU8,
}

impl Load {
    /// Signed requests, and the one answer that a bare server gives to all of them.
    pub(super) fn new(workload: Arc<Workload>, requests: Vec<Vec<u8>>, fixed: Option<Arc<[u8]>>) -> Self {
        Self { workload, requests, fixed, stage: AtomicU8::new(WARMING_UP) }
    }

    fn stage(&self) -> u8 {
        self.stage.load(Ordering::Acquire)
    }

    fn enter(&self, stage: u8) {
        self.stage.store(stage, Ordering::Release);
    }

    /// The bare server's answers are read as the real ones are, so that the generator costs the same: as answers to the
    /// call that the fixed answer was given to.
    fn verify(&self, number: usize, answer: Answer<'_>) -> Result<(), Failure> {
        match &self.fixed {
            None => self.workload.verify(number, answer),
            Some(fixed) if answer.body == &**fixed => self.workload.verify(0, answer),
            Some(_) => Err(Failure::new("the bare server gave another answer than its own")),
        }
    }
}

/// Numbers and bodies of answers that are looked at more closely afterwards.
pub(super) type Samples = Vec<(usize, Vec<u8>)>;

/// Drives a server for a while; what others took is left for the caller to fill in.
///
/// # Errors
/// If an answer was wrong or none came.
pub(super) async fn round(
    load: &Arc<Load>,
    address: SocketAddr,
    connections: usize,
    clocks: &[CpuClock],
    length: Duration,
) -> Result<(Round, Samples), Failure> {
    let generator = CpuClock::of(std::process::id())?;
    let mut tasks = JoinSet::new();
    for number in 0..connections {
        let connection = Connection::open(address).await?;
        tasks.spawn(ask(Arc::clone(load), connection, number, connections));
    }
    tokio::time::sleep(WARM_UP).await;
    let (before, generator_before) = (read(clocks)?, generator.now()?);
    let begin = Instant::now();
    load.enter(MEASURING);
    tokio::time::sleep(length).await;
    load.enter(OVER);
    let seconds = begin.elapsed().as_secs_f64();
    let (after, generator_after) = (read(clocks)?, generator.now()?);
    let (mut nanos, mut samples) = (Vec::new(), Vec::new());
    while let Some(ended) = timeout(ANSWER_TIME_MAX, tasks.join_next()).await.transpose() {
        let ended = ended.map_err(|_| Failure::new("an answer did not come in time"))?;
        let seen = ended.map_err(|error| Failure::new(error.to_string()))??;
        nanos.extend(seen.nanos);
        samples.extend(seen.samples);
    }
    if nanos.is_empty() {
        return Err(Failure::new("no answer came in a whole round"));
    }
    nanos.sort_unstable();
    samples.truncate(SAMPLES_MAX);
    let used = before.iter().zip(&after).map(|(before, after)| after.saturating_sub(*before).as_secs_f64());
    let round = Round {
        answers: nanos.len(),
        seconds,
        cpu_seconds: used.collect(),
        p50_micros: f64::from(percentile(&nanos, 50)) / 1000.0,
        p99_micros: f64::from(percentile(&nanos, 99)) / 1000.0,
        others_share: 0.0,
        generator_share: generator_after.saturating_sub(generator_before).as_secs_f64() / seconds,
    };
    Ok((round, samples))
}

fn read(clocks: &[CpuClock]) -> Result<Vec<Duration>, Failure> {
    clocks.iter().map(|clock| clock.now()).collect()
}

/// What one connection saw.
#[derive(Debug, Default)]
struct Seen {
    nanos: Vec<u32>,
    samples: Samples,
}

/// Asks until the round is over. The first wrong answer ends it.
async fn ask(load: Arc<Load>, mut connection: Connection, first: usize, step: usize) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    // Each connection begins elsewhere, so that no two ask the same at once.
    let mut number = first * (load.requests.len() / step.max(1)).max(1);
    while load.stage() != OVER {
        number = (number + 1) % load.requests.len().max(1);
        let request = load.requests.get(number).map(Vec::as_slice).unwrap_or_default();
        let begin = Instant::now();
        let answer = connection.exchange(request).await?;
        let took = begin.elapsed();
        load.verify(number, answer)?;
        if load.stage() == MEASURING {
            if load.fixed.is_none() && seen.nanos.len().is_multiple_of(SAMPLE_EVERY) && seen.samples.len() < SAMPLES_MAX
            {
                seen.samples.push((number, answer.body.to_vec()));
            }
            seen.nanos.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        }
    }
    Ok(seen)
}

const WARMING_UP: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;
/// Load before the clocks are read.
const WARM_UP: Duration = Duration::from_millis(200);
/// Longest wait for the last answers.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Every so many answers of a connection, one is decrypted afterwards.
const SAMPLE_EVERY: usize = 500;
/// Most answers of a round that are decrypted afterwards.
const SAMPLES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::workload::Operation;

    /// A round of 50 ms over two connections against a server that gives `right` to the first so many requests of each
    /// connection and `later` from then on.
    async fn play(fixed: Option<&str>, right: usize, later: &str) -> Result<(Round, Samples), Failure> {
        let workload = Workload::of_one_call(Operation::Decrypt, "arn");
        let write = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let (first, later) = (write(&workload.right_answer()), write(later));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (first, later) = (first.clone(), later.clone());
                tokio::spawn(async move {
                    let mut answered = 0;
                    while stream.read_exact(&mut [0; 3]).await.is_ok() {
                        let answer = if answered < right { &first } else { &later };
                        answered += 1;
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        let fixed = fixed.map(|text| Arc::from(text.as_bytes()));
        let load = Arc::new(Load::new(Arc::new(workload), vec![b"ask".to_vec()], fixed));
        round(&load, address, 2, &[CpuClock::of(std::process::id())?], Duration::from_millis(50)).await
    }

    #[tokio::test]
    async fn counts_what_was_verified() {
        let (round, samples) = play(None, usize::MAX, "").await.unwrap();
        assert!(round.answers > 2 && round.seconds >= 0.05, "{round:?}");
        assert!(round.p50_micros > 0.0 && round.p99_micros >= round.p50_micros, "{round:?}");
        assert!(round.cpu_micros_per_answer() > 0.0, "{round:?}");
        assert!((2..=SAMPLES_MAX).contains(&samples.len()), "each connection samples its first answer");
        let right = Workload::of_one_call(Operation::Decrypt, "arn").right_answer();
        assert!(play(Some(&right), usize::MAX, "").await.unwrap().1.is_empty(), "nothing to decrypt in fixed answers");
    }

    #[tokio::test]
    async fn one_wrong_answer_fails_the_round() {
        let failure =
            play(None, 5, r#"{"KeyId":"arn","Plaintext":"AAAA","EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).await;
        assert!(failure.unwrap_err().to_string().contains("answered wrongly"));
        let right = Workload::of_one_call(Operation::Decrypt, "arn").right_answer();
        assert!(play(Some(&right), 5, "{}").await.unwrap_err().to_string().contains("another answer than its own"));
    }
}
