//! Runs every harness on arbitrary bytes and on damaged samples of what it accepts.
//!
//! Invariant: each sample is accepted as it is, so that no harness ends before it reaches what it is for.

use kanuki_keeper_protocol::{
    Bytes, CiphertextHeader, FrameWriter, HeaderFields, KeyPlace, MaterialPlace, OwnedBytes, Reason, Record, Request,
    Response, SealedMaterialRef, Secret, SecretRef,
};
use kanuki_server::operation::Service;
use kanuki_types::{KeySpec, MaterialId, Region, SecretBytes};
use proptest::{collection::vec, prelude::*};

use super::*;

/// One damage of a sample.
#[derive(Debug, Clone)]
enum Damage {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (index(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        index().prop_map(Damage::Remove),
        (index(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        index().prop_map(Damage::Cut),
        index().prop_map(Damage::Repeat),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: Vec<Damage>) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match damage {
            Damage::Set(at, byte) => bytes[at.index(length)] = byte,
            Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Damage::Remove(at) => drop(bytes.remove(at.index(length))),
            Damage::Insert(at, new) => drop(bytes.splice(at.index(length)..at.index(length), new)),
            Damage::Cut(at) => bytes.truncate(at.index(length)),
            Damage::Repeat(at) => bytes.extend_from_within(at.index(length)..),
        }
    }
    bytes
}

/// Arbitrary bytes, and samples with up to four damages.
fn input(samples: &[Vec<u8>]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let near = (prop::sample::select(samples.to_vec()), vec(damage(), 0..5));
    prop_oneof![
        1 => vec(any::<u8>(), 0..600),
        3 => near.prop_map(|(sample, damages)| damaged(sample, damages)),
    ]
}

/// The samples are accepted, and nothing breaks the harness.
fn holds(harness: fn(&[u8]) -> bool, samples: &[Vec<u8>]) {
    holds_slowly(1, harness, samples);
}

/// As [`holds`], with a fraction of the usual cases where each of them takes long.
fn holds_slowly(fraction: u32, harness: fn(&[u8]) -> bool, samples: &[Vec<u8>]) {
    for sample in samples {
        assert!(harness(sample), "the sample is not accepted: {:?}", String::from_utf8_lossy(sample));
    }
    let usual = ProptestConfig::default();
    let config = ProptestConfig { cases: usual.cases / fraction, ..usual };
    proptest!(config, |(data in input(samples))| {
        harness(&data);
    });
}

fn texts(samples: &[&str]) -> Vec<Vec<u8>> {
    samples.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn arn() {
    let samples = [
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:us-east-1:111122223333:alias/app/prod",
        "arn:aws:logs:us-east-1:111122223333:log-group:/a:stream",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "alias/aws/s3",
    ];
    holds(fuzz_arn, &texts(&samples));
}

#[test]
fn encryption_context() {
    let samples = [b"".to_vec(), b"\x01\x00a\x02\x00bc\x00\x00\x01\x00d".to_vec(), vec![0x40; 4000]];
    holds(fuzz_encryption_context, &samples);
}

fn frame(messages: &[impl serde::Serialize]) -> Vec<u8> {
    let mut writer = FrameWriter::new();
    for (id, message) in messages.iter().enumerate() {
        writer.push(id as u64, message).unwrap();
    }
    writer.as_bytes().to_vec()
}

#[test]
fn keeper_frame_server() {
    let account = "111122223333".parse().unwrap();
    let key_id = "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap();
    let (region, spec): (Region, _) = ("us-east-1".parse().unwrap(), KeySpec::SymmetricDefault);
    let place = MaterialPlace { account, region: region.clone(), key_id, material_id: MaterialId::new([7; 32]), spec };
    let material = SealedMaterialRef { place, blob: Bytes(&[9; 80]) };
    let samples = [
        frame(&[Request::Hello { version: 1 }, Request::Initialise]),
        frame(&[Request::CreateMaterial { key: KeyPlace { account, region, key_id, spec } }]),
        frame(&[Request::Encrypt { material, plaintext: SecretRef(b"abc"), aad: Bytes(&[0, 0]) }]),
        frame(&[Request::SealRecords { records: vec![Record { place: Bytes(b"place"), body: Bytes(b"body") }; 3] }]),
    ];
    holds(fuzz_keeper_frame_server, &samples);
}

#[test]
fn keeper_frame_client() {
    let secret = || Secret(SecretBytes::new(vec![5; 32]));
    let samples = [
        frame(&[Response::Hello { version: 1 }, Response::Done, Response::Failed]),
        frame(&[Response::BytesAndSecret { bytes: OwnedBytes(vec![1; 20]), secret: secret() }]),
        frame(&[Response::Records(vec![None, Some(OwnedBytes(vec![2; 9]))]), Response::Refused(Reason::TooLarge)]),
    ];
    holds(fuzz_keeper_frame_client, &samples);
}

#[test]
fn ciphertext() {
    let of = |plaintext: usize| {
        let key = CiphertextHeader {
            account: "111122223333".parse().unwrap(),
            key_id: "mrk-1234abcd12ab34cd56ef1234567890ab".parse().unwrap(),
            material_id: MaterialId::new([7; 32]),
        };
        let header = HeaderFields {
            derivation_prefix: &key.derivation_prefix(&[1; 16]),
            gcm_nonce: &[2; 12],
            commitment: &[3; 32],
            plaintext_length: plaintext.try_into().unwrap(),
        };
        [header.to_bytes().as_slice(), &vec![4; plaintext + 16]].concat()
    };
    holds(fuzz_ciphertext, &[of(0), of(32), of(4096)]);
}

#[test]
fn sealed_blob() {
    holds(fuzz_sealed_blob, &[Vec::new(), vec![0; 300]]);
}

#[test]
fn trail_verify() {
    holds_slowly(
        8,
        fuzz_trail_verify,
        &[Vec::new(), vec![0; 64], vec![0xff, 0, 0, 0], vec![0x10, 0x27, 0, 0, 0, 0, 0]],
    );
}

#[test]
fn policy_parse() {
    let samples = [
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#,
        r#"{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [{"Sid": "Root", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}, {"Effect": "Deny",
            "NotPrincipal": {"AWS": ["arn:aws:iam::111122223333:role/Admin"]}, "NotAction": ["kms:Describe*"],
            "Resource": "*", "Condition": {"StringNotEquals": {"kms:EncryptionContext:app": ["a", "${aws:username}"]},
            "NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "300"}, "Bool": {"aws:SecureTransport": "false"}}}]}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},
            "Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]},
            "DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"},
            "ForAllValues:StringLike":{"aws:TagKeys":["team*"]}}}]}"#,
    ];
    holds(fuzz_policy_parse, &texts(&samples));
}

