//! Tests of the audit record: exact JSON, limits.

use kanuki_types::{CallerKind, UniqueId};

use super::*;

const ACCOUNT: &str = "111122223333";

fn user() -> UserIdentity {
    let kind = CallerKind::User { path: "/".into(), name: "A".into(), id: UniqueId::new("AIDAEXAMPLE") };
    let caller = kanuki_types::Caller { account: ACCOUNT.parse().unwrap(), kind };
    UserIdentity::of(&caller, Some("AKIAEXAMPLE".into()), None)
}

fn record() -> AuditRecord {
    AuditRecord {
        user_identity: user(),
        event_time: Timestamp::from_millis(1_747_773_908_999),
        event_source: "kms.amazonaws.com".into(),
        event_name: "Decrypt".into(),
        aws_region: "us-west-2".parse().unwrap(),
        source_ip_address: "192.0.2.1".into(),
        user_agent: Some("aws-cli/2".into()),
        error_code: None,
        error_message: None,
        request_parameters: Some(json!({ "encryptionAlgorithm": "SYMMETRIC_DEFAULT" })),
        response_elements: None,
        additional_event_data: Some(json!({ "keyMaterialId": "aa" })),
        request_id: Some("11111111-2222-4333-8444-555555555555".into()),
        event_id: EventId([0x11; 16]),
        read_only: true,
        resources: Some(vec![Resource {
            account_id: ACCOUNT.parse().unwrap(),
            kind: "AWS::KMS::Key".into(),
            arn: "arn:aws:kms:us-west-2:111122223333:key/k".into(),
        }]),
        event_type: EventType::AwsApiCall,
        management_event: true,
        recipient_account_id: Some(ACCOUNT.parse().unwrap()),
        shared_event_id: None,
        service_event_details: None,
        event_category: EventCategory::Management,
        tls_details: Some(TlsDetails {
            tls_version: "TLSv1.3".into(),
            cipher_suite: "TLS_AES_256_GCM_SHA384".into(),
            client_provided_host_header: "kms.us-west-2.amazonaws.com".into(),
        }),
    }
}

fn text(record: &AuditRecord) -> String {
    String::from_utf8(record.to_bytes().unwrap()).unwrap()
}

fn parsed(record: &AuditRecord) -> Value {
    serde_json::from_slice(&record.to_bytes().unwrap()).unwrap()
}

/// The skeleton of "Logging AWS KMS API calls", members in CloudTrail's order.
#[test]
fn a_call_reads_as_cloudtrail_writes_it() {
    let expected = concat!(
        r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","#,
        r#""arn":"arn:aws:iam::111122223333:user/A","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","#,
        r#""userName":"A"},"eventTime":"2025-05-20T20:45:08Z","eventSource":"kms.amazonaws.com","#,
        r#""eventName":"Decrypt","awsRegion":"us-west-2","sourceIPAddress":"192.0.2.1","userAgent":"aws-cli/2","#,
        r#""requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"responseElements":null,"#,
        r#""additionalEventData":{"keyMaterialId":"aa"},"requestID":"11111111-2222-4333-8444-555555555555","#,
        r#""eventID":"11111111-1111-1111-1111-111111111111","readOnly":true,"#,
        r#""resources":[{"accountId":"111122223333","type":"AWS::KMS::Key","#,
        r#""ARN":"arn:aws:kms:us-west-2:111122223333:key/k"}],"eventType":"AwsApiCall","managementEvent":true,"#,
        r#""recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","#,
        r#""cipherSuite":"TLS_AES_256_GCM_SHA384","clientProvidedHostHeader":"kms.us-west-2.amazonaws.com"}}"#,
    );
    assert_eq!(text(&record()), expected);
}

