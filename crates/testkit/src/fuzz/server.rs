//! Harnesses for what the server reads of a request before it knows who sent it.
//!
//! Not here: HTTP itself, which a library reads.

use kanuki_server::{
    authn::Presented,
    error::ApiError,
    http::Incoming,
    operation::Service,
    operations::{descriptors, read_as_each, read_as_meant},
    wire::{Call, Dialect, recognise, render_error},
};

/// Bodies of every protocol: the first byte chooses target header or form, the rest is the body. Whatever it is, it can
/// be refused in the form its client expects, and never by a failure of the server. Each operation of every service of
/// the protocol reads its members.
pub fn fuzz_http_body(data: &[u8]) -> bool {
    let (choice, body) = data.split_first().map_or((0, data), |(choice, body)| (*choice, body));
    let mut incoming = Incoming { body: body.to_vec().into(), ..Incoming::default() };
    let target = descriptors().filter(|it| it.service == Service::Kms).nth(usize::from(choice));
    if let Some(target) = target {
        incoming.headers.push(("x-amz-target".into(), format!("TrentService.{}", target.name)));
    }
    let call = recognise(&incoming);
    assert_eq!(call.dialect, if target.is_some() { Dialect::Json } else { Dialect::Query }, "the header decides");
    let services = Service::ALL.iter().filter(|service| (**service == Service::Kms) == target.is_some());
    let mut was_read = false;
    for result in services.flat_map(|service| read_as_each(*service, &call, &incoming)) {
        match result {
            Ok(()) => was_read = true,
            Err(error) => is_refusal(&call, &error),
        }
    }
    was_read
}

/// Forms: the first two bytes choose an operation of the services that take forms, from their tables; the rest are its
/// members. The operation is the one that is meant, and reads the members or refuses them.
pub fn fuzz_query_body(data: &[u8]) -> bool {
    let Some((choice, members)) = data.split_first_chunk::<2>() else { return false };
    let forms: Vec<_> = descriptors().filter(|it| it.service != Service::Kms).collect();
    let Some(meant) = forms.get(usize::from(u16::from_le_bytes(*choice)) % forms.len()) else { return false };
    let version = if meant.service == Service::Iam { "2010-05-08" } else { "2011-06-15" };
    let head = format!("Action={}&Version={version}&", meant.name);
    let body = [head.as_bytes(), members].concat();
    let incoming = Incoming { body: body.into(), ..Incoming::default() };
    let call = recognise(&incoming);
    assert_eq!((call.service, call.operation.as_str()), (meant.service, meant.name), "what comes first is meant");
    let result = read_as_meant(&call, &incoming);
    assert!(result.is_some(), "an operation of the table is not found: {}", meant.name);
    if let Some(Err(error)) = &result {
        is_refusal(&call, error);
    }
    result.is_some_and(|result| result.is_ok())
}

/// Headers and queries that claim a signature: the first line is the header `Authorization`, the second the query.
pub fn fuzz_sigv4_header(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else { return false };
    let mut lines = text.split('\n');
    let (header, query) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let mut incoming = Incoming { query: query.into(), ..Incoming::default() };
    incoming.headers.push(("x-amz-date".into(), lines.next().unwrap_or(DATE).into()));
    if !header.is_empty() {
        incoming.headers.push(("authorization".into(), header.into()));
    }
    let call = recognise(&incoming);
    let presented = match Presented::read(&incoming, call.dialect) {
        Ok(presented) => presented,
        Err(error) => {
            is_refusal(&call, &error);
            return false;
        }
    };
    assert_eq!(presented.in_query, header.is_empty(), "one place has the signature, never both");
    let signs_host = presented.signed_headers.iter().any(|name| name == "host" || name == ":authority");
    assert!(signs_host, "a signature that leaves the host out was read");
    assert!(presented.signed_headers.len() <= SIGNED_HEADERS_MAX, "a signature covers headers without end");
    for service in Service::ALL {
        if let Err(error) = presented.check_scope(*service, true) {
            is_refusal(&call, &error);
        }
    }
    true
}

/// The error is the client's and can be written in its protocol, in bounded length.
fn is_refusal(call: &Call, error: &ApiError) {
    let rendered = render_error(call, error, "1234abcd-12ab-34cd-56ef-1234567890ab");
    assert!((400..500).contains(&rendered.status), "input made the server fail: {error:?}");
    assert!(rendered.body.as_ref().len() <= REFUSAL_BYTES_MAX, "a refusal grows with what it refuses");
    let text = str::from_utf8(rendered.body.as_ref());
    assert!(text.is_ok(), "a refusal is text");
    if call.dialect == Dialect::Json {
        let json = serde_json::from_slice::<serde_json::Value>(rendered.body.as_ref());
        let has_type = json.is_ok_and(|json| json.get("__type").is_some_and(serde_json::Value::is_string));
        assert!(has_type, "a refusal names its type");
    }
}

/// Longer than any message with what it may repeat.
const REFUSAL_BYTES_MAX: usize = 1 << 20;

/// As many headers as a request can have.
const SIGNED_HEADERS_MAX: usize = 100;

const DATE: &str = "20150830T123600Z";
