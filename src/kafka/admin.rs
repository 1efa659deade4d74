//! Topics: creation, existence, partitions and configuration. Blocking, for start-up and `caz check`.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, error::KafkaError as RdKafkaError};

use super::client::ConfigError;
use super::oauthbearer::TokenSource;
use super::producer::AUTO_CREATE;
use super::reach::Knock;
use super::{ClientProperties, ErrorCode, KafkaError, Right, Watermarks, sasl};

/// What asking for a topic is for; the right implies Describe.
const READ: &str = "Read";

/// What the brokers say of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// Its partitions, ascending.
    pub partitions: Vec<i32>,
}

/// A client for topics.
pub struct Admin {
    client: AdminClient<TracedContext>,
    tokens: Option<TokenSource>,
    /// Until the brokers have let it in.
    knock: RefCell<Option<Knock>>,
    timeout: Duration,
}

impl Admin {
    /// Makes the client. `timeout` bounds each of its calls.
    ///
    /// # Errors
    /// Every wrong property.
    pub fn new(properties: &ClientProperties, timeout: Duration) -> Result<Self, ConfigError> {
        // rust-rdkafka stops at the first wrong property and quotes its value, so they are tried here first.
        let mut properties = properties.clone();
        properties.set_default(AUTO_CREATE, "false");
        let knock = Knock::new(&properties)?;
        let tokens = TokenSource::take(&mut properties, &mut Vec::new());
        let mut config = ClientConfig::new();
        for (name, value) in properties.iter() {
            config.set(name, value);
        }
        let client = AdminClient::from_config_and_context(&config, TracedContext)
            .map_err(|error| ConfigError::general(properties.redact(&error.to_string())))?;
        Ok(Self { client, tokens, knock: RefCell::new(Some(knock)), timeout })
    }

    /// The client, once the brokers have let one like it in: before that every call would only say that nobody answers.
    ///
    /// # Errors
    /// What the brokers, or TLS, have against it.
    fn client(&self) -> Result<&AdminClient<TracedContext>, KafkaError> {
        if let Some(knock) = &*self.knock.borrow() {
            knock.wait(self.timeout)?;
        }
        self.knock.take();
        if let Some(tokens) = &self.tokens {
            // rust-rdkafka's client does not ask for tokens.
            let token = tokens.due(self.timeout).map_err(|why| KafkaError::with_reason("get a token", ErrorCode::AUTHENTICATION, why))?;
            if let Some(token) = token {
                // SAFETY: a live handle.
                unsafe { sasl::hand_over(self.client.inner().native_ptr(), &token, &tokens.extensions) }?;
            }
        }
        Ok(&self.client)
    }

    /// Creates a topic. `false` when it exists already, whatever its partitions.
    ///
    /// `replication` of `None` takes the broker's default; `config` are topic properties.
    pub fn create_topic(&self, name: &str, partitions: i32, replication: Option<i32>, config: &[(&str, &str)]) -> Result<bool, KafkaError> {
        const OPERATION: &str = "create the topic";
        let topic = NewTopic {
            name,
            num_partitions: partitions,
            replication: TopicReplication::Fixed(replication.unwrap_or(-1)),
            config: config.to_vec(),
        };
        let options = self.options().operation_timeout(Some(self.timeout));
        let results = block_on(self.client()?.create_topics([&topic], &options)).map_err(|e| failure(OPERATION, &e))?;
        match results.into_iter().next() {
            Some(Ok(_)) => Ok(true),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) => Err(KafkaError::from_code(OPERATION, ErrorCode(code as i32))),
            None => Err(KafkaError::refused(OPERATION, "the broker gave no answer for it")),
        }
    }

    /// The topic's partitions, or `None` when it does not exist. Does not create it.
    pub fn describe_topic(&self, name: &str) -> Result<Option<TopicDescription>, KafkaError> {
        const OPERATION: &str = "describe the topic";
        let metadata = self.client()?.inner().fetch_metadata(Some(name), self.timeout);
        let metadata = metadata.map_err(|error| failure(OPERATION, &error))?;
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            return Ok(None);
        };
        match topic.error().map(|error| ErrorCode(error as i32)) {
            Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => return Ok(None),
            Some(code) => return Err(denied(KafkaError::from_code(OPERATION, code), READ, name)),
            None => {}
        }
        let mut partitions: Vec<i32> = topic.partitions().iter().map(|partition| partition.id()).collect();
        partitions.sort_unstable();
        Ok(Some(TopicDescription { name: name.to_owned(), partitions }))
    }

    /// The offsets that a partition holds, asked of its leader.
    pub fn watermarks(&self, topic: &str, partition: i32) -> Result<Watermarks, KafkaError> {
        let watermarks = self.client()?.inner().fetch_watermarks(topic, partition, self.timeout);
        let denied = |error| denied(failure("read the topic's offsets", &error), READ, topic);
        let (low, high) = watermarks.map_err(denied)?;
        Ok(Watermarks { low, high })
    }

    /// One property of a topic's configuration, defaults included. `None` when there is no such topic or property.
    pub fn topic_config(&self, topic: &str, property: &str) -> Result<Option<String>, KafkaError> {
        const OPERATION: &str = "read the topic's configuration";
        let resource = ResourceSpecifier::Topic(topic);
        let results = block_on(self.client()?.describe_configs([&resource], &self.options()));
        let results = results.map_err(|error| failure(OPERATION, &error))?;
        match results.into_iter().next() {
            Some(Ok(resource)) => Ok(resource.get(property).and_then(|entry| entry.value.clone())),
            Some(Err(code)) => Err(denied(KafkaError::from_code(OPERATION, ErrorCode(code as i32)), "DescribeConfigs", topic)),
            None => Ok(None),
        }
    }

    /// The largest record batch the topic takes, bytes: its `max.message.bytes`.
    pub fn max_message_bytes(&self, topic: &str) -> Result<Option<usize>, KafkaError> {
        Ok(self.topic_config(topic, "max.message.bytes")?.and_then(|value| value.parse().ok()))
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.timeout))
    }
}

fn failure(operation: &'static str, error: &RdKafkaError) -> KafkaError {
    let code = match error {
        RdKafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    };
    match code {
        Some(code) => KafkaError::from_code(operation, ErrorCode(code as i32)),
        None => KafkaError::refused(operation, error.to_string()),
    }
}

fn denied(error: KafkaError, operation: &'static str, topic: &str) -> KafkaError {
    error.lacking(|code| (code == ErrorCode::TOPIC_DENIED).then(|| Right::on_topic(operation, topic)))
}

/// Sends rust-rdkafka's logs where ours go.
struct TracedContext;

impl ClientContext for TracedContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        super::client::log_line(level as i32, "", facility, line);
    }

    fn error(&self, error: RdKafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", %error, "{reason}");
    }
}

/// Waits for a future on this thread. The administration client's own thread completes its futures.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