#[test]
fn a_refused_call_of_nobody_is_written_too() {
    let refused = AuditRecord {
        user_identity: UserIdentity::Unknown { access_key_id: None },
        user_agent: None,
        error_code: Some("IncompleteSignature".into()),
        error_message: Some("no".into()),
        request_parameters: None,
        additional_event_data: None,
        resources: None,
        recipient_account_id: None,
        tls_details: None,
        ..record()
    };
    let expected = concat!(
        r#"{"eventVersion":"1.11","userIdentity":{"type":"Unknown"},"eventTime":"2025-05-20T20:45:08Z","#,
        r#""eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"us-west-2","#,
        r#""sourceIPAddress":"192.0.2.1","errorCode":"IncompleteSignature","errorMessage":"no","#,
        r#""requestParameters":null,"responseElements":null,"requestID":"11111111-2222-4333-8444-555555555555","#,
        r#""eventID":"11111111-1111-1111-1111-111111111111","readOnly":true,"eventType":"AwsApiCall","#,
        r#""managementEvent":true,"eventCategory":"Management"}"#,
    );
    assert_eq!(text(&refused), expected);
}

#[test]
fn a_service_event_has_the_service_as_caller() {
    let event = AuditRecord {
        user_identity: UserIdentity::internal(ACCOUNT.parse().unwrap()),
        source_ip_address: AWS_INTERNAL.into(),
        user_agent: Some(AWS_INTERNAL.into()),
        event_name: "RotateKey".into(),
        event_type: EventType::AwsServiceEvent,
        request_id: None,
        request_parameters: None,
        service_event_details: Some(json!({ "rotationType": "AUTOMATIC" })),
        ..record()
    };
    let value = parsed(&event);
    assert_eq!(value["userIdentity"], json!({ "accountId": ACCOUNT, "invokedBy": "AWS Internal" }));
    assert_eq!(value["eventType"], "AwsServiceEvent");
    assert_eq!(value["serviceEventDetails"]["rotationType"], "AUTOMATIC");
    assert_eq!(value.get("requestID"), None);
    assert_eq!(value["requestParameters"], Value::Null);
}

#[test]
fn identities_read_as_cloudtrail_writes_them() {
    let attributes = SessionAttributes { creation_date: Timestamp::from_seconds(0), mfa_authenticated: false };
    let of = |kind, attributes| {
        let caller = kanuki_types::Caller { account: ACCOUNT.parse().unwrap(), kind };
        serde_json::to_value(UserIdentity::of(&caller, Some("ASIAEXAMPLE".into()), attributes)).unwrap()
    };
    let role = CallerKind::AssumedRole {
        path: "/svc/".into(),
        role: "app".into(),
        id: UniqueId::new("AROAEXAMPLE"),
        session: "s1".into(),
    };
    assert_eq!(
        of(role, Some(attributes)),
        json!({
            "type": "AssumedRole", "principalId": "AROAEXAMPLE:s1",
            "arn": "arn:aws:sts::111122223333:assumed-role/app/s1", "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": "AROAEXAMPLE",
                    "arn": "arn:aws:iam::111122223333:role/svc/app", "accountId": ACCOUNT, "userName": "app"
                },
                "attributes": { "creationDate": "1970-01-01T00:00:00Z", "mfaAuthenticated": "false" }
            }
        })
    );
    assert_eq!(
        of(CallerKind::Root, None),
        json!({
            "type": "Root", "principalId": ACCOUNT, "arn": "arn:aws:iam::111122223333:root", "accountId": ACCOUNT,
            "accessKeyId": "ASIAEXAMPLE"
        })
    );
    let user = CallerKind::User { path: "/".into(), name: "A".into(), id: UniqueId::new("AIDAEXAMPLE") };
    let session = of(user, Some(SessionAttributes { mfa_authenticated: true, ..attributes }));
    assert_eq!(
        session["sessionContext"],
        json!({ "attributes": {
        "creationDate": "1970-01-01T00:00:00Z", "mfaAuthenticated": "true" } })
    );
    let federated = CallerKind::FederatedUser {
        name: "bob".into(),
        user_arn: "arn:aws:iam::111122223333:user/team/A".into(),
        user_id: UniqueId::new("AIDAEXAMPLE"),
    };
    let federated = of(federated, None);
    assert_eq!(federated["principalId"], "111122223333:bob");
    assert_eq!(federated["sessionContext"]["sessionIssuer"]["userName"], "A");
    let service = CallerKind::Service { name: "logs.us-east-1.amazonaws.com".into() };
    assert_eq!(of(service, None), json!({ "type": "AWSService", "invokedBy": "logs.us-east-1.amazonaws.com" }));
    assert_eq!(
        serde_json::to_value(UserIdentity::Unknown { access_key_id: Some("AKIA".into()) }).unwrap(),
        json!({ "type": "Unknown", "accessKeyId": "AKIA" })
    );
}