#[test]
fn http_body() {
    let of = |service_operation: &str, body: &str| {
        let of_kms = kanuki_server::operations::descriptors().filter(|it| it.service == Service::Kms);
        let names: Vec<&str> = of_kms.map(|it| it.name).collect();
        let choice = names.iter().position(|name| *name == service_operation).unwrap();
        [&[u8::try_from(choice).unwrap()], body.as_bytes()].concat()
    };
    let form = |body: &str| [&[0xff], body.as_bytes()].concat();
    let samples = [
        of("Encrypt", r#"{"KeyId":"alias/app","Plaintext":"aGVsbG8=","EncryptionContext":{"a":"1","b":"\u00e9"}}"#),
        of("CreateKey", r#"{"Description":"x","Tags":[{"TagKey":"team","TagValue":"a"}],"MultiRegion":false}"#),
        of("GenerateDataKey", r#"{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab","KeySpec":"AES_256"}"#),
        of("ListAliases", r#"{"Limit":50,"Marker":null}"#),
        form("Action=GetCallerIdentity&Version=2011-06-15"),
        form(
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2FAdmin&\
             RoleSessionName=bob&Tags.member.1.Key=team&Tags.member.1.Value=a&DurationSeconds=900",
        ),
    ];
    holds(fuzz_http_body, &samples);
}

#[test]
fn query_body() {
    let names: Vec<&str> =
        kanuki_server::operations::descriptors().filter(|it| it.service != Service::Kms).map(|it| it.name).collect();
    let of = |operation: &str, members: &str| {
        let choice = names.iter().position(|name| *name == operation).unwrap();
        [&u16::try_from(choice).unwrap().to_le_bytes(), members.as_bytes()].concat()
    };
    let samples = [
        of("GetUser", ""),
        of("CreateUser", "UserName=a&Path=%2Fx%2F&Tags.member.1.Key=k&Tags.member.1.Value=v"),
        of("PutUserPolicy", "UserName=a&PolicyName=p&PolicyDocument=%7B%7D"),
        of(
            "EnableMFADevice",
            "UserName=a&SerialNumber=arn%3Aaws%3Aiam&AuthenticationCode1=123456&AuthenticationCode2=654321",
        ),
        of("AssumeRole", "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fa&RoleSessionName=s1&TokenCode=123456"),
        of(
            "AssumeRoleWithWebIdentity",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa&RoleSessionName=s1&WebIdentityToken=a.b.c",
        ),
        of("ListUsers", "MaxItems=5&PathPrefix=%2F"),
    ];
    holds(fuzz_query_body, &samples);
}

#[test]
fn web_token() {
    let samples = [
        "{\"alg\":\"RS256\",\"kid\":\"k1\"}\n{\"iss\":\"https://idp.example.com\",\"sub\":\"me\",\"aud\":\"client\",\"exp\":2000,\
         \"iat\":1000}",
        "{\"alg\":\"ES384\",\"kid\":\"k1\"}\n{\"iss\":\"i\",\"sub\":\"me\",\"aud\":[\"x\",\"client\"],\"exp\":2000,\"iat\":1000,\
         \"amr\":[\"pwd\"],\"https://aws.amazon.com/tags\":{\"principal_tags\":{\"Team\":[\"blue\"]},\
         \"transitive_tag_keys\":[\"Team\"]},\"https://aws.amazon.com/source_identity\":\"ann\"}\nsignature",
    ];
    holds(fuzz_web_token, &texts(&samples));
}

#[test]
fn key_set() {
    let samples = [
        r#"{"keys":[{"kty":"RSA","kid":"r","use":"sig","alg":"RS256","n":"AAEC","e":"AQAB"}]}"#,
        r#"{"keys":[{"kty":"EC","kid":"e","crv":"P-256","x":"AQ","y":"Ag"},{"kty":"oct","kid":"o","k":"AQ"}]}"#,
    ];
    holds(fuzz_key_set, &texts(&samples));
}

/// A map of CBOR: the number of members in its head, then texts and what stands for them.
#[test]
fn attestation() {
    let text = |text: &str| [&[0x60 + u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let bytes = |length: u8| [&[0x58, length], &vec![7; usize::from(length)][..]].concat();
    let payload = [
        vec![0xa6],
        text("digest"),
        text("SHA384"),
        text("timestamp"),
        vec![0x1a, 0x60, 0, 0, 0],
        text("module_id"),
        text("i-1"),
        text("pcrs"),
        [vec![0xa1, 0x00], bytes(48)].concat(),
        text("certificate"),
        bytes(40),
        text("cabundle"),
        [vec![0x81], bytes(40)].concat(),
    ]
    .concat();
    holds(fuzz_attestation, &[payload]);
}

#[test]
fn policy_findings() {
    let samples = [
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}}"#,
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"AWS":"111122223333"},
            "Action":["kms:Decrypt","kms:decrypt","kms:*"],"Resource":"*","Condition":{"StringEquals":{"aws:TagKeys":"a"},
            "ForAllValues:StringEquals":{"aws:username":"b"},"IpAddress":{"aws:SourceIp":"10.0.0.1/8"}}}]}"#,
    ];
    holds_slowly(4, fuzz_policy_findings, &texts(&samples));
}

#[test]
fn sigv4_header() {
    let samples = [
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20150830/us-east-1/kms/aws4_request, \
         SignedHeaders=host;x-amz-date;x-amz-target, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        "\nX-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20150830%2Fus-east-1%2Fkms%2F\
         aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=5d672d79",
    ];
    holds(fuzz_sigv4_header, &texts(&samples));
}