#[test]
fn texts_are_cut_between_characters() {
    let long = "ä".repeat(5000);
    let value = parsed(&AuditRecord {
        user_identity: UserIdentity::Unknown { access_key_id: Some(long.clone()) },
        user_agent: Some(format!("x{long}").into()),
        error_message: Some(long.clone().into()),
        event_name: long.clone().into(),
        ..record()
    });
    let length = |value: &Value| value.as_str().unwrap().len();
    assert_eq!(length(&value["userAgent"]), USER_AGENT_BYTES_MAX - 1);
    assert_eq!(length(&value["errorMessage"]), ERROR_MESSAGE_BYTES_MAX);
    assert_eq!(length(&value["eventName"]), SHORT_TEXT_BYTES_MAX);
    assert_eq!(length(&value["userIdentity"]["accessKeyId"]), SHORT_TEXT_BYTES_MAX);
}

#[test]
fn big_members_are_replaced_at_their_limits() {
    let of_size = |size: usize| Some(json!({ "k": "x".repeat(size - 8) }));
    let kept = AuditRecord {
        request_parameters: of_size(REQUEST_PARAMETERS_BYTES_MAX),
        response_elements: of_size(RESPONSE_ELEMENTS_BYTES_MAX),
        additional_event_data: of_size(ADDITIONAL_EVENT_DATA_BYTES_MAX),
        ..record()
    };
    let value = parsed(&kept);
    for name in ["requestParameters", "responseElements", "additionalEventData"] {
        assert_eq!(value[name].get("omitted"), None, "{name}");
    }
    let replaced = AuditRecord {
        request_parameters: of_size(REQUEST_PARAMETERS_BYTES_MAX + 1),
        response_elements: of_size(RESPONSE_ELEMENTS_BYTES_MAX + 1),
        additional_event_data: of_size(ADDITIONAL_EVENT_DATA_BYTES_MAX + 1),
        ..record()
    };
    let value = parsed(&replaced);
    for (name, limit) in [
        ("requestParameters", REQUEST_PARAMETERS_BYTES_MAX),
        ("responseElements", RESPONSE_ELEMENTS_BYTES_MAX),
        ("additionalEventData", ADDITIONAL_EVENT_DATA_BYTES_MAX),
    ] {
        let marker = json!({ "omitted": true, "originalSize": limit + 1, "reason": format!("{name} too large") });
        assert_eq!(value[name], marker);
        assert!(serde_json::to_vec(&marker).unwrap().len() <= MARKER_BYTES_MAX);
    }
}

#[test]
fn the_whole_always_fits() {
    let of_size = |size: usize| Some(json!({ "k": "x".repeat(size - 8) }));
    let full = AuditRecord {
        request_parameters: of_size(REQUEST_PARAMETERS_BYTES_MAX),
        response_elements: of_size(RESPONSE_ELEMENTS_BYTES_MAX),
        additional_event_data: of_size(ADDITIONAL_EVENT_DATA_BYTES_MAX),
        service_event_details: of_size(SERVICE_EVENT_DETAILS_BYTES_MAX),
        user_agent: Some("\u{1}".repeat(10_000).into()),
        ..record()
    };
    let bytes = full.to_bytes().unwrap();
    assert!(bytes.len() <= RECORD_BYTES_MAX);
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["additionalEventData"]["omitted"], true);
    assert_eq!(value["serviceEventDetails"]["omitted"], true);
    assert_eq!(value["requestParameters"].get("omitted"), None, "no more is given up than needed");
    let resource = record().resources.unwrap().remove(0);
    let crowded = AuditRecord { resources: Some(vec![resource; 1000]), ..record() };
    assert_eq!(parsed(&crowded)["resources"].as_array().unwrap().len(), RESOURCES_MAX);
    let impossible = AuditRecord {
        user_identity: UserIdentity::AwsAccount {
            principal_id: "x".repeat(RECORD_BYTES_MAX),
            account_id: ACCOUNT.parse().unwrap(),
        },
        ..record()
    };
    assert!(matches!(impossible.to_bytes(), Err(RecordError::TooLarge)));
}
